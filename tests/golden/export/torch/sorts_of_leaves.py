# Leaves of all sorts

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


torch.manual_seed(0)

n = 2

a = torch.tensor(n * 0.5)
w = torch.ones(2, requires_grad=True)
with torch.no_grad():
    v = w * 2
with torch.no_grad():
    u = w[0].clone().to(torch.float64).requires_grad_()
with torch.no_grad():
    t = w.t().clone().requires_grad_(False)
z = torch.tensor([1 + 2j, 0 - 0.5j, torch.nan])
with torch.no_grad():
    s = w.sum().requires_grad_()
c = torch.zeros(2, dtype=torch.float64).to(torch.float32).requires_grad_()

t[0] = 5
print(a)
print(w)
print(v)
print(u)
print(t)
print(z)
print(s)
print(c)
print(v.is_leaf)
assert z.dtype == torch.complex64
assert_close(z[0], 1 + 2j)
assert n == 2
assert_close(s, 2.0)
assert_close(a, 1)
assert_close(v, torch.tensor([2.0, 2.0]))
assert s.requires_grad
