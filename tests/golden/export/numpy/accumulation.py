# Gradients add up until they are zeroed

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


w = np.array([1.0, 2.0], dtype=np.float32)
w_grad = None

t1 = w**2
loss = t1.sum()
d_loss = np.ones_like(loss)
d_t1 = np.broadcast_to(d_loss, (2,))
d_w = d_t1 * (w * 2)
w_grad = d_w
print(w_grad)
assert_close(w_grad, [2, 4], rtol=1.3e-6, atol=1e-5)
d_loss = np.ones_like(loss)
d_t1 = np.broadcast_to(d_loss, (2,))
d_w = d_t1 * (w * 2)
w_grad = w_grad + d_w
print(w_grad)
assert_close(w_grad, [4, 8], rtol=1.3e-6, atol=1e-5)
d_loss = np.ones_like(loss)
d_t1 = np.broadcast_to(d_loss, (2,))
d_w = d_t1 * (w * 2)
w_grad = w_grad + d_w
print(w_grad)
assert_close(w_grad, [6, 12], rtol=1.3e-6, atol=1e-5)

# zeroed in place, the tensor `w.grad` stays; set to None, it is gone
w_grad = np.zeros_like(w)
assert_close(w_grad, 0, rtol=1.3e-6, atol=1e-5)
d_loss = np.ones_like(loss)
d_t1 = np.broadcast_to(d_loss, (2,))
d_w = d_t1 * (w * 2)
w_grad = w_grad + d_w
assert_close(w_grad, [2, 4], rtol=1.3e-6, atol=1e-5)
w_grad = None
assert w_grad is None

# two halves of a batch give what the whole gives: that is what accumulation is for
d_loss = np.ones_like(loss)
d_t1 = np.broadcast_to(d_loss, (2,))
d_w = d_t1 * (w * 2)
w_grad = d_w
whole = w_grad.copy()
w_grad = np.zeros_like(w)
for i in range(2):
    t2 = w[i]
    t3 = t2**2
    d_t3 = np.ones_like(t3)
    d_t2 = d_t3 * (t2 * 2)
    d_w = scattered(d_t2, np.s_[i], (2,))
    w_grad = d_w if w_grad is None else w_grad + d_w
assert_close(w_grad, whole, rtol=1.3e-6, atol=1e-5)

# `grad()` leaves `.grad` alone
t4 = w**3
t5 = t4.sum()
d_t5 = np.ones_like(t5)
d_t4 = np.broadcast_to(d_t5, (2,))
d_w = d_t4 * (w**2 * 3)
g = d_w
print(g)
print(w_grad)
assert_close(g, [3, 12], rtol=1.3e-6, atol=1e-5)
assert_close(w_grad, whole, rtol=1.3e-6, atol=1e-5)
