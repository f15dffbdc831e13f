# Leaves keep their gradients, and other tensors only when they are asked to

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


x = np.ones((1, 2), dtype=np.float32)
W = np.ones((3, 1), dtype=np.float32)
b = np.zeros((3, 2), dtype=np.float32)
target = np.zeros((3, 2), dtype=np.float32)
W_grad = None
b_grad = None

t1 = W @ x
z = t1 + b
prediction = np.maximum(z, 0)
t2 = target + 4
loss = ((prediction - t2) ** 2).mean()
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
d_loss = np.ones_like(loss)
d_prediction = d_loss * 2 * (prediction - t2) / prediction.size
d_z = np.where(prediction > 0, d_prediction, 0)
d_W = d_z @ x.T
prediction_grad = d_prediction
z_grad = d_z
b_grad = d_z
W_grad = d_W
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
t3 = d**2
t4 = t3.sum()
d_t4 = np.ones_like(t4)
d_t3 = np.broadcast_to(d_t4, (3, 2))
d_d = d_t3 * (d * 2)
d_grad = d_d
# d.is_leaf is True
assert_close(d_grad, 2 * d, rtol=1.3e-6, atol=1e-5)
assert_close(W_grad, [[-2], [-2], [-2]], rtol=1.3e-6, atol=1e-5)
