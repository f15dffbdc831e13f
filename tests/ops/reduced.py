"""float16 and bfloat16: what torch computes in them, bit for bit where each element has its own computation."""

from __future__ import annotations

from collections.abc import Iterator

from .pool import POOL
from .samples import kinked, names_in, smooth

DTYPES = ("float16", "bfloat16")

# D is the dtype
MADE = (
    "arange(10, dtype=D)", "arange(0, 1, 0.1, dtype=D)", "arange(-3.3, 7.7, 0.7, dtype=D)", "arange(300, dtype=D)", "linspace(-1, 1, 40, dtype=D)",
    "linspace(0.1, 99.9, 100, dtype=D)", "logspace(-3.3, 4.7, 9, dtype=D)", "logspace(0, 3.3, 6, base=2.7, dtype=D)", "eye(3, dtype=D)", "zeros(2, dtype=D)",
    "full((2,), 0.1, dtype=D)", "tensor([0.1, 1e6, 1e-9, 3], dtype=D)", "tensor([1, 2], dtype=D)", "tensor([True], dtype=D)", "scalar_tensor(0.1, dtype=D)",
    "zeros(2, dtype=D).fill_(0.1)", "full((2,), 1e39, dtype=D)", "zeros(2, dtype=D).fill_(1e39)", "zeros(2, dtype=D).masked_fill(tensor([True, False]), 1e39)",
    "zeros(2, dtype=D).masked_fill(tensor([True, False]), 0.3)", "(arange(6).double() * 0.1).to(D)", "arange(100000, dtype=float64).div(7).to(D)", "arange(6, dtype=D).to(int64)",
    "arange(6, dtype=D).double() * 0.1", "arange(6, dtype=D).bool()", "tensor([1.5], dtype=D).cfloat()",
    # numbers, and 0-dim tensors, take part with the digits that they have
    "arange(100, dtype=D) * 0.1234567", "arange(100, dtype=D) / 0.1234567", "arange(100, dtype=D) - 0.1234567", "arange(100, dtype=D) * tensor(0.1234567)", "arange(100, dtype=D) + tensor(0.1234567, dtype=float64)",
    "ones(3, dtype=D) + 1e6", "1 / (ones(3, dtype=D) * 3)", "ones(3, dtype=D) * tensor([2, 3, 4])", "ones((), dtype=D) * tensor([2, 3, 4])", "ones((), dtype=D) * tensor([2.5, 3, 4])", "ones(3, dtype=D) ** 0.3",
    "maximum(ones(3, dtype=D), tensor(1.3))", "atan2(ones(3, dtype=D) * 3, tensor(0.3))", "where(tensor([True, False]), ones(2, dtype=D), 0.3)", "(ones(3, dtype=D) * 0.3).add_(tensor([0.1, 0.2, 0.3]))",
    "(ones(3, dtype=D) * 0.3).mul_(tensor([0.1, 0.2, 0.3]).double())", "arange(3, dtype=D).mul_(2.7)", "tensor([1.1], dtype=D) + tensor([1.1], dtype=float16)", "tensor([1.1], dtype=D) * tensor([1.1], dtype=bfloat16)",
    # sums are taken in float32
    "arange(500, dtype=D).sum()", "arange(500, dtype=D).mean()", "arange(500, dtype=D).cumsum(0)", "arange(1, 500, dtype=D).log().sum()", "arange(600, dtype=D).std()", "arange(600, dtype=D).norm()", "arange(5, dtype=D).softmax(0)",
    "ones(3, dtype=D).sum(dtype=float64)", "tensor([1.0009765, 2.1]).sum(dtype=D)", "tensor([inf, -inf, nan, 1], dtype=D).nan_to_num()", "nextafter(ones(2, dtype=D), zeros(2, dtype=D))",
    "torch.fft.fftfreq(5, dtype=D)", "isfinite(ones(2, dtype=D))", "argmax(arange(5, dtype=D))", "frexp(arange(5, dtype=D))", "arange(6, dtype=D).histc(3)", "arange(6, dtype=D).unique()", "arange(6, dtype=D).topk(2)",
    # torch's random numbers
    "rand(40, dtype=D)", "randn(5, dtype=D)", "randn(16, dtype=D)", "randn(41, dtype=D)", "randint(-100, 100, (20,), dtype=D)", "randperm(20, dtype=D)", "normal(0.1, 0.3, (20,), dtype=D)", "zeros(20, dtype=D).uniform_(-1.5, 2.25)",
    "zeros(20, dtype=D).normal_(1.5, 2.5)", "zeros(5, 4, dtype=D).t().normal_()", "zeros(9, dtype=D).exponential_()", "zeros(9, dtype=D).cauchy_()", "zeros(9, dtype=D).log_normal_()", "zeros(9, dtype=D).geometric_(0.3)",
    "zeros(9, dtype=D).random_()", "zeros(9, dtype=D).bernoulli_(0.3)", "bernoulli(full((9,), 0.4, dtype=D))", "poisson(full((9,), 3.5, dtype=D))", "dropout(arange(20, dtype=D), 0.3)", "normal(arange(9, dtype=D), arange(9, dtype=D))",
    "multinomial(arange(1, 9, dtype=D), 5, True)", "multinomial(arange(1, 9, dtype=D), 3)", "arange(4, dtype=D).view(int16)", "arange(4, dtype=D).view(float32)",
    # what torch refuses
    "torch.binomial(ones(3, dtype=D), ones(3, dtype=D))", "arange(6, dtype=D) & 1", "bitwise_not(arange(6, dtype=D))", "linalg.inv(eye(2, dtype=D))", "linalg.svdvals(eye(2, dtype=D))", "torch.fft.fft(ones(4, dtype=D))", "arange(6, dtype=D).quantile(0.5)", "torch.special.bessel_j0(ones(2, dtype=D))",
    "torch.cdist(ones(2, 2, dtype=D), ones(2, 2, dtype=D))", "dot(ones(2, dtype=D), ones(2))", "mm(ones(2, 2, dtype=D), ones(2, 2))", "gcd(ones(2, dtype=D), ones(2, dtype=D))", "linalg.vander(ones(2, dtype=D))",
)  # fmt: skip

# what may be off by so many units in the last place of the largest number: sums in another order, and kernels that round
# some of their steps, too
OFF = {
    1: (
        "sigmoid(x)", "silu(x)", "mish(x)", "polygamma(2, p)", "p.polygamma(2)", "clone(p).polygamma_(2)", "renorm(x, 2, 0, 1.5)", "prod(x)", "addbmm(s, cube, cube2)", "bilinear(x, n.t(), cube)",
        "cdist(x, y, 2.0, 'use_mm_for_euclid_dist')", "log_softmax(x, 1)", "torch.log_softmax(x, 1)", "binary_cross_entropy_with_logits(x, u)", "mse_loss(x, y)", "cross_entropy(logits, labels)",
        "conv_tbc(cube2, n[:2, :, None].expand(2, 2, 3), v)", "adaptive_avg_pool3d(scan, 2)", "glu(cube)", "batch_norm(image, None, None, training=True)", "instance_norm(image)", "embedding_bag(index, w)",
        "soft_margin_loss(x, sign(y).detach())", "rsqrt(p)", "dist(x, y)", "mvlgamma(over, 2)", "lp_pool1d(signal, 2, 2)", "lp_pool2d(photo, 2, 2)", "affine_grid(theta, (1, 2, 3, 4))", "rrelu_(clone(x), training=True)",
        "huber_loss(x, y, delta=0.5)", "binary_cross_entropy(probs, probs * 0.9)", "multilabel_soft_margin_loss(logits, probs)", "F.linear_cross_entropy(x, w, two)",
        "torch.lstm_cell(x, (vs * 1, vs * 2), cat([w, sq3]) * 0.3, tall.repeat(2, 1) * 0.3)", "torch.gru_cell(x * 1, vs, cat([sq3, sq]) * 0.3, cat([vs, tall]) * 0.3)",
        "torch.native_batch_norm(photo, zero2 + 2, ones2, None, None, True, 0.1, 1e-5)", "torch.native_dropout(x, 0.4, True)",
        "torch.batch_norm(x, None, None, None, None, True, 0.1, 0.5, False)", "torch.instance_norm(x[None], None, None, None, None, True, 0.1, 1e-5, False)",
        # torch multiplies by a 0-dim tensor's own digits, and here they are rounded first
        "arange(100, dtype=float16) * tensor(0.1234567)", "arange(100, dtype=bfloat16) * tensor(0.1234567)",
    ),
    2: (
        "torch.special.i0e(x)", "grid_sample(photo, looks)", "torch.grid_sampler(photo, looks, 0, 0, False)", "torch.grid_sampler_2d(photo, looks, 0, 0, False)",
        "torch.grid_sampler_3d(scan, looks3, 0, 1, True)",
    ),
    3: ("group_norm(image, 3, row, v)", "torch.group_norm(x, 1, cudnn_enabled=False)"),
}  # fmt: skip
# of float16 torch makes complex32 here; its exponential of this matrix is NaN; where there is nothing to count, it does not
# look at the dtype
OTHERWISE = (
    "torch.histogramdd(x.detach().t(), 3, range=[0.0, 3, 0, 1], density=True)",
    "torch.complex(x, y)",
    "view_as_complex(n)",
    "torch.view_as_complex_copy(n.detach())",
    "matrix_exp(sq3)",
)


def cases() -> Iterator[tuple[str, str]]:
    """Dtype and expression: one of every operation, of those with a tensor of floats the first, and `MADE`."""
    chosen: dict[str, str] = {}
    for name, expression in (*smooth(), *kinked()):
        if any(POOL[one].kind == "float" for one in names_in(expression)) and "float64" not in expression:
            chosen.setdefault(name, expression)
    answered = [expression for expression in chosen.values() if expression not in OTHERWISE]
    for dtype in DTYPES:
        for expression in answered:
            yield dtype, expression
        for expression in MADE:
            yield dtype, expression.replace("D)", f"{dtype})").replace("=D", f"={dtype}")
