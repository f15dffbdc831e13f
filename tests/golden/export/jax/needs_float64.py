# needs-float64: the formulas are right, float32 loses what they compute

import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


jax.config.update("jax_enable_x64", True)

x = jnp.array([1.0, 1.5], dtype=jnp.float32)
x_grad = None

loss = ((x + 100000000.0 - 100000000.0) ** 2).sum()


def loss_of(x):
    return ((x + 100000000.0 - 100000000.0) ** 2).sum()


d_x = jax.grad(loss_of)(x)
x_grad = d_x
assert_close(x_grad, [0, 0], rtol=1.3e-6, atol=1e-5)
