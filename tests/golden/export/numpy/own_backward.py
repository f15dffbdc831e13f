# Backwards written by hand, used and put to the test

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


x = np.array([-1.0, 0.5, 2.0], dtype=np.float64)
w = np.array([2.0, 1.0, 3.0], dtype=np.float64)
x_grad = None
w_grad = None

t1 = np.sin(x)
t2 = w * t1
y = 1 / (1 + np.exp(-t2))
print(y)
# y.grad_fn is <torch.autograd.function.MySigmoidBackward>
t3 = y.sum()
d_t3 = np.ones_like(t3)
d_y = np.broadcast_to(d_t3, (3,))
d_t2 = d_y * y * (1 - y)
d_w = d_t2 * t1
d_t1 = d_t2 * w
d_x = d_t1 * np.cos(x)
w_grad = d_w
x_grad = d_x
mine = [x_grad, w_grad]
# y.grad_fn is <torch.autograd.function.MySigmoidBackward>

# a derivation on paper, graded against autograd
s = y * (1 - y)
assert_close(x_grad, s * w * np.cos(x), rtol=1e-7, atol=1e-7)
assert_close(w_grad, s * np.sin(x), rtol=1e-7, atol=1e-7)

# recorded, they can be differentiated again
t4 = np.sin(x)
t5 = t4.sum()
d_t5 = np.ones_like(t5)
d_t4 = np.broadcast_to(d_t5, (3,))
t6 = np.cos(x)
t7 = d_t4 * t6
g = t7
t8 = g.sum()
d_t8 = np.ones_like(t8)
d_g = np.broadcast_to(d_t8, (3,))
d_t6 = d_g * d_t4
d_x = d_t6 * -np.sin(x)
h = d_x
assert_close(g, np.cos(x), rtol=1e-7, atol=1e-7)
assert_close(h, -np.sin(x), rtol=1e-7, atol=1e-7)

x_grad = np.zeros_like(x)
w_grad = np.zeros_like(w)
t9 = np.sign(x)
t10 = t9 * w
t11 = t10.sum()
d_t11 = np.ones_like(t11)
d_t10 = np.broadcast_to(d_t11, (3,))
d_t9 = d_t10 * w
d_w = d_t10 * t9
w_grad = w_grad + d_w
x_grad = x_grad + d_t9
assert_close(x_grad, w, rtol=1e-7, atol=1e-7)
assert_close(w_grad, np.sign(x), rtol=1e-7, atol=1e-7)
assert_close(
    np.array(-3.0, dtype=np.float64) / (1 + np.abs(np.array(-3.0, dtype=np.float64))),
    -0.75,
    rtol=1e-7,
    atol=1e-7,
)
# soft(x).grad_fn is <DivBackward0>
