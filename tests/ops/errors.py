"""Calls that torch refuses, for their messages: wrong shapes, dims, dtypes and numbers."""

from . import fourier, linear_algebra

EXPRESSIONS = (
    *linear_algebra.REFUSED, *fourier.REFUSED,
    "x + v4", "x @ y", "x @ v4", "v @ v4", "s @ x", "mm(x, v)", "mv(x, v4)", "dot(x, y)", "dot(v, v4)", "bmm(x, y)", "bmm(cube, cube)",
    "cube @ m", "addmm(v4, x, n)", "addmm(w, x, m)", "outer(x, v)", "x.sum(2)", "x.sum(-3)", "x.mean(5)", "x.sum((0, 0))", "x.max(2)",
    "x.argmax(3)", "x.prod(4)", "x.cumsum(2)", "x.var(3)", "x.softmax(2)", "x.log_softmax(-3)", "sort(x, 2)", "topk(x, 9)",
    "x.view(4)", "x.view(-1, -1)", "x.view(-1, 4)", "x.t().view(6)", "x.view(-2, 3)", "empty.view(-1, 0)", "x.reshape(5)",
    "cube.t()", "x.permute(0)", "x.permute(0, 0)", "x.permute(0, 2)", "x.transpose(0, 2)", "x.expand(3)", "x.expand(4, 3)",
    "v.expand(-1, 3)", "x.squeeze(2)", "x.unsqueeze(4)", "x.select(0, 5)", "x.select(2, 0)", "s.select(0, 0)", "x[5]", "x[0, 0, 0]", "s[0]",
    "x[:, 7]", "x[mask, 0]", "x[flag]", "x[::-1]", "x[places, places[1:]]", "x[index + 5]", "x[x]", "x.split(-1)", "x.split([1, 5])",
    "x.chunk(0)", "s.split(1)", "s.unbind()", "s.chunk(2)", "x.narrow(1, 2, 3)", "x.narrow(0, 5, 1)", "cat([x, v])", "cat([x, w], 1)", "cat([s, s])",
    "stack([x, v])", "x.flip(0, 0)", "x.roll((1, 2), 0)", "v.tril()", "v.trace()", "v.diagonal()", "x.diagonal(0, 1, 1)", "x.flatten(1, 0)",
    "x.gather(0, places)", "x.gather(0, index + 7)", "x.gather(0, x)", "x.scatter(0, places, x)", "x.scatter(0, index + 7, y)", "x.scatter_add(1, index, v)",
    "x.index_select(0, index)", "x.index_select(0, places + 5)", "x.index_add(0, two, v)", "x.masked_select(flag[:2])", "x.masked_scatter(mask, s[None])",
    "x.masked_fill(k, 0)", "where(k, x, y)", "where(mask, x, v4)", "clamp(x)", "k.mean()", "k.std()", "k.var()", "k.softmax(1)", "-mask", "mask - mask2",
    "k ** -2", "k // 0", "k % 0", "x & y", "bitwise_not(x)", "none.max()", "none.argmax()", "empty.max(0)", "empty.amax(0)", "none.min()", "linalg.vector_norm(k)",
    "x.item()", "linear(x, m)", "layer_norm(x, (4,))", "layer_norm(x, (3,), v4)", "cross_entropy(logits, index)", "cross_entropy(logits, labels + 9)",
    "cross_entropy(logits, two)", "cross_entropy(logits, x)", "nll_loss(logits, probs[0])", "cross_entropy(logits, labels, v)", "mse_loss(x, v4)",
    "binary_cross_entropy_with_logits(x, v)", "cross_entropy(logits, labels, label_smoothing=2.0)", "mse_loss(x, y, reduction='bad')",
    "dropout(x, 1.5)", "einsum('ij,jk', x)", "einsum('ijk', x)", "einsum('i', x)", "einsum('ij->ijk', x)", "einsum('ij,ij', x, w)", "einsum('i1', x)",
    "zeros(-1)", "arange(0, 1, 0)", "arange(1, 0)", "linspace(0, 1, -1)", "tensor([[1], [1, 2]])", "full((-2,), 1)", "randint(3, 1, (2,))",
    "eye(-1)", "tensor([1], requires_grad=True)", "x.int().requires_grad_()", "(x * 2).requires_grad_(False)", "x.backward()", "k.backward()",
    "x.detach().sum().backward()", "x.add_(1)", "x[0].mul_(2)", "(x * 2).t().add_(v4)", "clone(v).add_(x)", "k.add_(2.5)", "k.detach().copy_(c).sqrt_()",
    "mask.add_(1)", "c.real.add_(c)", "row.expand(2, 3).mul_(2)", "div(x, y, rounding_mode='up')", "view_as_real(x)", "view_as_complex(c)",
    "view_as_complex(x)", "imag(x)", "maximum(c, c2)", "c < c2", "sign(c)", "sort(c)", "max(c)", "clamp(c, 0)", "floor(c)", "relu(c)", "silu(k)",
    "m @ n.float()", "dot(v, v.float())", "x @ k.t()", "1 - mask", "mask - x", "lerp(x, k, 0.5)", "x.sum(dim='a')", "x.view('a')", "add(x)", "mul(x, y, y)",
    "x.sum(1, dim=0)", "relu(x, y)", "grad(sum(x * y), z)", "grad(x * y, x)", "grad(sum(x), k)", "x.to(5)", "x.sum(keepdim=1)",
)  # fmt: skip
# refused as well, but said in words of our own
OWN_WORDS = (
    "linalg.det()",
    "linalg.svd(sq3, full=True)",
    "x.view('a')",
    "add(x)",
    "x.sum(1, dim=0)",
    "x.to(5)",
    "x.scatter_add(1, index, v)",
)
