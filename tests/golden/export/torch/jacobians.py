# Jacobian, Hessian and their products with vectors, of tanh(W x + b)

import torch


def assert_close(actual, expected, **tolerances):
    """Numbers count, not dtypes; one number stands for as many as there are."""
    actual = torch.as_tensor(actual)
    if not isinstance(expected, torch.Tensor):
        exact = torch.complex128 if actual.is_complex() else torch.float64
        expected = torch.as_tensor(expected, dtype=exact)
    if expected.ndim == 0:
        expected = expected.expand(actual.shape)
    tolerances.update(check_dtype=False, equal_nan=True)
    torch.testing.assert_close(actual, expected, **tolerances)


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
torch.set_default_dtype(torch.float64)

W = torch.randn(2, 3)
b = torch.randn(2)
x = torch.tensor([0.5, -1.0, 0.25], requires_grad=True)
v = torch.tensor([1.0, -2.0])
u = torch.tensor([0.1, 0.2, 0.3])

y = torch.tanh(W @ x + b)
slope = 1 - y.detach() ** 2
J = jacobian(y, x)
print(J)
assert_close(J, slope[:, None] * W)
assert_close(vjp(y, x, v), v @ J)
assert_close(jvp(y, x, u), J @ u)

# the Hessian of a scalar is symmetric, and its product with a vector does not need the matrix
loss = (y**2).sum()
H = hessian(loss, x)
print(H)
assert_close(H, H.T)
assert_close(hvp(loss, x, u), H @ u)
assert list(H.shape) == [3, 3]

# rows one by one, as `backward` would give them
(row0,) = torch.autograd.grad(y[0], x, retain_graph=True)
(row1,) = torch.autograd.grad(y[1], x, retain_graph=True)
assert_close(J, torch.stack([row0, row1]))
