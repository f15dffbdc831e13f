# needs-float64: the formulas are right, float32 loses what they compute

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


x = np.array([1.0, 1.5], dtype=np.float32)
x_grad = None

t1 = x + 100000000.0
t2 = t1 - 100000000.0
t3 = t2**2
loss = t3.sum()
d_loss = np.ones_like(loss)
d_t3 = np.broadcast_to(d_loss, (2,))
d_t2 = d_t3 * (t2 * 2)
x_grad = d_t2
assert_close(x_grad, [0, 0], rtol=1.3e-6, atol=1e-5)
