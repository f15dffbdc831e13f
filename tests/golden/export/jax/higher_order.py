# x³ differentiated until nothing is left: 3x², 6x, 6, 0, and then an error

import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


jax.config.update("jax_enable_x64", True)

x = jnp.array(2.0, dtype=jnp.float32)
x_grad = None

y = x**3


def y_of(x):
    return x**3


first = jax.grad(y_of)(x)


def first_of(x):
    return jax.grad(y_of)(x)


second = jax.grad(first_of)(x)


def second_of(x):
    return jax.grad(first_of)(x)


third = jax.grad(second_of)(x)


def third_of(x):
    return jax.grad(second_of)(x)


fourth = jax.grad(third_of)(x)
print(y)
print(first)
print(second)
print(third)
print(fourth)
assert_close(y, 8, rtol=1.3e-6, atol=1e-5)
assert_close(first, 12, rtol=1.3e-6, atol=1e-5)
assert_close(second, 12, rtol=1.3e-6, atol=1e-5)
assert_close(third, 6, rtol=1.3e-6, atol=1e-5)
assert_close(fourth, 0, rtol=1.3e-6, atol=1e-5)
# third.grad_fn is <MulBackward0>
# fourth.requires_grad is False

# the fourth derivative is the number 0, which depends on x no more
# steps: ["(fifth,) = grad(fourth, x)"] would raise: element 0 of tensors does not require grad and does not have a grad_fn

# only what is recorded can be differentiated again: without create_graph the first derivative is a number
z = x**3


def z_of(x):
    return x**3


flat = jax.grad(z_of)(x)
# flat.requires_grad is False
assert_close(flat, 12, rtol=1.3e-6, atol=1e-5)
# steps: ["(none,) = grad(flat, x)"] would raise: element 0 of tensors does not require grad and does not have a grad_fn
