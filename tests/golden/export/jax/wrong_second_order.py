# wrong at order 2: a first derivative that is right, and cannot be differentiated

import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


jax.config.update("jax_enable_x64", True)

x = jnp.array([0.5, 1.0], dtype=jnp.float32)
x_grad = None


@jax.custom_vjp
def sinh_bad(x):
    return (jnp.exp(x) - jnp.exp(-x)) / 2


def sinh_bad_forward(x):
    result = sinh_bad(x)
    return result, (x, result)


def sinh_bad_backward(saved, grad):
    x, result = saved
    return (grad * ((jnp.exp(x) + jnp.exp(-x)) / 2),)


sinh_bad.defvjp(sinh_bad_forward, sinh_bad_backward)


loss = sinh_bad(x).sum()


def loss_of(x):
    return sinh_bad(x).sum()


d_x = jax.grad(loss_of)(x)
x_grad = d_x
assert_close(x_grad, jnp.cosh(x), rtol=1.3e-6, atol=1e-5)
