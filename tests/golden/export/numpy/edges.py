# Gradients where functions have edges

import numpy as np


def scattered(grad, shape, index):
    """Zeros of a shape, but for what is picked by an index."""
    whole = np.zeros(shape, grad.dtype)
    np.add.at(whole, index, grad)
    return whole


x = np.array([-1.0, 0.0, 0.5, 1.0], dtype=np.float32)
z = np.array([0.0, 0.0], dtype=np.float32)
p = np.array([0.0, 0.5, 1.0], dtype=np.float32)
n = np.array([1, 2, 3], dtype=np.int64)
one = np.array(1.5, dtype=np.float64)
x_grad = None
z_grad = None
p_grad = None

t1 = np.maximum(x, 0)
t2 = np.abs(x)
t3 = t2 * 3
t4 = t1 + t3
t5 = np.clip(x, 0, 1)
t6 = t5 * 5
t7 = t4 + t6
t8 = np.clip(x, None, 0.5)
t9 = t8 * 7
t10 = t7 + t9
t11 = np.where(x > 0, x, x * 0.01)
t12 = t11 * 11
t13 = t10 + t12
t14 = t13.sum()
d_t14 = np.ones_like(t14)
d_t13 = np.broadcast_to(d_t14, t13.shape)
d_t11 = d_t13 * 11
d_x = np.where(x > 0, d_t11, d_t11 * 0.01)
d_t8 = d_t13 * 7
d_x = d_x + np.where(x <= 0.5, d_t8, 0)
d_t5 = d_t13 * 5
d_x = d_x + np.where((x >= 0) & (x <= 1), d_t5, 0)
d_t2 = d_t13 * 3
d_x = d_x + d_t2 * np.sign(x)
d_x = d_x + np.where(t1 > 0, d_t13, 0)
x_grad = d_x
print(x_grad)
x_grad = None
t15 = np.maximum(x, x)
t16 = t15.sum()
t17 = x.max()
t18 = t16 + t17
t19 = x * 0
t20 = t19.max()
t21 = t18 + t20
t22 = np.sign(x)
t23 = t22.sum()
t24 = t21 + t23
t25 = x**2
t26 = t25.sum()
t27 = t24 + t26
t28 = x**0
t29 = t28.sum()
t30 = t27 + t29
d_t30 = np.ones_like(t30)
d_t28 = np.broadcast_to(d_t30, t28.shape)
d_x = np.zeros_like(d_t28)
d_t25 = np.broadcast_to(d_t30, t25.shape)
d_x = d_x + d_t25 * 2 * x
d_t22 = np.broadcast_to(d_t30, t22.shape)
d_x = d_x + np.zeros_like(d_t22)
d_t19 = d_t30 * (t19 == t20) / (t19 == t20).sum(keepdims=True, dtype=t19.dtype)
d_x = d_x + d_t19 * 0
d_x = d_x + d_t30 * (x == t17) / (x == t17).sum(keepdims=True, dtype=x.dtype)
d_t15 = np.broadcast_to(d_t30, t15.shape)
d_x = d_x + np.where(x == x, d_t15 / 2, d_t15 * (x > x))
x_grad = d_x
print(x_grad)
t31 = np.sqrt((z**2).sum())
t32 = z.std(ddof=1)
t33 = t31 + t32
t34 = z[0]
t35 = z[1]
t36 = np.minimum(t34, t35)
t37 = t33 + t36
d_t37 = np.ones_like(t37)
d_t34 = np.where(t34 == t35, d_t37 / 2, d_t37 * (t34 < t35))
d_t35 = np.where(t34 == t35, d_t37 / 2, d_t37 * (t34 > t35))
d_z = scattered(d_t35, z.shape, np.s_[1])
d_z = d_z + scattered(d_t34, z.shape, np.s_[0])
d_z = d_z + np.where(
    t32 == 0, 0, d_t37 * (z - z.mean(keepdims=True)) / (t32 * (z.size - 1))
)
d_z = d_z + np.where(t31 == 0, 0, d_t37 * z / t31)
z_grad = d_z
print(z_grad)
t38 = np.array([1.0, 0.5, 0.25], dtype=np.float32)
t39 = (
    -t38 * np.maximum(np.log(p), -100) - (1 - t38) * np.maximum(np.log(1 - p), -100)
).mean()
t40 = t39 / 10000000000.0
d_t40 = np.ones_like(t40)
d_t39 = d_t40 / 10000000000.0
d_p = d_t39 * (p - t38) / np.maximum(p * (1 - p), 1e-12) / p.size
p_grad = d_p
t41 = p + 1
t42 = p**t41
t43 = t42.sum()
d_t43 = np.ones_like(t43)
d_t42 = np.broadcast_to(d_t43, t42.shape)
d_p = np.where(t41 == 0, 0, d_t42 * t41 * p ** (t41 - 1))
d_t41 = np.where((p == 0) & (t41 >= 0), 0, d_t42 * t42 * np.log(p))
d_p = d_p + d_t41
p_grad = p_grad + d_p
print(p_grad)
print((n / 2).astype(np.float32))
print((n * 0.5).astype(np.float32))
print(np.exp(n).astype(np.float32))
print((x * one).astype(np.float32))
print((n + x[:3]).astype(np.float32))
print(n > 1)
