# kink: the slopes to the left and to the right differ

import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


jax.config.update("jax_enable_x64", True)

x = jnp.array([-1.0, 0.0, 2.0], dtype=jnp.float32)
t = jnp.array([3.0, 3.0, 1.0], dtype=jnp.float32)
x_grad = None
t_grad = None

loss = jax.nn.relu(x).sum() + t.max()


def loss_of(x, t):
    return jax.nn.relu(x).sum() + t.max()


d_x, d_t = jax.grad(loss_of, argnums=(0, 1))(x, t)
x_grad = d_x
t_grad = d_t
assert_close(x_grad, [0, 0, 1], rtol=1.3e-6, atol=1e-5)
assert_close(t_grad, [0.5, 0.5, 0], rtol=1.3e-6, atol=1e-5)
