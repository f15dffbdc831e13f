"""Losses by margins: of embeddings, rankings, triplets and labels."""

from __future__ import annotations

from typing import Any

from gradcli.engine.device import beside, np
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind
from gradcli.errors import UserError
from gradcli.ops.activation import log_sigmoid
from gradcli.ops.arithmetic import add, div, mul, neg, no_derivative, rsub, sub
from gradcli.ops.compare import clamp_min, minimum
from gradcli.ops.copies import ones_like, to_dtype, where, zeros_like
from gradcli.ops.define import composite, op
from gradcli.ops.elementary import exp, sqrt
from gradcli.ops.kinds import check_constant, only
from gradcli.ops.loss import LEGACY, by_gradient, check_castable, reduce_loss, reduced, reduction_of, spread
from gradcli.ops.reduce import sum_dim
from gradcli.ops.shape import broadcast_sizes
from gradcli.ops.similarity import pairwise_distance

EPSILON = 1e-12


def soft_margin_forward(self: Any, target: Any, reduction: str) -> Any:
    shape = broadcast_sizes(self.shape, target.shape)
    if shape != self.shape:  # which torch computes in the place of one like `self`
        raise UserError(
            "shape", f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(shape)}"
        )
    return reduced(np.log1p(np.exp(-target * self)), reduction)


def soft_margin_slope(self: Any, target: Any) -> Any:
    odds = np.exp(-target * self)
    return -target * odds / (1 + odds)


def soft_margin_curvature(self: Any, target: Any) -> Any:
    odds = exp(-target * self)
    return target * target * odds / ((odds + 1) * (odds + 1))


def each_sample(self: Any) -> Any:
    """A vector, or one number, is a batch of one sample."""
    return self.reshape((1, -1)) if self.ndim < 2 else self


def multi_margins(self: Any, target: Any, margin: float) -> tuple[Any, Any]:
    """How far each class reaches into the margin of the target's class, and where the target's class is."""
    scores = each_sample(self)
    labels = target.reshape(-1)
    chosen = beside(self, np.arange(scores.shape[1])) == labels[:, None]
    reach = margin - scores[chosen][:, None] + scores
    return np.where(chosen, 0, np.maximum(reach, 0)).astype(self.dtype), chosen


def multi_margin_forward(self: Any, target: Any, p: int, margin: float, weight: Any, reduction: str) -> Any:
    check_classes(self, target, weight)
    only("f", "multi_margin_loss_cpu_kernel")(self)
    reach, _ = multi_margins(self, target, margin)
    loss = np.add.reduce(reach if p == 1 else reach * reach, axis=1) / reach.shape[1]
    if weight is not None:
        loss = loss * weight[target.reshape(-1)]
    return reduced(loss.reshape(()) if self.ndim < 2 else loss, reduction)


def check_classes(self: Any, target: Any, weight: Any) -> None:
    batch, classes = (self.shape[0] if self.ndim == 2 else 1), (self.shape[-1] if self.ndim else 1)
    if self.ndim > 2 or classes == 0:
        raise UserError(
            "shape", f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(self.shape)}"
        )
    if target.ndim > 1 or target.size != batch:
        raise UserError(
            "shape",
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch "
            f"size). Expected target size [{batch}], but got {list(target.shape)}. Input has shape "
            f"{list(self.shape)}.",
        )
    if weight is not None and weight.shape != (classes,):
        raise UserError("shape", f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    check_long(target)
    if ((target < 0) | (target >= classes)).any().item():
        raise UserError("value", "target out of range")


def check_long(target: Any) -> None:
    if target.dtype.name != "int64":
        raise UserError("type", f"expected scalar type Long but found {TYPE_NAMES[target.dtype.name]}")


def multi_margin_backward_forward(
    grad_output: Any, self: Any, target: Any, p: int, margin: float, weight: Any, reduction: str
) -> Any:
    reach, chosen = multi_margins(self, target, margin)
    slope = (reach > 0).astype(self.dtype) if p == 1 else 2 * reach
    slope = np.where(chosen, 0 - np.add.reduce(slope, axis=1, keepdims=True), slope) / slope.shape[1]
    if weight is not None:
        slope = slope * weight[target.reshape(-1)][:, None]
    return shared_out(grad_output, slope, self.shape, reduction)


def shared_out(grad_output: Any, slope: Any, shape: tuple[int, ...], reduction: str) -> Any:
    """The slopes of samples times the gradients of their losses, or of the one loss of all."""
    scale = grad_output.reshape((-1, 1))
    return (slope * (scale / slope.shape[0] if reduction == "mean" else scale)).reshape(shape)


def label_masks(self: Any, target: Any) -> tuple[Any, Any, Any]:
    """Scores, for each place of the targets whether it counts (the first -1 ends them), and the classes so named."""
    scores, labels = each_sample(self), each_sample(target)
    counts = np.add.accumulate(labels < 0, axis=1) == 0
    named = np.zeros_like(scores, dtype=bool)
    rows, places = np.nonzero(counts)
    named[rows, labels[rows, places]] = True
    return scores, counts, named


def label_reach(self: Any, target: Any) -> tuple[Any, Any, Any]:
    """For each named label and each class that is not named how far the one comes short of the other by less than 1."""
    scores, counts, named = label_masks(self, target)
    labels = np.where(counts, each_sample(target), 0)
    reach = 1 - np.take_along_axis(scores, labels, axis=1)[:, :, None] + scores[:, None, :]
    inside = counts[:, :, None] & ~named[:, None, :] & (reach > 0)
    return np.where(inside, reach, 0).astype(self.dtype), inside, labels


def multilabel_margin_forward(self: Any, target: Any, reduction: str) -> Any:
    if target.shape != self.shape:
        raise UserError(
            "shape", f"inconsistent target size: {list(target.shape)} for input of size: {list(self.shape)}"
        )
    check_long(target)
    if ((target < -1) | (target >= each_sample(self).shape[1])).any().item():
        raise UserError("value", "argument #2 'target' is out of range")
    only("f", "multilabel_margin_loss_forward_out_frame")(self)
    reach, _, _ = label_reach(self, target)
    loss = np.add.reduce(reach, axis=(1, 2)) / reach.shape[2]
    return reduced(loss.reshape(()) if self.ndim < 2 else loss, reduction)


def multilabel_margin_backward_forward(grad_output: Any, self: Any, target: Any, reduction: str) -> Any:
    _, inside, labels = label_reach(self, target)
    slope = np.add.reduce(inside, axis=1, dtype=self.dtype)
    at_labels = np.add.reduce(inside, axis=2, dtype=self.dtype)
    classes = beside(self, np.arange(slope.shape[1]))
    slope = slope - np.add.reduce(np.where(labels[:, :, None] == classes, at_labels[:, :, None], 0), axis=1)
    return shared_out(grad_output, slope / slope.shape[1], self.shape, reduction)


soft_margin = op(
    "_soft_margin_loss(Tensor self, Tensor target, str reduction)", "SoftMarginLossBackward0", soft_margin_forward,
    promote="same",
    real_only="soft_margin_loss",
    self=lambda grad, self, target, reduction: soft_margin_backward(grad, self, target, reduction),
)  # fmt: skip
soft_margin_backward = op(
    "_soft_margin_loss_backward(Tensor grad_output, Tensor self, Tensor target, str reduction)",
    "SoftMarginLossBackwardBackward0",
    lambda grad_output, self, target, reduction: spread(
        soft_margin_slope(self, target) * grad_output, self.shape, reduction
    ),
    promote="same",
    grad_output=lambda grad, grad_output, self, target, reduction: by_gradient(
        grad, soft_margin_backward(ones_like(grad_output), self, target, reduction), reduction
    ),
    self=lambda grad, grad_output, self, target, reduction: spread(
        grad * grad_output * soft_margin_curvature(self, target), self.shape, reduction
    ),
)  # fmt: skip
multi_margin = op(
    "_multi_margin_loss(Tensor self, Tensor target, int p, float margin, Tensor? weight, str reduction)",
    "MultiMarginLossBackward0", multi_margin_forward,
    self=lambda grad, self, target, p, margin, weight, reduction: multi_margin_backward(
        grad, self, target, p, margin, weight, reduction
    ),
)  # fmt: skip
multi_margin_backward = op(
    "_multi_margin_loss_backward(Tensor grad_output, Tensor self, Tensor target, int p, float margin, "
    "Tensor? weight, str reduction)",
    "NotImplemented", multi_margin_backward_forward,
    grad_output=no_derivative("multi_margin_loss_backward"),
    self=no_derivative("multi_margin_loss_backward"),
)  # fmt: skip
multilabel_margin = op(
    "_multilabel_margin_loss(Tensor self, Tensor target, str reduction)", "MultilabelMarginLossBackward0",
    multilabel_margin_forward,
    self=lambda grad, self, target, reduction: multilabel_margin_backward(grad, self, target, reduction),
)  # fmt: skip
multilabel_margin_backward = op(
    "_multilabel_margin_loss_backward(Tensor grad_output, Tensor self, Tensor target, str reduction)",
    "NotImplemented", multilabel_margin_backward_forward,
    grad_output=no_derivative("multilabel_margin_loss_backward"),
    self=no_derivative("multilabel_margin_loss_backward"),
)  # fmt: skip


@composite(f'soft_margin_loss(Tensor input, Tensor target, {LEGACY}, str reduction="mean")')
def soft_margin_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Any:
    check_constant("soft_margin_loss", "target", target)
    if dtype_kind(input.dtype) not in "fc":
        kind = TYPE_NAMES[input.dtype.name]
        raise UserError("type", f"result type Float can't be cast to the desired output type {kind}")
    check_castable(input.array, target.array)
    if dtype_kind(target.dtype) in "fc" and target.dtype != input.dtype:
        target = to_dtype(target, input.dtype)
    return soft_margin(input, target, reduction_of(size_average, reduce, reduction))


@composite(f'hinge_embedding_loss(Tensor input, Tensor target, float margin=1.0, {LEGACY}, str reduction="mean")')
def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    """The distance itself where the target is 1, what it comes short of the margin where it is -1."""
    reduction = reduction_of(size_average, reduce, reduction)
    zero = zeros_like(input)
    short = where(target != 1, clamp_min(margin - input, 0), zero)
    return reduce_loss(short + where(target != -1, input, zero), reduction)


@composite(
    f'margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, float margin=0, {LEGACY}, str reduction="mean")'
)
def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    reduction = reduction_of(size_average, reduce, reduction)
    if not input1.ndim == input2.ndim == target.ndim:
        first, second, third = (f"torch.Size({list(tensor.shape)})" for tensor in (input1, input2, target))
        raise UserError(
            "shape",
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
            f"{first}, input2: {second}, target: {third} ",
        )
    return ranked(input1, input2, target, margin, reduction)


def ranked(input1: Any, input2: Any, target: Any, margin: float, reduction: str) -> Any:
    return reduce_loss(clamp_min(-target * (input1 - input2) + float(margin), 0), reduction)


@composite(
    "triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, float margin=1.0, float p=2, "
    f'float eps=1e-06, bool swap=False, {LEGACY}, str reduction="mean")'
)
def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    reduction = reduction_of(size_average, reduce, reduction)
    check_triplet(anchor, positive, negative, margin)
    near, far = distances(anchor, positive, negative, p, eps, swap)
    return reduce_loss(clamp_min(margin + near - far, 0), reduction)


@composite(
    "triplet_margin_with_distance_loss(Tensor anchor, Tensor positive, Tensor negative, *, float margin=1.0, "
    'bool swap=False, str reduction="mean")'
)
def triplet_margin_with_distance_loss(
    anchor: Any, positive: Any, negative: Any, margin: float = 1.0, swap: bool = False, reduction: str = "mean"
) -> Any:
    reduction = reduction_of(None, None, reduction)
    check_triplet(anchor, positive, negative, margin)
    near, far = distances(anchor, positive, negative, 2.0, 1e-6, swap)
    return reduce_loss(clamp_min(sub(add(near, margin), far), 0), reduction)


def check_triplet(anchor: Any, positive: Any, negative: Any, margin: float) -> None:
    if margin <= 0:
        raise UserError("value", f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise UserError(
            "shape",
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.ndim}D, positive {positive.ndim}D, and negative {negative.ndim}D inputs",
        )


def distances(anchor: Any, positive: Any, negative: Any, p: float, eps: float, swap: bool) -> tuple[Any, Any]:
    """Of the positive from the anchor; and of the negative from that, or if `swap` from whichever is nearer."""
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    return near, minimum(far, pairwise_distance(positive, negative, p, eps)) if swap else far


@composite(
    "cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, float margin=0, "
    f'{LEGACY}, str reduction="mean")'
)
def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    reduction = reduction_of(size_average, reduce, reduction)
    if target.ndim > 1:
        raise UserError("shape", "0D or 1D target tensor expected, multi-target not supported")
    if not input1.ndim == input2.ndim == target.ndim + 1:
        raise UserError(
            "shape",
            f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}.",
        )
    dim = [target.ndim]
    product = sum_dim(input1 * input2, dim)
    first, second = sum_dim(input1 * input1, dim) + EPSILON, sum_dim(input2 * input2, dim) + EPSILON
    cosine = product / sqrt(first * second)
    zero = zeros_like(cosine)
    alike = where(target == 1, 1 - cosine, zero)
    unlike = where(target == -1, clamp_min(cosine - margin, 0), zero)
    return reduce_loss(alike + unlike, reduction)


@composite(
    "multi_margin_loss(Tensor input, Tensor target, int p=1, float margin=1.0, Tensor? weight=None, "
    f'{LEGACY}, str reduction="mean")'
)
def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    reduction = reduction_of(size_average, reduce, reduction)
    if p not in (1, 2):
        raise UserError("value", "only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise UserError("shape", "weight must be one-dimensional")
    check_constant("multi_margin_loss", "weight", weight)
    return multi_margin(input, target, p, margin, weight, reduction)


@composite(f'multilabel_margin_loss(Tensor input, Tensor target, {LEGACY}, str reduction="mean")')
def multilabel_margin_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Any:
    return multilabel_margin(input, target, reduction_of(size_average, reduce, reduction))


@composite(
    f'multilabel_soft_margin_loss(Tensor input, Tensor target, Tensor? weight=None, {LEGACY}, str reduction="mean")'
)
def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Any:
    if size_average is not None or reduce is not None:
        reduction = reduction_of(size_average, reduce, reduction)
    loss = neg(add(mul(target, log_sigmoid(input)), mul(rsub(target, 1), log_sigmoid(neg(input)))))
    if weight is not None:
        loss = mul(loss, weight)
    loss = div(sum_dim(loss, [input.ndim - 1]), input.shape[-1])
    if reduction not in ("none", "mean", "sum"):
        raise UserError("value", f"{reduction} is not valid")
    return reduce_loss(loss, reduction)
