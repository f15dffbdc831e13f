# The where trap: a NaN from the branch that was not taken

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def scattered(values, index, shape):
    """Zeros of a shape, but for what is picked by an index."""
    return with_added(np.zeros(shape, values.dtype), index, values)


def with_added(array, index, values):
    """A copy with values added at an index, each as often as it is named."""
    result = np.array(array)
    np.add.at(result, index, values)
    return result


x = np.array([0.0, 2.0], dtype=np.float32)
a = np.array([0.0, 1.0], dtype=np.float32)
x_grad = None
a_grad = None

# the derivative of log at 0 is infinite, and 0 (not chosen) times infinity is NaN
t1 = np.log(x)
t2 = x > 0
t3 = np.full((2,), 0.0, dtype=np.float32)
y = np.where(t2, t1, t3)
t4 = y.sum()
d_t4 = np.ones_like(t4)
d_y = np.broadcast_to(d_t4, (2,))
d_t1 = np.where(t2, d_y, 0)
d_x = d_t1 / x
x_grad = d_x
print("where alone:", x_grad)
assert_close(x_grad, [np.nan, 0.5], rtol=1.3e-6, atol=1e-5)

# the cure: keep the dangerous value out of the function, too
x_grad = np.zeros_like(x)
t5 = x > 0
t6 = np.full((2,), 1.0, dtype=np.float32)
safe = np.where(t5, x, t6)
t7 = np.log(safe)
t8 = x > 0
t9 = np.full((2,), 0.0, dtype=np.float32)
y_2 = np.where(t8, t7, t9)
t10 = y_2.sum()
d_t10 = np.ones_like(t10)
d_y_2 = np.broadcast_to(d_t10, (2,))
d_t7 = np.where(t8, d_y_2, 0)
d_safe = d_t7 / safe
d_x = np.where(t5, d_safe, 0)
x_grad = x_grad + d_x
print("where twice:", x_grad)
assert_close(x_grad, [0, 0.5], rtol=1.3e-6, atol=1e-5)

# the same with a mask: dividing first and choosing later keeps the NaN
quotient = a / a
t11 = quotient[a > 0]
t12 = t11.sum()
d_t12 = np.ones_like(t12)
d_t11 = np.broadcast_to(d_t12, (1,))
d_quotient = scattered(d_t11, np.s_[a > 0], (2,))
d_a = d_quotient / a
d_a = d_a + -d_quotient * (a / a / a)
a_grad = d_a
print("mask after:", a_grad)
assert_close(a_grad[0], np.nan, rtol=1.3e-6, atol=1e-5)
assert_close(a_grad[1], 0, rtol=1.3e-6, atol=1e-5)
a_grad = None
chosen = a[a > 0]
t13 = chosen / chosen
t14 = t13.sum()
d_t14 = np.ones_like(t14)
d_t13 = np.broadcast_to(d_t14, (1,))
d_chosen = d_t13 / chosen
d_chosen = d_chosen + -d_t13 * (chosen / chosen / chosen)
d_a = scattered(d_chosen, np.s_[a > 0], (2,))
a_grad = d_a
print("mask before:", a_grad)
assert_close(a_grad, 0, rtol=1.3e-6, atol=1e-5)
