# wrong: a backward by hand that forgets the inner derivative

import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


jax.config.update("jax_enable_x64", True)

x = jnp.array([0.1, 0.2, 0.3, 0.4], dtype=jnp.float32)
y = jnp.array([1.0, 2.0, 3.0, 4.0], dtype=jnp.float32)
x_grad = None
y_grad = None


@jax.custom_vjp
def wave(x):
    return jnp.sin(3 * x)


def wave_forward(x):
    result = wave(x)
    return result, (x, result)


def wave_backward(saved, grad):
    x, result = saved
    return (grad * jnp.cos(3 * x),)


wave.defvjp(wave_forward, wave_backward)


loss = (wave(x) * y).sum()


def loss_of(x, y):
    return (wave(x) * y).sum()


d_x, d_y = jax.grad(loss_of, argnums=(0, 1))(x, y)
x_grad = d_x
y_grad = d_y
assert_close(x_grad, jnp.cos(3 * x) * y, rtol=1.3e-6, atol=1e-5)
assert_close(y_grad, jnp.sin(3 * x), rtol=1.3e-6, atol=1e-5)
