# Gradients add up until they are zeroed

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

w = torch.tensor([1.0, 2.0], requires_grad=True)

loss = (w**2).sum()
loss.backward(retain_graph=True)
print(w.grad)
assert_close(w.grad, [2, 4])
loss.backward(retain_graph=True)
print(w.grad)
assert_close(w.grad, [4, 8])
loss.backward(retain_graph=True)
print(w.grad)
assert_close(w.grad, [6, 12])

# zeroed in place, the tensor `w.grad` stays; set to None, it is gone
for tensor in [w]:
    if tensor.grad is not None:
        tensor.grad.zero_()
assert_close(w.grad, 0)
loss.backward(retain_graph=True)
assert_close(w.grad, [2, 4])
w.grad = None
assert w.grad is None

# two halves of a batch give what the whole gives: that is what accumulation is for
loss.backward()
whole = w.grad.clone()
for tensor in [w]:
    if tensor.grad is not None:
        tensor.grad.zero_()
for i in range(2):
    (w[i] ** 2).backward()
assert_close(w.grad, whole)

# `grad()` leaves `.grad` alone
(g,) = torch.autograd.grad((w**3).sum(), w)
print(g)
print(w.grad)
assert_close(g, [3, 12])
assert_close(w.grad, whole)
