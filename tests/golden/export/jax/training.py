# A small network learns a wave from a file, and its loss falls

import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


jax.config.update("jax_enable_x64", True)

hidden = 8
rate = 0.1

points = jnp.array(
    np.loadtxt("specs/data/waves.csv", delimiter=",", skiprows=1, ndmin=2),
    dtype=jnp.float32,
)
x = jnp.array(points[:, :1], dtype=jnp.float32)
y = jnp.array(points[:, 1:], dtype=jnp.float32)
W1 = jnp.array(
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
    dtype=jnp.float32,
)
b1 = jnp.zeros(hidden, dtype=jnp.float32)
W2 = jnp.array(
    jnp.array(
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
        dtype=jnp.float32,
    )
    * 0.5,
    dtype=jnp.float32,
)
b2 = jnp.zeros(1, dtype=jnp.float32)
W1_grad = None
b1_grad = None
W2_grad = None
b2_grad = None

first = ((jnp.tanh(x @ W1 + b1) @ W2 + b2 - y) ** 2).mean()
for epoch in range(300):
    loss = ((jnp.tanh(x @ W1 + b1) @ W2 + b2 - y) ** 2).mean()
    if W1_grad is not None:
        W1_grad = jnp.zeros_like(W1)
    if b1_grad is not None:
        b1_grad = jnp.zeros_like(b1)
    if W2_grad is not None:
        W2_grad = jnp.zeros_like(W2)
    if b2_grad is not None:
        b2_grad = jnp.zeros_like(b2)

    def loss_of(W1, b1, W2, b2):
        return ((jnp.tanh(x @ W1 + b1) @ W2 + b2 - y) ** 2).mean()

    d_W1, d_b1, d_W2, d_b2 = jax.grad(loss_of, argnums=(0, 1, 2, 3))(W1, b1, W2, b2)
    W1_grad = d_W1 if W1_grad is None else W1_grad + d_W1
    b1_grad = d_b1 if b1_grad is None else b1_grad + d_b1
    W2_grad = d_W2 if W2_grad is None else W2_grad + d_W2
    b2_grad = d_b2 if b2_grad is None else b2_grad + d_b2
    W1 = W1 - W1_grad * rate
    b1 = b1 - b1_grad * rate
    W2 = W2 - W2_grad * rate
    b2 = b2 - b2_grad * rate
print("loss at first:", first)
print("loss in the end:", loss)
assert_close(loss < 0.1 * first, True, rtol=0.0, atol=0.0)
assert jnp.isfinite(loss).all()
assert W1_grad.shape == (1, 8)
assert jnp.isfinite(W1_grad).all()
assert jnp.any(W1_grad)
assert_close(epoch, 299, rtol=1e-7, atol=1e-7)
