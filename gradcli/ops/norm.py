"""Normalisation: by the statistics of a batch, of groups of channels, of the last dimensions, or by a norm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind, is_reduced
from gradcli.errors import UserError
from gradcli.ops.arithmetic import add, add_number, div, mul, wanted
from gradcli.ops.average import POOLS
from gradcli.ops.compare import clamp_min
from gradcli.ops.copies import clone, to_dtype, zeros_like
from gradcli.ops.define import composite, op
from gradcli.ops.elementary import pow_scalar, rsqrt
from gradcli.ops.join import repeat
from gradcli.ops.kinds import check_constant, only
from gradcli.ops.matrix import norm
from gradcli.ops.pad import constant_pad
from gradcli.ops.reduce import mean_dim, sum_dim
from gradcli.ops.shape import contiguous, expand, reshape, select, squeeze_dim, unsqueeze
from gradcli.ops.views import write
from gradcli.ops.windows import unsqueeze_in_place


def check_one_dtype(input: Any, *parameters: Any) -> None:
    """Parameters have the dtype of the input, or they are singles where that is half."""
    given = [parameter for parameter in parameters if parameter is not None]
    if any(parameter.dtype != input.dtype for parameter in given):
        if any(parameter.dtype.name != "float32" for parameter in given):
            raise UserError("type", "mixed dtype (CPU): expect parameter to have scalar type of Float")
        if not is_reduced(input.dtype):
            raise UserError("type", "mixed dtype (CPU): all inputs must share same datatype.")


def check_normalized(input: Any, normalized_shape: Sequence[int], **parameters: Any) -> None:
    """torch's checks that the last dimensions, and the parameters, have the shape that is normalised over."""
    shape = tuple(normalized_shape)
    if not shape:
        raise UserError(
            "shape",
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []",
        )
    if input.ndim < len(shape) or input.shape[input.ndim - len(shape) :] != shape:
        raise UserError(
            "shape",
            f"Given normalized_shape={list(shape)}, expected input with shape [{', '.join(['*', *map(str, shape)])}], "
            f"but got input of size{list(input.shape)}",
        )
    for name, parameter in parameters.items():
        if parameter is not None and parameter.shape != shape:
            raise UserError(
                "shape",
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{list(parameter.shape)} and normalized_shape = {list(shape)}",
            )


def layer_norm_forward(
    input: Any, normalized_shape: Sequence[int], weight: Any, bias: Any, eps: float
) -> tuple[Any, Any, Any]:
    check_normalized(input, normalized_shape, weight=weight, bias=bias)
    check_one_dtype(input, weight, bias)
    axes = normalized_axes(normalized_shape)
    mean = input.mean(axis=axes, keepdims=True)
    mean = mean + (input - mean).mean(axis=axes, keepdims=True)  # equal values must have exactly themselves as mean
    centered = input - mean
    rstd = 1 / np.sqrt((centered * centered).mean(axis=axes, keepdims=True) + eps)
    result = centered * rstd
    if weight is not None:
        result = result * weight
    return result if bias is None else result + bias, mean, rstd


def normalized_axes(normalized_shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(range(-len(normalized_shape), 0))


def layer_norm_backward_forward(
    grad_out: Any, input: Any, normalized_shape: Sequence[int], mean: Any, rstd: Any, weight: Any, bias: Any
) -> tuple[Any, Any, Any]:
    """With x = (input - mean) * rstd and g = grad_out * weight: rstd * (g - mean(g) - x * mean(g * x)) by the input."""
    axes = normalized_axes(normalized_shape)
    normal = (input - mean) * rstd
    scaled = grad_out if weight is None else grad_out * weight
    product_mean = (scaled * normal).mean(axis=axes, keepdims=True)
    for_input = rstd * (scaled - scaled.mean(axis=axes, keepdims=True) - normal * product_mean)
    leading = tuple(range(input.ndim - len(axes)))
    return for_input, np.add.reduce(grad_out * normal, axis=leading), np.add.reduce(grad_out, axis=leading)


def double_backward(
    grads: Sequence[Any], grad_out: Any, scaled: Any, normal: Any, rstd: Any, dims: list[int], weight: Any
) -> tuple[Any, Any, Any]:
    """The derivative of the gradients that a normalisation gives, mean and rstd being functions of the input.

    `grads` are given for those gradients: by the input, the weight and the bias; `scaled` is grad_out * weight. The
    result is by grad_out, by the input, and, by the weight, what has yet to be summed over the other dimensions.
    P(v) = rstd * (v - mean(v) - x * mean(v * x)) is symmetric, and it is also the derivative of x by the input.
    """

    def project(v: Any) -> Any:
        return rstd * (v - mean_dim(v, dims, True) - normal * mean_dim(v * normal, dims, True))

    by_input, by_weight, by_bias = grads
    zero = zeros_like(grad_out)
    for_grad_out, for_input, for_weight = zero, zero, zero
    if by_input is not None:
        projected = project(by_input)
        for_grad_out = projected if weight is None else projected * weight
        for_weight = projected * grad_out
        along, across = mean_dim(by_input * normal, dims, True), mean_dim(scaled * normal, dims, True)
        spread = mean_dim(by_input * scaled, dims, True) - (
            mean_dim(by_input, dims, True) * mean_dim(scaled, dims, True)
        )
        for_input = -(rstd * rstd * normal * (spread - along * across)) - rstd * (
            projected * across + project(scaled) * along
        )
    if by_weight is not None:
        for_grad_out = for_grad_out + by_weight * normal
        for_input = for_input + project(by_weight * grad_out)
    if by_bias is not None:
        for_grad_out = for_grad_out + by_bias
    return for_grad_out, for_input, for_weight


def layer_norm_double_backward(
    grads: Sequence[Any],
    needs: Sequence[bool],
    grad_out: Any,
    input: Any,
    normalized_shape: Sequence[int],
    weight: Any,
    rstd: Any,
) -> tuple[Any, ...]:
    dims = list(normalized_axes(normalized_shape))
    leading = list(range(input.ndim - len(dims)))
    normal = (input - mean_dim(input, dims, True)) * rstd
    scaled = grad_out if weight is None else grad_out * weight
    for_grad_out, for_input, for_weight = double_backward(grads, grad_out, scaled, normal, rstd, dims, weight)
    if grads[0] is None:
        for_weight = None
    elif leading:
        for_weight = sum_dim(for_weight, leading)
    return wanted((for_grad_out, for_input, None, None, for_weight, None), needs)


def layer_norm_backward(grad: Any, needs: Sequence[bool], *saved: Any) -> tuple[Any, ...]:
    return wanted(native_layer_norm_backward(grad, *saved), needs)


def along_channels(parameter: Any, ndim: int) -> Any:
    """One value a channel, shaped to go along dim 1."""
    return reshape(parameter, tuple(-1 if dim == 1 else 1 for dim in range(ndim)))


def but_channels(ndim: int) -> list[int]:
    return [dim for dim in range(ndim) if dim != 1]


def batch_norm_forward(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Any, Any, Any]:
    """With the mean and the inverse deviation of the batch, if `training`, which also moves the running statistics."""
    check_parameters(input, weight, bias, running_mean, running_var, training)
    mean, var = running_mean, running_var
    if training:
        axes = tuple(but_channels(input.ndim))
        mean = np.mean(input, axis=axes)
        var = np.var(input, axis=axes)
        count = input.size // input.shape[1]
        if running_mean is not None:
            running_mean[...] = momentum * mean + (1 - momentum) * running_mean
            running_var[...] = momentum * (var * (count / (count - 1))) + (1 - momentum) * running_var
    rstd = 1 / np.sqrt(var + eps)
    scale = rstd if weight is None else rstd * weight
    result = (input - along_channels(mean, input.ndim)) * along_channels(scale, input.ndim)
    if bias is not None:
        result = result + along_channels(bias, input.ndim)
    if not training:  # nothing is saved of what was there before
        return result.astype(input.dtype), np.zeros_like(input, shape=0), np.zeros_like(input, shape=0)
    return result.astype(input.dtype), mean, rstd


def check_parameters(input: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any, training: bool) -> None:
    channels = input.shape[1] if input.ndim > 1 else 0
    if training and (running_mean is None) != (running_var is None):
        raise UserError("value", "running_mean and running_var must either both be None or neither be None")
    statistics = {"running_mean": running_mean, "running_var": running_var}
    for name, parameter in {**statistics, "weight": weight, "bias": bias}.items():
        if parameter is None:
            if name in statistics and not training:
                raise UserError("value", f"{name} must be defined in evaluation mode")
        elif parameter.size != channels:
            raise UserError("shape", f"{name} should contain {channels} elements not {parameter.size}")
    check_one_dtype(input, running_mean, running_var, weight, bias)


def batch_norm_backward_forward(
    grad_out: Any,
    input: Any,
    weight: Any,
    running_mean: Any,
    running_var: Any,
    save_mean: Any,
    save_invstd: Any,
    train: bool,
    eps: float,
) -> tuple[Any, Any, Any]:
    axes = tuple(but_channels(input.ndim))
    mean, rstd = (save_mean, save_invstd) if train else (running_mean, 1 / np.sqrt(running_var + eps))
    centered = input - along_channels(mean, input.ndim)
    total = np.add.reduce(grad_out, axis=axes)
    product = np.add.reduce(grad_out * centered, axis=axes)
    slope = along_channels(rstd if weight is None else rstd * weight, input.ndim)
    if train:
        count = input.size // input.shape[1]
        flat = along_channels(total / count, input.ndim)
        grad_input = (grad_out - flat - centered * along_channels(product * rstd * rstd / count, input.ndim)) * slope
    else:
        grad_input = grad_out * slope
    return grad_input, product * rstd, total


def batch_norm_backward(grad: Any, needs: Sequence[bool], *saved: Any) -> tuple[Any, ...]:
    return wanted(native_batch_norm_backward(grad, *saved), needs)


def batch_norm_double_backward(
    grads: Sequence[Any],
    needs: Sequence[bool],
    grad_out: Any,
    input: Any,
    weight: Any,
    running_mean: Any,
    running_var: Any,
    save_mean: Any,
    save_invstd: Any,
    train: bool,
    eps: float,
) -> tuple[Any, ...]:
    ndim, dims = input.ndim, but_channels(input.ndim)
    by_input = grads[0]
    by_weight, by_bias = (None if grad is None else along_channels(grad, ndim) for grad in grads[1:])
    column = None if weight is None else along_channels(weight, ndim)
    if train:
        rstd = along_channels(save_invstd, ndim)
        normal = (input - along_channels(save_mean, ndim)) * rstd
        scaled = grad_out if column is None else grad_out * column
        given = (by_input, by_weight, by_bias)
        for_grad_out, for_input, for_weight = double_backward(given, grad_out, scaled, normal, rstd, dims, column)
    else:  # the statistics are constants
        rstd = along_channels(rsqrt(running_var + eps), ndim)
        for_grad_out, for_input, for_weight = zeros_like(grad_out), None, zeros_like(grad_out)
        if by_input is not None:
            for_grad_out = by_input * rstd if column is None else by_input * rstd * column
            for_weight = by_input * grad_out * rstd
        if by_weight is not None:
            for_grad_out = for_grad_out + by_weight * (input - along_channels(running_mean, ndim)) * rstd
            for_input = by_weight * grad_out * rstd
        if by_bias is not None:
            for_grad_out = for_grad_out + by_bias
    return wanted((for_grad_out, for_input, sum_dim(for_weight, dims), None, None), needs)


def group_norm_forward(input: Any, weight: Any, bias: Any, group: int, eps: float) -> tuple[Any, Any, Any]:
    batch = input.shape[0]
    check_one_dtype(input, weight, bias)
    groups = input.reshape((batch, group, math.prod(input.shape[1:]) // group))
    mean = np.add.reduce(groups, axis=2) / groups.shape[2]
    rstd = 1 / np.sqrt(np.add.reduce((groups - mean[:, :, None]) ** 2, axis=2) / groups.shape[2] + eps)
    result = ((groups - mean[:, :, None]) * rstd[:, :, None]).reshape(input.shape)
    if weight is not None:
        result = result * along_channels(weight, input.ndim)
    return result if bias is None else result + along_channels(bias, input.ndim), mean, rstd


def group_norm_backward(
    grads: Sequence[Any], needs: Sequence[bool], input: Any, mean: Any, rstd: Any, weight: Any, group: int, eps: float
) -> tuple[Any, ...]:
    """As torch computes it where it will be differentiated again: mean and rstd are outputs with gradients, too."""
    batch, channels = input.shape[:2]
    share = channels // group
    count = math.prod(input.shape[1:]) // group or math.nan  # of nothing there is no mean
    split = (batch, group, share, math.prod(input.shape[2:]))
    x = reshape(input, split)
    mean, rstd = (reshape(statistic, (batch, group, 1, 1)) for statistic in (mean, rstd))
    by_result, by_mean, by_rstd = grads
    for_input = for_weight = for_bias = None
    if by_result is not None:
        grad = reshape(by_result, split)
        products = unsqueeze_in_place(sum_dim(grad * x, [3]), -1)
        totals = unsqueeze_in_place(sum_dim(grad, [3]), -1)
        if needs[0]:
            scale = None if weight is None else reshape(weight, (1, group, share, 1))
            slope = rstd if scale is None else rstd * scale
            product = unsqueeze_in_place(sum_dim(products if scale is None else products * scale, [2]), -2)
            total = unsqueeze_in_place(sum_dim(totals if scale is None else totals * scale, [2]), -2)
            factor = (total * mean - product) * (rstd * rstd * rstd) * (1 / count)
            for_input = slope * grad + factor * x + (-factor * mean - total * rstd * (1 / count))
        if needs[1]:
            for_weight = reshape(sum_dim((products - totals * mean) * rstd, [0]), (channels,))
        if needs[2]:
            for_bias = reshape(sum_dim(totals, [0]), (channels,))
    if needs[0]:
        parts = [] if for_input is None else [for_input]
        if by_rstd is not None:
            by_var = rstd * rstd * rstd * -0.5 * reshape(by_rstd, (batch, group, 1, 1))
            parts.append(by_var * (2 / count) * (x - mean_dim(x, [2, 3], True)))
        if by_mean is not None:
            parts.append(expand(reshape(by_mean, (batch, group, 1, 1)) / count, x.shape))
        while len(parts) > 1:  # the statistics' own first, as torch adds them
            parts[-2:] = [parts[-2] + parts[-1]]
        for_input = parts[0] if parts else None
        for_input = None if for_input is None else reshape(for_input, input.shape)
    return for_input, for_weight, for_bias


native_layer_norm = op(
    "_native_layer_norm(Tensor input, int[] normalized_shape, Tensor? weight, Tensor? bias, float eps)"
    " -> (result, mean, rstd)",
    "NativeLayerNormBackward0", layer_norm_forward, constant=("mean", "rstd"), check=only("f", "LayerNormKernelImpl"),
    contiguous=True,
    joint=lambda grad, needs, input, normalized_shape, mean, rstd, weight, bias: layer_norm_backward(
        grad, needs, input, normalized_shape, mean, rstd, weight, bias
    ),
)  # fmt: skip
native_layer_norm_backward = op(
    "_native_layer_norm_backward(Tensor grad_out, Tensor input, int[] normalized_shape, Tensor mean, Tensor rstd, "
    "Tensor? weight, Tensor? bias) -> (result0, result1, result2)",
    "NativeLayerNormBackwardBackward0", layer_norm_backward_forward,
    joint=lambda grads, needs, grad_out, input, normalized_shape, rstd, weight: layer_norm_double_backward(
        grads, needs, grad_out, input, normalized_shape, weight, rstd
    ),
)  # fmt: skip
native_batch_norm = op(
    "_native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, "
    "bool training, float momentum, float eps) -> (result0, result1, result2)",
    "NativeBatchNormBackward0", batch_norm_forward, contiguous=True,
    constant=("running_mean", "running_var", "result1", "result2"),
    joint=lambda grad, needs, input, weight, running_mean, running_var, result1, result2, training, eps: (
        batch_norm_backward(
            grad, needs, input, weight, running_mean, running_var, result1, result2, training, eps
        )
    ),
)  # fmt: skip
native_batch_norm_backward = op(
    "_native_batch_norm_backward(Tensor grad_out, Tensor input, Tensor? weight, Tensor? running_mean, "
    "Tensor? running_var, Tensor save_mean, Tensor save_invstd, bool train, float eps)"
    " -> (result0, result1, result2)",
    "NativeBatchNormBackwardBackward0", batch_norm_backward_forward, constant=("running_mean", "running_var"),
    joint=lambda grads, needs, grad_out, input, weight, running_mean, running_var, save_mean, save_invstd, train, eps: (
        batch_norm_double_backward(
            grads, needs, grad_out, input, weight, running_mean, running_var, save_mean, save_invstd, train, eps
        )
    ),
)  # fmt: skip
native_group_norm = op(
    "_native_group_norm(Tensor input, Tensor? weight, Tensor? bias, int group, float eps) -> (result, mean, rstd)",
    "NativeGroupNormBackward0", group_norm_forward, check=only("f", "GroupNormKernelImpl"), contiguous=True,
    joint=lambda grads, needs, input, mean, rstd, weight, group, eps: group_norm_backward(
        grads, needs, input, mean, rstd, weight, group, eps
    ),
)  # fmt: skip


@composite("layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1e-05)")
def layer_norm(
    input: Any, normalized_shape: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    return native_layer_norm(input, normalized_shape, weight, bias, eps)[0]


def check_batch(size: Sequence[int], text: str) -> None:
    if math.prod((size[0], *size[2:])) == 1:
        raise UserError("shape", f"Expected more than 1 value per channel when training, got input size {text}")


@composite(
    "batch_norm(Tensor input, Tensor? running_mean, Tensor? running_var, Tensor? weight=None, Tensor? bias=None, "
    "bool training=False, float momentum=0.1, float eps=1e-05)"
)
def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    if training:
        check_batch(input.shape, f"torch.Size({list(input.shape)})")
    if eps <= 0 and (training or eps < 0):
        wanted = "positive during training" if training else "non-negative"
        raise UserError("value", f"batch_norm eps must be {wanted}, but got {eps}")
    return normalized(input, running_mean, running_var, weight, bias, training, momentum, eps)


def normalized(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any,
    bias: Any,
    training: bool,
    momentum: float,
    eps: float,
) -> Any:
    only("f", "batch_norm")(input)
    if input.array.size == 0:
        result = clone(input)
        result = result if weight is None else mul(result, select(weight, 0, 0))
        return result if bias is None else add(result, select(bias, 0, 0))
    check_constant("native_batch_norm", "running_mean", running_mean)
    check_constant("native_batch_norm", "running_var", running_var)
    return native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)[0]


@composite(
    "instance_norm(Tensor input, Tensor? running_mean=None, Tensor? running_var=None, Tensor? weight=None, "
    "Tensor? bias=None, bool use_input_stats=True, float momentum=0.1, float eps=1e-05)"
)
def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Each sample by itself: batch_norm of one sample that has the channels of all."""
    if use_input_stats and math.prod(input.shape[2:]) == 1:
        raise UserError(
            "shape",
            f"Expected more than 1 spatial element when training, got input size torch.Size({list(input.shape)})",
        )
    if not use_input_stats and (running_mean is None or running_var is None):
        raise UserError("value", "Expected running_mean and running_var to be defined when use_input_stats is false")
    batch, channels = input.shape[:2]
    one = reshape(contiguous(input), (1, batch * channels, *input.shape[2:]))
    mean, var, scale, shift = (
        None if given is None else repeat(given, [batch]) for given in (running_mean, running_var, weight, bias)
    )
    result = normalized(one, mean, var, scale, shift, use_input_stats, momentum, eps)
    for running, moved in ((running_mean, mean), (running_var, var)):
        if running is not None and moved is not None:
            write(running, np.add.reduce(moved.array.reshape(batch, channels), axis=0) / batch)
    return reshape(result, input.shape)


@composite("group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05)")
def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    if input.ndim < 2:
        raise UserError("shape", f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    if num_groups == 0:
        raise UserError("value", "integer division or modulo by zero")
    if num_groups < 0:
        raise UserError("value", f"Expected num groups to be greater than 0, got {num_groups}")
    size = [input.shape[0] * input.shape[1] // num_groups, num_groups, *input.shape[2:]]
    check_batch(size, str(size))
    check_groups(input, num_groups, weight, bias)
    return native_group_norm(contiguous(input), weight, bias, num_groups, eps)[0]


def check_groups(input: Any, num_groups: int, weight: Any, bias: Any) -> None:
    channels = input.shape[1]
    if channels % num_groups:
        raise UserError(
            "shape",
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}",
        )
    for name, parameter in (("weight", weight), ("bias", bias)):
        if parameter is not None and parameter.shape != (channels,):
            raise UserError(
                "shape",
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of "
                f"shape {list(parameter.shape)} and input of shape {list(input.shape)}",
            )


@composite("rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, float? eps=None)")
def rms_norm(input: Any, normalized_shape: Sequence[int], weight: Any = None, eps: float | None = None) -> Any:
    """The input by its root mean square over the last dimensions."""
    if not normalized_shape:
        raise UserError(
            "shape",
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []",
        )
    check_normalized(input, normalized_shape, weight=weight)
    if dtype_kind(input.dtype) not in "fc":
        raise UserError("type", f"\"rms_norm\" not implemented for '{TYPE_NAMES[input.dtype.name]}'")
    wide = to_dtype(input, np.dtype(np.float32)) if is_reduced(input.dtype) else input
    square = mean_dim(pow_scalar(wide, 2), list(normalized_axes(normalized_shape)), True)
    result = mul(wide, rsqrt(add_number(square, float(np.finfo(wide.dtype).eps) if eps is None else eps)))
    result = contiguous(result if weight is None else mul(result, weight))
    return result if wide is input else to_dtype(result, input.dtype)


# of the mean of neighbours: ceil_mode, count_include_pad, divisor_override
POOLING = (False, True, None)


@composite("local_response_norm(Tensor input, int size, float alpha=0.0001, float beta=0.75, float k=1.0)")
def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """The input by the mean square of neighbouring channels."""
    if input.ndim < 3:
        raise UserError("shape", f"Expected 3D or higher dimensionality {' ' * 24} input (got {input.ndim} dimensions)")
    if input.array.size == 0:
        return input
    if size < 1:
        rest = "kH: 1 kW: 1" if input.ndim > 3 else "kW: 1"
        first = f"kT: {size}" if input.ndim > 3 else f"kH: {size}"
        raise UserError("value", f"kernel size should be greater than zero, but got {first} {rest}")
    square = mul(input, input)
    margins = (size // 2, (size - 1) // 2)
    if input.ndim == 3:
        means = squeeze_dim(
            POOLS[2](constant_pad(unsqueeze(square, 1), (0, 0, *margins), 0), [size, 1], [1, 1], [0, 0], *POOLING), 1
        )
    else:
        batch, channels, height = input.shape[:3]
        images = constant_pad(reshape(square, (batch, 1, channels, height, -1)), (0, 0, 0, 0, *margins), 0)
        means = reshape(squeeze_dim(POOLS[3](images, [size, 1, 1], [1, 1, 1], [0, 0, 0], *POOLING), 1), input.shape)
    return div(input, pow_scalar(add(mul(means, alpha), k), beta))


@composite("normalize(Tensor input, float p=2.0, int[] dim=1, float eps=1e-12)")
def normalize(input: Any, p: float = 2.0, dim: int | Sequence[int] = 1, eps: float = 1e-12) -> Any:
    """The input by its norm along `dim`."""
    return div(input, expand(clamp_min(norm(input, p, dim, True), eps), input.shape))
