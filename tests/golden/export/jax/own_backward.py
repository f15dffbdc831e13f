# Backwards written by hand, used and put to the test

import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


jax.config.update("jax_enable_x64", True)

x = jnp.array([-1.0, 0.5, 2.0], dtype=jnp.float64)
w = jnp.array([2.0, 1.0, 3.0], dtype=jnp.float64)
x_grad = None
w_grad = None


@jax.custom_vjp
def my_sin(x):
    return jnp.sin(x)


def my_sin_forward(x):
    result = my_sin(x)
    return result, (x, result)


def my_sin_backward(saved, grad):
    x, result = saved
    return (grad * jnp.cos(x),)


my_sin.defvjp(my_sin_forward, my_sin_backward)


@jax.custom_vjp
def my_sigmoid(x):
    return 1 / (1 + jnp.exp(-x))


def my_sigmoid_forward(x):
    result = my_sigmoid(x)
    return result, (x, result)


def my_sigmoid_backward(saved, grad):
    x, result = saved
    return (grad * result * (1 - result),)


my_sigmoid.defvjp(my_sigmoid_forward, my_sigmoid_backward)


y = my_sigmoid(w * my_sin(x))
print(y)
# y.grad_fn is <torch.autograd.function.MySigmoidBackward>


def f1(x, w):
    y = my_sigmoid(w * my_sin(x))
    return y.sum()


d_x, d_w = jax.grad(f1, argnums=(0, 1))(x, w)
x_grad = d_x
w_grad = d_w
mine = [x_grad, w_grad]
# y.grad_fn is <torch.autograd.function.MySigmoidBackward>

# a derivation on paper, graded against autograd
s = y * (1 - y)
assert_close(x_grad, s * w * jnp.cos(x), rtol=1e-7, atol=1e-7)
assert_close(w_grad, s * jnp.sin(x), rtol=1e-7, atol=1e-7)

# recorded, they can be differentiated again


def f2(x):
    return my_sin(x).sum()


g = jax.grad(f2)(x)


def f3(x):
    g = jax.grad(f2)(x)
    return g.sum()


h = jax.grad(f3)(x)
assert_close(g, jnp.cos(x), rtol=1e-7, atol=1e-7)
assert_close(h, -jnp.sin(x), rtol=1e-7, atol=1e-7)

x_grad = jnp.zeros_like(x)
w_grad = jnp.zeros_like(w)


@jax.custom_vjp
def binarise(x):
    return jnp.sign(x)


def binarise_forward(x):
    result = binarise(x)
    return result, (x, result)


def binarise_backward(saved, grad):
    x, result = saved
    return (grad,)


binarise.defvjp(binarise_forward, binarise_backward)


def f4(x, w):
    return (binarise(x) * w).sum()


d_x, d_w = jax.grad(f4, argnums=(0, 1))(x, w)
x_grad = x_grad + d_x
w_grad = w_grad + d_w
assert_close(x_grad, w, rtol=1e-7, atol=1e-7)
assert_close(w_grad, jnp.sign(x), rtol=1e-7, atol=1e-7)
assert_close(
    jnp.array(-3.0, dtype=jnp.float64)
    / (1 + jnp.abs(jnp.array(-3.0, dtype=jnp.float64))),
    -0.75,
    rtol=1e-7,
    atol=1e-7,
)
# soft(x).grad_fn is <DivBackward0>
