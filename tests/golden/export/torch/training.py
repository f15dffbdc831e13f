# A small network learns a wave from a file, and its loss falls

import numpy as np
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

hidden = 8
rate = 0.1

points = torch.tensor(
    np.loadtxt("specs/data/waves.csv", delimiter=",", skiprows=1, ndmin=2),
    dtype=torch.get_default_dtype(),
)
x = points[:, :1].clone()
y = points[:, 1:].clone()
W1 = torch.randn(1, hidden, requires_grad=True)
b1 = torch.zeros(hidden, requires_grad=True)
W2 = (torch.randn(hidden, 1) * 0.5).requires_grad_()
b2 = torch.zeros(1, requires_grad=True)

first = F.mse_loss(torch.tanh(x @ W1 + b1) @ W2 + b2, y)
for epoch in range(300):
    loss = F.mse_loss(torch.tanh(x @ W1 + b1) @ W2 + b2, y)
    for tensor in [W1, b1, W2, b2]:
        if tensor.grad is not None:
            tensor.grad.zero_()
    loss.backward()
    with torch.no_grad():
        W1 -= rate * W1.grad
        b1 -= rate * b1.grad
        W2 -= rate * W2.grad
        b2 -= rate * b2.grad
print("loss at first:", first)
print("loss in the end:", loss)
assert_close(loss < 0.1 * first, True)
assert torch.isfinite(loss).all()
assert W1.grad.shape == (1, 8)
assert torch.isfinite(W1.grad).all()
assert W1.grad.any()
assert epoch == 299
