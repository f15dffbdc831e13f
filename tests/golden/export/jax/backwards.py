# Backwards in all forms

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

x = jnp.ones(2, dtype=jnp.float32)
y = jnp.ones(2, dtype=jnp.float32)
x_grad = None
y_grad = None


@jax.custom_vjp
def scale(a, n):
    return a * n


def scale_forward(a, n):
    result = scale(a, n)
    return result, (a, n, result)


def scale_backward(saved, grad):
    a, n, result = saved
    return (grad * n, None)


scale.defvjp(scale_forward, scale_backward)


z = scale(x, 3) * y


def z_of(x, y):
    z = scale(x, 3) * y
    return z, z.sum()


d_x, d_y = pulled_back(
    z_of,
    (x, y),
    (jnp.array([1.0, 2.0], dtype=jnp.float32), jnp.ones((), dtype=jnp.float32)),
)
x_grad = d_x
y_grad = d_y


def f1(x, y):
    z = scale(x, 3) * y
    return z.sum()


t1 = pulled_back(f1, (x, y), jnp.array(2.0, dtype=jnp.float32))
d_x = t1[0]
d_y = t1[1]
x_grad = x_grad + d_x
y_grad = y_grad + d_y
print(x_grad)
print(y_grad)
# z.grad_fn.next_functions[0][0].name is ScaleBackward
# z.grad_fn.next_functions is ((<torch.autograd.function.ScaleBackward>, 0), (<AccumulateGrad>, 0))
x_grad = jnp.zeros_like(x)
y_grad = jnp.zeros_like(y)
print(x_grad)
# z.grad_fn is <MulBackward0>
assert_close(x_grad, jnp.zeros(2, dtype=jnp.float32), rtol=1.3e-6, atol=1e-5)
# a hook on x + 1, of which nothing else is made
assert_close(x.shape, [2], rtol=0.1, atol=1e-7)
assert_close(x_grad, 0, rtol=0.1, atol=1e-5)
assert jnp.isfinite(x_grad).all()
assert_close(
    jnp.take_along_axis(x, x.argmax(axis=0, keepdims=True), axis=0).squeeze(axis=0),
    1,
    rtol=0.1,
    atol=1e-5,
)
# z.requires_grad is True
s = scale(x, 2).sum()
print(s)
