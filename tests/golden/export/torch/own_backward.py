# Backwards written by hand, used and put to the test

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
torch.set_default_dtype(torch.float64)


# a composition is recorded as what it is made of
def soft(x):
    return x / (1 + torch.abs(x))


# a function with a backward is taken at its word: this is what `torch.autograd.Function` is
class MySin(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.sin(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * torch.cos(x)


my_sin = MySin.apply


# `result` is what `forward` gave
class MySigmoid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        result = 1 / (1 + torch.exp(-x))
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, grad):
        (result,) = ctx.saved_tensors
        return grad * result * (1 - result)


my_sigmoid = MySigmoid.apply


# the straight-through estimator: flat forward, as if it were the identity backward
class Binarise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.sign(x)

    @staticmethod
    def backward(ctx, grad):
        return grad


binarise = Binarise.apply


x = torch.tensor([-1.0, 0.5, 2.0], requires_grad=True)
w = torch.tensor([2.0, 1.0, 3.0], requires_grad=True)

y = my_sigmoid(w * my_sin(x))
print(y)
print(text(y.grad_fn))
y.sum().backward()
mine = [x.grad, w.grad]
assert type(y.grad_fn).__name__ == "MySigmoidBackward"

# a derivation on paper, graded against autograd
s = y.detach() * (1 - y.detach())
assert_close(x.grad, s * w * torch.cos(x))
assert_close(w.grad, s * torch.sin(x))

# recorded, they can be differentiated again
(g,) = torch.autograd.grad(my_sin(x).sum(), x, create_graph=True)
(h,) = torch.autograd.grad(g.sum(), x)
assert_close(g, torch.cos(x))
assert_close(h, -torch.sin(x))

with torch.no_grad():
    for tensor in [x, w]:
        if tensor.grad is not None:
            tensor.grad.zero_()
(binarise(x) * w).sum().backward()
assert_close(x.grad, w)
assert_close(w.grad, torch.sign(x))
assert_close(soft(torch.tensor(-3.0)), -0.75)
assert type(soft(x).grad_fn).__name__ == "DivBackward0"
