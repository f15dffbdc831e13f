# correct: formulas and numbers agree

import numpy as np

x = np.array(
    [
        [1.5409961, -0.2934289, -2.1787894, 0.56843126],
        [-1.0845224, -1.3985955, 0.40334684, 0.83802634],
        [-0.7192576, -0.40334353, -0.59663534, 0.18203649],
    ],
    dtype=np.float32,
)
w = np.array(
    [
        [-0.8566746, 1.1006042],
        [-1.0711874, 0.12270124],
        [-0.5663175, 0.37311465],
        [-0.8919953, -1.5091077],
    ],
    dtype=np.float32,
)
b = np.zeros(2, dtype=np.float32)
w_grad = None
b_grad = None

t1 = x @ w
t2 = t1 + b
t3 = np.tanh(t2)
t4 = t3**2
loss = t4.mean()
d_loss = np.ones_like(loss)
d_t4 = np.broadcast_to(d_loss, (3, 2)) / 6
d_t3 = d_t4 * (t3 * 2)
d_t2 = d_t3 * (1 - t3**2)
d_b = d_t2.sum(axis=0, keepdims=True).reshape((2,))
d_w = x.T @ d_t2
b_grad = d_b
w_grad = d_w
assert w_grad.shape == (4, 2)
assert np.isfinite(w_grad).all()
assert np.any(w_grad)
