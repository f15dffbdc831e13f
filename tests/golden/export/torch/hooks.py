# Hooks: a gradient seen, and a gradient changed, on its way

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

w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
c = torch.tensor([1.0, 1.0, 1.0], requires_grad=True)

# what the hook gives takes the gradient's place, before it is added to `.grad`
w.register_hook(lambda g: 2 * g)
y = w**2
y.sum().backward()
print(w.grad)
assert_close(w.grad, 4 * w.detach())

# without `value` a hook only prints; on a tensor in between it sees what comes from above
h = c * 3
h.register_hook(print)
h.register_hook(lambda g: g.clamp(-1, 1))
(h**2).sum().backward()
assert_close(c.grad, 3)

# hooks run in the order in which they were registered, each on what the one before left
u = w.detach().requires_grad_()
u.register_hook(lambda g: g + 1)
u.register_hook(lambda g: g * 10)
u.sum().backward()
print(u.grad)
assert_close(u.grad, 20)
