# Several names of one tensor, and derivatives of derivatives

import numpy as np


def scattered(values, index, shape):
    """Zeros of a shape, but for what is picked by an index."""
    return with_added(np.zeros(shape, values.dtype), index, values)


def with_added(array, index, values):
    """A copy with values added at an index, each as often as it is named."""
    result = np.array(array)
    np.add.at(result, index, values)
    return result


x = np.array([1.0, 2.0], dtype=np.float32)
s = np.array(3.0, dtype=np.float32)
x_grad = None
s_grad = None

y = x
z = x * 2
u = x
t1 = z + x
t2 = t1.sum()
t3 = t2 * s
d_t3 = np.ones_like(t3)
d_t2 = d_t3 * s
d_s = d_t3 * t2
d_t1 = np.broadcast_to(d_t2, (2,))
d_x = d_t1 + d_t1 * 2
s_grad = d_s
x_grad = d_x
print(x_grad)
print(x_grad)
print(s_grad)
print(np.where(x > 1, x, x))
v = x
v_grad = None
t4 = v[[1, 0]]
t5 = t4 * s
d_t5 = np.array([1.0, 2.0], dtype=np.float32)
d_t4 = d_t5 * s
d_s = (d_t5 * t4).sum()
d_v = scattered(d_t4, np.s_[[1, 0]], (2,))
s_grad = s_grad + d_s
v_grad = d_v
print(v_grad)
print(s_grad)
