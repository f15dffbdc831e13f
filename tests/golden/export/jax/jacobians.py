# Jacobian, Hessian and their products with vectors, of tanh(W x + b)

import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def pulled_back(function, inputs, grad):
    """The gradients of all inputs, for the gradient of what a function gives."""
    return jax.vjp(function, *inputs)[1](grad)


jax.config.update("jax_enable_x64", True)

W = jnp.array(
    [
        [1.5409961082440433, -0.2934289057609464, -2.1787893820745574],
        [0.5684312772806678, -1.084522342424021, -1.3985953953708767],
    ],
    dtype=jnp.float64,
)
b = jnp.array([0.4033468476292993, 0.8380263329976598], dtype=jnp.float64)
x = jnp.array([0.5, -1.0, 0.25], dtype=jnp.float64)
v = jnp.array([1.0, -2.0], dtype=jnp.float64)
u = jnp.array([0.1, 0.2, 0.3], dtype=jnp.float64)
x_grad = None

y = jnp.tanh(W @ x + b)
slope = 1 - y**2


def y_of(x):
    return jnp.tanh(W @ x + b)


J = jax.jacobian(y_of)(x)
print(J)
assert_close(J, slope[:, None] * W, rtol=1e-7, atol=1e-7)
assert_close(pulled_back(y_of, (x,), v)[0], v @ J, rtol=1e-7, atol=1e-7)
assert_close(jax.jvp(y_of, (x,), (u,))[1], J @ u, rtol=1e-7, atol=1e-7)

# the Hessian of a scalar is symmetric, and its product with a vector does not need the matrix
loss = (y**2).sum()


def loss_of(x):
    y = jnp.tanh(W @ x + b)
    return (y**2).sum()


H = jax.hessian(loss_of)(x)
print(H)
assert_close(H, jnp.transpose(H, (1, 0)), rtol=1e-7, atol=1e-7)
assert_close(jax.jvp(jax.grad(loss_of), (x,), (u,))[1], H @ u, rtol=1e-7, atol=1e-7)
assert_close(H.shape, [3, 3], rtol=1e-7, atol=1e-7)

# rows one by one, as `backward` would give them


def f1(x):
    y = jnp.tanh(W @ x + b)
    return y[0]


row0 = jax.grad(f1)(x)


def f2(x):
    y = jnp.tanh(W @ x + b)
    return y[1]


row1 = jax.grad(f2)(x)
assert_close(J, jnp.stack((row0, row1), axis=0), rtol=1e-7, atol=1e-7)
