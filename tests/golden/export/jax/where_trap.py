# The where trap: a NaN from the branch that was not taken

import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


jax.config.update("jax_enable_x64", True)

x = jnp.array([0.0, 2.0], dtype=jnp.float32)
a = jnp.array([0.0, 1.0], dtype=jnp.float32)
x_grad = None
a_grad = None

# the derivative of log at 0 is infinite, and 0 (not chosen) times infinity is NaN
y = jnp.where(
    jax.lax.stop_gradient(x > 0), jnp.log(x), jnp.full((2,), 0.0, dtype=jnp.float32)
)


def f1(x):
    y = jnp.where(
        jax.lax.stop_gradient(x > 0), jnp.log(x), jnp.full((2,), 0.0, dtype=jnp.float32)
    )
    return y.sum()


d_x = jax.grad(f1)(x)
x_grad = d_x
print("where alone:", x_grad)
assert_close(x_grad, [jnp.nan, 0.5], rtol=1.3e-6, atol=1e-5)

# the cure: keep the dangerous value out of the function, too
x_grad = jnp.zeros_like(x)
safe = jnp.where(
    jax.lax.stop_gradient(x > 0), x, jnp.full((2,), 1.0, dtype=jnp.float32)
)
y_2 = jnp.where(
    jax.lax.stop_gradient(x > 0), jnp.log(safe), jnp.full((2,), 0.0, dtype=jnp.float32)
)


def f2(x):
    safe = jnp.where(
        jax.lax.stop_gradient(x > 0), x, jnp.full((2,), 1.0, dtype=jnp.float32)
    )
    y_2 = jnp.where(
        jax.lax.stop_gradient(x > 0),
        jnp.log(safe),
        jnp.full((2,), 0.0, dtype=jnp.float32),
    )
    return y_2.sum()


d_x = jax.grad(f2)(x)
x_grad = x_grad + d_x
print("where twice:", x_grad)
assert_close(x_grad, [0, 0.5], rtol=1.3e-6, atol=1e-5)

# the same with a mask: dividing first and choosing later keeps the NaN
quotient = a / a


def f3(a):
    quotient = a / a
    return quotient[a > 0].sum()


d_a = jax.grad(f3)(a)
a_grad = d_a
print("mask after:", a_grad)
assert_close(a_grad[0], jnp.nan, rtol=1.3e-6, atol=1e-5)
assert_close(a_grad[1], 0, rtol=1.3e-6, atol=1e-5)
a_grad = None
chosen = a[a > 0]


def f4(a):
    chosen = a[a > 0]
    return (chosen / chosen).sum()


d_a = jax.grad(f4)(a)
a_grad = d_a
print("mask before:", a_grad)
assert_close(a_grad, 0, rtol=1.3e-6, atol=1e-5)
