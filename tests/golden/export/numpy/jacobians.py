# Jacobian, Hessian and their products with vectors, of tanh(W x + b)

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


def rows_of(gradient, result):
    """The gradient of each element of a result: a function gives that of all of them, weighed."""
    weights = np.eye(result.size, dtype=result.dtype)
    return np.stack([gradient(row.reshape(result.shape)) for row in weights])


W = np.array(
    [
        [1.5409961082440433, -0.2934289057609464, -2.1787893820745574],
        [0.5684312772806678, -1.084522342424021, -1.3985953953708767],
    ],
    dtype=np.float64,
)
b = np.array([0.4033468476292993, 0.8380263329976598], dtype=np.float64)
x = np.array([0.5, -1.0, 0.25], dtype=np.float64)
v = np.array([1.0, -2.0], dtype=np.float64)
u = np.array([0.1, 0.2, 0.3], dtype=np.float64)
x_grad = None

t1 = W @ x
t2 = t1 + b
y = np.tanh(t2)
slope = 1 - y**2


def gradient_of_y(d_y):
    d_t2 = d_y * (1 - y**2)
    d_x = W.T @ d_t2
    return d_x


J = rows_of(gradient_of_y, y).reshape((2, 3))
print(J)
assert_close(J, slope[:, None] * W, rtol=1e-7, atol=1e-7)
d_t2 = v * (1 - y**2)
d_x = W.T @ d_t2
assert_close(d_x, v @ J, rtol=1e-7, atol=1e-7)


def gradient_of_y_(d_y):
    d_t2 = d_y * (1 - y**2)
    d_x = W.T @ d_t2
    return d_x


assert_close(
    np.tensordot(rows_of(gradient_of_y_, y).reshape((2, 3)), u, 1),
    J @ u,
    rtol=1e-7,
    atol=1e-7,
)

# the Hessian of a scalar is symmetric, and its product with a vector does not need the matrix
t3 = y**2
loss = t3.sum()
d_loss = np.ones_like(loss)
d_t3 = np.broadcast_to(d_loss, (2,))
t4 = y
t5 = t4 * 2
d_y = d_t3 * t5
d_t2 = d_y * (1 - y**2)
t6 = W.T
d_x = t6 @ d_t2


def gradient_of_d_x(d_d_x):
    d_d_t2 = t6.T @ d_d_x
    d_d_y = d_d_t2 * (1 - y**2)
    d_y_2 = d_d_t2 * (y * -2 * d_y)
    d_t5 = d_d_y * d_t3
    d_t4 = d_t5 * 2
    d_y_3 = d_y_2 + d_t4 * y**0
    d_t2_2 = d_y_3 * (1 - y**2)
    d_x_2 = W.T @ d_t2_2
    return d_x_2


H = rows_of(gradient_of_d_x, d_x).reshape((3, 3))
print(H)
assert_close(H, np.transpose(H, (1, 0)), rtol=1e-7, atol=1e-7)
d_loss = np.ones_like(loss)
d_t3_2 = np.broadcast_to(d_loss, (2,))
t7 = y
t8 = t7 * 2
d_y_4 = d_t3_2 * t8
d_t2_3 = d_y_4 * (1 - y**2)
t9 = W.T
d_x_3 = t9 @ d_t2_3
d_d_t2_3 = t9.T @ u
d_d_y_4 = d_d_t2_3 * (1 - y**2)
d_y_5 = d_d_t2_3 * (y * -2 * d_y_4)
d_t8 = d_d_y_4 * d_t3_2
d_t7 = d_t8 * 2
d_y_6 = d_y_5 + d_t7 * y**0
d_t2_4 = d_y_6 * (1 - y**2)
d_x_4 = W.T @ d_t2_4
assert_close(d_x_4, H @ u, rtol=1e-7, atol=1e-7)
assert_close(H.shape, [3, 3], rtol=1e-7, atol=1e-7)

# rows one by one, as `backward` would give them
t10 = y[0]
d_t10 = np.ones_like(t10)
d_y_7 = scattered(d_t10, np.s_[0], (2,))
d_t2_5 = d_y_7 * (1 - y**2)
d_x_5 = W.T @ d_t2_5
row0 = d_x_5
t11 = y[1]
d_t11 = np.ones_like(t11)
d_y_8 = scattered(d_t11, np.s_[1], (2,))
d_t2_6 = d_y_8 * (1 - y**2)
d_x_6 = W.T @ d_t2_6
row1 = d_x_6
assert_close(J, np.stack((row0, row1), axis=0), rtol=1e-7, atol=1e-7)
