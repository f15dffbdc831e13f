# The quickstart of automatic differentiation

import re

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


def text(value):
    """What `print` shows, without addresses."""
    return re.sub(r" object at 0x\w+", "", str(value))


torch.manual_seed(0)

x = torch.ones(5)
y = torch.zeros(3)
w = torch.randn(5, 3, requires_grad=True)
b = torch.randn(3, requires_grad=True)
inp = torch.eye(4, 5, requires_grad=True)

# 1. Tensors, functions and the computational graph
z = x @ w + b
loss = F.binary_cross_entropy_with_logits(z, y)
print("z:", z)
print("loss:", loss)
assert_close(z, [1.3755, -0.6023, -4.8127], rtol=1.3e-6, atol=0.0001)
assert_close(loss, 0.681851, rtol=1.3e-6, atol=1e-6)
print("Gradient function for z:", text(z.grad_fn))
print("Gradient function for loss:", text(loss.grad_fn))
assert type(z.grad_fn).__name__ == "AddBackward0"
assert type(loss.grad_fn).__name__ == "BinaryCrossEntropyWithLogitsBackward0"

# 2. Computing gradients
loss.backward()
print(w.grad)
print(b.grad)
assert_close(
    w.grad,
    [
        [0.26608682, 0.11794123, 0.00268685],
        [0.26608682, 0.11794123, 0.00268685],
        [0.26608682, 0.11794123, 0.00268685],
        [0.26608682, 0.11794123, 0.00268685],
        [0.26608682, 0.11794123, 0.00268685],
    ],
)
assert_close(b.grad, [0.26608682, 0.11794123, 0.00268685])

# 3. Disabling gradient tracking
z = x @ w + b
assert z.requires_grad
with torch.no_grad():
    z = x @ w + b
assert not z.requires_grad
z = x @ w + b
z_det = z.detach()
assert not z_det.requires_grad

# 4. Tensor gradients and Jacobian products: gradients accumulate until they are zeroed
out = (inp + 1).pow(2).t()
out.backward(torch.ones_like(out), retain_graph=True)
print("First call:", inp.grad)
assert_close(inp.grad, 2 * torch.ones(4, 5) + 2 * torch.eye(4, 5))
out.backward(torch.ones_like(out), retain_graph=True)
print("Second call:", inp.grad)
assert_close(inp.grad, 4 * torch.ones(4, 5) + 4 * torch.eye(4, 5))
inp.grad.zero_()
out.backward(torch.ones_like(out), retain_graph=True)
print("Call after zeroing gradients:", inp.grad)
assert_close(
    inp.grad, [[4, 2, 2, 2, 2], [2, 4, 2, 2, 2], [2, 2, 4, 2, 2], [2, 2, 2, 4, 2]]
)
