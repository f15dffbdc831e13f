# correct: formulas and numbers agree

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)

x = jnp.array(
    [
        [1.5409961, -0.2934289, -2.1787894, 0.56843126],
        [-1.0845224, -1.3985955, 0.40334684, 0.83802634],
        [-0.7192576, -0.40334353, -0.59663534, 0.18203649],
    ],
    dtype=jnp.float32,
)
w = jnp.array(
    [
        [-0.8566746, 1.1006042],
        [-1.0711874, 0.12270124],
        [-0.5663175, 0.37311465],
        [-0.8919953, -1.5091077],
    ],
    dtype=jnp.float32,
)
b = jnp.zeros(2, dtype=jnp.float32)
w_grad = None
b_grad = None

loss = (jnp.tanh(x @ w + b) ** 2).mean()


def loss_of(w, b):
    return (jnp.tanh(x @ w + b) ** 2).mean()


d_w, d_b = jax.grad(loss_of, argnums=(0, 1))(w, b)
w_grad = d_w
b_grad = d_b
assert w_grad.shape == (4, 2)
assert jnp.isfinite(w_grad).all()
assert jnp.any(w_grad)
