# kink: the slopes to the left and to the right differ

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


x = np.array([-1.0, 0.0, 2.0], dtype=np.float32)
t = np.array([3.0, 3.0, 1.0], dtype=np.float32)
x_grad = None
t_grad = None

t1 = np.maximum(x, 0)
t2 = t1.sum()
t3 = t.max()
loss = t2 + t3
d_loss = np.ones_like(loss)
t4 = (t == t3) | np.isnan(t) & np.isnan(t3)
d_t = np.where(
    t4, (d_loss / t4.sum()).astype(np.float32), np.zeros((3,), dtype=np.float32)
)
d_t1 = np.broadcast_to(d_loss, (3,))
d_x = np.where(t1 > 0, d_t1, 0)
t_grad = d_t
x_grad = d_x
assert_close(x_grad, [0, 0, 1], rtol=1.3e-6, atol=1e-5)
assert_close(t_grad, [0.5, 0.5, 0], rtol=1.3e-6, atol=1e-5)
