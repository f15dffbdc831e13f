# Derivatives of all sorts

import numpy as np


def scattered(values, index, shape):
    """Zeros of a shape, but for what is picked by an index."""
    return with_added(np.zeros(shape, values.dtype), index, values)


def with_added(array, index, values):
    """A copy with values added at an index, each as often as it is named."""
    result = np.array(array)
    np.add.at(result, index, values)
    return result


def rows_of(gradient, result):
    """The gradient of each element of a result: a function gives that of all of them, weighed."""
    weights = np.eye(result.size, dtype=result.dtype)
    return np.stack([gradient(row.reshape(result.shape)) for row in weights])


x = np.array([1.0, 2.0], dtype=np.float32)
w = np.array(3.0, dtype=np.float32)
v = np.array([0.5, -1.0], dtype=np.float32)
one = np.array(1.0, dtype=np.float32)
x_grad = None
w_grad = None

t1 = x**3
y = t1 * w
t2 = y.sum()
t3 = x[0]
t4 = x[1]
t5 = t3 * t4
loss = t2 + t5


def gradient_of_y(d_y):
    d_t1 = d_y * w
    d_x = d_t1 * (x**2 * 3)
    return d_x


def gradient_of_y_(d_y):
    d_w = (d_y * t1).sum()
    return d_w


print(
    (
        rows_of(gradient_of_y, y).reshape((2, 2)),
        rows_of(gradient_of_y_, y).reshape((2,)),
    )
)
d_loss = np.ones_like(loss)
t6 = d_loss * t3
d_t3 = d_loss * t4
d_x = scattered(t6, np.s_[1], (2,))
t7 = scattered(d_t3, np.s_[0], (2,))
d_x_2 = d_x + t7
d_y = np.broadcast_to(d_loss, (2,))
t8 = d_y * t1
d_t1 = d_y * w
t9 = x**2
t10 = t9 * 3
t11 = d_t1 * t10
d_x_3 = d_x_2 + t11


def gradient_of_d_x_3(d_d_x_3):
    d_t10 = d_d_x_3 * d_t1
    d_t9 = d_t10 * 3
    d_x_4 = d_t9 * (x * 2)
    d_d_t3 = d_d_x_3[0]
    d_t6 = d_d_x_3[1]
    d_t4 = d_d_t3 * d_loss
    d_t3_2 = d_t6 * d_loss
    d_x_5 = d_x_4 + scattered(d_t4, np.s_[1], (2,))
    d_x_6 = d_x_5 + scattered(d_t3_2, np.s_[0], (2,))
    return d_x_6


print(rows_of(gradient_of_d_x_3, d_x_3).reshape((2, 2)))
d_loss_2 = np.ones_like(loss)
t12 = d_loss_2 * t3
d_t3_3 = d_loss_2 * t4
d_x_7 = scattered(t12, np.s_[1], (2,))
t13 = scattered(d_t3_3, np.s_[0], (2,))
d_x_8 = d_x_7 + t13
d_y_2 = np.broadcast_to(d_loss_2, (2,))
t14 = d_y_2 * t1
d_t1_2 = d_y_2 * w
d_w = t14.sum()
t15 = x**2
t16 = t15 * 3
t17 = d_t1_2 * t16
d_x_9 = d_x_8 + t17


def gradient_of_d_x_9(d_d_x_9):
    d_t16 = d_d_x_9 * d_t1_2
    d_t15 = d_t16 * 3
    d_x_10 = d_t15 * (x * 2)
    d_d_t3_3 = d_d_x_9[0]
    d_t12 = d_d_x_9[1]
    d_t4 = d_d_t3_3 * d_loss_2
    d_t3_4 = d_t12 * d_loss_2
    d_x_11 = d_x_10 + scattered(d_t4, np.s_[1], (2,))
    d_x_12 = d_x_11 + scattered(d_t3_4, np.s_[0], (2,))
    return d_x_12


def gradient_of_d_x_9_(d_d_x_9):
    d_d_t1_2 = d_d_x_9 * t16
    d_w_2 = (d_d_t1_2 * d_y_2).sum()
    return d_w_2


def gradient_of_d_w(d_d_w):
    d_t14 = np.broadcast_to(d_d_w, (2,))
    d_t1_3 = d_t14 * d_y_2
    d_x_13 = d_t1_3 * (x**2 * 3)
    return d_x_13


def gradient_of_d_w_(d_d_w):
    return np.zeros_like(w)


print(
    (
        (
            rows_of(gradient_of_d_x_9, d_x_9).reshape((2, 2)),
            rows_of(gradient_of_d_x_9_, d_x_9).reshape((2,)),
        ),
        (
            rows_of(gradient_of_d_w, d_w).reshape((2,)),
            rows_of(gradient_of_d_w_, d_w).reshape(()),
        ),
    )
)
d_t1_4 = v * w
d_w_3 = (v * t1).sum()
d_x_14 = d_t1_4 * (x**2 * 3)
print((d_x_14, d_w_3))


def gradient_of_y__(d_y):
    d_t1_5 = d_y * w
    d_x_15 = d_t1_5 * (x**2 * 3)
    return d_x_15


print(np.tensordot(rows_of(gradient_of_y__, y).reshape((2, 2)), v, 1))


def gradient_of_y___(d_y):
    d_t1_6 = d_y * w
    d_x_16 = d_t1_6 * (x**2 * 3)
    return d_x_16


def gradient_of_y____(d_y):
    d_w_4 = (d_y * t1).sum()
    return d_w_4


print(
    np.tensordot(rows_of(gradient_of_y___, y).reshape((2, 2)), v, 1)
    + np.tensordot(rows_of(gradient_of_y____, y).reshape((2,)), one, 0)
)
d_loss_3 = np.ones_like(loss)
t18 = d_loss_3 * t3
d_t3_5 = d_loss_3 * t4
d_x_17 = scattered(t18, np.s_[1], (2,))
t19 = scattered(d_t3_5, np.s_[0], (2,))
d_x_18 = d_x_17 + t19
d_y_3 = np.broadcast_to(d_loss_3, (2,))
t20 = d_y_3 * t1
d_t1_7 = d_y_3 * w
t21 = x**2
t22 = t21 * 3
t23 = d_t1_7 * t22
d_x_19 = d_x_18 + t23
d_t22 = v * d_t1_7
d_t21 = d_t22 * 3
d_x_20 = d_t21 * (x * 2)
d_d_t3_5 = v[0]
d_t18 = v[1]
d_t4 = d_d_t3_5 * d_loss_3
d_t3_6 = d_t18 * d_loss_3
d_x_21 = d_x_20 + scattered(d_t4, np.s_[1], (2,))
d_x_22 = d_x_21 + scattered(d_t3_6, np.s_[0], (2,))
print(d_x_22)
print(np.zeros((2, 2), dtype=np.float32))
t24 = x.sum()
d_t24 = np.ones_like(t24)
d_x_23 = np.broadcast_to(d_t24, (2,))
print(np.zeros_like(x))
# vjp(y, x, v, create_graph=True).requires_grad is True
