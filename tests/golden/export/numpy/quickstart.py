# The quickstart of automatic differentiation

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


x = np.ones(5, dtype=np.float32)
y = np.zeros(3, dtype=np.float32)
w = np.array(
    [
        [1.5409961, -0.2934289, -2.1787894],
        [0.56843126, -1.0845224, -1.3985955],
        [0.40334684, 0.83802634, -0.7192576],
        [-0.40334353, -0.59663534, 0.18203649],
        [-0.8566746, 1.1006042, -1.0711874],
    ],
    dtype=np.float32,
)
b = np.array([0.12270124, -0.5663175, 0.37311465], dtype=np.float32)
inp = np.eye(4, 5, dtype=np.float32)
w_grad = None
b_grad = None
inp_grad = None

# 1. Tensors, functions and the computational graph
t1 = np.expand_dims(x, 0)
t2 = t1 @ w
t3 = t2.reshape((3,))
z = t3 + b
loss = (np.logaddexp(0, z) - y * z).mean()
print("z:", z)
print("loss:", loss)
assert_close(z, [1.3755, -0.6023, -4.8127], rtol=1.3e-6, atol=0.0001)
assert_close(loss, 0.681851, rtol=1.3e-6, atol=1e-6)
# z.grad_fn is <AddBackward0>
# loss.grad_fn is <BinaryCrossEntropyWithLogitsBackward0>
# z.grad_fn is <AddBackward0>
# loss.grad_fn is <BinaryCrossEntropyWithLogitsBackward0>

# 2. Computing gradients
d_loss = np.ones_like(loss)
d_z = (1 / (1 + np.exp(-z)) - y) * d_loss / 3
d_t2 = np.expand_dims(d_z, 0)
d_w = t1.T @ d_t2
b_grad = d_z
w_grad = d_w
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
t4 = np.expand_dims(x, 0)
t5 = t4 @ w
t6 = t5.reshape((3,))
z_2 = t6 + b
# z.requires_grad is True
z_3 = (np.expand_dims(x, 0) @ w).reshape((3,)) + b
# z.requires_grad is False
t7 = np.expand_dims(x, 0)
t8 = t7 @ w
t9 = t8.reshape((3,))
z_3 = t9 + b
z_det = z_3
# z_det.requires_grad is False

# 4. Tensor gradients and Jacobian products: gradients accumulate until they are zeroed
t10 = inp + 1
t11 = t10**2
out = t11.T
d_out = np.full((5, 4), 1.0, dtype=np.float32)
d_t11 = d_out.T
d_t10 = d_t11 * (t10 * 2)
inp_grad = d_t10
print("First call:", inp_grad)
assert_close(
    inp_grad,
    2 * np.ones((4, 5), dtype=np.float32) + 2 * np.eye(4, 5, dtype=np.float32),
    rtol=1.3e-6,
    atol=1e-5,
)
d_out = np.full((5, 4), 1.0, dtype=np.float32)
d_t11 = d_out.T
d_t10 = d_t11 * (t10 * 2)
inp_grad = inp_grad + d_t10
print("Second call:", inp_grad)
assert_close(
    inp_grad,
    4 * np.ones((4, 5), dtype=np.float32) + 4 * np.eye(4, 5, dtype=np.float32),
    rtol=1.3e-6,
    atol=1e-5,
)
inp_grad = np.zeros_like(inp)
d_out = np.full((5, 4), 1.0, dtype=np.float32)
d_t11 = d_out.T
d_t10 = d_t11 * (t10 * 2)
inp_grad = inp_grad + d_t10
print("Call after zeroing gradients:", inp_grad)
assert_close(
    inp_grad,
    [[4, 2, 2, 2, 2], [2, 4, 2, 2, 2], [2, 2, 4, 2, 2], [2, 2, 2, 4, 2]],
    rtol=1.3e-6,
    atol=1e-5,
)
