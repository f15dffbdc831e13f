# Fine-tuning: the first layer frozen, the last one trained

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


rate = 0.01

x = np.array(
    [
        [1.5409961, -0.2934289, -2.1787894],
        [0.56843126, -1.0845224, -1.3985955],
        [0.40334684, 0.83802634, -0.7192576],
        [-0.40334353, -0.59663534, 0.18203649],
    ],
    dtype=np.float32,
)
target = np.array(
    [
        [-0.8566746, 1.1006042],
        [-1.0711874, 0.12270124],
        [-0.5663175, 0.37311465],
        [-0.8919953, -1.5091077],
    ],
    dtype=np.float32,
)
W1 = np.array(
    [
        [0.37039354, 1.4565026, 0.9398099, 0.7748488, 0.19186942],
        [1.2637948, -1.2904351, -0.7911027, -0.020879474, -0.71848005],
        [0.51863676, -1.3125219, 0.19199507, 0.54277134, -2.2187793],
    ],
    dtype=np.float32,
)
W2 = np.array(
    [
        [0.25898454, -1.0297022],
        [-0.5007584, 0.27336773],
        [-0.9181, -0.040421087],
        [0.2881168, -0.007537308],
        [-0.91449547, -1.0885837],
    ],
    dtype=np.float32,
)
W1_grad = None
W2_grad = None

before = W1.copy()
h = np.maximum(x @ W1, 0)
t1 = h @ W2
loss = ((t1 - target) ** 2).mean()

# the frozen layer's work is not even recorded
# h.requires_grad is False
# h.grad_fn is None
# loss.requires_grad is True
d_loss = np.ones_like(loss)
d_t1 = d_loss * 2 * (t1 - target) / t1.size
d_W2 = h.T @ d_t1
W2_grad = d_W2
W2 -= rate * W2_grad
assert W1_grad is None
assert_close(W1, before, rtol=1.3e-6, atol=1e-5)
assert W2_grad.shape == (5, 2)
assert np.isfinite(W2_grad).all()
assert np.any(W2_grad)
t2 = np.maximum(x @ W1, 0)
t3 = t2 @ W2
after = ((t3 - target) ** 2).mean()
print("before:", loss)
print("after:", after)
assert_close(after < loss, True, rtol=0.0, atol=0.0)

# thawed, it takes part again
t4 = x @ W1
t5 = np.maximum(t4, 0)
t6 = t5 @ W2
t7 = ((t6 - target) ** 2).mean()
d_t7 = np.ones_like(t7)
d_t6 = d_t7 * 2 * (t6 - target) / t6.size
d_t5 = d_t6 @ W2.T
d_W2 = t5.T @ d_t6
d_t4 = np.where(t5 > 0, d_t5, 0)
d_W1 = x.T @ d_t4
W2_grad = W2_grad + d_W2
W1_grad = d_W1
assert W1_grad.shape == (3, 5)
assert np.any(W1_grad)
