# Gradients add up until they are zeroed

import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


jax.config.update("jax_enable_x64", True)

w = jnp.array([1.0, 2.0], dtype=jnp.float32)
w_grad = None

loss = (w**2).sum()


def loss_of(w):
    return (w**2).sum()


d_w = jax.grad(loss_of)(w)
w_grad = d_w
print(w_grad)
assert_close(w_grad, [2, 4], rtol=1.3e-6, atol=1e-5)
d_w = jax.grad(loss_of)(w)
w_grad = w_grad + d_w
print(w_grad)
assert_close(w_grad, [4, 8], rtol=1.3e-6, atol=1e-5)
d_w = jax.grad(loss_of)(w)
w_grad = w_grad + d_w
print(w_grad)
assert_close(w_grad, [6, 12], rtol=1.3e-6, atol=1e-5)

# zeroed in place, the tensor `w.grad` stays; set to None, it is gone
w_grad = jnp.zeros_like(w)
assert_close(w_grad, 0, rtol=1.3e-6, atol=1e-5)
d_w = jax.grad(loss_of)(w)
w_grad = w_grad + d_w
assert_close(w_grad, [2, 4], rtol=1.3e-6, atol=1e-5)
w_grad = None
assert w_grad is None

# two halves of a batch give what the whole gives: that is what accumulation is for
d_w = jax.grad(loss_of)(w)
w_grad = d_w
whole = w_grad.copy()
w_grad = jnp.zeros_like(w)
for i in range(2):

    def f1(w):
        return w[i] ** 2

    d_w = jax.grad(f1)(w)
    w_grad = d_w if w_grad is None else w_grad + d_w
assert_close(w_grad, whole, rtol=1.3e-6, atol=1e-5)

# `grad()` leaves `.grad` alone


def f2(w):
    return (w**3).sum()


g = jax.grad(f2)(w)
print(g)
print(w_grad)
assert_close(g, [3, 12], rtol=1.3e-6, atol=1e-5)
assert_close(w_grad, whole, rtol=1.3e-6, atol=1e-5)
