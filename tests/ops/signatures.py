"""Samples of dtypes that are asked for, of operands of several kinds, and of rarer ways to write a call; see `samples`."""

from __future__ import annotations

COMPARED = ("eq", "ne", "lt", "le", "gt", "ge")

SMOOTH: dict[str, list[str]] = {
    "cat": ["tanh(cat([c, x]))"], "block_diag": ["tanh(block_diag(c, x))"],
    "mul": ["c * row", "row * c", "c * s", "torch.mul(2, x) ** 2"], "div": ["c / row", "s / c", "torch.div(2, z)"], "add": [
        "tanh(c + row)", "tanh(c + s)", "torch.add(2, x) ** 2", "add(x, 2, y) ** 2", "x.add(2, other=y) ** 2", "torch.add(1.5, 2, x) ** 2",
        "tanh(add(c, c2, alpha=2j))", "tanh(add(x, c, alpha=2j))",
    ],
    "addcmul": ["addcmul(x, 2, y, z)", "x.addcmul(0.5, y, z)"], "addcdiv": ["addcdiv(x, 2, y, z)"],
    "addmm": ["addmm(2, x, 3, y, sq3) ** 2", "x.addmm(2, y, sq3) ** 2"], "addmv": ["addmv(2, v, 3, sq3, v)", "v.addmv(2, sq3, v) ** 2"],
    "addr": ["addr(2, x, 3, v[:2], v)"], "gather": ["x.gather(1, index1, sparse_grad=False) ** 2"], "expand": ["row.expand(2, 3, implicit=True) ** 2"],
    "sub": ["tanh(sub(c, s, alpha=2))", "torch.sub(2.5, x) ** 2", "sub(x, 2, y) ** 2", "tanh(sub(c, c2, alpha=1 + 2j))"], "rsub": ["rsub(x, y, alpha=2)", "tanh(rsub(c, x, alpha=1j))"], "rsub.Scalar": ["rsub(x, 3, alpha=0.5)"],
    "ldexp": ["ldexp(c, c2)"], "logsumexp": ["logsumexp(c, 1)"], "logcumsumexp": ["logcumsumexp(c, 1)"],
    "var": ["var(x, False)"], "std": ["std(x, False)"], "var_mean": ["var_mean(x, True)"], "std_mean": ["std_mean(x, False)"],
}  # fmt: skip
KINKED: dict[str, list[str]] = {
    "add": ["torch.add(2, 3)", "torch.add(True, 2.5)", "torch.add(2, k)", "torch.add(2, 3, 4)", "torch.add(1j, mask)", "clone(x).add_(2, y)", "torch.add(mask, mask, alpha=2)"],
    "logical_not": ["x.logical_not_()"], "logical_xor": ["x.logical_xor_(y)"],
    "sub": ["torch.sub(2, 3)", "torch.sub(300, k.to(dtype=uint8))"], "mul": ["torch.mul(2.5, s.int())"], "div": ["torch.div(2, 3)", "torch.div(k, 0.5)"],
    "div.Tensor_mode": ["torch.div(7, k.to(dtype=uint8) + 1, rounding_mode='trunc')"], "floor_divide": ["torch.floor_divide(7, 2)"],
    "roll": ["x.roll((1, 2), (0, 0)) ** 2"], "fft::fftshift": ["fft.fftshift(x, [1, 1]) ** 2"], "dropout1d": ["dropout1d(clone(x), 0.5, True, True)"],
    "fft::rfftfreq": ["fft.rfftfreq(-1)", "fft.rfftfreq(-3)"], "hann_window": ["hann_window(1, dtype=complex64)"],
    "mse_loss": ["mse_loss(x, y, 'sum')", "mse_loss(x, y, 0)"], "Tensor::copy_": ["k.copy_(-1.7)", "k.to(dtype=uint8).copy_(-1.0)"], "conj_physical_": ["clone(mask).conj_physical_()"],
    **{f"Tensor::{name}_": [f"clone(x).{name}_(y)", f"clone(x).{name}_(0.5)", f"k.{name}_(row.detach())"] for name in COMPARED},
    "in place": ["clone(x).not_equal_(row)", "x.detach().eq_(y)", "clone(x).less_equal_(s)", "clone(c).eq_(s)", "clone(c).nan_to_num_()"],
    "where": ["tanh(where(mask, row, c))"], "masked_fill.Tensor": ["tanh(masked_fill(c, mask, s))"],
    "sum": ["sum(k, dtype=int32)", "sum(k, dtype=torch.bool)", "sum(x.detach(), dtype=int32)", "sum(x, dtype=complex128)"],
    "sum.dim": ["sum(k, 1, dtype=uint8)"], "nansum": ["nansum(k, dtype=torch.bool)", "nansum(k, 0, dtype=int32)"],
    "prod": ["prod(k, dtype=int32)", "prod(k, dtype=torch.bool)", "prod(x.float(), dtype=float64)"],
    "prod.dim": ["prod(k, 1, dtype=uint8)", "prod(x, 0, dtype=float32)"], "cumsum": ["cumsum(k, 0, dtype=int32)"],
    "cumprod": ["cumprod(k, 0, dtype=uint8)", "cumprod(x, 0, dtype=float32)", "cumprod(x.float(), 0, dtype=float64)"],
    "addmm": ["addmm(k, k, eye(3, dtype=int64), beta=2.5)"], "addbmm": ["addbmm(k, k[None], eye(3, dtype=int64)[None], alpha=-1.5)"],
    "index_add": ["index_add(k, 0, two, k, alpha=2.5)"], "logit": ["logit(probs, 1.0)"], "remainder.Scalar": ["k.to(dtype=uint8) % 300", "(x * 0) % -2.0", "(-x.abs().round()) % 1.0"],
    "rsub.Scalar": ["rsub(k.int(), 2**40)", "300 - k.to(dtype=uint8)"], "fmod.Scalar": ["fmod(k.to(dtype=uint8), 300)"], "tensor": ["tensor([-3], dtype=uint8)"],
    "diff": ["diff(x, 0, prepend=y)"], "group_norm": ["group_norm(image[:, :, :0], 3)"],
    "to": ["x.to(float64, copy=True)"], "to.device": ["x.to()", "x.to(copy=True)"], "to.other": ["x.to(x.float(), copy=True)"],
}  # fmt: skip
REFUSED = (
    "x.gt_(0)", "x.ne_(y)", "clone(c).greater_(s)", "clone(row).le_(x)",
    "sum(x, dtype=int32)", "prod(x, 0, dtype=torch.bool)", "cumsum(x, 0, dtype=int64)", "nansum(x, dtype=int32)", "mean(x, dtype=int32)", "nanmean(x, dtype=int32)",
    "cumsum(k, 0, dtype=torch.bool)", "cumprod(k, 0, dtype=torch.bool)", "k.int().cumsum_(0, dtype=int64)", "clone(x).cumprod_(0, dtype=float32)",
    "linalg.vector_norm(x, dtype=int32)", "linalg.vector_norm(c, dtype=complex64)", "linalg.matrix_norm(c, dtype=float32)", "norm(x, 2, 0, dtype=float32)",
    "linalg.norm(x, 'fro', dtype=complex64)", "norm(x, 1, dtype=float16)", "nansum(x, dtype=complex64)", "torch.arange(3, dtype=torch.bool)", "torch.arange(2, dtype=complex64)",
    "fft.fftfreq(4, dtype=int32)", "hann_window(3, dtype=complex64)", "torch.logspace(0, 1, 3, dtype=torch.bool)", "F.avg_pool1d(k.int()[None], 1)",
    # numbers that multiply
    "add(k, k, alpha=True)", "add(k, k, alpha=1.5)", "add(x, x, alpha=2j)", "add(x.half(), x.half(), alpha=1e5)", "sub(x.float(), y.float(), alpha=1e39)", "rsub(k.int(), k.int(), alpha=2**40)",
    "x.gcd_(k)", "x.bitwise_not_()", "torch.atan2(c, v4)", "F.softshrink(x, 1j)", "addr(k, two, places, beta=True)", "addr(k, two, places, alpha=0.5)", "add(x, y, 2)", "addcmul(x, y, z, 2)",
    # numbers that are infinite, negative or zero where they may not be
    "rrelu(x, 0.1, inf)", "cosine_similarity(x, y, eps=-1.0)", "layer_norm(x, ())", "cov(m, fweights=zeros(4, dtype=int64))", "div(k, 0, rounding_mode='trunc')", "trapezoid(x, dx=2j)",
    "cumulative_trapezoid(x, dx=True)", "x.gather(1, index1 + 9, sparse_grad=False)",
    # numbers that a dtype cannot hold
    "clamp(x.half(), 1e6)", "clamp(x.float(), max=-1e39)", "clamp_min(k.int(), 2**40)", "clamp_max(x.half(), 65520.0)", "pad(x.float(), (1, 1), value=1e39)",
    "torch.full_like(k.int(), 2**40)", "full((2,), 1e39)", "fill(x.float(), 1e39)", "masked_fill(k.int(), mask, -2**40)", "scatter(x.half(), 0, index, 1e5)",
    "index_fill(x.half(), 0, two, 1e5)", "F.threshold(x.half(), 0, 1e5)", "F.hardtanh(x.half(), 0, 1e5)", "F.hardshrink(x.half(), 1e5)",
    "addmm(x.float(), x.float(), eye(3), beta=1e39)", "lerp(x.float(), x.float(), 1e39)", "index_add(k.int(), 0, two, k.int(), alpha=1e20)", "linspace(0, 1e39, 3)",
    "F.elu(x.float(), 1e39)", "F.celu(x, 2j)", "F.leaky_relu(x, 2j)", "F.softplus(x.float(), 1e39)", "F.threshold(k.to(dtype=uint8), -0.5, 0)", "F.softshrink(x.half(), 1e5)",
    "addcmul(k.int(), k.int(), k.int(), value=2**40)", "where(mask, x.float(), 1e39)", "tensor([300], dtype=uint8)", "tensor([1, nan], dtype=int64)", "tensor(1e20, dtype=int32)",
    # what only the real can be
    "nan_to_num(c)", "silu(c)", "select_scatter(c, c[0], 0, 1)", "slice_scatter(c, c, 0)", "torch.select_copy(c, 0, 1)", "torch.slice_copy(c)",
    "c.scatter_reduce(1, index1, c, 'sum')", "c.index_reduce(0, two, c, 'prod')", "bilinear(c, c, torch.complex(sq, sq)[None])", "embedding(index, c)",
    "soft_margin_loss(c, c2.detach())", "soft_margin_loss(v, sign(x).detach())", "torch.native_dropout(c, 0.5, True)", "binary_cross_entropy_with_logits(c, c2)", "scaled_dot_product_attention(c, c, c)", "atan2(c, c)", "argsort(c)",
    # what does not fit
    "block_diag([x, y])", "cartesian_prod((v, v))", "broadcast_tensors([x])", "chain_matmul([m, n])", "roll(x, (1, 2))", "torch.constant_pad_nd(x, (1,))",
    "movedim(x, (0, 1), (0,))", "torch.split_with_sizes(x, [3, -1])", "torch.as_strided_scatter(x, y, (2, 3), (1,))", "logical_and(x, v4)", "masked_fill(x, mask[:, :2], 0)",
    "masked_select(x, k)", "masked_scatter(x, k, y)", "masked_scatter(x, mask, y.float())", "index_fill(x, 0, index, 1)", "index_add(x, 0, index, x)",
    "mvlgamma(mask, 2)", "clamp(mask, mask, mask)", "mask @ mask.t()", "torch.bmm(mask[None], mask.t()[None])", "torch.baddbmm(mask[None], mask[None], ones(1, 3, 3, dtype=torch.bool))",
    "torch.triangular_solve(x, y)", "linalg.cond(x, 'nuc')", "linalg.cond(x[:, :0], 'fro')", "unique_consecutive(x[:, :0], dim=0)",
    "group_norm(image, -1)", "topk(s, 1, 2)", "linalg.pinv(c, c)", "linalg.matrix_rank(c, rtol=c)", "div(c, 2, rounding_mode='floor')", "embedding_bag(index, c)",
    "normal(c, 1.0)", "normal(1.0, c)", "nll_loss(c, two)", "affine_grid(torch.complex(theta, theta), (1, 2, 3, 4))",
)  # fmt: skip
