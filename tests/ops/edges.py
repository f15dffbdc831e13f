"""Samples of tensors without dimensions, and without elements; see `samples`."""

from __future__ import annotations

SMOOTH: dict[str, list[str]] = {
    "var": ["s.detach().var(0, False)"],
    "mode": ["mode(s, 0)[0] ** 2"], "median.dim": ["median(s, 0)[0] ** 2"],
    "movedim": ["movedim(s, 0, -1)", "movedim(s, -1, 0) ** 2"],
    "squeeze_.dim": ["clone(s).squeeze_(0)", "clone(s).squeeze_(-1) ** 2"],
    "t": ["s.mT", "cs.H", "cs.mH ** 2", "s.H"],
    "dropout": ["dropout(clone(s), 0.3, inplace=True)"],
    "alpha_dropout": ["alpha_dropout(s, 0.3, True)"],
}  # fmt: skip
KINKED: dict[str, list[str]] = {
    "adjoint": ["adjoint(cs)", "s.adjoint()"],
    "_getitem": ["s[mask0]", "s[mask0] ** 2"],
    "chunk": ["none.chunk(2)", "x[:0].chunk(3)"], "trace": ["trace(x[:0])"],
    "cumprod": ["cumprod(empty, 0)", "cumprod(x[:0], 1) ** 2", "cumprod(one, 0) ** 2", "cumsum(one, 0) ** 2"],
    "cummax": ["cummax(empty, 0)", "cummax(x[:0], 1)[0] ** 2"], "cummin": ["cummin(x[:0], -1)"],
    "group_norm": ["group_norm(x[:0], 3)", "group_norm(image[:0], 1, row)"],
    "bincount": ["bincount(places[:0], v.detach())", "bincount(places[:0], minlength=2)"],
    "real": ["real(c[:0])", "real(c[:0]) ** 2"], "imag": ["imag(c[:0]) ** 2"], "view_as_complex": ["view_as_complex(n[:0]) ** 2"],
    "mul": ["x[:0] * c[:0]"], "div": ["x[:0] / c[:0]", "(k[0].expand(2, 3) / 2).view(-1)"],
    "clone": ["clone(row.expand(2, 3)).view(-1)"], "flip": ["flip(row.expand(2, 3), [0]).view(-1)"],
    "index_fill.Tensor": ["x.index_fill(1, places, s)"], "rms_norm": ["rms_norm(x.t(), (2,))"],
    "linalg::matrix_norm": ["linalg.matrix_norm(x[:0], inf)", "linalg.matrix_norm(cube[:, :0], inf, keepdim=True)"],
    "view_copy": ["torch.view_copy(x.t(), (2, 3))"], "pixel_unshuffle": ["pixel_unshuffle(image[:0], 2)"],
    "scaled_dot_product_attention": ["scaled_dot_product_attention(cube[:0], cube[:0], cube[:0])", "scaled_dot_product_attention(cube, cube[:, :0], cube[:, :0])"],
    "cdist": ["cdist(x[:0], y, 2.0, 'use_mm_for_euclid_dist')"], "nll_loss": ["nll_loss(volume.transpose(1, 2).contiguous().transpose(1, 2), label2)"],
    "amax": ["amax(s, [0]) ** 2"], "trapezoid": ["trapezoid(x[:0], y[:0], dim=0)", "trapezoid(k[:0], k[:0], dim=0)"],
    "cholesky": ["torch.cholesky(k[:0])"], "linalg::lu_factor_ex": ["linalg.lu_factor_ex(k[:0])"], "linalg::matrix_rank": ["linalg.matrix_rank(k[:0], 0.5)"],
    "mm": ["mm(mask[:, :0], mask[:0])"], "topk": ["topk(s, 1)", "topk(s, 0)[1]"], "cat": ["cat([empty, empty], 3)"], "pixel_shuffle": ["pixel_shuffle(image[:0], 1)"],
    "randn": ["randn(0, dtype=int64)"], "bernoulli": ["bernoulli(k[:0])"],
    "index_select": ["index_select(s, 0, places[1:2])"], "prelu": ["prelu(special[0], s)"],
}  # fmt: skip
REFUSED = (
    "aminmax(s, dim=1)", "argmax(s, 1)", "argmin(s, -2)", "index_select(s, 0, places)", "index_select(s, 1, two)", "gradient(s, dim=0)",
    "s.index_put([mask0], s2)", "s.index_add(0, zero_index, one)", "cube.H", "linalg.norm(cube, 'fro')", "linalg.norm(s, 'nuc')",
    "x.sum_to_size(2)", "empty.sum_to_size(2, 3)", "linalg.tensorinv(s, 1)", "unique(empty, dim=1)", "pad(empty, (1, 2), mode='reflect')",
    "linalg.householder_product(sqs, tau[:2])", "linalg.householder_product(sqs, x.t()[:, :2])", "linalg.lstsq(blocks.mT, v4[:, None])",
    "torch.rnn_tanh_cell(x, vs, x[:0], sq2)", "torch.gru_cell(x, vs, x, sq2)", "fractional_max_pool2d(dscan, 1, 1)",
)  # fmt: skip
