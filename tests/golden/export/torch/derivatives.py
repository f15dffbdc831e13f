# Derivatives of all sorts

import torch


def gradient(y, x, v=None, create_graph=True):
    """The gradient of y by x; zeros where y does not depend on x."""
    if not y.requires_grad:
        return torch.zeros_like(x)
    options = {"retain_graph": True, "create_graph": create_graph}
    return torch.autograd.grad(y, x, v, materialize_grads=True, **options)[0]


def jacobian(y, x, *, create_graph=False):
    """dy/dx, of shape y.shape + x.shape."""
    if not isinstance(x, torch.Tensor):
        return tuple(jacobian(y, one, create_graph=create_graph) for one in x)
    unit = torch.eye(y.numel(), dtype=y.dtype).reshape(-1, *y.shape)
    rows = [gradient(y, x, one, create_graph) for one in unit]
    return torch.stack(rows).reshape(y.shape + x.shape)


def hessian(y, x, *, create_graph=False):
    """The second derivatives of a number."""
    inputs = [x] if isinstance(x, torch.Tensor) else x
    slopes = [gradient(y, one) for one in inputs]
    rows = [jacobian(slope, inputs, create_graph=create_graph) for slope in slopes]
    return rows[0][0] if isinstance(x, torch.Tensor) else tuple(rows)


def vjp(y, x, v, *, create_graph=False):
    """v^T dy/dx."""
    if not isinstance(x, torch.Tensor):
        return tuple(gradient(y, one, v, create_graph) for one in x)
    return gradient(y, x, v, create_graph)


def jvp(y, x, v, *, create_graph=False):
    """dy/dx v: what the vector-Jacobian product, linear in its vector, gives for v."""
    if not isinstance(x, torch.Tensor):
        pairs = zip(x, v, strict=True)
        parts = [jvp(y, *pair, create_graph=create_graph) for pair in pairs]
        return sum(parts[1:], parts[0])
    vector = torch.zeros_like(y, requires_grad=True)
    return gradient(gradient(y, x, vector), vector, v, create_graph)


def hvp(y, x, v, *, create_graph=False):
    """The second derivatives of a number, times v."""
    return gradient((gradient(y, x) * v).sum(), x, None, create_graph)


torch.manual_seed(0)

x = torch.tensor([1.0, 2.0], requires_grad=True)
w = torch.tensor(3.0, requires_grad=True)
v = torch.tensor([0.5, -1.0])
one = torch.tensor(1.0)

y = x**3 * w
loss = y.sum() + x[0] * x[1]
print(jacobian(y, [x, w]))
print(hessian(loss, x, create_graph=True))
print(hessian(loss, [x, w]))
print(vjp(y, (x, w), v))
print(jvp(y, x, v))
print(jvp(y, [x, w], [v, one]))
print(hvp(loss, x, v, create_graph=True))
print(jacobian(v, x))
print(hvp(x.sum(), x, v))
assert vjp(y, x, v, create_graph=True).requires_grad
