# wrong: a backward by hand that forgets the inner derivative

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


class Wave(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.sin(3 * x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * torch.cos(3 * x)


wave = Wave.apply


x = torch.tensor([0.1, 0.2, 0.3, 0.4], requires_grad=True)
y = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)

loss = (wave(x) * y).sum()
loss.backward()
assert_close(x.grad, torch.cos(3 * x) * y)
assert_close(y.grad, torch.sin(3 * x))
