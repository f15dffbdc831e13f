"""Samples of dtypes that are asked for, of operands of several kinds, and of rarer ways to write a call; see `samples`."""

from __future__ import annotations

COMPARED = ("eq", "ne", "lt", "le", "gt", "ge")

SMOOTH: dict[str, list[str]] = {
    "cat": ["tanh(cat([c, x]))"], "block_diag": ["tanh(block_diag(c, x))"],
    "mul": ["c * row", "row * c", "c * s"], "div": ["c / row", "s / c"], "add": ["tanh(c + row)", "tanh(c + s)"],
    "sub": ["tanh(sub(c, s, alpha=2))"],
}  # fmt: skip
KINKED: dict[str, list[str]] = {
    **{f"Tensor::{name}_": [f"clone(x).{name}_(y)", f"clone(x).{name}_(0.5)", f"k.{name}_(row.detach())"] for name in COMPARED},
    "in place": ["clone(x).not_equal_(row)", "x.detach().eq_(y)", "clone(x).less_equal_(s)", "clone(c).eq_(s)"],
    "where": ["tanh(where(mask, row, c))"], "masked_fill.Tensor": ["tanh(masked_fill(c, mask, s))"],
    "sum": ["sum(k, dtype=int32)", "sum(k, dtype=torch.bool)", "sum(x.detach(), dtype=int32)", "sum(x, dtype=complex128)"],
    "sum.dim": ["sum(k, 1, dtype=uint8)"], "nansum": ["nansum(k, dtype=torch.bool)", "nansum(k, 0, dtype=int32)"],
    "prod": ["prod(k, dtype=int32)", "prod(k, dtype=torch.bool)", "prod(x.float(), dtype=float64)"],
    "prod.dim": ["prod(k, 1, dtype=uint8)", "prod(x, 0, dtype=float32)"], "cumsum": ["cumsum(k, 0, dtype=int32)", "cumsum(x, 0, dtype=complex128)"],
    "cumprod": ["cumprod(k, 0, dtype=uint8)", "cumprod(x, 0, dtype=float32)", "cumprod(x.float(), 0, dtype=float64)"],
}  # fmt: skip
REFUSED = (
    "x.gt_(0)", "x.ne_(y)", "clone(c).greater_(s)", "clone(row).le_(x)",
    "sum(x, dtype=int32)", "prod(x, 0, dtype=torch.bool)", "cumsum(x, 0, dtype=int64)", "nansum(x, dtype=int32)", "mean(x, dtype=int32)", "nanmean(x, dtype=int32)",
    "cumsum(k, 0, dtype=torch.bool)", "cumprod(k, 0, dtype=torch.bool)", "k.int().cumsum_(0, dtype=int64)", "clone(x).cumprod_(0, dtype=float32)",
    "linalg.vector_norm(x, dtype=int32)", "linalg.vector_norm(c, dtype=complex64)", "linalg.matrix_norm(c, dtype=float32)", "norm(x, 2, 0, dtype=float32)",
    "linalg.norm(x, 'fro', dtype=complex64)",
)  # fmt: skip
