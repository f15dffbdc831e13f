"""Connectionist temporal classification: the likelihood of labels over all their alignments to the input."""

from __future__ import annotations

from typing import Any

from gradcli.engine.device import beside, np
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import div, no_derivative
from gradcli.ops.copies import where
from gradcli.ops.define import composite, op
from gradcli.ops.reduce import mean, sum
from gradcli.ops.shape import squeeze_dim, unsqueeze


def with_blanks(targets: Any, target_lengths: Any, blank: int) -> Any:
    """The labels of each sample in a row, with blanks around them."""
    batch, longest = target_lengths.size, target_lengths.max().item() if target_lengths.size else 0
    rows = np.full_like(targets, blank, shape=(batch, 2 * longest + 1))
    inside = beside(targets, np.arange(longest)) < target_lengths[:, None]
    labels = np.full_like(targets, blank, shape=(batch, longest))
    labels[inside] = targets if targets.ndim == 1 else targets[:, :longest][inside]
    rows[:, 1::2] = labels
    return rows


def forward_sums(scores: Any, labels: Any) -> Any:
    """For each time and place the logarithm of the likelihood of all alignments that end there."""
    time, batch, places = scores.shape
    result = np.full_like(scores, -np.inf)
    result[0, :, :2] = scores[0, :, :2]
    skips = np.zeros_like(labels, dtype=bool)
    skips[:, 3::2] = labels[:, 3::2] != labels[:, 1:-2:2]
    for now in range(1, time):
        stay = np.full_like(scores, -np.inf, shape=(batch, places + 2))
        stay[:, 2:] = result[now - 1]
        jumped = np.where(skips, stay[:, :-2], -np.inf)
        result[now] = np.logaddexp(np.logaddexp(stay[:, 2:], stay[:, 1:-1]), jumped) + scores[now]
    return result


def ctc_forward(
    log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int, zero_infinity: bool
) -> tuple[Any, Any]:
    labels = with_blanks(targets, target_lengths, blank)
    batch = beside(labels, np.arange(labels.shape[0]))
    alpha = forward_sums(log_probs[:, batch[:, None], labels], labels)
    last = alpha[np.maximum(input_lengths - 1, 0), batch]
    end = last[batch, 2 * target_lengths]
    before = np.where(target_lengths > 0, last[batch, np.maximum(2 * target_lengths - 1, 0)], -np.inf)
    loss = -np.logaddexp(end, before).astype(log_probs.dtype)
    return np.where(input_lengths > 0, loss, np.where(target_lengths > 0, np.inf, 0)).astype(log_probs.dtype), alpha


def ctc_backward_forward(
    grad: Any,
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    neg_log_likelihood: Any,
    log_alpha: Any,
    blank: int,
    zero_infinity: bool,
) -> Any:
    """As if the input were logarithms of shares, whose sum is one: so torch has it."""
    labels = with_blanks(targets, target_lengths, blank)
    batch = beside(labels, np.arange(labels.shape[0]))
    time, _, classes = log_probs.shape
    # backwards in time and place it is the same sum, from the end of each sample on
    steps = (input_lengths - 1)[None] - beside(labels, np.arange(time))[:, None]
    places = (2 * target_lengths)[:, None] - beside(labels, np.arange(labels.shape[1]))
    mirrored = np.take_along_axis(labels, np.maximum(places, 0), axis=1)
    scores = log_probs[np.maximum(steps, 0)[:, :, None], batch[:, None], mirrored]
    sums = forward_sums(np.where(places >= 0, scores, -np.inf), np.where(places >= 0, mirrored, -1))
    beta = sums[np.maximum(steps, 0)[:, :, None], batch[:, None], np.maximum(places, 0)]
    both = np.where((places >= 0)[None] & (steps >= 0)[:, :, None], log_alpha + beta, -np.inf)
    # at the end torch writes the share of the last label where that of a blank is, should the label be one
    label = np.take_along_axis(labels, np.maximum(2 * target_lengths - 1, 0)[:, None], axis=1)
    unwritten = (places == 0) & (label == blank) & (target_lengths > 0)[:, None]
    both[(steps == 0)[:, :, None] & unwritten] = -np.inf
    names = beside(labels, np.arange(classes))
    gathered = np.full_like(log_probs, -np.inf)
    for place in range(labels.shape[1]):
        here = np.where(labels[:, place, None] == names, both[:, :, place, None], -np.inf)
        gathered = np.logaddexp(gathered, here)
    result = np.exp(log_probs) - np.exp(gathered + neg_log_likelihood[:, None] - log_probs)
    result = np.where((steps >= 0)[:, :, None], result * grad[:, None], 0)
    if zero_infinity:
        result = np.where(np.isinf(neg_log_likelihood)[:, None], 0, result)
    return result.astype(log_probs.dtype)


ctc = op(
    "_ctc_loss(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths, int blank, "
    "bool zero_infinity) -> (result, log_alpha)",
    "CtcLossBackward0", ctc_forward, constant=("log_alpha",),
    log_probs=lambda grad, log_probs, targets, input_lengths, target_lengths, result, log_alpha, blank, zero_infinity: (
        ctc_backward(
            grad, log_probs, targets, input_lengths, target_lengths, result, log_alpha, blank, zero_infinity
        )
    ),
)  # fmt: skip
ctc_backward = op(
    "_ctc_loss_backward(Tensor grad, Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths, "
    "Tensor neg_log_likelihood, Tensor log_alpha, int blank, bool zero_infinity)",
    "NotImplemented", ctc_backward_forward,
    grad=no_derivative("_ctc_loss_backward"),
    log_probs=no_derivative("_ctc_loss_backward"),
    neg_log_likelihood=no_derivative("_ctc_loss_backward"),
)  # fmt: skip


def as_lengths(lengths: Any, like: Any) -> Any:
    array = lengths.array if isinstance(lengths, Tensor) else np.array(lengths, np.int64)
    return beside(like, array.reshape(-1))


@composite(
    "ctc_loss(Tensor log_probs, Tensor targets, Tensor|int[] input_lengths, Tensor|int[] target_lengths, int blank=0, "
    'str reduction="mean", bool zero_infinity=False)'
)
def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """Minus the log-probability of the target, over all ways to align it, blanks between."""
    if reduction not in ("none", "mean", "sum"):
        raise UserError("value", f"{reduction} is not a valid value for reduction")
    alone = log_probs.ndim == 2
    batched = unsqueeze(log_probs, 1) if alone else log_probs
    times, lengths = (as_lengths(given, log_probs.array) for given in (input_lengths, target_lengths))
    check_ctc(batched, targets, times, lengths, blank)
    loss = ctc(batched, targets, Tensor(times), Tensor(lengths), blank, zero_infinity)[0]
    if zero_infinity:
        loss = where(Tensor(np.isinf(loss.array)), 0.0, loss)
    if reduction == "mean":
        return mean(div(loss, Tensor(np.maximum(lengths, 1).astype(loss.dtype))))
    if reduction == "sum":
        return sum(loss)
    return squeeze_dim(loss, 0) if alone else loss


def check_ctc(log_probs: Any, targets: Any, times: Any, lengths: Any, blank: int) -> None:
    time, batch, classes = log_probs.shape
    if not log_probs.array.size:
        raise UserError("shape", "log_probs tensor must not be empty")
    if targets.dtype.name not in ("int32", "int64"):
        raise UserError("type", "targets must be int32 or int64")
    if dtype_kind(log_probs.dtype) != "f":
        raise UserError("type", f"\"ctc_loss_cpu\" not implemented for '{TYPE_NAMES[log_probs.dtype.name]}'")
    if not 0 <= blank < classes:
        raise UserError("value", "blank must be in label range")
    for name, given in (("input_lengths", times), ("target_lengths", lengths)):
        if dtype_kind(given.dtype) not in "iu":
            raise UserError("type", f"{name} must be integral")
        if given.size != batch:
            raise UserError("shape", f"{name} must be of size batch_size")
    check_lengths("target_lengths", "least 0", lengths, lengths < 0)
    check_targets(targets, lengths)
    check_lengths("input_lengths", "least 0", times, times < 0)
    check_lengths("input_lengths", f"most {time}", times, times > time)


def check_targets(targets: Any, lengths: Any) -> None:
    of = "for argument #2 'targets'"
    if targets.ndim not in (1, 2):
        raise refusal(f"1 to 2 dimensions, but got {targets.ndim}-dimensional tensor {of}")
    rows, size = lengths.size if targets.ndim == 2 else lengths.sum().item(), targets.shape[0]
    if size != rows:
        raise refusal(f"tensor to have size {rows} at dimension 0, but got size {size} {of}")
    longest, size = lengths.max().item(), targets.shape[-1]
    if targets.ndim == 2 and size < longest:
        raise refusal(f"tensor to have size at least {longest} at dimension 1, but got size {size} {of}")


def check_lengths(name: str, bound: str, lengths: Any, beyond: Any) -> None:
    if beyond.any().item():
        raise refusal(f"{name} to have value at {bound}, but got value {lengths[np.argmax(beyond)].item()}")


def refusal(expectation: str) -> UserError:
    return UserError("shape", f"Expected {expectation} (while checking arguments for ctc_loss_allocate_outputs)")
