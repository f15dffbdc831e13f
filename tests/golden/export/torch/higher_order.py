# x³ differentiated until nothing is left: 3x², 6x, 6, 0, and then an error

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

x = torch.tensor(2.0, requires_grad=True)

y = x**3
(first,) = torch.autograd.grad(y, x, create_graph=True)
(second,) = torch.autograd.grad(first, x, create_graph=True)
(third,) = torch.autograd.grad(second, x, create_graph=True)
(fourth,) = torch.autograd.grad(third, x, create_graph=True)
print(y)
print(first)
print(second)
print(third)
print(fourth)
assert_close(y, 8)
assert_close(first, 12)
assert_close(second, 12)
assert_close(third, 6)
assert_close(fourth, 0)
assert type(third.grad_fn).__name__ == "MulBackward0"
assert not fourth.requires_grad

# the fourth derivative is the number 0, which depends on x no more
try:
    (fifth,) = torch.autograd.grad(fourth, x)
except Exception as error:
    assert (
        "element 0 of tensors does not require grad and does not have a grad_fn"
        in str(error)
    )
else:
    raise AssertionError("no error")

# only what is recorded can be differentiated again: without create_graph the first derivative is a number
z = x**3
(flat,) = torch.autograd.grad(z, x)
assert not flat.requires_grad
assert_close(flat, 12)
try:
    (none,) = torch.autograd.grad(flat, x)
except Exception as error:
    assert "does not require grad" in str(error)
else:
    raise AssertionError("no error")
