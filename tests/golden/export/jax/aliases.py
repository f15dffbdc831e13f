# Several names of one tensor, and derivatives of derivatives

import jax
import jax.numpy as jnp


def pulled_back(function, inputs, grad):
    """The gradients of all inputs, for the gradient of what a function gives."""
    return jax.vjp(function, *inputs)[1](grad)


jax.config.update("jax_enable_x64", True)

x = jnp.array([1.0, 2.0], dtype=jnp.float32)
s = jnp.array(3.0, dtype=jnp.float32)
x_grad = None
s_grad = None

y = x
z = x * 2
u = x


def f1(x, s):
    z = x * 2
    return (z + x).sum() * s


d_x, d_s = jax.grad(f1, argnums=(0, 1))(x, s)
x_grad = d_x
s_grad = d_s
print(x_grad)
print(x_grad)
print(s_grad)
print(jnp.where(x > 1, x, x))
v = x
v_grad = None


def f2(s, v):
    return v[jnp.array([1, 0])] * s


d_s, d_v = pulled_back(f2, (s, v), jnp.array([1.0, 2.0], dtype=jnp.float32))
s_grad = s_grad + d_s
v_grad = d_v
print(v_grad)
print(s_grad)
