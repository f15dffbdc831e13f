# Leaves keep their gradients, and other tensors only when they are asked to

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

x = torch.ones(1, 2)
W = torch.ones(3, 1, requires_grad=True)
b = torch.zeros(3, 2, requires_grad=True)
target = torch.zeros(3, 2)

z = W @ x + b
prediction = torch.relu(z)
loss = F.mse_loss(prediction, target + 4)
print(loss)
print(z.is_leaf)
print(W.is_leaf)
print(x.is_leaf)
assert not z.is_leaf
assert z.requires_grad
assert W.is_leaf
assert x.is_leaf
assert not x.requires_grad

# without retain_grad, `.grad` of a non-leaf stays None; the run warns where one reads it
z.retain_grad()
prediction.retain_grad()
loss.backward()
print("W:", W.grad)
print("b:", b.grad)
print("z:", z.grad)
assert_close(loss, 9)
assert_close(W.grad, [[-2], [-2], [-2]])
assert_close(b.grad, -1)
assert_close(z.grad, -1)
assert_close(prediction.grad, -1)
assert x.grad is None
assert z.retains_grad
assert not loss.retains_grad

# a detached tensor is a leaf, and what is computed from it leaves no trace in W
d = z.detach().requires_grad_()
(d**2).sum().backward()
assert d.is_leaf
assert_close(d.grad, 2 * d)
assert_close(W.grad, [[-2], [-2], [-2]])
