# A small network learns a wave from a file, and its loss falls

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


hidden = 8
rate = 0.1

points = np.array(
    np.loadtxt("specs/data/waves.csv", delimiter=",", skiprows=1, ndmin=2),
    dtype=np.float32,
)
x = np.array(points[:, :1], dtype=np.float32)
y = np.array(points[:, 1:], dtype=np.float32)
W1 = np.array(
    [
        [
            1.5409961,
            -0.2934289,
            -2.1787894,
            0.56843126,
            -1.0845224,
            -1.3985955,
            0.40334684,
            0.83802634,
        ]
    ],
    dtype=np.float32,
)
b1 = np.zeros(hidden, dtype=np.float32)
W2 = np.array(
    np.array(
        [
            [-0.7192576],
            [-0.40334353],
            [-0.59663534],
            [0.18203649],
            [-0.8566746],
            [1.1006042],
            [-1.0711874],
            [0.12270124],
        ],
        dtype=np.float32,
    )
    * 0.5,
    dtype=np.float32,
)
b2 = np.zeros(1, dtype=np.float32)
W1_grad = None
b1_grad = None
W2_grad = None
b2_grad = None

t1 = x @ W1
t2 = t1 + b1
t3 = np.tanh(t2)
t4 = t3 @ W2
t5 = t4 + b2
first = ((t5 - y) ** 2).mean()
for epoch in range(300):
    t6 = x @ W1
    t7 = t6 + b1
    t8 = np.tanh(t7)
    t9 = t8 @ W2
    t10 = t9 + b2
    loss = ((t10 - y) ** 2).mean()
    if W1_grad is not None:
        W1_grad = np.zeros_like(W1)
    if b1_grad is not None:
        b1_grad = np.zeros_like(b1)
    if W2_grad is not None:
        W2_grad = np.zeros_like(W2)
    if b2_grad is not None:
        b2_grad = np.zeros_like(b2)
    d_loss = np.ones_like(loss)
    d_t10 = d_loss * 2 * (t10 - y) / t10.size
    d_b2 = d_t10.sum(axis=0, keepdims=True).reshape((1,))
    d_t8 = d_t10 @ W2.T
    d_W2 = t8.T @ d_t10
    d_t7 = d_t8 * (1 - t8**2)
    d_b1 = d_t7.sum(axis=0, keepdims=True).reshape((8,))
    d_W1 = x.T @ d_t7
    b2_grad = d_b2 if b2_grad is None else b2_grad + d_b2
    W2_grad = d_W2 if W2_grad is None else W2_grad + d_W2
    b1_grad = d_b1 if b1_grad is None else b1_grad + d_b1
    W1_grad = d_W1 if W1_grad is None else W1_grad + d_W1
    W1 -= rate * W1_grad
    b1 -= rate * b1_grad
    W2 -= rate * W2_grad
    b2 -= rate * b2_grad
print("loss at first:", first)
print("loss in the end:", loss)
assert_close(loss < 0.1 * first, True, rtol=0.0, atol=0.0)
assert np.isfinite(loss).all()
assert W1_grad.shape == (1, 8)
assert np.isfinite(W1_grad).all()
assert np.any(W1_grad)
assert_close(epoch, 299, rtol=1e-7, atol=1e-7)
