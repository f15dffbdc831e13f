# Several names of one tensor, and derivatives of derivatives

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)

x = jnp.array([1.0, 2.0], dtype=jnp.float32)
s = jnp.array(3.0, dtype=jnp.float32)
x_grad = None
s_grad = None

y = x
z = y * 2
u = x.copy()


def f1(x, s):
    y = x
    z = y * 2
    u = x.copy()
    return (z + u).sum() * s


d_x, d_s = jax.grad(f1, argnums=(0, 1))(x, s)
x_grad = d_x
s_grad = d_s
print(x_grad)
print(x_grad)
print(s_grad)
print(jnp.where(x > 1, x, y))
v = x
v_grad = None


def f2(s, v):
    return v[jnp.array([1, 0])] * s


d_s, d_v = jax.vjp(f2, s, v)[1](jnp.array([1.0, 2.0], dtype=jnp.float32))
s_grad = s_grad + d_s
v_grad = d_v
print(v_grad)
print(s_grad)
