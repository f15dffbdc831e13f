"""Losses of classes: negative log-likelihoods, cross entropy, and its binary forms."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.device import np, zeros_beside
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind
from gradcli.errors import UserError
from gradcli.ops.activation import log_sigmoid
from gradcli.ops.arithmetic import add, add_number, div_number, mul, mul_number, neg
from gradcli.ops.compare import eq as equal
from gradcli.ops.compare import logical_not
from gradcli.ops.copies import masked_fill, ones_like, zeros_like
from gradcli.ops.define import Op, composite, op
from gradcli.ops.elementary import logit, sigmoid
from gradcli.ops.index import along, gather, masked_select
from gradcli.ops.kinds import check_constant, only
from gradcli.ops.linalg import linear
from gradcli.ops.loss import LEGACY, by_gradient, reduced, reduction_of, spread
from gradcli.ops.reduce import sum, sum_dim
from gradcli.ops.shape import broadcast_sizes, contiguous, expand, flatten, reshape, view
from gradcli.ops.softmax import log_softmax_dim


def bce_logits_forward(self: Any, target: Any, weight: Any, pos_weight: Any, reduction: str) -> Any:
    log_probability = log_sigmoid(self)
    if pos_weight is not None:
        log_probability = log_probability * ((pos_weight - 1) * target + 1)
    loss = (1 - target) * self - log_probability
    return reduced(loss if weight is None else loss * weight, reduction)


def bce_logits_backward(grad: Any, self: Any, target: Any, weight: Any, pos_weight: Any, reduction: str) -> Any:
    if pos_weight is None:
        slope = (sigmoid(self) - target) * grad
    else:
        positive = pos_weight * target
        slope = ((positive + 1 - target) * sigmoid(self) - positive) * grad
    return spread(slope if weight is None else slope * weight, self.shape, reduction)


def bce_logits_target_backward(grad: Any, self: Any, target: Any, weight: Any, pos_weight: Any, reduction: str) -> Any:
    by_target = -self if pos_weight is None else log_sigmoid(-self) - log_sigmoid(self) * pos_weight
    slope = by_target * grad
    return spread(slope if weight is None else slope * weight, target.shape, reduction)


def bce_forward(self: Any, target: Any, weight: Any, reduction: str) -> Any:
    """Logarithms are not let below -100."""
    for name, probabilities in (("input", self), ("target", target)):
        if not ((probabilities >= 0) & (probabilities <= 1)).all().item():
            raise UserError("value", f"all elements of {name} should be between 0 and 1")
    logs, other_logs = np.maximum(np.log(self), -100), np.maximum(np.log1p(-self), -100)
    loss = (target - 1) * other_logs - target * logs
    return reduced(loss if weight is None else loss * weight, reduction)


def bce_backward_forward(grad_output: Any, self: Any, target: Any, weight: Any, reduction: str) -> Any:
    slope = grad_output * (self - target) / np.maximum((1 - self) * self, 1e-12)
    return spread(slope if weight is None else slope * weight, self.shape, reduction)


def bce_target_backward(grad: Any, self: Any, weight: Any, reduction: str) -> Any:
    slope = -logit(self) * grad
    return spread(slope if weight is None else slope * weight, self.shape, reduction)


def bce_double_backward(grad: Any, self: Any, target: Any, weight: Any, reduction: str) -> Any:
    variance = (self + 1e-12) * (1 - self + 1e-12)
    slope = grad * (self * self - 2 * self * target + target) / (variance * variance)
    return spread(slope if weight is None else slope * weight, self.shape, reduction)


def bce_double_backward_target(grad: Any, self: Any, weight: Any, reduction: str) -> Any:
    slope = -grad / (self * (1 - self))
    return spread(slope if weight is None else slope * weight, self.shape, reduction)


def nll_forward(self: Any, target: Any, weight: Any, reduction: str, ignore_index: int) -> tuple[Any, Any]:
    """The loss and the total weight it was divided by; classes are in dim 1, or in dim 0 of a vector."""
    dim = 0 if self.ndim == 1 else 1
    check_target(self, target, weight, ignore_index)
    target = target.reshape(()) if self.ndim == 1 else target
    kept = target != ignore_index
    safe = np.where(kept, target, 0).astype(np.int64)
    picked = np.take_along_axis(self, np.expand_dims(safe, dim), axis=dim).squeeze(dim)
    factor = kept.astype(self.dtype) if weight is None else np.where(kept, weight[safe], 0)
    loss = np.where(kept, -picked * factor, 0)
    total = np.add.reduce(factor, axis=None, dtype=self.dtype)
    if reduction == "none":
        return loss, zeros_beside(self, ())
    summed = np.add.reduce(loss, axis=None)
    return (summed / total if reduction == "mean" else summed), total


def check_target(self: Any, target: Any, weight: Any, ignore_index: int) -> None:
    dim = 0 if self.ndim == 1 else 1
    check_target_shape(self, target)
    if target.dtype.name not in ("int64", "uint8"):
        raise UserError("type", f"expected target dtype to be Long or Byte, but got {TYPE_NAMES[target.dtype.name]}")
    classes = self.shape[dim]
    if weight is not None:
        check_class_weight("", weight, classes)
        if weight.dtype != self.dtype:
            wanted, found = TYPE_NAMES[self.dtype.name], TYPE_NAMES[weight.dtype.name]
            raise UserError("type", f"expected scalar type {wanted} but found {found}")
    outside = target[(target != ignore_index) & ((target < 0) | (target >= classes))]
    if outside.size:
        raise UserError("value", f"Target {outside.reshape(-1)[0].item()} is out of bounds.")


def check_target_shape(self: Any, target: Any) -> None:
    dim = 0 if self.ndim == 1 else 1
    wanted = self.shape[:dim] + self.shape[dim + 1 :]
    if target.shape == wanted:
        return
    if self.ndim == 1:
        if target.shape == (1,):
            return
        if target.ndim == 1:
            raise UserError(
                "shape", f"For 1D input, 1D target must have size 1, but got target size: {target.shape[0]}"
            )
    elif target.ndim and target.shape[0] != self.shape[0]:
        raise UserError(
            "shape",
            f"Expected input batch_size ({self.shape[0]}) to match target batch_size ({target.shape[0]}).",
        )
    if self.ndim <= 2:
        raise UserError("shape", "0D or 1D target tensor expected, multi-target not supported")
    if self.ndim == 4:
        raise UserError("shape", f"size mismatch (got input: {list(self.shape)} , target: {list(target.shape)}")
    raise UserError("shape", f"Expected target size {list(wanted)}, got {list(target.shape)}")


def check_class_weight(function: str, weight: Any, classes: int) -> None:
    if weight.shape != (classes,):
        raise UserError(
            "shape",
            f"{function}weight tensor should be defined either for all {classes} classes or no classes but got weight "
            f"tensor of shape: {list(weight.shape)}",
        )


def nll_backward_forward(
    grad_output: Any, self: Any, target: Any, weight: Any, reduction: str, ignore_index: int, total_weight: Any
) -> Any:
    """Zeros with -weight * grad_output at the target's class, in shares of the total weight for the mean."""
    if self.ndim == 1 and target.ndim == 1:
        raise UserError("shape", f"size mismatch (got input: {list(self.shape)}, target: {list(target.shape)})")
    dim = 0 if self.ndim == 1 else 1
    kept = target != ignore_index
    safe = np.where(kept, target, 0).astype(np.int64)
    factor = kept.astype(self.dtype) if weight is None else np.where(kept, weight[safe], 0)
    scale = grad_output / total_weight if reduction == "mean" else grad_output
    result = np.zeros_like(self)
    slope = np.where(kept, -scale * factor, 0)
    result[along(np.expand_dims(safe, dim), dim)] = np.expand_dims(slope, dim)
    return result


binary_cross_entropy_with_logits = op(
    '_bce_with_logits(Tensor self, Tensor target, Tensor? weight, Tensor? pos_weight, str reduction)',
    "BinaryCrossEntropyWithLogitsBackward0", bce_logits_forward, promote="same", operands=("self", "target"),
    self=lambda grad, self, target, weight, pos_weight, reduction: bce_logits_backward(
        grad, self, target, weight, pos_weight, reduction
    ),
    target=lambda grad, self, target, weight, pos_weight, reduction: bce_logits_target_backward(
        grad, self, target, weight, pos_weight, reduction
    ),
)  # fmt: skip
bce = op(
    "_binary_cross_entropy(Tensor self, Tensor target, Tensor? weight, str reduction)", "BinaryCrossEntropyBackward0",
    bce_forward, check=only("f", "binary_cross_entropy"),
    self=lambda grad, self, target, weight, reduction: bce_backward(grad, self, target, weight, reduction),
    target=lambda grad, self, weight, reduction: bce_target_backward(grad, self, weight, reduction),
)  # fmt: skip
bce_backward = op(
    "_binary_cross_entropy_backward(Tensor grad_output, Tensor self, Tensor target, Tensor? weight, str reduction)",
    "BinaryCrossEntropyBackwardBackward0", bce_backward_forward,
    grad_output=lambda grad, grad_output, self, target, weight, reduction: by_gradient(
        grad, bce_backward(ones_like(grad_output), self, target, weight, reduction), reduction
    ),
    self=lambda grad, grad_output, self, target, weight, reduction: bce_double_backward(
        grad * grad_output, self, target, weight, reduction
    ),
    target=lambda grad, grad_output, self, weight, reduction: bce_double_backward_target(
        grad * grad_output, self, weight, reduction
    ),
)  # fmt: skip


def declare(name: str, node: str, kernel: str) -> Op:
    loss = op(
        f"_{name}(Tensor self, Tensor target, Tensor? weight, str reduction, int ignore_index)"
        " -> (result, total_weight)",
        f"{node}Backward0", nll_forward, constant=("total_weight",),
        check=lambda self, *others: only("f", kernel)(self),
        self=lambda grad, self, target, weight, reduction, ignore_index, total_weight: backward(
            grad, self, target, weight, reduction, ignore_index, total_weight
        ),
    )  # fmt: skip
    backward = op(
        f"_{name}_backward(Tensor grad_output, Tensor self, Tensor target, Tensor? weight, str reduction, "
        "int ignore_index, Tensor total_weight)",
        f"{node}BackwardBackward0", nll_backward_forward,
        grad_output=lambda grad, target, weight, reduction, ignore_index: loss(
            grad, target, weight, reduction, ignore_index
        )[0],
        self=lambda grad: zeros_like(grad),
    )  # fmt: skip
    return loss


nll = declare("nll_loss", "NllLoss", "nll_loss_out_frame")
nll_2d = declare("nll_loss2d", "NllLoss2D", "nll_loss2d_forward_out_frame")


@composite(
    f"binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight=None, {LEGACY}, "
    'str reduction="mean", Tensor? pos_weight=None)'
)
def bce_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    reduction = reduction_of(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise UserError(
            "shape",
            f"Target size (torch.Size({list(target.shape)})) must be the same as input size "
            f"(torch.Size({list(input.shape)}))",
        )
    check_constant("binary_cross_entropy_with_logits", "weight", weight)
    check_constant("binary_cross_entropy_with_logits", "pos_weight", pos_weight)
    if dtype_kind(target.dtype) == "b":
        raise UserError(
            "type",
            "Subtraction, the `-` operator, with two bool tensors is not supported.",
            hint="make the target a float tensor, with `.float()`",
        )
    only("f", "log_sigmoid_cpu")(input.array)
    if dtype_kind(target.dtype) not in "fc":
        result, found = TYPE_NAMES[input.dtype.name], TYPE_NAMES[target.dtype.name]
        raise UserError("type", f"result type {result} can't be cast to the desired output type {found}")
    return binary_cross_entropy_with_logits(input, target, weight, pos_weight, reduction)


@composite(f'binary_cross_entropy(Tensor input, Tensor target, Tensor? weight=None, {LEGACY}, str reduction="mean")')
def binary_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    reduction = reduction_of(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise UserError(
            "shape",
            f"Using a target size (torch.Size({list(target.shape)})) that is different to the input size "
            f"(torch.Size({list(input.shape)})) is deprecated. Please ensure they have the same size.",
        )
    check_constant("binary_cross_entropy", "weight", weight)
    if weight is not None:
        check_shapes(target.shape, weight.shape)
        shape = broadcast_sizes(target.shape, weight.shape)
        if shape != input.shape:
            raise UserError(
                "shape", f"output with shape {list(input.shape)} doesn't match the broadcast shape {list(shape)}"
            )
        weight = expand(weight, shape)
    for other in (target, weight):
        if dtype_kind(input.dtype) == "f" and other is not None and other.dtype != input.dtype:
            found, wanted = (TYPE_NAMES[tensor.dtype.name] for tensor in (other, input))
            raise UserError("type", f"Found dtype {found} but expected {wanted}")
    return bce(input, target, weight, reduction)


@composite(
    "nll_loss(Tensor input, Tensor target, Tensor? weight=None, any size_average=None, int ignore_index=-100, "
    'any reduce=None, str reduction="mean")'
)
def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    return negative_log_likelihood(input, target, weight, ignore_index, reduction_of(size_average, reduce, reduction))


def check_shapes(shape: tuple[int, ...], other: tuple[int, ...]) -> None:
    """What torch.broadcast_shapes says of shapes that do not broadcast."""
    for place, (length, given) in enumerate(zip(reversed(shape), reversed(other), strict=False), 1):
        if length != given and 1 not in (length, given):
            raise UserError(
                "shape",
                f"Attempting to broadcast a dimension of length {given} at -{place}! Mismatching argument at index 1 "
                f"had torch.Size({list(other)}); but expected shape should be broadcastable to {list(shape)}",
            )


def negative_log_likelihood(input: Any, target: Any, weight: Any, ignore_index: int, reduction: str) -> Any:
    if input.ndim == 0:
        raise UserError("shape", "Expected 1 or more dimensions (got 0)")
    check_constant("nll_loss_forward" if input.ndim <= 2 else "nll_loss2d_forward", "weight", weight)
    if input.ndim <= 2:
        return nll(input, target, weight, reduction, ignore_index)[0]
    if input.ndim == 4:
        return nll_2d(input, target, weight, reduction, ignore_index)[0]
    # any other number of dimensions is seen as an image, N x C x rows x 1
    check_target_shape(input, target)
    batch, classes = input.shape[:2]
    rest = math.prod(input.shape[2:])
    image = view(contiguous(input), (batch, classes, 1, rest))
    labels = view(contiguous(target), (batch, 1, rest))
    loss = nll_2d(image, labels, weight, reduction, ignore_index)[0]
    return reshape(loss, target.shape) if reduction == "none" else loss


@composite(
    "cross_entropy(Tensor input, Tensor target, Tensor? weight=None, any size_average=None, int ignore_index=-100, "
    'any reduce=None, str reduction="mean", float label_smoothing=0.0)'
)
def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """nll_loss(log_softmax(input, 1), target); of shares as `target`, -sum(target * log_softmax(input, 1))."""
    reduction = reduction_of(size_average, reduce, reduction)
    dim = 0 if input.ndim == 1 else 1
    if target.shape == input.shape:
        if dtype_kind(target.dtype) != "f":
            raise UserError(
                "type",
                "Expected floating point type for target with class probabilities, got "
                f"{TYPE_NAMES[target.dtype.name]}",
            )
        if ignore_index >= 0:
            raise UserError("value", "ignore_index is not supported for floating point target")
    if label_smoothing > 1:
        raise UserError("value", f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    logs = log_softmax_dim(input, dim)
    if target.shape == input.shape:
        return of_probabilities(logs, target, weight, reduction, label_smoothing, dim)
    loss = negative_log_likelihood(logs, target, weight, ignore_index, reduction)
    if label_smoothing <= 0:
        return loss
    smooth = smoothing(logs, target, weight, ignore_index, reduction, dim)
    return add(mul_number(loss, 1 - label_smoothing), mul_number(smooth, label_smoothing / input.shape[dim]))


@composite(
    "linear_cross_entropy(Tensor input, Tensor linear_weight, Tensor target, *, Tensor? linear_bias=None, "
    'Tensor? weight=None, str reduction="mean", int? ignore_index=None, float label_smoothing=0.0, any options=None)'
)
def linear_cross_entropy(
    input: Any,
    linear_weight: Any,
    target: Any,
    linear_bias: Any = None,
    weight: Any = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: None = None,
) -> Any:
    """The cross entropy of `linear(input, linear_weight, linear_bias)`; several losses a sample for a weight of more
    dimensions. torch's `options` are an object that only Python can make.
    """
    if options is not None:
        raise UserError("type", "linear_cross_entropy(): options of chunking are not supported")
    shape = check_linear_cross_entropy(input, linear_weight, linear_bias)
    if target.shape == shape and ignore_index is not None:
        raise UserError("value", "ignore_index cannot be specified when target contains probabilities")
    if linear_weight.ndim > 2:
        outputs = math.prod(linear_weight.shape[:-1])
        linear_weight = reshape(linear_weight, (outputs, input.shape[-1]))
        linear_bias = None if linear_bias is None else reshape(linear_bias, (outputs,))
    logits = reshape(linear(input, linear_weight, linear_bias), shape)
    ignored = -100 if ignore_index is None else ignore_index
    return cross_entropy(logits, target, weight, None, ignored, None, reduction, label_smoothing)


def check_linear_cross_entropy(input: Any, linear_weight: Any, linear_bias: Any) -> tuple[int, ...]:
    """The shape of the logits."""
    if input.ndim not in (1, 2):
        raise UserError("shape", f"expected input with dimensionality 1 or 2, got {input.ndim}")
    if linear_weight.ndim < 2:
        raise UserError("shape", f"expected linear_weight with dimensionality at least 2, got {linear_weight.ndim}")
    if input.shape[-1] != linear_weight.shape[-1]:
        raise UserError(
            "shape",
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{input.shape[-1]} and {linear_weight.shape[-1]}, respectively",
        )
    classes = linear_weight.shape[:-1]
    if linear_bias is not None and linear_bias.shape != classes:
        raise UserError("shape", f"expected linear_bias shape {tuple(classes)}, got {tuple(linear_bias.shape)}")
    if len(classes) > 1 and input.ndim == 1:
        raise UserError(
            "shape",
            f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} requires batched input, "
            f"(N, {input.shape[-1]}), got unbatched input with shape {tuple(input.shape)}",
        )
    return (*input.shape[:-1], *classes)


def of_probabilities(logs: Any, target: Any, weight: Any, reduction: str, label_smoothing: float, dim: int) -> Any:
    """Cross entropy from probabilities of classes."""
    classes = logs.shape[dim]
    if label_smoothing > 0:
        target = add_number(mul_number(target, 1 - label_smoothing), label_smoothing / classes)
    weighted = mul(logs, target)
    if weight is not None:
        check_class_weight("cross_entropy: ", weight, classes)
        weighted = mul(weighted, class_column(weight, logs.ndim, dim))
    if reduction == "none":
        return neg(sum_dim(weighted, dim))
    total = neg(sum(weighted))
    return div_number(total, math.prod(logs.shape) / classes) if reduction == "mean" else total


def smoothing(logs: Any, target: Any, weight: Any, ignore_index: int, reduction: str, dim: int) -> Any:
    """The loss by all classes alike, which label smoothing mixes in."""
    smooth = neg(sum_dim(logs if weight is None else mul(logs, class_column(weight, logs.ndim, dim)), dim))
    ignored = equal(target, ignore_index)
    smooth = masked_fill(smooth, ignored, 0.0)
    if reduction == "mean":
        if weight is None:
            return sum(smooth) / sum(logical_not(ignored))
        labels = flatten(masked_select(target, logical_not(ignored)))
        return sum(smooth) / sum(gather(weight, 0, labels))
    return sum(smooth) if reduction == "sum" else smooth


def class_column(weight: Any, ndim: int, dim: int) -> Any:
    """`weight`, one value a class, shaped to multiply along `dim`."""
    return reshape(weight, tuple(-1 if place == dim else 1 for place in range(ndim)))
