# kink: the slopes to the left and to the right differ

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

x = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
t = torch.tensor([3.0, 3.0, 1.0], requires_grad=True)

loss = torch.relu(x).sum() + t.max()
loss.backward()
assert_close(x.grad, [0, 0, 1])
assert_close(t.grad, [0.5, 0.5, 0])
