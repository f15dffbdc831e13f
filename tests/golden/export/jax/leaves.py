# Leaves keep their gradients, and other tensors only when they are asked to

import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


jax.config.update("jax_enable_x64", True)

x = jnp.ones((1, 2), dtype=jnp.float32)
W = jnp.ones((3, 1), dtype=jnp.float32)
b = jnp.zeros((3, 2), dtype=jnp.float32)
target = jnp.zeros((3, 2), dtype=jnp.float32)
W_grad = None
b_grad = None

z = W @ x + b
prediction = jax.nn.relu(z)
loss = ((prediction - (target + 4)) ** 2).mean()
print(loss)
# z.is_leaf is False
# W.is_leaf is True
# x.is_leaf is True
# z.is_leaf is False
# z.requires_grad is True
# W.is_leaf is True
# x.is_leaf is True
# x.requires_grad is False

# without retain_grad, `.grad` of a non-leaf stays None; the run warns where one reads it
z_grad = None
prediction_grad = None


def loss_of(W, b, z_, prediction_):
    z = W @ x + b + z_
    prediction = jax.nn.relu(z) + prediction_
    return ((prediction - (target + 4)) ** 2).mean()


d_W, d_b, d_z, d_prediction = jax.grad(loss_of, argnums=(0, 1, 2, 3))(
    W, b, jnp.zeros_like(z), jnp.zeros_like(prediction)
)
W_grad = d_W
b_grad = d_b
z_grad = d_z
prediction_grad = d_prediction
print("W:", W_grad)
print("b:", b_grad)
print("z:", z_grad)
assert_close(loss, 9, rtol=1.3e-6, atol=1e-5)
assert_close(W_grad, [[-2], [-2], [-2]], rtol=1.3e-6, atol=1e-5)
assert_close(b_grad, -1, rtol=1.3e-6, atol=1e-5)
assert_close(z_grad, -1, rtol=1.3e-6, atol=1e-5)
assert_close(prediction_grad, -1, rtol=1.3e-6, atol=1e-5)
assert None is None
# z.retains_grad is True
# loss.retains_grad is False

# a detached tensor is a leaf, and what is computed from it leaves no trace in W
d = z
d_grad = None


def f1(d):
    return (d**2).sum()


d_d = jax.grad(f1)(d)
d_grad = d_d
# d.is_leaf is True
assert_close(d_grad, 2 * d, rtol=1.3e-6, atol=1e-5)
assert_close(W_grad, [[-2], [-2], [-2]], rtol=1.3e-6, atol=1e-5)
