# Gradients on their way through all that arrays can do

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


rate = 0.5

x = np.array(
    [[0.39229682, -0.22356401, -0.31950027], [-1.2050371, 1.0444635, -0.6332277]],
    dtype=np.float32,
)
w = np.array([[1.0, 2.0], [3.0, 4.0], [0.5, -1.0]], dtype=np.float32)
b = np.array([0.5, -0.5], dtype=np.float32)
counts = np.array([[1, 2], [3, 4]], dtype=np.int64)
empty = np.zeros((0, 3), dtype=np.float32)
x_grad = None
w_grad = None
b_grad = None

# several ways meet in x
t1 = x * rate
t2 = t1 @ w
t3 = t2 + b
h = np.tanh(t3)
t4 = np.sin(h)
t5 = t4[:1]
y = np.concatenate((h, t5), axis=0)
t6 = y**3
t7 = t6.mean()
t8 = x * 2
t9 = t8.sum()
t10 = t7 + t9
t11 = b * 2
t12 = np.stack((b, t11), axis=0)
t13 = t12.prod()
t14 = t10 + t13
t15 = 1 / (1 + np.exp(-b))
t16 = t15.max()
loss = t14 + t16
h_grad = None
d_loss = np.ones_like(loss)
t17 = (t15 == t16) | np.isnan(t15) & np.isnan(t16)
d_t15 = np.where(
    t17, (d_loss / t17.sum()).astype(np.float32), np.zeros((2,), dtype=np.float32)
)
d_b = d_t15 * t15 * (1 - t15)
d_t12 = d_loss * (t13 / t12)
d_b = d_b + d_t12[0]
d_t11 = d_t12[1]
d_b = d_b + d_t11 * 2
d_t8 = np.broadcast_to(d_loss, (2, 3))
d_x = d_t8 * 2
d_t6 = np.broadcast_to(d_loss, (3, 2)) / 6
d_y = d_t6 * (y**2 * 3)
d_h = d_y[:2]
d_t5 = d_y[2:]
d_t4 = scattered(d_t5, np.s_[:1], (2, 2))
d_h = d_h + d_t4 * np.cos(h)
print(d_h)
d_t3 = d_h * (1 - h**2)
d_b = d_b + d_t3.sum(axis=0, keepdims=True).reshape((2,))
d_t1 = d_t3 @ w.T
d_w = t1.T @ d_t3
d_x = d_x + d_t1 * rate
d_b = np.clip(d_b, -1, 1) * 2
x_grad = d_x
h_grad = d_h
w_grad = d_w
b_grad = d_b
print(h_grad)
print(x_grad)
print(w_grad)
print(b_grad)
x_grad = np.zeros_like(x)
w_grad = np.zeros_like(w)
d_loss = np.array(2.0, dtype=np.float32)
d_y = np.full((3, 2), 1.0, dtype=np.float32)
t18 = (t15 == t16) | np.isnan(t15) & np.isnan(t16)
d_t15 = np.where(
    t18, (d_loss / t18.sum()).astype(np.float32), np.zeros((2,), dtype=np.float32)
)
d_b = d_t15 * t15 * (1 - t15)
d_t12 = d_loss * (t13 / t12)
d_b = d_b + d_t12[0]
d_t11 = d_t12[1]
d_b = d_b + d_t11 * 2
d_t8 = np.broadcast_to(d_loss, (2, 3))
d_x = d_t8 * 2
d_t6 = np.broadcast_to(d_loss, (3, 2)) / 6
d_y = d_y + d_t6 * (y**2 * 3)
d_h = d_y[:2]
d_t5 = d_y[2:]
d_t4 = scattered(d_t5, np.s_[:1], (2, 2))
d_h = d_h + d_t4 * np.cos(h)
print(d_h)
d_t3 = d_h * (1 - h**2)
d_b = d_b + d_t3.sum(axis=0, keepdims=True).reshape((2,))
d_t1 = d_t3 @ w.T
d_x = d_x + d_t1 * rate
d_b = np.clip(d_b, -1, 1) * 2
x_grad = x_grad + d_x
h_grad = h_grad + d_h
b_grad = b_grad + d_b
print(x_grad)
print(w_grad)
print(b_grad)

# a name that changes hands
z = np.transpose(x, (1, 0))
t19 = np.exp(z)
z_2 = t19.T
t20 = w.T
t21 = t20.T
t22 = b + z_2 @ t21
u = t22.var(axis=1, ddof=1, keepdims=True)
d_u = np.array([[0.57310677], [0.54094744]], dtype=np.float32)
d_t22 = d_u * 2.0 * (t22 - t22.mean(axis=1, keepdims=True))
d_z_2 = d_t22 @ t21.T
d_t21 = z_2.T @ d_t22
d_t20 = d_t21.T
d_w = d_t20.T
d_t19 = d_z_2.T
d_z = d_t19 * t19
d_x = np.transpose(d_z, (1, 0))
dx = d_x
dw = d_w
w_grad = w_grad * 0.5
counts[0] += 1
x_grad = None
b -= rate * b_grad
mean = x.mean(axis=1)
for i in range(3):
    b_grad = None
    t23 = b - 1
    t24 = t23**2
    t25 = t24.sum()
    d_t25 = np.ones_like(t25)
    d_t24 = np.broadcast_to(d_t25, (2,))
    d_t23 = d_t24 * (t23 * 2)
    d_b = np.clip(d_t23, -1, 1) * 2
    b_grad = d_b
    b -= 0.1 * b_grad
n = 0
rounds = 0
while n < 2:
    assert rounds < 4
    n = n + 1
    rounds += 1
print("dx:", dx)
print("dw:", dw)
print("w.grad:", w_grad)
print("x.grad:", x_grad)
print("b:", b)
print("n:", n)
print("i:", i)
print("mean:", mean)
print("counts:", counts)
print("empty:", empty)
assert b.shape == (2,)
assert np.isfinite(b).all()
assert np.any(b)
assert x_grad is None
assert counts.dtype == np.int64
assert_close(counts[0], [2, 3], rtol=0.0, atol=0.0)
t26 = b**2
t27 = t26.sum()
t28 = t27 / 20
d_t28 = np.ones_like(t28)
d_t27 = d_t28 / 20
d_t26 = np.broadcast_to(d_t27, (2,))
d_b = d_t26 * (b * 2)
d_b = np.clip(d_b, -1, 1) * 2
b_grad = b_grad + d_b
assert_close(w_grad, dw * 0 + w_grad, rtol=1.3e-6, atol=1e-5)
