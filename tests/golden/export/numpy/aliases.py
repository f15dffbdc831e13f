# Several names of one tensor, and derivatives of derivatives

import numpy as np


def unbroadcast(grad, shape):
    """The gradient of what broadcasting has repeated: a sum over its copies."""
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return grad.sum(axis=repeated, keepdims=True)


def scattered(grad, shape, index):
    """Zeros of a shape, but for what is picked by an index."""
    whole = np.zeros(shape, grad.dtype)
    np.add.at(whole, index, grad)
    return whole


x = np.array([1.0, 2.0], dtype=np.float32)
s = np.array(3.0, dtype=np.float32)
x_grad = None
s_grad = None

y = x
z = y * 2
u = x.copy()
t1 = z + u
t2 = t1.sum()
t3 = t2 * s
d_t3 = np.ones_like(t3)
d_t2 = d_t3 * s
d_s = d_t3 * t2
d_t1 = np.broadcast_to(d_t2, t1.shape)
d_y = d_t1 * 2
d_x = d_t1 + d_y
s_grad = d_s
x_grad = d_x
print(x_grad)
print(x_grad)
print(s_grad)
print(np.where(x > 1, x, y))
v = x
v_grad = None
t4 = v[[1, 0]]
t5 = t4 * s
d_t5 = np.array([1.0, 2.0], dtype=np.float32)
d_t4 = d_t5 * s
d_s = unbroadcast(d_t5 * t4, [])
d_v = scattered(d_t4, v.shape, np.s_[[1, 0]])
s_grad = s_grad + d_s
v_grad = d_v
print(v_grad)
print(s_grad)
