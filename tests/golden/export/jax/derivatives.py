# Derivatives of all sorts

import jax
import jax.numpy as jnp


def pulled_back(function, inputs, grad):
    """The gradients of all inputs, for the gradient of what a function gives."""
    return jax.vjp(function, *inputs)[1](grad)


jax.config.update("jax_enable_x64", True)

x = jnp.array([1.0, 2.0], dtype=jnp.float32)
w = jnp.array(3.0, dtype=jnp.float32)
v = jnp.array([0.5, -1.0], dtype=jnp.float32)
one = jnp.array(1.0, dtype=jnp.float32)
x_grad = None
w_grad = None

y = x**3 * w
loss = y.sum() + x[0] * x[1]


def y_of(x, w):
    return x**3 * w


print(jax.jacobian(y_of, argnums=(0, 1))(x, w))


def loss_of(x, w):
    y = x**3 * w
    return y.sum() + x[0] * x[1]


print(jax.hessian(loss_of, argnums=0)(x, w))
print(jax.hessian(loss_of, argnums=(0, 1))(x, w))
print(pulled_back(y_of, (x, w), v))
print(jax.jvp(y_of, (x, w), (v, jnp.zeros_like(w)))[1])
print(jax.jvp(y_of, (x, w), (v, one))[1])
print(jax.jvp(jax.grad(loss_of, argnums=0), (x, w), (v, jnp.zeros_like(w)))[1])


def v_of():
    return v


print(jnp.full((2, 2), 0.0, dtype=jnp.float32))


def f1(x):
    return x.sum()


print(jax.jvp(jax.grad(f1), (x,), (v,))[1])
# vjp(y, x, v, create_graph=True).requires_grad is True
