# ill-conditioned: rounding hides the slope, even in float64

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


x = np.array([1.0, 1.5], dtype=np.float64)
x_grad = None

t1 = x + 1e16
t2 = t1 - 1e16
loss = t2.sum()
d_loss = np.ones_like(loss)
d_t2 = np.broadcast_to(d_loss, (2,))
x_grad = d_t2
assert_close(x_grad, [1, 1], rtol=1e-7, atol=1e-7)
