# not-differentiable: a pole, a jump, and a NaN that is made on the way

import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


jax.config.update("jax_enable_x64", True)

x = jnp.array([0.0, 4.0], dtype=jnp.float32)
n = jnp.array([1.0, 2.5], dtype=jnp.float32)
m = jnp.array([0.0, 4.0], dtype=jnp.float32)
x_grad = None
n_grad = None
m_grad = None


def f1(x):
    return jnp.sqrt(x).sum()


d_x = jax.grad(f1)(x)
x_grad = d_x


def f2(n):
    return (jnp.floor(n) * 2).sum()


d_n = jax.grad(f2)(n)
n_grad = d_n


def f3(m):
    return jnp.where(jax.lax.stop_gradient(m > 0), jnp.sqrt(m), m * 0).sum()


d_m = jax.grad(f3)(m)
m_grad = d_m
assert_close(x_grad, [jnp.inf, 0.25], rtol=1.3e-6, atol=1e-5)
assert_close(n_grad, [0, 0], rtol=1.3e-6, atol=1e-5)
assert_close(m_grad, [jnp.nan, 0.25], rtol=1.3e-6, atol=1e-5)
