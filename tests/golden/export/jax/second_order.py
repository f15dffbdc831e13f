# Derivatives of derivatives

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)

x = jnp.array(2.0, dtype=jnp.float32)
w = jnp.array(3.0, dtype=jnp.float32)
x_grad = None
w_grad = None

y = x**3 * w


def y_of(x, w):
    return x**3 * w


first = jax.grad(y_of, argnums=0)(x, w)


def f1(x, w):
    first = jax.grad(y_of, argnums=0)(x, w)
    return first * w


second = jax.grad(f1, argnums=0)(x, w)


def f2(x, w):
    second = jax.grad(f1, argnums=0)(x, w)
    return second**2


d_x, d_w = jax.grad(f2, argnums=(0, 1))(x, w)
x_grad = d_x
w_grad = d_w
print(first)
print(second)
print(x_grad)
print(w_grad)
