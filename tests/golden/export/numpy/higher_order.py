# x³ differentiated until nothing is left: 3x², 6x, 6, 0, and then an error

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


x = np.array(2.0, dtype=np.float32)
x_grad = None

y = x**3
d_y = np.ones_like(y)
t1 = x**2
t2 = t1 * 3
d_x = d_y * t2
first = d_x
d_first = np.ones_like(first)
d_t2 = d_first * d_y
d_t1 = d_t2 * 3
t3 = x
t4 = t3 * 2
d_x_2 = d_t1 * t4
second = d_x_2
d_second = np.ones_like(second)
d_t4 = d_second * d_t1
d_t3 = d_t4 * 2
t5 = x**0
t6 = t5
d_x_3 = d_t3 * t6
third = d_x_3
d_third = np.ones_like(third)
d_t6 = d_third * d_t3
d_x_4 = np.zeros_like(d_t6)
fourth = d_x_4
print(y)
print(first)
print(second)
print(third)
print(fourth)
assert_close(y, 8, rtol=1.3e-6, atol=1e-5)
assert_close(first, 12, rtol=1.3e-6, atol=1e-5)
assert_close(second, 12, rtol=1.3e-6, atol=1e-5)
assert_close(third, 6, rtol=1.3e-6, atol=1e-5)
assert_close(fourth, 0, rtol=1.3e-6, atol=1e-5)
# third.grad_fn is <MulBackward0>
# fourth.requires_grad is False

# the fourth derivative is the number 0, which depends on x no more
# steps: ["(fifth,) = grad(fourth, x)"] would raise: element 0 of tensors does not require grad and does not have a grad_fn

# only what is recorded can be differentiated again: without create_graph the first derivative is a number
z = x**3
d_z = np.ones_like(z)
d_x_5 = d_z * (x**2 * 3)
flat = d_x_5
# flat.requires_grad is False
assert_close(flat, 12, rtol=1.3e-6, atol=1e-5)
# steps: ["(none,) = grad(flat, x)"] would raise: element 0 of tensors does not require grad and does not have a grad_fn
