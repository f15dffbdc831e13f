# Gradients on their way through all that arrays can do

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

rate = 0.5

x = jnp.array(
    [[0.39229682, -0.22356401, -0.31950027], [-1.2050371, 1.0444635, -0.6332277]],
    dtype=jnp.float32,
)
w = jnp.array([[1.0, 2.0], [3.0, 4.0], [0.5, -1.0]], dtype=jnp.float32)
b = jnp.array([0.5, -0.5], dtype=jnp.float32)
counts = jnp.array([[1, 2], [3, 4]], dtype=jnp.int64)
empty = jnp.zeros((0, 3), dtype=jnp.float32)
x_grad = None
w_grad = None
b_grad = None

# several ways meet in x
h = jnp.tanh(x * rate @ w + b)


@jax.custom_vjp
def my_sin(a):
    return jnp.sin(a)


def my_sin_forward(a):
    result = my_sin(a)
    return result, (a, result)


def my_sin_backward(saved, grad):
    a, result = saved
    return (grad * jnp.cos(a),)


my_sin.defvjp(my_sin_forward, my_sin_backward)


y = jnp.concatenate([h, my_sin(h)[:1]], axis=0)


@jax.custom_vjp
def scaled(a, n):
    return a * n


def scaled_forward(a, n):
    result = scaled(a, n)
    return result, (a, n, result)


def scaled_backward(saved, grad):
    a, n, result = saved
    return (grad * n, None)


scaled.defvjp(scaled_forward, scaled_backward)


@jax.custom_vjp
def gate(a):
    return jax.nn.sigmoid(a)


def gate_forward(a):
    result = gate(a)
    return result, (a, result)


def gate_backward(saved, grad):
    a, result = saved
    return (grad * result * (1 - result),)


gate.defvjp(gate_forward, gate_backward)


loss = (
    (y**3).mean()
    + scaled(x, 2).sum()
    + jnp.stack((b, b * 2), axis=0).prod()
    + gate(b).max()
)
h_grad = None


@jax.custom_vjp
def hook_of_h(h):
    return h


def hook_of_h_backward(_, g):
    return ((g, print(g))[0],)


hook_of_h.defvjp(lambda h: (h, None), hook_of_h_backward)


@jax.custom_vjp
def hook_of_b(b):
    return b


def hook_of_b_backward(_, g):
    return (jnp.where(g > 1, 1, jnp.where(g < -1, -1, g)) * 2,)


hook_of_b.defvjp(lambda b: (b, None), hook_of_b_backward)


def loss_of(x, w, b, h_):
    b = hook_of_b(b)
    h = hook_of_h(jnp.tanh(x * rate @ w + b)) + h_
    y = jnp.concatenate([h, my_sin(h)[:1]], axis=0)
    return (
        (y**3).mean()
        + scaled(x, 2).sum()
        + jnp.stack((b, b * 2), axis=0).prod()
        + gate(b).max()
    )


d_x, d_w, d_b, d_h = jax.grad(loss_of, argnums=(0, 1, 2, 3))(x, w, b, jnp.zeros_like(h))
x_grad = d_x
w_grad = d_w
b_grad = d_b
h_grad = d_h
print(h_grad)
print(x_grad)
print(w_grad)
print(b_grad)
x_grad = jnp.zeros_like(x)
w_grad = jnp.zeros_like(w)


def loss_of_(x, w, b, h__):
    b = hook_of_b(b)
    h = hook_of_h(jnp.tanh(x * rate @ w + b)) + h__
    y = jnp.concatenate([h, my_sin(h)[:1]], axis=0)
    loss = (
        (y**3).mean()
        + scaled(x, 2).sum()
        + jnp.stack((b, b * 2), axis=0).prod()
        + gate(b).max()
    )
    return loss, y


t1 = pulled_back(
    loss_of_,
    (x, w, b, jnp.zeros_like(h)),
    (jnp.array(2.0, dtype=jnp.float32), jnp.full((3, 2), 1.0, dtype=jnp.float32)),
)
d_x, d_b, d_h = (t1[0], t1[2], t1[3])
x_grad = x_grad + d_x
b_grad = b_grad + d_b
h_grad = h_grad + d_h
print(x_grad)
print(w_grad)
print(b_grad)

# a name that changes hands
z = jnp.transpose(x, (1, 0))
z_2 = jnp.exp(z).T
u = (b + z_2 @ w.T.T).var(axis=1, ddof=1, keepdims=True)


def u_of(x, w, b):
    b = hook_of_b(b)
    z = jnp.transpose(x, (1, 0))
    z_2 = jnp.exp(z).T
    return (b + z_2 @ w.T.T).var(axis=1, ddof=1, keepdims=True)


t2 = pulled_back(
    u_of, (x, w, b), jnp.array([[0.57310677], [0.54094744]], dtype=jnp.float32)
)
dx = t2[0]
dw = t2[1]
w_grad = w_grad * 0.5
counts = counts.at[0].set(counts[0] + 1)
x_grad = None
b = b - b_grad * rate
mean = x.mean(axis=1)
for i in range(3):
    b_grad = None

    def f1(b):
        b = hook_of_b(b)
        return ((b - 1) ** 2).sum()

    d_b = jax.grad(f1)(b)
    b_grad = d_b
    b = b - b_grad * 0.1
n = 0
rounds = 0
while n < 2:
    assert rounds < 4
    n = n + 1
    rounds += 1
print("dx:", dx)
print("dw:", dw)
print("w.grad:", w_grad)
print("x.grad:", x_grad)
print("b:", b)
print("n:", n)
print("i:", i)
print("mean:", mean)
print("counts:", counts)
print("empty:", empty)
assert b.shape == (2,)
assert jnp.isfinite(b).all()
assert jnp.any(b)
assert x_grad is None
assert counts.dtype == jnp.int64
assert_close(counts[0], [2, 3], rtol=0.0, atol=0.0)


def f2(b):
    b = hook_of_b(b)
    return (b**2).sum() / 20


d_b = jax.grad(f2)(b)
b_grad = b_grad + d_b
assert_close(w_grad, dw * 0 + w_grad, rtol=1.3e-6, atol=1e-5)
