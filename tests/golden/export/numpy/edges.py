# Gradients where functions have edges

import numpy as np


def scattered(values, index, shape):
    """Zeros of a shape, but for what is picked by an index."""
    return with_added(np.zeros(shape, values.dtype), index, values)


def with_added(array, index, values):
    """A copy with values added at an index, each as often as it is named."""
    result = np.array(array)
    np.add.at(result, index, values)
    return result


x = np.array([-1.0, 0.0, 0.5, 1.0], dtype=np.float32)
z = np.full((2,), 0.0, dtype=np.float32)
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
d_t13 = np.broadcast_to(d_t14, (4,))
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
d_t28 = np.broadcast_to(d_t30, (4,))
d_x = np.zeros_like(d_t28)
d_t25 = np.broadcast_to(d_t30, (4,))
d_x = d_x + d_t25 * (x * 2)
d_t22 = np.broadcast_to(d_t30, (4,))
d_x = d_x + np.zeros_like(d_t22)
t31 = t20.reshape((1,)) == t19
d_t19 = (d_t30.reshape((1,)) / t31.sum(keepdims=True)).astype(np.float32) * t31
d_x = d_x + d_t19 * 0
t32 = (x == t17) | np.isnan(x) & np.isnan(t17)
d_x = d_x + np.where(
    t32, (d_t30 / t32.sum()).astype(np.float32), np.zeros((4,), dtype=np.float32)
)
d_t15 = np.broadcast_to(d_t30, (4,))
d_x = d_x + np.where(x < x, 0, np.where(x == x, d_t15 / 2, d_t15))
x_grad = d_x
print(x_grad)
t33 = np.sqrt((z**2).sum())
t34 = z.std(ddof=1)
t35 = t33 + t34
t36 = z[0]
t37 = z[1]
t38 = np.minimum(t36, t37)
t39 = t35 + t38
d_t39 = np.ones_like(t39)
d_t36 = np.where(t36 > t37, 0, np.where(t36 == t37, d_t39 / 2, d_t39))
d_t37 = np.where(t36 < t37, 0, np.where(t36 == t37, d_t39 / 2, d_t39))
d_z = scattered(d_t37, np.s_[1], (2,))
d_z = d_z + scattered(d_t36, np.s_[0], (2,))
d_z = d_z + np.where(t34 == 0, 0, d_t39 / (t34 * 2)) * 2.0 * (z - z.mean())
d_z = d_z + d_t39 * np.where(t33 == 0, 0, z / t33)
z_grad = d_z
print(z_grad)
t40 = np.array([1.0, 0.5, 0.25], dtype=np.float32)
t41 = (
    -t40 * np.maximum(np.log(p), -100) - (1 - t40) * np.maximum(np.log(1 - p), -100)
).mean()
t42 = t41 / 10000000000.0
d_t42 = np.ones_like(t42)
d_t41 = d_t42 / 10000000000.0
d_p = d_t41 * (p - t40) / np.maximum(p * (1 - p), 1e-12) / p.size
p_grad = d_p
t43 = p + 1
t44 = p**t43
t45 = t44.sum()
d_t45 = np.ones_like(t45)
d_t44 = np.broadcast_to(d_t45, (3,))
d_p = np.where(t43 == 0, np.zeros_like(d_t44), d_t44 * (t43 * p ** (t43 - 1)))
d_t43 = d_t44 * np.where((p == 0) & (t43 >= 0), np.zeros_like(t44), t44 * np.log(p))
d_p = d_p + d_t43
p_grad = p_grad + d_p
print(p_grad)
print((n / 2).astype(np.float32))
print((n * 0.5).astype(np.float32))
print(np.exp(n).astype(np.float32))
print((x * one).astype(np.float32))
print((n + x[:3]).astype(np.float32))
print(n > 1)
