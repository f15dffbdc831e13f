"""For every operation a user can call, expressions that call it, on the tensors of the pool.

`SMOOTH` samples are differentiable where they stand: difference quotients must agree with their gradients.
`KINKED` ones are held against torch only: kinks, singular points, integers, creation and bookkeeping.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import fourier, linear_algebra
from .pool import POOL

# the argument that suits each elementwise function of one tensor
UNARY = {
    "abs": "x", "acos": "u", "acosh": "over", "asin": "u", "asinh": "x", "atan": "x", "atanh": "u", "ceil": "d",
    "clone": "x", "conj": "x", "cos": "x", "cosh": "x", "erf": "x", "exp": "x", "exp2": "x",
    "expm1": "x", "floor": "d", "frac": "d", "log": "p", "log10": "p", "log1p": "p", "log2": "p", "logsigmoid": "x",
    "nan_to_num": "x", "neg": "x", "positive": "x", "reciprocal": "x", "relu": "x", "round": "d", "rsqrt": "p",
    "sgn": "x", "sigmoid": "x", "sign": "x", "silu": "x", "sin": "x", "sinh": "x", "softplus": "x", "sqrt": "p",
    "square": "x", "tan": "u", "tanh": "x", "trunc": "d", "leaky_relu": "x",
}  # fmt: skip
COMPLEX = (
    "abs", "conj", "cos", "cosh", "exp", "log", "neg", "reciprocal", "sgn", "sigmoid", "sin", "sinh", "sqrt",
    "square", "tanh", "tan", "clone", "log2", "log10", "rsqrt", "expm1", "positive", "atan", "asinh", "log1p",
    "asin", "acos", "acosh", "atanh",
)  # fmt: skip
# no methods of torch's: functions only
FUNCTIONS = ("silu", "softplus", "leaky_relu", "logsigmoid")
# linear operations: only the gradient of a function of their result shows the graph of their backward
LINEAR = (
    "add", "sub", "rsub", "neg", "sum", "sum.dim", "mean", "mean.dim", "cumsum", "view", "reshape", "expand", "permute",
    "transpose", "t", "movedim", "squeeze", "squeeze.dim", "squeeze.dims", "unsqueeze", "select", "narrow", "flatten", "cat",
    "stack", "flip", "roll", "tril", "triu", "diagonal", "trace", "index_put", "gather", "scatter", "scatter.value", "scatter_add",
    "index_select", "index_add", "masked_select", "masked_scatter", "masked_fill", "masked_fill.Tensor", "where", "_getitem",
    "amax", "sum_to_size", "contiguous", "lerp.Scalar", "fill.Tensor", "Tensor::copy_", "real", "imag",
    "view_as_complex", "einsum", "clamp", "clamp.Tensor", "maximum", "in place",
)  # fmt: skip
COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}

SMOOTH: dict[str, list[str]] = {
    "add": ["add(x, y)", "x + row", "x + 2", "add(x, col, alpha=3)", "2.5 + s", "x.add(other=y, alpha=-0.5)", "c + c2", "x + c"],
    "sub": ["sub(x, y)", "x - row", "x - 2", "sub(x, col, alpha=3)", "s - s2", "x.subtract(y)", "c - x"],
    "rsub": ["rsub(x, y)", "rsub(row, x)"],
    "rsub.Scalar": ["rsub(x, 3)", "3 - x", "1j - c"],
    "mul": ["mul(x, y)", "x * row", "3 * x", "multiply(col, row)", "s * x", "x * x", "c * c2", "x * c", "2j * c"],
    "div": ["div(x, y)", "x / row", "x / 3", "2 / x", "divide(col, row)", "x.true_divide(s)", "c / c2", "2 / c", "x / c"],
    "div.Tensor_mode": ["div(x, y, rounding_mode=None)"],
    "remainder.Scalar": ["remainder(d, 0.7)", "d % 2"],
    "remainder.Tensor": ["remainder(d, p)", "d % p"],
    "fmod.Scalar": ["fmod(d, 0.7)"],
    "fmod.Tensor": ["fmod(d, p)"],
    "pow.Tensor_Scalar": ["pow(x, 2)", "x ** 3", "p ** 0.5", "p ** -1.5", "x ** 0", "x ** 1", "x ** 4", "p.pow(2.5)",
                          "c ** 2", "c ** 3", "x ** -1", "x ** -2"],
    "pow.Tensor_Tensor": ["pow(p, x)", "p ** row", "p ** s", "c ** c2"],
    "pow.Scalar": ["pow(2, x)", "1.5 ** x", "2 ** c"],
    "contiguous": ["x.contiguous()", "x.t().contiguous()", "cube.permute(2, 0, 1).contiguous()", "s.contiguous()"],
    "view_as_real": ["view_as_real(c)", "view_as_real(c.t())", "view_as_real(cs)"],
    "view_as_complex": ["view_as_complex(n)", "view_as_complex(x.view(3, 2))", "view_as_complex(n[::2])"],
    "real": ["real(c)", "c.real", "c.t().real", "x.real * 2"],
    "imag": ["imag(c)", "c.imag", "c[0].imag"],
    "_conj": ["conj(c)", "c.conj()"],
    "atan2": ["atan2(x, y)", "arctan2(x, row)"],
    "maximum": ["maximum(x, d)", "maximum(x, row * 1.01)"],
    "minimum": ["minimum(x, d)", "minimum(x, row * 1.01)"],
    "clamp": ["clamp(d, -0.3, 0.3)", "d.clamp(min=0)", "d.clip(max=0.2)", "clamp(d, max=0.2, min=-0.5)"],
    "clamp.Tensor": ["clamp(d, min=x)", "clamp(d, max=row)", "clamp(d, -p, p)", "d.clip(p, row * 3)"],
    "where": ["where(mask, x, y)", "where(cond, x, row)", "where(mask, x, 2)", "where(mask, 0.5, x)", "where(mask, s, col)"],
    "Tensor::where": ["x.where(mask, y)", "x.where(mask, 0.5)"],
    "lerp.Scalar": ["lerp(x, y, 0.3)", "x.lerp(y, 0.7)", "lerp(x, row, 2)"],
    "fill": ["clone(x).fill_(3)"],
    "fill.Tensor": ["clone(x).fill_(s)"],
    "zero": ["clone(x).zero_()"],
    "copy": ["clone(x).copy_(y)"],
    "Tensor::abs_": ["clone(x).abs_()"],
    "Tensor::square_": ["clone(x).square_()"],
    "Tensor::copy_": ["clone(x).copy_(row)", "clone(x).copy_(s)"],
    "masked_fill": ["masked_fill(x, mask, 2)", "x.masked_fill(cond, -1.5)", "row.masked_fill(mask, 0)"],
    "masked_fill.Tensor": ["masked_fill(x, mask, s)", "x.masked_fill(cond, value=s)"],
    "to": ["x.to(dtype=float64)", "x.to(complex128)", "c.to(dtype=complex64)"],
    "to.other": ["x.to(y)"],
    "type_as": ["x.type_as(y)"],
    "sum": ["sum(x)", "x.sum()", "s.sum()", "c.sum()", "empty.sum()", "sum(x, dtype=float64)"],
    "sum.dim": ["sum(x, 1)", "x.sum(dim=[0, 1])", "sum(cube, axis=-2, keepdims=True)", "x.sum(0, True)", "sum(cube, dim=(0, 2))",
                "x.sum([])", "x.sum(None, True)", "empty.sum(0)", "s.sum(0)", "c.sum(1)", "sum(x, 0, dtype=float64)"],
    "mean": ["mean(x)", "s.mean()", "c.mean()"],
    "mean.dim": ["mean(x, 1)", "x.mean(dim=-1, keepdim=True)", "mean(cube, (0, 1))", "x.mean([])", "c.mean(0)", "s.mean(-1)"],
    "prod": ["prod(x)", "s.prod()", "c.prod()", "none.prod()"],
    "prod.dim": ["prod(x, 1)", "cube.prod(dim=-2, keepdim=True)", "s.prod(0)", "c.prod(1)"],
    "max": ["max(d)", "s.max()"],
    "min": ["min(d)", "s.min()"],
    "max.dim": ["max(d, 1)", "d.max(dim=0, keepdim=True)", "max(dd, -2).values", "s.max(0)"],
    "min.dim": ["min(d, 1)", "d.min(dim=0, keepdim=True)", "min(dd, -2).values", "s.min(0)"],
    "max.other": ["max(x, d)", "x.max(other=row * 1.01)"],
    "min.other": ["min(x, d)", "d.min(row)"],
    "amax": ["amax(d)", "amax(d, 1)", "d.amax(dim=(0, 1), keepdim=True)", "amax(d, -2, keepdims=True)", "amax(s)", "amax(dd, [0])"],
    "amin": ["amin(d)", "amin(d, 1)", "d.amin(dim=(0, 1), keepdim=True)", "amin(d, -2)", "amin(s)"],
    "var": ["var(x)", "var(x, 1)", "x.var(dim=0, keepdim=True)", "var(cube, (0, 2), correction=0)", "var(x, unbiased=False)",
            "x.var(0, False)", "c.var()"],
    "std": ["std(x)", "std(x, 1)", "x.std(dim=-1, keepdim=True)", "std(cube, (0, 2), correction=0)", "x.std(unbiased=False)"],
    "logsumexp": ["logsumexp(x, 1)", "x.logsumexp(dim=(0, 1))", "logsumexp(cube, -1, keepdim=True)", "logsumexp(s, 0)"],
    "vector_norm": ["linalg.vector_norm(x)", "linalg.vector_norm(x, 1)", "linalg.vector_norm(x, 3, dim=1)", "linalg.vector_norm(d, inf)",
                    "linalg.vector_norm(d, -inf, 0)", "linalg.vector_norm(x, 0.5)", "linalg.vector_norm(x, ord=1.5, dim=0, keepdim=True)",
                    "linalg.vector_norm(x, 0)", "linalg.vector_norm(c)", "linalg.vector_norm(c, 1, dim=1)", "linalg.vector_norm(s)"],
    "norm": ["norm(x)", "x.norm(dim=1)", "norm(x, 1)", "x.norm(p=3, dim=0, keepdim=True)", "norm(x, p='fro', dim=(0, 1))", "norm(c)"],
    "cumsum": ["cumsum(x, 1)", "x.cumsum(dim=0)", "cumsum(cube, -2)", "s.cumsum(0)", "c.cumsum(0)", "cumsum(x, 0, dtype=float64)"],
    "cumprod": ["cumprod(x, 1)", "x.cumprod(dim=0)", "cumprod(cube, -1)", "s.cumprod(0)"],
    "sum_to_size": ["x.sum_to_size(1, 3)", "cube.sum_to_size([3, 1])", "x.sum_to_size(2, 3)"],
    "view": ["x.view(6)", "x.view(3, -1)", "x.view([1, 2, 3])", "s.view(1)", "x.view(size=(3, 2))"],
    "view_as": ["x.view_as(y)"],
    "reshape": ["reshape(x, (3, 2))", "x.reshape(-1)", "x.t().reshape(6)", "x.t().reshape(3, 2, 1)", "x.reshape(shape=[6])", "s.reshape(1, 1)"],
    "reshape_as": ["x.t().reshape_as(x)"],
    "expand": ["row.expand(2, 3)", "col.expand(-1, 4)", "s.expand(2, 2)", "row.expand([4, 2, 3])", "x.expand(2, 3)"],
    "expand_as": ["row.expand_as(x)"],
    "broadcast_to": ["broadcast_to(row, (2, 3))", "col.broadcast_to((3, 2, 2))"],
    "permute": ["permute(cube, (2, 0, 1))", "cube.permute(1, -1, 0)", "cube.permute(dims=[0, 1, 2])"],
    "transpose": ["transpose(x, 0, 1)", "cube.transpose(-1, 0)", "cube.transpose(dim0=1, dim1=2)", "s.transpose(0, -1)"],
    "t": ["t(x)", "row.t()", "s.t()", "x.T", "cube.mT", "c.H"],
    "swapaxes": ["swapaxes(cube, 0, 2)", "cube.swapdims(0, 1)"],
    "movedim": ["movedim(cube, 0, 2)", "cube.movedim((0, 1), (2, 0))", "moveaxis(cube, -1, 0)"],
    "squeeze": ["squeeze(four)", "thin.squeeze()", "x.squeeze()", "s.squeeze()"],
    "squeeze.dim": ["squeeze(thin, 0)", "thin.squeeze(-1)", "thin.squeeze(dim=1)", "s.squeeze(0)"],
    "squeeze.dims": ["squeeze(thin, (0, 2))", "thin.squeeze((0, 1))"],
    "unsqueeze": ["unsqueeze(x, 0)", "x.unsqueeze(-1)", "s.unsqueeze(0)", "x.unsqueeze(dim=1)"],
    "select": ["select(x, 0, 1)", "x.select(dim=-1, index=-2)", "x[1]", "x[:, 0]", "cube[1, 2, 3]"],
    "split": ["split(x, 2, 1)", "m.split(3, dim=-1)", "split(m, 2)", "row.split(1)[1]", "x.split(split_size=2)"],
    "split.sizes": ["split(m, [1, 3], dim=1)", "m.split((1, 2), 0)[1]"],
    "chunk": ["chunk(m, 2, dim=1)", "m.chunk(2)", "row.chunk(5)", "m.chunk(3, -1)[0]"],
    "unbind": ["unbind(x)", "x.unbind(dim=-1)", "unbind(x, 1)[2]"],
    "narrow": ["narrow(m, 1, 1, 2)", "m.narrow(-1, -3, 2)", "m.narrow(dim=0, start=0, length=3)"],
    "flatten": ["flatten(cube)", "cube.flatten(1)", "cube.flatten(start_dim=0, end_dim=-2)", "s.flatten()", "x.flatten(1)"],
    "cat": ["cat([x, y])", "cat((x, col), dim=1)", "concat([x, y], -1)", "cat([none, row])", "concatenate([x, x], axis=1)",
            "cat([x, x, y])"],
    "stack": ["stack([x, y])", "stack((x, y), dim=-1)", "stack([s, s2, s])", "stack([row, row], 1)"],
    "flip": ["flip(x, [0])", "x.flip(0, 1)", "x.flip(dims=(-1,))", "flip(c, (1,))"],
    "roll": ["roll(x, 1)", "x.roll(2, 1)", "x.roll(shifts=(1, -1), dims=(0, 1))", "roll(x, -1, -1)"],
    "tril": ["tril(sq)", "m.tril(diagonal=1)", "cube.tril(-1)"],
    "triu": ["triu(sq)", "m.triu(diagonal=1)", "cube.triu(-1)"],
    "diagonal": ["diagonal(sq)", "m.diagonal(1)", "cube.diagonal(offset=-1, dim1=1, dim2=2)", "cube.diagonal(0, -1, 0)"],
    "trace": ["trace(sq)", "m.trace()"],
    "index_put": ["x.index_put([two], y)", "index_put(x, (zero_index, two), v[:2])", "x.index_put([mask], s)",
                  "v.index_put([places], x[1], accumulate=True)", "v.index_put(indices=(places,), values=s, accumulate=True)"],
    "gather": ["gather(x, 0, index)", "x.gather(dim=-1, index=index1)", "s.gather(0, zero_index)", "cube.gather(1, pixels)"],
    "scatter": ["scatter(x, 1, index1[:1], y[:1])", "x.scatter(dim=-1, index=index1[:, :1], src=y[:, 1:2])"],
    "scatter.value": ["scatter(x, 0, index, 2.5)", "x.scatter(1, index1, value=0)"],
    "scatter_add": ["scatter_add(x, 0, index, y)", "x.scatter_add(dim=-1, index=index1, src=y)"],
    "index_select": ["index_select(x, 1, places)", "x.index_select(dim=0, index=two)", "x.index_select(-1, places)"],
    "index_add": ["index_add(m, 0, places, logits)", "m.index_add(dim=0, index=places, source=logits, alpha=2)",
                  "x.index_add(1, places, y)"],
    "index_fill": ["index_fill(x, 1, two, 2.5)", "x.index_fill(dim=-1, index=places, value=0)"],
    "index_fill.Tensor": ["index_fill(x, 0, zero_index, s)", "x.index_fill(1, two, s)"],
    "masked_select": ["masked_select(x, mask)", "x.masked_select(cond)", "row.masked_select(mask)"],
    "masked_scatter": ["masked_scatter(x, mask, y)", "x.masked_scatter(mask, v4)"],
    "sort": ["sort(d)", "d.sort(dim=0, descending=True)", "sort(dd, -1)[0]", "s.sort()"],
    "topk": ["topk(dd, 2)", "dd.topk(2, dim=0, largest=False)", "topk(d5, k=3).values"],
    "_getitem": ["x[0:1]", "cube[..., 1]", "x[None]", "x[:, None, 1:]", "x[mask]", "x[places[1:]]", "x[[1, 0, 1]]", "cube[:, places]",
                 "cube[two, :, places[:2]]", "x[...]", "x[:]", "cube[0, mask[0]]", "v[places]", "x[-1, -2:]", "m[::2, 1::2]", "s[None]"],
    "mm": ["mm(m, n)", "m.mm(mat2=n)", "m @ n", "n.t() @ m.t()", "c @ cm"],
    "mv": ["mv(x, v)", "x @ v", "c @ c2[0]"],
    "dot": ["dot(row, v)", "row @ v", "c[0].dot(c2[1])"],
    "bmm": ["bmm(cube, cube2)", "cube.bmm(mat2=cube2)", "cube @ cube2"],
    "addmm": ["addmm(col, x, m)", "addmm(v4, x, m, beta=0.5, alpha=2)", "v4.addmm(x, m, beta=0)"],
    "matmul": ["matmul(cube, n)", "v4 @ n", "cube @ v4", "m @ cube2", "cube @ cube2[0]", "v4 @ cube2", "matmul(input=x, other=m)"],
    "outer": ["outer(row, v4)", "v.outer(vec2=v4)"],
    "linear": ["linear(x, w)", "linear(x, w, b5)", "linear(row, w, bias=b5)", "F.linear(cube.mT, w, b5)", "linear(row, w)"],
    "einsum": ["einsum('ij,jk->ik', m, n)", "einsum('ij->ji', x)", "einsum('ii->i', sq)", "einsum('ij,ij->', x, y)", "einsum('i,j', row, v4)",
               "einsum('bij,bjk->bik', cube, cube2)", "einsum('...j,j->...', cube, v4)", "einsum('ij,jk,kl->il', x, m, n)",
               "einsum('ii', sq)", "einsum('ij->', x)", "einsum('ij,kj->ik', [x, w])"],
    "softmax": ["softmax(x, 1)", "F.softmax(x, dim=0)", "softmax(cube, -2)", "x.softmax(-1)"],
    "softmax.int": ["torch.softmax(x, dim=1)", "x.softmax(dim=0)", "s.softmax(0)"],
    "log_softmax": ["log_softmax(x, 1)", "F.log_softmax(x, dim=0)", "log_softmax(cube, dim=-2)"],
    "log_softmax.int": ["torch.log_softmax(x, 1)", "x.log_softmax(dim=0)", "s.log_softmax(0)"],
    "layer_norm": ["layer_norm(x, (3,))", "layer_norm(x, (3,), row, v)", "layer_norm(x, [3], weight=row)", "layer_norm(x, [3], bias=v, eps=0.1)",
                   "F.layer_norm(cube, (3, 4), m)", "layer_norm(cube, (4,), v4, v4)", "layer_norm(row, (3,), v, v)"],
    "softplus": ["softplus(x, 2, 1)", "softplus(x, beta=0.5)"],
    "leaky_relu": ["leaky_relu(x, 0.2)", "leaky_relu(x, negative_slope=-0.5)"],
    "binary_cross_entropy_with_logits": [
        "binary_cross_entropy_with_logits(x, u)", "F.binary_cross_entropy_with_logits(x, u, p.detach(), reduction='sum')",
        "binary_cross_entropy_with_logits(x, u, pos_weight=(row * row).detach(), reduction='none')",
        "binary_cross_entropy_with_logits(x, u, weight=row.detach(), pos_weight=p.detach())", "binary_cross_entropy_with_logits(s, s2)"],
    "mse_loss": ["mse_loss(x, y)", "F.mse_loss(x, y, reduction='sum')", "mse_loss(x, y, reduction='none')", "mse_loss(s, s2)"],
    "l1_loss": ["l1_loss(x, d)", "l1_loss(x, d, reduction='sum')", "l1_loss(x, d, reduction='none')"],
    "nll_loss": ["nll_loss(logits, labels)", "nll_loss(logits, labels, classw.detach())", "nll_loss(logits, labels, reduction='none')",
                 "nll_loss(logits, ignored, reduction='sum')", "nll_loss(image, pixels)", "nll_loss(image, pixels, imagew.detach(), reduction='none')",
                 "nll_loss(volume, label2)", "nll_loss(volume, label2, reduction='none')", "nll_loss(v4, label)",
                 "nll_loss(logits, labels, ignore_index=1)"],
    "cross_entropy": ["cross_entropy(logits, labels)", "cross_entropy(logits, labels, classw.detach())", "cross_entropy(logits, labels, reduction='none')",
                      "F.cross_entropy(logits, ignored, reduction='sum')", "cross_entropy(image, pixels, imagew.detach())", "cross_entropy(volume, label2)",
                      "cross_entropy(logits, labels, label_smoothing=0.1)", "cross_entropy(logits, ignored, classw.detach(), label_smoothing=0.2)",
                      "cross_entropy(logits, labels, label_smoothing=0.1, reduction='none')",
                      "cross_entropy(logits, ignored, label_smoothing=0.1, reduction='sum')",
                      "cross_entropy(logits, probs)", "cross_entropy(logits, probs, classw, reduction='sum')",
                      "cross_entropy(logits, probs, label_smoothing=0.1, reduction='none')", "cross_entropy(v4, label)",
                      "cross_entropy(logits, labels, classw.detach(), reduction='none')"],
    "dropout": ["dropout(x, 0.3)", "F.dropout(x, p=0.0)", "dropout(x, training=False)", "dropout(x, 1.0)"],
    "grad": ["grad(sum(x * x * y), [x, y], create_graph=True)", "torch.autograd.grad(exp(x), x, y, create_graph=True)[0]"],
    "jacobian": ["jacobian(x.sum(1) * x[0, 0], x, create_graph=True)"],
    "hessian": ["hessian(sum(row ** 3), row, create_graph=True)"],
    "vjp": ["vjp(exp(x), x, y, create_graph=True)"],
    "jvp": ["jvp(exp(x), x, y, create_graph=True)"],
    "hvp": ["hvp(sum(x ** 3), x, y, create_graph=True)"],
    "in place": ["clone(x).mul_(y).add_(row)", "(x * y)[0].mul_(y[1])", "clone(x)[:, 1:].exp_()", "clone(x).t().add_(col.t())", "clone(x).diagonal().mul_(s)"],
}  # fmt: skip

KINKED: dict[str, list[str]] = {
    "pow.Scalar": ["2 ** k", "0 ** p", "0.0 ** edge", "0 ** origin"],
    "pow.Tensor_Scalar": ["edge ** 2", "edge ** 0", "origin ** 0", "origin ** 0.5", "origin ** 2", "origin ** -1", "edge ** 0.5", "k ** 2", "k ** 2.0",
                          "edge ** 1", "origin ** 1", "zero2 ** 1.5"],
    "pow.Tensor_Tensor": ["bases ** powers", "zero2 ** zero2", "k ** k2", "edge ** ties", "(-p) ** x"],
    "div.Tensor_mode": ["div(x, y, rounding_mode='floor')", "div(x, p, rounding_mode='trunc')", "div(k, k2, rounding_mode='floor')",
                        "div(k, k2, rounding_mode='trunc')", "div(k, 2, rounding_mode='trunc')", "div(special, 2, rounding_mode='floor')",
                        "div(k, k2, rounding_mode=None)", "div(x, 0, rounding_mode='floor')", "div(d, 0.3, rounding_mode='floor')"],
    "floor_divide": ["x // y", "floor_divide(x, 2)", "k // k2", "k // 3", "k.floor_divide(-2)", "7 // k2", "x.detach() // 0.7", "special.detach() // 2",
                     "halves.detach() // 0"],
    "remainder.Scalar": ["k % 3", "halves % 1", "special % 2", "edge.remainder(0.5)", "k.remainder(-3)", "k % 2.5"],
    "remainder.Tensor": ["k % k2", "remainder(ties, edge)", "halves % -powers"],
    "remainder.Scalar_Tensor": ["remainder(5, k2)", "5 % k2", "5.5 % p.detach()", "remainder(5, x)"],
    "fmod.Scalar": ["fmod(k, 3)", "fmod(halves, 1)", "fmod(special, 2)", "k.fmod(-3)"],
    "fmod.Tensor": ["fmod(k, k2)", "fmod(ties, edge)"],
    "div": ["edge / zero2[0]", "k / k2", "k / 2", "zero2 / zero2", "1 / edge", "c / 0"],
    "mul": ["mask * k", "k * 2.5", "flag * 2", "k * True", "x.detach() * 1j", "mask * mask2", "k * x", "special * 0"],
    "add": ["k + 2.5", "mask + mask2", "flag + 1", "k + k2", "k.add(2, alpha=3)", "k + x", "ks + x", "k + True"],
    "sub": ["k - 2.5", "k - k2", "k.sub(2, alpha=3)", "3 - k", "2.5 - k"],
    "rsub": ["rsub(k, k2)"],
    "rsub.Scalar": ["rsub(k, 2)"],
    "atan2": ["atan2(zero2, zero2)", "atan2(k, k2)", "atan2(edge, ties)"],
    "maximum": ["maximum(edge, ties)", "maximum(edge, edge * 1)", "maximum(special, edge[0])", "maximum(k, k2)"],
    "minimum": ["minimum(edge, ties)", "minimum(edge, edge * 1)", "minimum(special, edge[0])", "minimum(k, k2)"],
    "clamp": ["clamp(edge, 0, 1)", "clamp(edge, 1, 0)", "clamp(edge, min=0)", "clamp(k, -1, 2)", "clamp(k, 0.5)", "clamp(special, -1, 1)",
              "clamp(halves, max=1.5)"],
    "clamp.Tensor": ["clamp(edge, low, high)", "clamp(edge, min=edge * 1)", "clamp(edge, max=edge * 1)", "clamp(k, k2)", "clamp(low, low * 1, high)",
                     "clamp(special, min=origin, max=s)", "clamp(high, low, high * 1)"],
    "where.nonzero": ["where(mask)", "torch.where(k)", "where(flag)[0]"],
    "where": ["where(mask, k, 0)", "where(edge > 0, sqrt(edge), 0)", "where(mask, 1, 0)", "where(mask0, x, y)", "where(mask, k, 1.5)"],
    "nan_to_num": ["nan_to_num(special)", "nan_to_num(special, 1.0, posinf=2.0, neginf=-2.0)", "nan_to_num(k)"],
    "masked_fill": ["k.masked_fill(mask, 7)", "x.masked_fill(mask, inf)", "mask.masked_fill(mask2, True)"],
    "max": ["max(ties)", "max(special)", "max(k)", "max(mask)", "max(edge * 0)", "k.max()"],
    "min": ["min(ties * -1)", "min(special)", "min(k)"],
    "max.dim": ["max(tied, 1)", "max(special, 0)", "max(k, 0)", "tied.max(-1, True)", "max(lone, 0)"],
    "min.dim": ["min(tied * -1, 1)", "min(special, 0)", "min(k, 0)"],
    "amax": ["amax(tied, 1)", "amax(ties)", "amax(special)", "amax(k, 0)", "amax(tied, (0, 1))"],
    "amin": ["amin(tied * -1, 1)", "amin(special)", "amin(k)"],
    "argmax": ["argmax(d)", "argmax(d, 1)", "d.argmax(dim=0, keepdim=True)", "argmax(ties)", "argmax(special)", "argmax(s)", "argmax(k, -1)"],
    "argmin": ["argmin(d)", "argmin(d, 1)", "d.argmin(dim=0, keepdim=True)", "argmin(special)", "argmin(s, 0)"],
    "prod": ["prod(onezero)", "prod(twozeros)", "prod(k)", "prod(mask)", "prod(origin)", "prod(zeroed)"],
    "prod.dim": ["prod(zeroed, 0)", "prod(zeroed, 1)", "prod(k, 1)", "prod(onezero, 0)", "prod(zeroed, 1, True)"],
    "cumprod": ["cumprod(onezero, 0)", "cumprod(zeroed, 1)", "cumprod(zeroed, 0)", "cumprod(k, 0)", "cumprod(origin, 0)"],
    "cumsum": ["cumsum(k, 1)", "cumsum(mask, 0)", "cumsum(special, 0)"],
    "sum": ["sum(k)", "sum(mask)", "sum(k, dtype=float64)"],
    "sum.dim": ["sum(k, 0)", "mask.sum(1)"],
    "mean": ["mean(k, dtype=float64)", "none.mean()"],
    "mean.dim": ["mean(empty, 0)", "mean(empty, 1)"],
    "var": ["var(single, 1)", "var(ones2)", "var(lone)", "var(single, 1, correction=0)", "var(none)", "var(lone, correction=2)"],
    "std": ["std(ones2)", "std(lone)", "std(single, 1)", "std(single, 1, unbiased=False)", "std(origin)", "std(ones2, unbiased=False)"],
    "logsumexp": ["logsumexp(infs, 1)", "logsumexp(huge, 0)", "logsumexp(k, 0)", "logsumexp(empty, 1)", "logsumexp(special, 0)"],
    "vector_norm": ["linalg.vector_norm(zero2)", "linalg.vector_norm(zero2, 1)", "linalg.vector_norm(zero2, 3)", "linalg.vector_norm(ties, inf)",
                    "linalg.vector_norm(onezero, 0.5)", "linalg.vector_norm(zero2, inf)", "linalg.vector_norm(onezero, 0)",
                    "linalg.vector_norm(onezero, 1.5)", "linalg.vector_norm(zero2, 1.5)", "linalg.vector_norm(zeroed, 2, 0)"],
    "norm": ["norm(zero2)", "norm(onezero)", "norm(origin)", "norm(ties, inf)", "zeroed.norm(dim=0)"],
    "all": ["all(mask)", "all(x, 1)", "k.all(dim=0, keepdim=True)", "all(empty)"],
    "any": ["any(mask)", "any(x, 1)", "k.any(dim=0, keepdim=True)", "any(empty)"],
    "count_nonzero": ["count_nonzero(k)", "count_nonzero(k, 0)", "count_nonzero(zeroed, dim=1)"],
    "argsort": ["argsort(d)", "d.argsort(dim=0, descending=True)"],
    "sort": ["sort(k, 1)", "sort(special)", "sort(special, descending=True)"],
    "topk": ["topk(special, 3)"],
    "isnan": ["isnan(special)", "isnan(k)"],
    "isinf": ["isinf(special)", "isinf(k)"],
    "isfinite": ["isfinite(special)", "isfinite(k)"],
    "logical_and": ["logical_and(x, mask)", "logical_and(k, k2)"],
    "logical_or": ["logical_or(x, mask)"],
    "logical_xor": ["logical_xor(zeroed, x[0])", "logical_xor(k, k2)"],
    "logical_not": ["logical_not(zeroed)", "logical_not(mask)"],
    "bitwise_and": ["k & k2", "mask & mask2", "bitwise_and(k, 3)", "3 & k"],
    "bitwise_or": ["k | k2", "mask | mask2", "k.bitwise_or(4)"],
    "bitwise_xor": ["k ^ k2", "mask ^ True"],
    "bitwise_not": ["~k", "~mask", "bitwise_not(k)"],
    "bitwise_left_shift": ["k << 2", "bitwise_left_shift(k, k2)", "3 << k2"],
    "bitwise_right_shift": ["k >> 1", "bitwise_right_shift(k, k2)", "64 >> k2"],
    "item": ["s.item()", "k[0, 1].item()", "flag[0].item()"],
    "tolist": ["x.tolist()", "k.tolist()", "s.tolist()"],
    "size": ["x.size()", "x.size(1)", "cube.size(dim=-1)"],
    "numel": ["numel(x)", "x.numel()", "empty.numel()", "x.nelement()"],
    "dim": ["x.dim()", "cube.ndimension()"],
    "is_contiguous": ["x.is_contiguous()", "x.t().is_contiguous()", "x[:, 1:].is_contiguous()"],
    "half": ["x.half()", "k.half()"], "float": ["x.float()", "k.float()"], "double": ["k.double()", "x.double()"],
    "char": ["k.char()"], "short": ["k.short()"], "int": ["x.int()"], "long": ["x.long()", "mask.long()"], "bool": ["k.bool()", "x.bool()"],
    "cfloat": ["x.cfloat()"], "cdouble": ["x.cdouble()", "k.cdouble()"],
    "to": ["k.to(float64)", "x.to(int64)", "x.to(float16)"],
    "detach_": ["(x * 2).detach_()"],
    "requires_grad_": ["x.detach().requires_grad_()"],
    "retain_grad": ["(x * 2).retain_grad()"],
    "backward": ["sum(x * x).backward()", "(x * y).backward(gradient=y, retain_graph=True)"],
    "autograd::backward": ["torch.autograd.backward([sum(x), sum(y)])"],
    "manual_seed": ["rand(2)"],
    "tensor": ["tensor([1.5, 2])", "tensor([[1, 2]], dtype=float64)", "tensor(True)", "tensor([])", "tensor([1, 2.5], requires_grad=True)",
               "tensor([1, 2], dtype=float16)"],
    "zeros": ["zeros(2, 3)", "zeros([2], dtype=int64)", "zeros(())", "torch.zeros(2, requires_grad=True)"],
    "ones": ["ones(2, 3)", "ones((1,), dtype=bool)"],
    "full": ["full([2], 7)", "full((2, 1), 1.5)", "full((), True)", "full([2], 7, dtype=float64)"],
    "eye": ["eye(2)", "eye(2, 3)", "eye(n=2, m=1, dtype=int64)"],
    "arange": ["arange(5)", "arange(1, 4)", "arange(0, 1, 0.25)", "arange(5, 0, -2)", "arange(3, dtype=float64)", "arange(0.5, 3)"],
    "linspace": ["linspace(0, 1, 5)", "linspace(-1, 1, steps=4, dtype=float64)", "linspace(0, 10, 1)", "linspace(3, 0, 7)"],
    "zeros_like": ["zeros_like(x)", "zeros_like(k, dtype=float64)"],
    "ones_like": ["ones_like(k)", "ones_like(x, requires_grad=True)"],
    "full_like": ["full_like(x, 3)", "full_like(k, 2.5, dtype=float64)"],
    "rand": ["rand(2, 3)", "rand(())"], "randn": ["randn(3)", "randn(2, 2, dtype=float64)"],
    "rand_like": ["rand_like(x)"], "randn_like": ["randn_like(x)"],
    "randint": ["randint(10, (3,))"], "randint.low": ["randint(-5, 5, (2, 2))", "randint(low=0, high=3, size=(4,))"],
    "randperm": ["randperm(6)"], "normal": ["normal(1.0, 2.0, (3,))"], "bernoulli": ["bernoulli(probs)"],
    "in place": ["clone(x).exp_().sub_(1)", "(x * 1).expand(2, 2, 3).mul_(2)"],
    "relu": ["relu(edge)", "relu(special)", "relu(k)"], "abs": ["abs(edge)", "abs(k)", "abs(czero)", "abs(special)"],
    "sqrt": ["sqrt(edge)", "sqrt(origin)", "sqrt(czero)"], "log": ["log(edge)", "log(origin)"], "rsqrt": ["rsqrt(edge)"],
    "reciprocal": ["reciprocal(edge)", "reciprocal(k2)"], "sgn": ["sgn(czero)", "sgn(edge)", "sgn(k)"], "sign": ["sign(special)", "sign(k)", "sign(mask)"],
    "sigmoid": ["sigmoid(huge)", "sigmoid(k)"], "tanh": ["tanh(huge)"], "exp": ["exp(huge)", "exp(special)"], "softplus": ["softplus(huge)"],
    "silu": ["silu(huge)"], "logsigmoid": ["logsigmoid(huge)"], "leaky_relu": ["leaky_relu(edge)"], "asin": ["asin(edge)"], "acos": ["acos(edge)"],
    "acosh": ["acosh(ones2)"], "atanh": ["atanh(edge)"], "round": ["round(halves)", "round(k)"], "floor": ["floor(special)", "floor(k)"],
    "trunc": ["trunc(halves)"], "frac": ["frac(special)", "frac(halves)"], "log1p": ["log1p(edge)"], "tan": ["tan(special)"],
    "erf": ["erf(special)", "erf(huge)"], "expm1": ["expm1(huge)"], "neg": ["-k", "-zero2"], "positive": ["+x"], "square": ["k.square()"],
    "softmax": ["softmax(huge, 0)", "softmax(infs, 1)", "softmax(k, 0, dtype=float64)", "softmax(empty, 0)", "softmax(x, 1, dtype=float32)"],
    "log_softmax": ["log_softmax(huge, 0)", "log_softmax(infs, 1)"],
    "layer_norm": ["layer_norm(ones2, (2,))", "layer_norm(single, (1,))"],
    "binary_cross_entropy_with_logits": ["binary_cross_entropy_with_logits(huge, huge.detach() > 0)",
                                         "binary_cross_entropy_with_logits(huge, v4, reduction='none')"],
    "l1_loss": ["l1_loss(edge, ties)"], "mse_loss": ["mse_loss(none, none)"],
    "nll_loss": ["nll_loss(empty, two[2:])", "nll_loss(empty, two[2:], reduction='none')"],
    "cross_entropy": ["cross_entropy(infs, two)", "cross_entropy(logits, labels * 0 - 100)"],
    "gather": ["k.gather(0, index)"], "scatter": ["k.scatter(0, index, k2)", "x.scatter(1, index1[:1], y)"], "scatter.value": ["k.scatter(0, index, 5)"],
    "index_select": ["k.index_select(1, places)"], "masked_select": ["k.masked_select(mask)", "k.masked_select(mask & False)"],
    "_getitem": ["k[mask]", "k[0]", "x[True]", "x[mask & False]", "x[5:]", "x[tensor([True, False])]"],
    "cat": ["cat([k, k2])", "cat([k, x])", "cat([mask, k])", "cat([x, c])"], "stack": ["stack([k, x])"], "dot": ["dot(places, places)"], "mm": ["k @ k2.t()"],
    "detach": ["x.detach()", "x.detach() * y", "detach(x) + x"],
}  # fmt: skip

TOPICS = (linear_algebra, fourier)

# here torch's own second derivatives fail, where ours are right
TORCH_FAILS = ("layer_norm(x, [3], bias=v, eps=0.1)",)


def smooth() -> Iterator[tuple[str, str]]:
    """Every sample whose gradients difference quotients can check, under the name of its row."""
    for name, argument in UNARY.items():
        for given in (argument, "s" if argument == "x" else "sp" if argument in ("p", "u") else f"{argument}[0, 0]"):
            yield name, f"{name}({given})"
        if name not in FUNCTIONS:
            yield name, f"{argument}.t().{name}()"
        if name in COMPLEX:
            yield name, f"{name}(c)"
    for name, expressions in items(SMOOTH, *(topic.SMOOTH for topic in TOPICS)):
        for expression in expressions:
            yield name, expression
            if name in LINEAR:
                yield name, f"tanh({expression})"


def kinked() -> Iterator[tuple[str, str]]:
    """Every other sample."""
    for name in UNARY:
        yield name, f"{name}(empty)"
        if name not in FUNCTIONS:
            yield name, f"{name}(k)"
    for name, symbol in COMPARISONS.items():
        for arguments in ("ties, edge", "k, 1", "k, 0.5", "x, row", "special, special", "mask, mask2"):
            yield name, f"{name}({arguments})"
        yield name, f"x {symbol} 0"
        yield name, f"0.5 {symbol} x"
        yield name, f"k {symbol} k2"
    for name, expressions in items(KINKED, *(topic.KINKED for topic in TOPICS)):
        for expression in expressions:
            yield name, expression


def items(*tables: dict[str, list[str]]) -> Iterator[tuple[str, list[str]]]:
    for table in tables:
        yield from table.items()


def names_in(expression: str) -> list[str]:
    """The tensors of the pool that an expression names."""
    bare = re.sub(r"'[^']*'|\.\s*[a-z]\w*|\b\w+=(?!=)", " ", expression)
    return [name for name in dict.fromkeys(re.findall(r"[a-z_]\w*", bare)) if name in POOL]
