# Hooks: a gradient seen, and a gradient changed, on its way

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


w = np.array([1.0, 2.0, 3.0], dtype=np.float32)
c = np.full((3,), 1.0, dtype=np.float32)
w_grad = None
c_grad = None

# what the hook gives takes the gradient's place, before it is added to `.grad`
y = w**2
t1 = y.sum()
d_t1 = np.ones_like(t1)
d_y = np.broadcast_to(d_t1, (3,))
d_w = d_y * (w * 2)
d_w = 2 * d_w
w_grad = d_w
print(w_grad)
assert_close(w_grad, 4 * w, rtol=1.3e-6, atol=1e-5)

# without `value` a hook only prints; on a tensor in between it sees what comes from above
h = c * 3
t2 = h**2
t3 = t2.sum()
d_t3 = np.ones_like(t3)
d_t2 = np.broadcast_to(d_t3, (3,))
d_h = d_t2 * (h * 2)
print(d_h)
d_h = np.clip(d_h, -1, 1)
d_c = d_h * 3
c_grad = d_c
assert_close(c_grad, 3, rtol=1.3e-6, atol=1e-5)

# hooks run in the order in which they were registered, each on what the one before left
u = w
u_grad = None
t4 = u.sum()
d_t4 = np.ones_like(t4)
d_u = np.broadcast_to(d_t4, (3,))
d_u = d_u + 1
d_u = d_u * 10
u_grad = d_u
print(u_grad)
assert_close(u_grad, 20, rtol=1.3e-6, atol=1e-5)
