"""The samples of conjugates and negatives that are computed when they are read."""

from __future__ import annotations

SMOOTH: dict[str, list[str]] = {
    "conj": ["c.conj().t() * c.t()", "c.conj()[0] * 2j", "c.conj().conj() * 2", "c.mH @ c", "c.conj().reshape(6) ** 2", "c.t().conj().reshape(6) * 2", "(c * c.conj()).conj().sum(0)", "c.conj().split(1)[1].abs()",
             "(c * 1).conj().mul_(2j)", "(cs * 1).conj().mul_(2j)", "[(cs * 1).conj().fill_(2j), cs]", "[(c * 1).conj().fill_(2j), c]", "c.conj().expand(2, 2, 3).sum() ** 2", "c.conj().diagonal() * c.diagonal()", "tanh(c.H)"],
    "real": ["c.conj().real * 2", "(c * 1).conj().real.mul_(3) ** 2"],
    "imag": ["c.conj().imag ** 2", "c.conj().imag.t() * 2", "(c * 1).conj().imag.mul_(3) ** 2", "c.conj().imag[0] * c.imag[1]"],
    "resolve_conj": ["torch.resolve_conj(c.conj()) * 2", "c.resolve_conj() * 2", "x.resolve_conj() * 2"],
    "resolve_neg": ["c.conj().imag.resolve_neg() ** 2", "torch.resolve_neg(x) * 2"],
}  # fmt: skip

# what is kept by views, and by what gives its input back, and by nothing else
KEPT = (
    "t()", "[0]", "[[0]]", "[:, None]", "detach()", "data", "clone()", "contiguous()", "t().contiguous()", "reshape(6)", "t().reshape(6)", "real", "conj()", "conj_physical()", "expand(4, 2, 3)", "split(1)[0]", "diagonal()",
    "unsqueeze(0).squeeze_()", "as_strided((2,), (1,))", "unfold(1, 2, 1)", "view(6)", "mul_(2)", "to(dtype=complex128)", "to(dtype=complex64)", "flip(0)", "tril()", "T", "mT", "mH", "movedim(0, 1)", "positive()", "ravel()",
    "zero_()", "neg_()", "conj_physical_()", "resolve_conj()", "t_()", "unsafe_split(1)[0]", "index_select(0, two)", "neg()",
)  # fmt: skip
KINKED: dict[str, list[str]] = {
    "is_conj": ["[x.is_conj(), c.is_conj(), c.conj().is_conj(), torch.is_conj(k.conj())]",
                *(f"c.detach().conj(){what}.is_conj()" if what[0] == "[" else f"c.detach().conj().{what}.is_conj()" for what in KEPT)],
    "is_neg": ["[x.is_neg(), c.imag.is_neg(), c.conj().imag.is_neg(), torch.is_neg(-c.conj().imag)]", "[c.conj().imag.t().is_neg(), c.conj().imag.clone().is_neg(), c.conj().imag.contiguous().is_neg(), c.conj().imag[0].is_neg()]"],
    "conj": ["[c.detach().conj().mul_(2j), c]", "[c.detach().mH.fill_(1j), c]", "[c.detach().conj()[0].zero_(), c]", "[c.detach().conj().index_put_([two], c2[:, :3]), c]", "[c.detach().conj().copy_(c2), c]", "[c.detach().conj().mul_(c), c]",
             "[c.detach().mul_(c.conj()), c]", "[c.detach().conj().conj().mul_(2), c]", "c.conj().stride()", "[c.mH.stride(), c.mH.is_contiguous(), c.conj().is_contiguous(), c.conj()[:, ::2].is_contiguous()]", "c.conj().data * 2",
             "[c.detach().conj().t_().zero_(), c]", "c.conj().storage_offset()", "[c.conj().is_leaf, c.conj()._base * 2]", "c.detach().conj()", "c.conj().detach() * c", "czero.conj()"],
    "imag": ["[c.detach().conj().imag.zero_(), c]", "[c.detach().conj().imag.add_(5), c]", "[c.detach().conj().imag[0].mul_(2), c]"],
    "real": ["[c.detach().conj().real.zero_(), c]"],
}  # fmt: skip

REFUSED = (
    "view_as_real(c.conj())", "c.conj().view(float64)", "c.conj().imag.view(int64)", "c.conj().mul_(2)", "c.conj().imag.zero_()",
    "(c * 1).conj().split(1)[0].mul_(2)", "c.conj().detach_()",
)  # fmt: skip
