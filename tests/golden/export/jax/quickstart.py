# The quickstart of automatic differentiation

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

x = jnp.ones(5, dtype=jnp.float32)
y = jnp.zeros(3, dtype=jnp.float32)
w = jnp.array(
    [
        [1.5409961, -0.2934289, -2.1787894],
        [0.56843126, -1.0845224, -1.3985955],
        [0.40334684, 0.83802634, -0.7192576],
        [-0.40334353, -0.59663534, 0.18203649],
        [-0.8566746, 1.1006042, -1.0711874],
    ],
    dtype=jnp.float32,
)
b = jnp.array([0.12270124, -0.5663175, 0.37311465], dtype=jnp.float32)
inp = jnp.eye(4, 5, dtype=jnp.float32)
w_grad = None
b_grad = None
inp_grad = None

# 1. Tensors, functions and the computational graph
z = (jnp.expand_dims(x, 0) @ w).reshape((3,)) + b
loss = (jnp.logaddexp(0, z) - y * z).mean()
print("z:", z)
print("loss:", loss)
assert_close(z, [1.3755, -0.6023, -4.8127], rtol=1.3e-6, atol=0.0001)
assert_close(loss, 0.681851, rtol=1.3e-6, atol=1e-6)
# z.grad_fn is <AddBackward0>
# loss.grad_fn is <BinaryCrossEntropyWithLogitsBackward0>
# z.grad_fn is <AddBackward0>
# loss.grad_fn is <BinaryCrossEntropyWithLogitsBackward0>

# 2. Computing gradients


def loss_of(w, b):
    z = (jnp.expand_dims(x, 0) @ w).reshape((3,)) + b
    return (jnp.logaddexp(0, z) - y * z).mean()


d_w, d_b = jax.grad(loss_of, argnums=(0, 1))(w, b)
w_grad = d_w
b_grad = d_b
print(w_grad)
print(b_grad)
assert_close(
    w_grad,
    [
        [0.26608682, 0.11794123, 0.00268685],
        [0.26608682, 0.11794123, 0.00268685],
        [0.26608682, 0.11794123, 0.00268685],
        [0.26608682, 0.11794123, 0.00268685],
        [0.26608682, 0.11794123, 0.00268685],
    ],
    rtol=1.3e-6,
    atol=1e-5,
)
assert_close(b_grad, [0.26608682, 0.11794123, 0.00268685], rtol=1.3e-6, atol=1e-5)

# 3. Disabling gradient tracking
z_2 = (jnp.expand_dims(x, 0) @ w).reshape((3,)) + b
# z.requires_grad is True
z_3 = (jnp.expand_dims(x, 0) @ w).reshape((3,)) + b
# z.requires_grad is False
z_3 = (jnp.expand_dims(x, 0) @ w).reshape((3,)) + b
z_det = z_3
# z_det.requires_grad is False

# 4. Tensor gradients and Jacobian products: gradients accumulate until they are zeroed
out = ((inp + 1) ** 2).T


def out_of(inp):
    return ((inp + 1) ** 2).T


d_inp = pulled_back(out_of, (inp,), jnp.full((5, 4), 1.0, dtype=jnp.float32))[0]
inp_grad = d_inp
print("First call:", inp_grad)
assert_close(
    inp_grad,
    2 * jnp.ones((4, 5), dtype=jnp.float32) + 2 * jnp.eye(4, 5, dtype=jnp.float32),
    rtol=1.3e-6,
    atol=1e-5,
)
d_inp = pulled_back(out_of, (inp,), jnp.full((5, 4), 1.0, dtype=jnp.float32))[0]
inp_grad = inp_grad + d_inp
print("Second call:", inp_grad)
assert_close(
    inp_grad,
    4 * jnp.ones((4, 5), dtype=jnp.float32) + 4 * jnp.eye(4, 5, dtype=jnp.float32),
    rtol=1.3e-6,
    atol=1e-5,
)
inp_grad = jnp.zeros_like(inp)
d_inp = pulled_back(out_of, (inp,), jnp.full((5, 4), 1.0, dtype=jnp.float32))[0]
inp_grad = inp_grad + d_inp
print("Call after zeroing gradients:", inp_grad)
assert_close(
    inp_grad,
    [[4, 2, 2, 2, 2], [2, 4, 2, 2, 2], [2, 2, 4, 2, 2], [2, 2, 2, 4, 2]],
    rtol=1.3e-6,
    atol=1e-5,
)
