# Backwards in all forms

import re

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


def text(value):
    """What `print` shows, without addresses."""
    return re.sub(r" object at 0x\w+", "", str(value))


torch.manual_seed(0)


class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, n):
        ctx.n = n
        return a * n

    @staticmethod
    def backward(ctx, grad):
        n = ctx.n
        return grad * n, None


scale = Scale.apply


def twice(a):
    return scale(a, 2)


x = torch.ones(2, requires_grad=True)
y = torch.ones(2, requires_grad=True)

z = scale(x, 3) * y
torch.autograd.backward(
    [z, z.sum()], [torch.tensor([1.0, 2.0]), None], retain_graph=True, inputs=[x, y]
)
z.sum().backward(torch.tensor(2.0), create_graph=True)
print(x.grad)
print(y.grad)
print(type(z.grad_fn.next_functions[0][0]).__name__)
print(text(z.grad_fn.next_functions))
with torch.no_grad():
    for tensor in [x, y]:
        if tensor.grad is not None:
            tensor.grad.zero_()
print(x.grad, text(z.grad_fn))
assert_close(x.grad, torch.zeros(2))
(x + 1).register_hook(lambda x: x * z)
assert list(x.shape) == [2]
assert_close(x.grad, 0, rtol=0.1, atol=1e-5)
assert torch.isfinite(x.grad).all()
assert_close(x.max(0).values, 1, rtol=0.1, atol=1e-5)
assert z.requires_grad
with torch.enable_grad():
    s = twice(x).sum()
print(s)
