# ill-conditioned: rounding hides the slope, even in float64

import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


jax.config.update("jax_enable_x64", True)

x = jnp.array([1.0, 1.5], dtype=jnp.float64)
x_grad = None

loss = (x + 1e16 - 1e16).sum()


def loss_of(x):
    return (x + 1e16 - 1e16).sum()


d_x = jax.grad(loss_of)(x)
x_grad = d_x
assert_close(x_grad, [1, 1], rtol=1e-7, atol=1e-7)
