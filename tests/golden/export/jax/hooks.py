# Hooks: a gradient seen, and a gradient changed, on its way

import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


jax.config.update("jax_enable_x64", True)

w = jnp.array([1.0, 2.0, 3.0], dtype=jnp.float32)
c = jnp.full((3,), 1.0, dtype=jnp.float32)
w_grad = None
c_grad = None

# what the hook gives takes the gradient's place, before it is added to `.grad`


@jax.custom_vjp
def hook_of_w(w):
    return w


def hook_of_w_backward(_, g):
    return (2 * g,)


hook_of_w.defvjp(lambda w: (w, None), hook_of_w_backward)


y = w**2


def f1(w):
    w = hook_of_w(w)
    y = w**2
    return y.sum()


d_w = jax.grad(f1)(w)
w_grad = d_w
print(w_grad)
assert_close(w_grad, 4 * w, rtol=1.3e-6, atol=1e-5)

# without `value` a hook only prints; on a tensor in between it sees what comes from above
h = c * 3


@jax.custom_vjp
def hook_of_h(h):
    return h


def hook_of_h_backward(_, g):
    return ((g, print(g))[0],)


hook_of_h.defvjp(lambda h: (h, None), hook_of_h_backward)


@jax.custom_vjp
def hook_of_h_(h):
    return h


def hook_of_h__backward(_, g):
    return (jnp.where(g > 1, 1, jnp.where(g < -1, -1, g)),)


hook_of_h_.defvjp(lambda h: (h, None), hook_of_h__backward)


def f2(c):
    h = hook_of_h(hook_of_h_(c * 3))
    return (h**2).sum()


d_c = jax.grad(f2)(c)
c_grad = d_c
assert_close(c_grad, 3, rtol=1.3e-6, atol=1e-5)

# hooks run in the order in which they were registered, each on what the one before left
u = w
u_grad = None


@jax.custom_vjp
def hook_of_u(u):
    return u


def hook_of_u_backward(_, g):
    return (g + 1,)


hook_of_u.defvjp(lambda u: (u, None), hook_of_u_backward)


@jax.custom_vjp
def hook_of_u_(u):
    return u


def hook_of_u__backward(_, g):
    return (g * 10,)


hook_of_u_.defvjp(lambda u: (u, None), hook_of_u__backward)


def f3(u):
    u = hook_of_u_(u)
    u = hook_of_u(u)
    return u.sum()


d_u = jax.grad(f3)(u)
u_grad = d_u
print(u_grad)
assert_close(u_grad, 20, rtol=1.3e-6, atol=1e-5)
