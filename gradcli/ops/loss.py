"""Loss functions, with torch's `reduction`, weights and label options."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES
from gradcli.errors import UserError
from gradcli.ops.activation import log_sigmoid
from gradcli.ops.arithmetic import abs as absolute
from gradcli.ops.arithmetic import add, add_number, div_number, mul, mul_number, neg
from gradcli.ops.compare import eq as equal
from gradcli.ops.compare import logical_not
from gradcli.ops.copies import masked_fill, ones_like, zeros_like
from gradcli.ops.define import composite, op
from gradcli.ops.elementary import sigmoid
from gradcli.ops.index import gather, masked_select
from gradcli.ops.kinds import check_constant, only
from gradcli.ops.reduce import mean, sum, sum_dim
from gradcli.ops.shape import broadcast_sizes, expand, flatten, reshape
from gradcli.ops.softmax import log_softmax_dim


def reduced(loss: Any, reduction: str) -> Any:
    """An array of losses as `reduction` wants it: "none", "mean" or "sum"."""
    if reduction == "mean":
        return loss.mean(dtype=loss.dtype) if loss.size else np.asarray(math.nan, loss.dtype)
    if reduction == "sum":
        return np.add.reduce(loss, axis=None)
    if reduction != "none":
        raise UserError("value", f"{reduction} is not a valid value for reduction")
    return loss


def spread(grad: Any, shape: tuple[int, ...], reduction: str) -> Any:
    """The gradient of each loss from that of the reduced one."""
    if reduction == "mean":
        return grad / math.prod(shape)
    return grad


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


def nll_forward(self: Any, target: Any, weight: Any, reduction: str, ignore_index: int) -> tuple[Any, Any]:
    """The loss and the total weight it was divided by; classes are in dim 1, or in dim 0 of a vector."""
    dim = 0 if self.ndim == 1 else 1
    check_target(self, target, weight, ignore_index)
    kept = target != ignore_index
    safe = np.where(kept, target, 0)
    picked = np.take_along_axis(self, np.expand_dims(safe, dim), axis=dim).squeeze(dim)
    factor = kept.astype(self.dtype) if weight is None else np.where(kept, weight[safe], 0)
    loss = np.where(kept, -picked * factor, np.zeros((), self.dtype))
    total = np.add.reduce(factor, axis=None, dtype=self.dtype)
    if reduction == "none":
        return loss, np.zeros((), self.dtype)
    summed = np.add.reduce(loss, axis=None)
    return (summed / total if reduction == "mean" else reduced(loss, reduction)), total


def check_target(self: Any, target: Any, weight: Any, ignore_index: int) -> None:
    dim = 0 if self.ndim == 1 else 1
    wanted = self.shape[:dim] + self.shape[dim + 1 :]
    if target.shape != wanted:
        if self.ndim > 2 or not target.shape:
            raise UserError("shape", f"Expected target size {list(wanted)}, got {list(target.shape)}")
        raise UserError(
            "shape",
            f"Expected input batch_size ({self.shape[0]}) to match target batch_size ({target.shape[0]}).",
        )
    if target.dtype.kind not in "iu":
        raise UserError("type", f"expected scalar type Long but found {TYPE_NAMES[target.dtype.name]}")
    classes = self.shape[dim]
    if weight is not None and weight.shape != (classes,):
        raise UserError(
            "shape",
            "weight tensor should be defined either for all or no classes but got weight tensor of shape: "
            f"{list(weight.shape)}",
        )
    outside = target[(target != ignore_index) & ((target < 0) | (target >= classes))]
    if outside.size:
        raise UserError("value", f"Target {int(outside.reshape(-1)[0])} is out of bounds.")


def nll_backward_forward(
    grad_output: Any, self: Any, target: Any, weight: Any, reduction: str, ignore_index: int, total_weight: Any
) -> Any:
    """Zeros with -weight * grad_output at the target's class, in shares of the total weight for the mean."""
    dim = 0 if self.ndim == 1 else 1
    kept = target != ignore_index
    safe = np.where(kept, target, 0)
    factor = kept.astype(self.dtype) if weight is None else np.where(kept, weight[safe], 0)
    scale = grad_output / total_weight if reduction == "mean" else grad_output
    result = np.zeros_like(self)
    slope = np.where(kept, -scale * factor, np.zeros((), self.dtype))
    np.put_along_axis(result, np.expand_dims(safe, dim), np.expand_dims(slope, dim), dim)
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
nll = op(
    "_nll_loss(Tensor self, Tensor target, Tensor? weight, str reduction, int ignore_index) -> (result, total_weight)",
    "NllLossBackward0", nll_forward, constant=("total_weight",),
    self=lambda grad, self, target, weight, reduction, ignore_index, total_weight: nll_backward(
        grad, self, target, weight, reduction, ignore_index, total_weight
    ),
)  # fmt: skip
nll_backward = op(
    "_nll_loss_backward(Tensor grad_output, Tensor self, Tensor target, Tensor? weight, str reduction, "
    "int ignore_index, Tensor total_weight)",
    "NllLossBackwardBackward0", nll_backward_forward,
    grad_output=lambda grad, target, weight, reduction, ignore_index: nll(
        grad, target, weight, reduction, ignore_index
    )[0],
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
nll_2d = op(
    "_nll_loss2d(Tensor self, Tensor target, Tensor? weight, str reduction, int ignore_index)"
    " -> (result, total_weight)",
    "NllLoss2DBackward0", nll_forward, constant=("total_weight",),
    self=lambda grad, self, target, weight, reduction, ignore_index, total_weight: nll_2d_backward(
        grad, self, target, weight, reduction, ignore_index, total_weight
    ),
)  # fmt: skip
nll_2d_backward = op(
    "_nll_loss2d_backward(Tensor grad_output, Tensor self, Tensor target, Tensor? weight, str reduction, "
    "int ignore_index, Tensor total_weight)",
    "NllLoss2DBackwardBackward0", nll_backward_forward,
    grad_output=lambda grad, target, weight, reduction, ignore_index: nll_2d(
        grad, target, weight, reduction, ignore_index
    )[0],
    self=lambda grad: zeros_like(grad),
)  # fmt: skip


def same_size(input: Any, target: Any) -> tuple[Any, Any]:
    """Both at their common size: torch's losses broadcast, with a warning."""
    if input.shape == target.shape:
        return input, target
    shape = broadcast_sizes(input.shape, target.shape)
    return expand(input, shape), expand(target, shape)


@composite('mse_loss(Tensor input, Tensor target, *, str reduction="mean")')
def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    return mse(*same_size(input, target), reduction)


@composite('l1_loss(Tensor input, Tensor target, *, str reduction="mean")')
def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    input, target = same_size(input, target)
    return reduce_loss(absolute(input - target), reduction)


def reduce_loss(loss: Any, reduction: str) -> Any:
    if reduction == "mean":
        return mean(loss)
    if reduction == "sum":
        return sum(loss)
    if reduction != "none":
        raise UserError("value", f"{reduction} is not a valid value for reduction")
    return loss


@composite(
    "binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight=None, *, "
    'str reduction="mean", Tensor? pos_weight=None)'
)
def bce_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    if target.shape != input.shape:
        raise UserError(
            "shape",
            f"Target size (torch.Size({list(target.shape)})) must be the same as input size "
            f"(torch.Size({list(input.shape)}))",
        )
    check_constant("binary_cross_entropy_with_logits", "weight", weight)
    check_constant("binary_cross_entropy_with_logits", "pos_weight", pos_weight)
    if target.dtype.kind == "b":
        raise UserError(
            "type",
            "Subtraction, the `-` operator, with two bool tensors is not supported.",
            hint="make the target a float tensor, with `.float()`",
        )
    return binary_cross_entropy_with_logits(input, target, weight, pos_weight, reduction)


@composite('nll_loss(Tensor input, Tensor target, Tensor? weight=None, *, int ignore_index=-100, str reduction="mean")')
def nll_loss(input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Any:
    if input.ndim == 0:
        raise UserError("shape", "Expected 1 or more dimensions (got 0)")
    check_constant("nll_loss_forward" if input.ndim <= 2 else "nll_loss2d_forward", "weight", weight)
    if input.ndim <= 2:
        return nll(input, target, weight, reduction, ignore_index)[0]
    if input.ndim == 4:
        return nll_2d(input, target, weight, reduction, ignore_index)[0]
    # any other number of dimensions is seen as an image, N x C x rows x 1
    batch, classes = input.shape[:2]
    image = reshape(input, (batch, classes, 1, -1))
    labels = reshape(target, (batch, 1, -1))
    loss = nll_2d(image, labels, weight, reduction, ignore_index)[0]
    return reshape(loss, target.shape) if reduction == "none" else loss


@composite(
    "cross_entropy(Tensor input, Tensor target, Tensor? weight=None, *, int ignore_index=-100, "
    'str reduction="mean", float label_smoothing=0.0)'
)
def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    dim = 0 if input.ndim == 1 else 1
    if not 0 <= label_smoothing <= 1:
        raise UserError("value", f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    logs = log_softmax_dim(input, dim)
    classes = input.shape[dim]
    if target.shape == input.shape:
        if target.dtype.kind != "f":
            raise UserError(
                "type",
                "Expected floating point type for target with class probabilities, got "
                f"{TYPE_NAMES[target.dtype.name]}",
            )
        if label_smoothing:
            target = add_number(mul_number(target, 1 - label_smoothing), label_smoothing / classes)
        weighted = mul(logs, target)
        if weight is not None:
            weighted = mul(weighted, class_column(weight, input.ndim, dim))
        if reduction == "none":
            return neg(sum_dim(weighted, dim))
        total = neg(sum(weighted))
        return div_number(total, input_count(input) / classes) if reduction == "mean" else total
    loss = nll_loss(logs, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return loss
    smooth = neg(sum_dim(logs if weight is None else mul(logs, class_column(weight, input.ndim, dim)), dim))
    ignored = equal(target, ignore_index)
    smooth = masked_fill(smooth, ignored, 0.0)
    if reduction == "mean":
        if weight is None:
            smooth = sum(smooth) / sum(logical_not(ignored))
        else:
            labels = flatten(masked_select(target, logical_not(ignored)))
            smooth = sum(smooth) / sum(gather(weight, 0, labels))
    elif reduction == "sum":
        smooth = sum(smooth)
    return add(mul_number(loss, 1 - label_smoothing), mul_number(smooth, label_smoothing / classes))


def class_column(weight: Any, ndim: int, dim: int) -> Any:
    """`weight`, one value a class, shaped to multiply along `dim`."""
    return reshape(weight, tuple(-1 if place == dim else 1 for place in range(ndim)))


def input_count(input: Any) -> int:
    return math.prod(input.shape)
