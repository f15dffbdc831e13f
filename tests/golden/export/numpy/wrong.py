# wrong: a backward by hand that forgets the inner derivative

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


x = np.array([0.1, 0.2, 0.3, 0.4], dtype=np.float32)
y = np.array([1.0, 2.0, 3.0, 4.0], dtype=np.float32)
x_grad = None
y_grad = None

t1 = np.sin(3 * x)
t2 = t1 * y
loss = t2.sum()
d_loss = np.ones_like(loss)
d_t2 = np.broadcast_to(d_loss, (4,))
d_t1 = d_t2 * y
d_y = d_t2 * t1
d_x = d_t1 * np.cos(3 * x)
y_grad = d_y
x_grad = d_x
assert_close(x_grad, np.cos(3 * x) * y, rtol=1.3e-6, atol=1e-5)
assert_close(y_grad, np.sin(3 * x), rtol=1.3e-6, atol=1e-5)
