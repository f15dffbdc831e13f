# A gentle introduction: squares, a mean, and a vector's gradient

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

x = jnp.ones((2, 2), dtype=jnp.float32)
a = jnp.array([2.0, 3.0], dtype=jnp.float32)
b = jnp.array([6.0, 4.0], dtype=jnp.float32)
u = jnp.array([1.5409961, -0.2934289, -2.1787894], dtype=jnp.float32)
x_grad = None
a_grad = None
b_grad = None
u_grad = None

# out = mean of 3 (x + 2)², so that its derivative by each element is 1.5 (x + 2) = 4.5
y = x + 2
z = y * y * 3
out = z.mean()
print(y)
print(z)
print(out)


def out_of(x):
    y = x + 2
    z = y * y * 3
    return z.mean()


d_x = jax.grad(out_of)(x)
x_grad = d_x
print("d out / d x:", x_grad)
assert_close(x_grad, 4.5, rtol=1.3e-6, atol=1e-5)
assert_close(out, 27, rtol=1.3e-6, atol=1e-5)
# y.grad_fn is <AddBackward0>
# out.grad_fn is <MeanBackward0>

# Q is a vector: `gradient` says how its elements are weighed, here alike
Q = a**3 * 3 - b**2


def Q_of(a, b):
    return a**3 * 3 - b**2


d_a, d_b = pulled_back(Q_of, (a, b), jnp.array([1.0, 1.0], dtype=jnp.float32))
a_grad = d_a
b_grad = d_b
print("Q:", Q)
print("d Q / d a:", a_grad)
print("d Q / d b:", b_grad)
assert_close(Q, [-12, 65], rtol=1.3e-6, atol=1e-5)
assert_close(a_grad, [36, 81], rtol=1.3e-6, atol=1e-5)
assert_close(b_grad, [-12, -8], rtol=1.3e-6, atol=1e-5)

# how the graph comes out depends on the numbers: v is doubled until it is long
v = u * 2
doublings = 1
# while v.data.norm() < 1000
v_2 = v * 2
doublings = doublings + 1
# while v.data.norm() < 1000
v_3 = v_2 * 2
doublings = doublings + 1
# while v.data.norm() < 1000
v_4 = v_3 * 2
doublings = doublings + 1
# while v.data.norm() < 1000
v_5 = v_4 * 2
doublings = doublings + 1
# while v.data.norm() < 1000
v_6 = v_5 * 2
doublings = doublings + 1
# while v.data.norm() < 1000
v_7 = v_6 * 2
doublings = doublings + 1
# while v.data.norm() < 1000
v_8 = v_7 * 2
doublings = doublings + 1
# while v.data.norm() < 1000
v_9 = v_8 * 2
doublings = doublings + 1
print("after doublings:", doublings)
print("v:", v_9)


def v_9_of(u):
    v = u * 2
    v_2 = v * 2
    v_3 = v_2 * 2
    v_4 = v_3 * 2
    v_5 = v_4 * 2
    v_6 = v_5 * 2
    v_7 = v_6 * 2
    v_8 = v_7 * 2
    return v_8 * 2


d_u = pulled_back(v_9_of, (u,), jnp.array([0.1, 1.0, 0.0001], dtype=jnp.float32))[0]
u_grad = d_u
print(u_grad)
assert_close(doublings, 9, rtol=1e-5, atol=1e-7)
assert_close(v_9, [788.99, -150.2356, -1115.5402], rtol=1e-5, atol=1e-5)
assert_close(u_grad, [51.2, 512, 0.0512], rtol=1e-5, atol=1e-5)
