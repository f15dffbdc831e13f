# not-differentiable: a pole, a jump, and a NaN that is made on the way

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

x = torch.tensor([0.0, 4.0], requires_grad=True)
n = torch.tensor([1.0, 2.5], requires_grad=True)
m = torch.tensor([0.0, 4.0], requires_grad=True)

torch.sqrt(x).sum().backward()
(torch.floor(n) * 2).sum().backward()
torch.where(m > 0, m.sqrt(), 0 * m).sum().backward()
assert_close(x.grad, [torch.inf, 0.25])
assert_close(n.grad, [0, 0])
assert_close(m.grad, [torch.nan, 0.25])
