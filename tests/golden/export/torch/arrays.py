# Gradients on their way through all that arrays can do

import torch
import torch.nn.functional as F


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


torch.manual_seed(2)

rate = 0.5


def half(a):
    return a * rate


class MySin(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return torch.sin(a)

    @staticmethod
    def backward(ctx, grad):
        (a,) = ctx.saved_tensors
        return grad * torch.cos(a)


my_sin = MySin.apply


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, n):
        ctx.n = n
        return a * n

    @staticmethod
    def backward(ctx, grad):
        n = ctx.n
        return grad * n, None


scaled = Scaled.apply


class Gate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        result = torch.sigmoid(a)
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, grad):
        (result,) = ctx.saved_tensors
        return grad * result * (1 - result)


gate = Gate.apply


x = torch.randn(2, 3, requires_grad=True)
w = torch.tensor(
    [[1.0, 2.0], [3.0, 4.0], [0.5, -1.0]], dtype=torch.float32, requires_grad=True
)
b = torch.tensor([0.5, -0.5], requires_grad=True)
counts = torch.tensor([[1, 2], [3, 4]])
empty = torch.zeros(0, 3)

# several ways meet in x
h = torch.tanh(half(x) @ w + b)
y = torch.cat([h, my_sin(h)[:1]], dim=0)
loss = (
    (y**3).mean() + scaled(x, 2).sum() + torch.stack([b, b * 2]).prod() + gate(b).max()
)
h.retain_grad()
h.register_hook(print)
b.register_hook(lambda g: g.clamp(-1, 1) * 2)
loss.backward(retain_graph=True)
print(h.grad)
print(x.grad)
print(w.grad)
print(b.grad)
with torch.no_grad():
    for tensor in [x, w]:
        if tensor.grad is not None:
            tensor.grad.zero_()
torch.autograd.backward(
    [loss, y], [torch.tensor(2.0), torch.ones_like(y)], inputs=[x, b]
)
print(x.grad)
print(w.grad)
print(b.grad)

# a name that changes hands
z = x.permute(1, 0)
z = z.exp().t()
u = F.linear(z, w.t(), b).var(dim=1, keepdim=True)
dx, dw = torch.autograd.grad(u, [x, w], torch.randn_like(u))
w.grad *= 0.5
counts[0] += 1
x.grad = None
with torch.no_grad():
    b -= rate * b.grad
    mean = x.mean(1)
for i in range(3):
    b.grad = None
    ((b - 1) ** 2).sum().backward()
    with torch.no_grad():
        b -= 0.1 * b.grad
n = 0
rounds = 0
while n < 2:
    assert rounds < 4, "`n < 2` still holds after 4 rounds"
    n = n + 1
    rounds += 1
print("dx:", dx)
print("dw:", dw)
print("w.grad:", w.grad)
print("x.grad:", x.grad)
print("b:", b)
print("n:", n)
print("i:", i)
print("mean:", mean)
print("counts:", counts)
print("empty:", empty)
assert b.shape == (2,)
assert torch.isfinite(b).all()
assert b.any()
assert x.grad is None
assert counts.dtype == torch.int64
assert_close(counts[0], [2, 3])
((b**2).sum() / 20).backward()
assert_close(w.grad, dw * 0 + w.grad)
