# What a check leaves as it was, detached values, draws, hooks, what was accumulated

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)

x = jnp.array([0.5, 1.0, 2.0], dtype=jnp.float32)
w = jnp.array([1.0, 2.0, 3.0], dtype=jnp.float32)
x_grad = None
w_grad = None

scale = x * 2
shift = jnp.exp(x)
y = (x * scale + shift) * (jnp.full((3,), 1.0, dtype=jnp.float32) / 0.5) * w
y_2 = y.at[0].set(x[1] * w[2])


@jax.custom_vjp
def hook_of_y_2(y_2):
    return y_2


def hook_of_y_2_backward(_, g):
    return (10 * g,)


hook_of_y_2.defvjp(lambda y_2: (y_2, None), hook_of_y_2_backward)


def f1(x, w):
    y = (x * scale + shift) * (jnp.full((3,), 1.0, dtype=jnp.float32) / 0.5) * w
    y_2 = hook_of_y_2(y.at[0].set(x[1] * w[2]))
    return y_2.sum()


d_x, d_w = jax.grad(f1, argnums=(0, 1))(x, w)
x_grad = d_x
w_grad = d_w
d_x, d_w = jax.grad(f1, argnums=(0, 1))(x, w)
x_grad = x_grad + d_x
w_grad = w_grad + d_w
w = w - w_grad * 0.01


def f2(x, w):
    return (w * jax.lax.stop_gradient(x)).sum()


d_w = jax.grad(f2, argnums=1)(x, w)
w_grad = w_grad + d_w
assert jnp.isfinite(w_grad).all()
