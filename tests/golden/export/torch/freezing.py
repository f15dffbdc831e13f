# Fine-tuning: the first layer frozen, the last one trained

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


torch.manual_seed(0)

rate = 0.01

x = torch.randn(4, 3)
target = torch.randn(4, 2)
W1 = torch.randn(3, 5, requires_grad=True)
W2 = torch.randn(5, 2, requires_grad=True)

W1.requires_grad_(False)
before = W1.clone()
h = torch.relu(x @ W1)
loss = F.mse_loss(h @ W2, target)

# the frozen layer's work is not even recorded
assert not h.requires_grad
assert h.grad_fn is None
assert loss.requires_grad
loss.backward()
with torch.no_grad():
    W2 -= rate * W2.grad
assert W1.grad is None
assert_close(W1, before)
assert W2.grad.shape == (5, 2)
assert torch.isfinite(W2.grad).all()
assert W2.grad.any()
after = F.mse_loss(torch.relu(x @ W1) @ W2, target)
print("before:", loss)
print("after:", after)
assert_close(after < loss, True)

# thawed, it takes part again
W1.requires_grad_()
F.mse_loss(torch.relu(x @ W1) @ W2, target).backward()
assert W1.grad.shape == (3, 5)
assert W1.grad.any()
