# ill-conditioned: rounding hides the slope, even in float64

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
torch.set_default_dtype(torch.float64)

x = torch.tensor([1.0, 1.5], requires_grad=True)

loss = (x + 1e16 - 1e16).sum()
loss.backward()
assert_close(x.grad, [1, 1])
