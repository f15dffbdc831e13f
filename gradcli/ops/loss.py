"""Losses of numbers against numbers, and what all losses share: torch's `reduction` and its older options."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES, can_cast, dtype_kind, result_type, summed
from gradcli.engine.mode import set_grad_enabled, warn
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import abs as absolute
from gradcli.ops.arithmetic import add, div, mul, sub
from gradcli.ops.compare import clamp_min
from gradcli.ops.copies import clone, masked_fill, ones_like
from gradcli.ops.define import composite, op
from gradcli.ops.elementary import exp, log, pow_scalar
from gradcli.ops.kinds import only
from gradcli.ops.reduce import mean, sum
from gradcli.ops.shape import broadcast_sizes, expand, unsqueeze
from gradcli.ops.special import xlogy

# the options of losses that torch had before `reduction`
LEGACY = "any size_average=None, any reduce=None"


def reduced(loss: Any, reduction: str) -> Any:
    """An array of losses as `reduction` wants it: "none", "mean" or "sum"."""
    if reduction == "mean":
        return summed(loss, None) / loss.size if loss.size else np.full_like(loss, math.nan, shape=())
    if reduction == "sum":
        return summed(loss, None)
    if reduction != "none":
        raise UserError("value", f"{reduction} is not a valid value for reduction")
    return loss


def spread(grad: Any, shape: tuple[int, ...], reduction: str) -> Any:
    """The gradient of each loss from that of the reduced one."""
    if reduction == "mean":
        return grad / math.prod(shape)
    return grad


def smooth_l1_forward(self: Any, target: Any, reduction: str, beta: float) -> Any:
    if beta < 0:
        raise UserError("value", "smooth_l1_loss does not support negative values for beta.")
    size = np.absolute(self - target)
    return reduced(np.where(size < beta, 0.5 * size * size / beta, size - 0.5 * beta), reduction)


def smooth_l1_backward_forward(grad_output: Any, self: Any, target: Any, reduction: str, beta: float) -> Any:
    difference = self - target
    slope = np.where(np.absolute(difference) < beta, difference / beta, np.sign(difference))
    return spread(slope * grad_output, difference.shape, reduction)


def huber_forward(self: Any, target: Any, reduction: str, delta: float) -> Any:
    if delta <= 0:
        raise UserError("value", "huber_loss does not support non-positive values for delta.")
    check_castable(self, target)
    size = np.absolute(self - target).astype(self.dtype, copy=False)
    loss = np.where(size <= delta, 0.5 * size * size, delta * (size - 0.5 * delta))
    return reduced(loss.astype(self.dtype, copy=False), reduction)


def check_castable(self: Any, target: Any) -> None:
    """Losses that torch does not promote have the dtype of the input, if that can hold them."""
    dtype = result_type((self, target))
    if not can_cast(dtype, self.dtype):
        found, wanted = TYPE_NAMES[dtype.name], TYPE_NAMES[self.dtype.name]
        raise UserError("type", f"result type {found} can't be cast to the desired output type {wanted}")


def huber_backward_forward(grad_output: Any, self: Any, target: Any, reduction: str, delta: float) -> Any:
    if self.dtype != target.dtype:
        found, wanted = TYPE_NAMES[target.dtype.name], TYPE_NAMES[self.dtype.name]
        raise UserError("type", f"Found dtype {found} but expected {wanted}")
    difference = self - target
    return spread(np.minimum(np.maximum(difference, -delta), delta) * grad_output, difference.shape, reduction)


def by_gradient(grad: Any, slopes: Any, reduction: str) -> Any:
    """The derivative of a loss's gradient by the gradient it was given, of which a reduced loss has but one."""
    return slopes * grad if reduction == "none" else sum(slopes * grad)


mse = op(
    "_mse_loss(Tensor self, Tensor target, str reduction)", "MseLossBackward0",
    lambda self, target, reduction: reduced((self - target) * (self - target), reduction), promote="same",
    check=only("f", "mse_cpu"),
    self=lambda grad, self, target, reduction: mse_backward(grad, self, target, reduction),
    target=lambda grad, self, target, reduction: mse_backward(grad, target, self, reduction),
)  # fmt: skip
mse_backward = op(
    "_mse_loss_backward(Tensor grad_output, Tensor self, Tensor target, str reduction)", "MseLossBackwardBackward0",
    lambda grad_output, self, target, reduction: spread(2 * (self - target) * grad_output, self.shape, reduction),
    promote="same", operands=("self", "target"),
    grad_output=lambda grad, grad_output, self, target, reduction: (
        mse_backward(grad, self, target, reduction)
        if reduction == "none"
        else sum(mse_backward(ones_like(grad_output), self, target, reduction) * grad)
    ),
    self=lambda grad, self_shape, grad_output, reduction: spread(2 * (grad * grad_output), self_shape, reduction),
    target=lambda grad, self_shape, grad_output, reduction: -spread(
        2 * (grad * grad_output), self_shape, reduction
    ),
)  # fmt: skip
smooth_l1 = op(
    "_smooth_l1_loss(Tensor self, Tensor target, str reduction, float beta)", "SmoothL1LossBackward0",
    smooth_l1_forward, promote="same", check=only("f", "smooth_l1_cpu"),
    self=lambda grad, self, target, reduction, beta: smooth_l1_backward(grad, self, target, reduction, beta),
    target=lambda grad, self, target, reduction, beta: smooth_l1_backward(grad, target, self, reduction, beta),
)  # fmt: skip
smooth_l1_backward = op(
    "_smooth_l1_loss_backward(Tensor grad_output, Tensor self, Tensor target, str reduction, float beta)",
    "SmoothL1LossBackwardBackward0", smooth_l1_backward_forward,
    promote="same", operands=("self", "target"),
    grad_output=lambda grad, grad_output, self, target, reduction, beta: by_gradient(
        grad, smooth_l1_backward(ones_like(grad_output), self, target, reduction, beta), reduction
    ),
    self=lambda grad, grad_output, self, target, reduction, beta: spread(
        grad * grad_output * (absolute(self - target) < beta) / beta, self.shape, reduction
    ),
    target=lambda grad, grad_output, self, target, reduction, beta: -spread(
        grad * grad_output * (absolute(self - target) < beta) / beta, self.shape, reduction
    ),
)  # fmt: skip
huber = op(
    "_huber_loss(Tensor self, Tensor target, str reduction, float delta)", "HuberLossBackward0", huber_forward,
    check=only("f", "huber_cpu"),
    self=lambda grad, self, target, reduction, delta: huber_backward(grad, self, target, reduction, delta),
    target=lambda grad, self, target, reduction, delta: huber_backward(grad, target, self, reduction, delta),
)  # fmt: skip
huber_backward = op(
    "_huber_loss_backward(Tensor grad_output, Tensor self, Tensor target, str reduction, float delta)",
    "HuberLossBackwardBackward0", huber_backward_forward,
    grad_output=lambda grad, grad_output, self, target, reduction, delta: by_gradient(
        grad, huber_backward(ones_like(grad_output), self, target, reduction, delta), reduction
    ),
    self=lambda grad, grad_output, self, target, reduction, delta: spread(
        grad * grad_output * (absolute(self - target) < delta), self.shape, reduction
    ),
    target=lambda grad, grad_output, self, target, reduction, delta: -spread(
        grad * grad_output * (absolute(self - target) < delta), self.shape, reduction
    ),
)  # fmt: skip


def reduction_of(size_average: Any, reduce: Any, reduction: str) -> str:
    """The reduction that is asked for, in whatever words; of the old ones torch asks only whether they are true."""
    if size_average is not None or reduce is not None:
        summed = size_average is not None and not size_average
        reduction = "none" if reduce is not None and not reduce else "sum" if summed else "mean"
        warn(f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.")
    if reduction == "elementwise_mean":
        warn("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.")
        return "mean"
    if reduction not in ("none", "mean", "sum"):
        raise UserError("value", f"{reduction} is not a valid value for reduction")
    return reduction


def reduce_loss(loss: Any, reduction: str) -> Any:
    if reduction == "mean":
        return mean(loss)
    return sum(loss) if reduction == "sum" else loss


def same_size(input: Any, target: Any) -> tuple[Any, Any]:
    """Both at their common size: torch's losses broadcast, with a warning."""
    if input.shape == target.shape:
        return input, target
    warn(
        f"Using a target size (torch.Size({list(target.shape)})) that is different to the input size "
        f"(torch.Size({list(input.shape)})). This will likely lead to incorrect results due to broadcasting. Please "
        "ensure they have the same size."
    )
    shape = broadcast_sizes(input.shape, target.shape)
    first, second = (one if one.shape == shape else expand(one, shape) for one in (input, target))
    return first, second


def check_weight(input: Any, weight: Any, reduction: str) -> None:
    if weight.shape != input.shape:
        raise UserError("shape", "Weights and input must have the same size.")
    if reduction not in ("none", "mean", "sum"):
        raise UserError("value", f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'.")


def weighted_mean(loss: Any, weight: Any, reduction: str) -> Any:
    """As `reduce_loss`; the mean is that of the weights."""
    weighted = mul(loss, weight)
    return div(sum(weighted), sum(weight)) if reduction == "mean" else reduce_loss(weighted, reduction)


@composite(f'mse_loss(Tensor input, Tensor target, {LEGACY}, str reduction="mean", Tensor? weight=None)')
def mse_loss(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """The mean of (input - target) ** 2, or what `reduction` makes of it."""
    self, target = same_size(input, target)
    if weight is None:
        return mse(self, target, reduction_of(size_average, reduce, reduction))
    check_weight(input, weight, reduction)
    return weighted_mean(pow_scalar(sub(self, target), 2), weight, reduction)


@composite(f'l1_loss(Tensor input, Tensor target, {LEGACY}, str reduction="mean", Tensor? weight=None)')
def l1_loss(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """The mean of abs(input - target), or what `reduction` makes of it."""
    self, target = same_size(input, target)
    if weight is None:
        return reduce_loss(absolute(self - target), reduction_of(size_average, reduce, reduction))
    check_weight(input, weight, reduction)
    return weighted_mean(absolute(sub(self, target)), weight, reduction)


@composite(f'smooth_l1_loss(Tensor input, Tensor target, {LEGACY}, str reduction="mean", float beta=1.0)')
def smooth_l1_loss(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Any:
    self, target = same_size(input, target)
    reduction = reduction_of(size_average, reduce, reduction)
    return smooth_l1(self, target, reduction, beta) if beta else reduce_loss(absolute(self - target), reduction)


@composite('huber_loss(Tensor input, Tensor target, str reduction="mean", float delta=1.0, Tensor? weight=None)')
def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Any:
    """Half the square of input - target; where that is above `delta`, a line that goes on from there."""
    self, target = same_size(input, target)
    if weight is None:
        return huber(self, target, reduction_of(None, None, reduction), delta)
    check_weight(input, weight, reduction)
    return reduce_loss(mul(huber(self, target, "none", delta), weight), reduction)


@composite(f'kl_div(Tensor input, Tensor target, {LEGACY}, str reduction="mean", bool log_target=False)')
def kl_div(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Any:
    """Of `input`, logarithms of probabilities, from the probabilities `target`."""
    if size_average is None and reduce is None and reduction == "mean":
        warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides "
            "only by the batch size, and aligns with the KL div math definition.'mean' will be changed to behave the "
            "same as 'batchmean' in the next major release."
        )
    per_sample = reduction == "batchmean"
    reduction = reduction_of(size_average, reduce, "sum" if per_sample else reduction)
    total = divergence(input, target, reduction, log_target)
    return div(total, input.shape[0]) if per_sample and input.ndim else total


def divergence(input: Any, target: Any, reduction: str, log_target: bool = False) -> Any:
    for kinds, name in (("c", "Complex"), ("biu", "Integral")):
        if dtype_kind(input.dtype) in kinds or dtype_kind(target.dtype) in kinds:
            raise UserError("type", f"kl_div: {name} inputs not supported.")
    # the right operand first, as torch is compiled: the nodes are numbered in this order
    if log_target:
        difference = target - input
        loss = exp(target) * difference
    else:
        cross = target * input
        loss = xlogy(target, target) - cross
    return reduce_loss(loss, reduction)


@composite(
    "poisson_nll_loss(Tensor input, Tensor target, bool log_input=True, bool full=False, any size_average=None, "
    'float eps=1e-08, any reduce=None, str reduction="mean")'
)
def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: Any = None,
    eps: float = 1e-8,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """Of counts, `target`, by the rate of a Poisson distribution; `full` adds Stirling's approximation."""
    reduction = reduction_of(size_average, reduce, reduction)
    product = target * (input if log_input else log(input + eps))
    loss = (exp(input) if log_input else input) - product
    if full:
        root = 0.5 * log(2 * math.pi * target)
        stirling = target * log(target) - target + root
        loss = add.inplace(loss, masked_fill(stirling, target <= 1, 0))
    return reduce_loss(loss, reduction)


@composite(
    "gaussian_nll_loss(Tensor input, Tensor target, Tensor|float var, bool full=False, float eps=1e-06, "
    'str reduction="mean")'
)
def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """Of `target`, by a normal distribution; `eps` is the least variance, which the gradient knows nothing of."""
    if not isinstance(var, Tensor):
        var = Tensor(np.full_like(input.array, var))
    if (var.array < 0).any().item():
        raise UserError("value", "var has negative entry/entries")
    if var.shape != input.shape:
        if var.shape == input.shape[:-1]:
            var = unsqueeze(var, -1)
        elif var.ndim != input.ndim or spread_variances(input.shape, var.shape) != 1:
            raise UserError("shape", "var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise UserError("value", f"{reduction} is not valid")
    var = clone(var)
    with set_grad_enabled(False):
        clamp_min.inplace(var, eps)
    loss = mul(add(log(var), div(pow_scalar(sub(input, target), 2), var)), 0.5)
    return reduce_loss(add(loss, 0.5 * math.log(2 * math.pi)) if full else loss, reduction)


def spread_variances(shape: tuple[int, ...], other: tuple[int, ...]) -> int:
    """torch's measure of how a variance is shared: the lengths it has where they are not those of the input."""
    total = 0
    for length, given in zip(shape, other, strict=True):
        total += given if given != length else 0
    return total
