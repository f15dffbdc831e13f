# Names that Python, the script or torch has

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)

e = 0.5
print_ = 2

F = jnp.ones(2, dtype=jnp.float32)
np_ = jnp.array([1.0, 2.0], dtype=jnp.float32)
range_ = jnp.array(3, dtype=jnp.int64)
error = jnp.array(1.0, dtype=jnp.float32)
_ = jnp.array(2.0, dtype=jnp.float32)
text = jnp.array(1.5, dtype=jnp.float32)
tensor = jnp.ones(1, dtype=jnp.float32)
F_grad = None


@jax.custom_vjp
def np__(x):
    return x * 3


def np___forward(x):
    result = np__(x)
    return result, (x, result)


def np___backward(saved, grad):
    x, result = saved
    return (grad * 3,)


np__.defvjp(np___forward, np___backward)


str_ = F * np_ + (F * 2 * range_).astype(jnp.float32) + np__(F)
rounds = 0
rounds_ = 0
while rounds < 3:
    assert rounds_ < 3
    rounds = rounds + 1
    rounds_ += 1
for __ in range(2):
    rounds = rounds + print_
# - while: would raise: `rounds > 0` still holds after 2 rounds
rounds = 6


def f1(F):
    str_ = F * np_ + (F * 2 * range_).astype(jnp.float32) + np__(F)
    return str_.sum()


d_F = jax.grad(f1)(F)
F_grad = d_F
print(F_grad)
print(error)
print(_)
print(rounds)
print(text)
print(e)
print(tensor)
# str.grad_fn is <AddBackward0>
F_grad = jnp.zeros_like(F)
print(F_grad)
