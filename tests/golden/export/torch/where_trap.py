# The where trap: a NaN from the branch that was not taken

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

x = torch.tensor([0.0, 2.0], requires_grad=True)
a = torch.tensor([0.0, 1.0], requires_grad=True)

# the derivative of log at 0 is infinite, and 0 (not chosen) times infinity is NaN
y = torch.where(x > 0, torch.log(x), torch.zeros_like(x))
y.sum().backward()
print("where alone:", x.grad)
assert_close(x.grad, [torch.nan, 0.5])

# the cure: keep the dangerous value out of the function, too
with torch.no_grad():
    for tensor in [x]:
        if tensor.grad is not None:
            tensor.grad.zero_()
safe = torch.where(x > 0, x, torch.ones_like(x))
y = torch.where(x > 0, torch.log(safe), torch.zeros_like(x))
y.sum().backward()
print("where twice:", x.grad)
assert_close(x.grad, [0, 0.5])

# the same with a mask: dividing first and choosing later keeps the NaN
quotient = a / a
quotient[a > 0].sum().backward()
print("mask after:", a.grad)
assert_close(a.grad[0], torch.nan)
assert_close(a.grad[1], 0)
a.grad = None
chosen = a[a > 0]
(chosen / chosen).sum().backward()
print("mask before:", a.grad)
assert_close(a.grad, 0)
