# not-differentiable: a pole, a jump, and a NaN that is made on the way

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


x = np.array([0.0, 4.0], dtype=np.float32)
n = np.array([1.0, 2.5], dtype=np.float32)
m = np.array([0.0, 4.0], dtype=np.float32)
x_grad = None
n_grad = None
m_grad = None

t1 = np.sqrt(x)
t2 = t1.sum()
d_t2 = np.ones_like(t2)
d_t1 = np.broadcast_to(d_t2, (2,))
d_x = d_t1 / (t1 * 2)
x_grad = d_x
t3 = np.floor(n)
t4 = t3 * 2
t5 = t4.sum()
d_t5 = np.ones_like(t5)
d_t4 = np.broadcast_to(d_t5, (2,))
d_t3 = d_t4 * 2
d_n = np.zeros_like(d_t3)
n_grad = d_n
t6 = np.sqrt(m)
t7 = m * 0
t8 = m > 0
t9 = np.where(t8, t6, t7)
t10 = t9.sum()
d_t10 = np.ones_like(t10)
d_t9 = np.broadcast_to(d_t10, (2,))
d_t6 = np.where(t8, d_t9, 0)
d_t7 = np.where(t8, 0, d_t9)
d_m = d_t7 * 0
d_m = d_m + d_t6 / (t6 * 2)
m_grad = d_m
assert_close(x_grad, [np.inf, 0.25], rtol=1.3e-6, atol=1e-5)
assert_close(n_grad, [0, 0], rtol=1.3e-6, atol=1e-5)
assert_close(m_grad, [np.nan, 0.25], rtol=1.3e-6, atol=1e-5)
