"""Losses in NumPy's words."""

from __future__ import annotations

from collections.abc import Callable

from gradcli.export.arrays.texts import Use, text


def of_loss(whole: str) -> Callable[[Use], str]:
    """What `reduction` makes of a loss."""
    return lambda use: {"none": whole, "mean": f"({whole}).mean()", "sum": f"({whole}).sum()"}[use.values["reduction"]]


def of_loss_backward(whole: str) -> Callable[[Use], str]:
    """The part that each element has in the gradient of a loss."""
    return lambda use: f"{whole} / self.size" if use.values["reduction"] == "mean" else whole


def binary_cross_entropy(use: Use) -> str:
    whole = "-target * np.maximum(np.log(self), -100) - (1 - target) * np.maximum(np.log(1 - self), -100)"
    return of_loss(whole if use.values["weight"] is None else f"({whole}) * weight")(use)


def binary_cross_entropy_backward(use: Use) -> str:
    weight = "" if use.values["weight"] is None else " * weight"
    return of_loss_backward(f"grad_output * (self - target) / np.maximum(self * (1 - self), 1e-12){weight}")(use)


def with_logits(use: Use) -> str:
    if use.values["pos_weight"] is not None:
        whole = "(1 - target) * self + (1 + (pos_weight - 1) * target) * np.logaddexp(0, -self)"
    else:
        whole = "np.logaddexp(0, self) - target * self"
    return of_loss(whole if use.values["weight"] is None else f"({whole}) * weight")(use)


def ignores(use: Use) -> bool:
    """Whether a target is none."""
    return bool((use.values["target"].array == use.values["ignore_index"]).any())


def counted(use: Use, made: str) -> str:
    """Zero where the target is none."""
    return f"np.where(target == ignore_index, 0, {made})" if ignores(use) else made


def weight_of(use: Use) -> str | None:
    """How much each target counts, if not 1."""
    if use.values["weight"] is not None:
        return counted(use, f"weight[{counted(use, 'target')}]")
    return "(target != ignore_index)" if ignores(use) else None


def nll(use: Use) -> list[str] | None:
    """The negative log-likelihood: what `target` picks, and the sum of weights."""
    place, factor, reduction = counted(use, "target"), weight_of(use), use.values["reduction"]
    if use.rank() != 1 + use.rank("target"):
        return None
    if use.rank() == 1:
        made = f"-self[{place}]"
    elif use.rank() == 2:
        made = f"-self[np.arange(target.size), {place}]"
    else:
        made = f"-np.take_along_axis(self, np.expand_dims({place}, 1), axis=1).squeeze(1)"
    if use.values["weight"] is not None:
        made = f"{made} * weight[{place}]"
    made = counted(use, made)
    total = "target.size" if factor is None else f"{factor}.sum()"
    if reduction == "none":
        return [made, "np.array(0.0, dtype=dtype)"]
    whole = f"({made}).{reduction}()" if factor is None or reduction == "sum" else f"({made}).sum() / {total}"
    return [whole, f"np.array({total}, dtype=dtype)"]


def nll_backward(use: Use) -> str | None:
    if use.rank() != 1 + use.rank("target"):
        return None
    place, factor, reduction = counted(use, "target"), weight_of(use), use.values["reduction"]
    share = "-grad_output"
    if reduction == "mean":
        share += " / target.size" if factor is None else " / total_weight"
    if use.values["weight"] is not None:
        share = f"{share} * weight[{place}]"
    share = counted(use, share)
    if use.rank() == 1:
        return f"scattered({share}, {place}, self.shape)"
    if use.rank() == 2:
        return f"scattered({share}, np.s_[np.arange(target.size), {place}], self.shape)"
    share = share if factor is None and reduction != "none" else f"np.expand_dims({share}, 1)"
    return f"scatter(np.zeros_like(self), 1, np.expand_dims({place}, 1), {share})"


def multi_margin(use: Use) -> str | None:
    """By how much other classes reach into the margin of the target's."""
    weight = "" if use.values["weight"] is None else " * weight[target]"
    made = of_loss(f"(margin_reach(self, target, margin) ** p).mean(axis=1){weight}")(use)
    return made if use.rank() == 2 else None


def multi_margin_backward(use: Use) -> str | None:
    weight = "" if use.values["weight"] is None else " * weight[target][:, None]"
    share = {"none": "grad_output[:, None]", "sum": "grad_output", "mean": "grad_output / len(self)"}
    made = f"margin_slopes(self, target, margin, p){weight} * {share[use.values['reduction']]}"
    return made if use.rank() == 2 else None


def multilabel_margin(use: Use) -> str | None:
    made = of_loss("multilabel_margin(self, target)[0]")(use)
    return made if use.rank() == 2 else None


def multilabel_margin_backward(use: Use) -> str | None:
    share = {"none": "grad_output[:, None]", "sum": "grad_output", "mean": "grad_output / len(self)"}
    made = f"multilabel_margin(self, target)[1] * {share[use.values['reduction']]}"
    return made if use.rank() == 2 else None


def ctc(use: Use) -> list[str]:
    return [f"ctc_loss({CTC})[0]", "np.zeros(0, dtype=dtype)"]


def ctc_backward(use: Use) -> str:
    made = f"ctc_loss({CTC})[1] * grad[:, None]"
    return f"np.where(np.isinf(neg_log_likelihood)[:, None], 0, {made})" if use.values["zero_infinity"] else made


CTC = "log_probs, targets, input_lengths, target_lengths, blank"

text("_mse_loss", of_loss("(self - target) ** 2"))
text("_mse_loss_backward", of_loss_backward("grad_output * 2 * (self - target)"))
text(
    "_smooth_l1_loss",
    of_loss(
        "np.where(np.abs(self - target) < beta, 0.5 * (self - target) ** 2 / beta, np.abs(self - target) - 0.5 * beta)"
    ),
)
text("_smooth_l1_loss_backward", of_loss_backward("grad_output * np.clip((self - target) / beta, -1, 1)"))
text(
    "_huber_loss",
    of_loss(
        "np.where(np.abs(self - target) < delta, 0.5 * (self - target) ** 2, "
        "delta * (np.abs(self - target) - 0.5 * delta))"
    ),
)
text("_huber_loss_backward", of_loss_backward("grad_output * np.clip(self - target, -delta, delta)"))
text("_bce_with_logits", with_logits)
text("_binary_cross_entropy", binary_cross_entropy)
text("_binary_cross_entropy_backward", binary_cross_entropy_backward)
text("_soft_margin_loss", of_loss("np.logaddexp(0, -target * self)"))
text("_soft_margin_loss_backward", of_loss_backward("-grad_output * target / (1 + np.exp(target * self))"))
text("_nll_loss _nll_loss2d", nll)
text("_nll_loss_backward _nll_loss2d_backward", nll_backward)
text("_multi_margin_loss", multi_margin)
text("_multi_margin_loss_backward", multi_margin_backward)
text("_multilabel_margin_loss", multilabel_margin)
text("_multilabel_margin_loss_backward", multilabel_margin_backward)
text("_ctc_loss", ctc)
text("_ctc_loss_backward", ctc_backward)
