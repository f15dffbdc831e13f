# wrong at order 2: a first derivative that is right, and cannot be differentiated

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


x = np.array([0.5, 1.0], dtype=np.float32)
x_grad = None

t1 = (np.exp(x) - np.exp(-x)) / 2
loss = t1.sum()
d_loss = np.ones_like(loss)
d_t1 = np.broadcast_to(d_loss, (2,))
d_x = d_t1 * ((np.exp(x) + np.exp(-x)) / 2)
x_grad = d_x
assert_close(x_grad, np.cosh(x), rtol=1.3e-6, atol=1e-5)
