# What a check leaves as it was, detached values, draws, hooks, what was accumulated

import numpy as np


def scattered(values, index, shape):
    """Zeros of a shape, but for what is picked by an index."""
    return with_added(np.zeros(shape, values.dtype), index, values)


def with_added(array, index, values):
    """A copy with values added at an index, each as often as it is named."""
    result = np.array(array)
    np.add.at(result, index, values)
    return result


def with_set(array, index, values):
    """A copy with values at an index."""
    result = np.array(array)
    result[index] = values
    return result


x = np.array([0.5, 1.0, 2.0], dtype=np.float32)
w = np.array([1.0, 2.0, 3.0], dtype=np.float32)
x_grad = None
w_grad = None

scale = x * 2
shift = np.exp(x)
t1 = x * scale
t2 = t1 + shift
t3 = np.full((3,), 1.0, dtype=np.float32) / 0.5
t4 = t2 * t3
y = t4 * w
t5 = x[1]
t6 = w[2]
t7 = t5 * t6
y_2 = with_set(y, np.s_[0], t7)
t8 = y_2.sum()
d_t8 = np.ones_like(t8)
d_y_2 = np.broadcast_to(d_t8, (3,))
d_y_2 = 10 * d_y_2
d_y = with_set(d_y_2, np.s_[0], 0.0)
d_t7 = d_y_2[0]
d_t5 = d_t7 * t6
d_t6 = d_t7 * t5
d_w = scattered(d_t6, np.s_[2], (3,))
d_x = scattered(d_t5, np.s_[1], (3,))
d_t4 = d_y * w
d_w = d_w + d_y * t4
d_t2 = d_t4 * t3
d_x = d_x + d_t2 * scale
w_grad = d_w
x_grad = d_x
t9 = y_2.sum()
d_t9 = np.ones_like(t9)
d_y_2 = np.broadcast_to(d_t9, (3,))
d_y_2 = 10 * d_y_2
d_y = with_set(d_y_2, np.s_[0], 0.0)
d_t7 = d_y_2[0]
d_t5 = d_t7 * t6
d_t6 = d_t7 * t5
d_w = scattered(d_t6, np.s_[2], (3,))
d_x = scattered(d_t5, np.s_[1], (3,))
d_t4 = d_y * w
d_w = d_w + d_y * t4
d_t2 = d_t4 * t3
d_x = d_x + d_t2 * scale
w_grad = w_grad + d_w
x_grad = x_grad + d_x
w -= 0.01 * w_grad
t10 = w * x
t11 = t10.sum()
d_t11 = np.ones_like(t11)
d_t10 = np.broadcast_to(d_t11, (3,))
d_w = d_t10 * x
w_grad = w_grad + d_w
assert np.isfinite(w_grad).all()
