# Backwards in all forms

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


x = np.ones(2, dtype=np.float32)
y = np.ones(2, dtype=np.float32)
x_grad = None
y_grad = None

t1 = x * 3
z = t1 * y
d_z = np.array([1.0, 2.0], dtype=np.float32)
t2 = z.sum()
d_t2 = np.ones_like(t2)
d_z = d_z + np.broadcast_to(d_t2, (2,))
d_t1 = d_z * y
d_y = d_z * t1
d_x = d_t1 * 3
y_grad = d_y
x_grad = d_x
t3 = z.sum()
d_t3 = np.array(2.0, dtype=np.float32)
d_z = np.broadcast_to(d_t3, (2,))
t4 = d_z * t1
d_t1 = d_z * y
t5 = d_t1 * 3
t6 = y_grad
y_grad = t6 + t4
t7 = x_grad
x_grad = t7 + t5
print(x_grad)
print(y_grad)
# z.grad_fn.next_functions[0][0].name is ScaleBackward
# z.grad_fn.next_functions is ((<torch.autograd.function.ScaleBackward>, 0), (<AccumulateGrad>, 0))
x_grad = np.zeros_like(x)
y_grad = np.zeros_like(y)
print(x_grad)
# z.grad_fn is <MulBackward0>
assert_close(x_grad, np.zeros(2, dtype=np.float32), rtol=1.3e-6, atol=1e-5)
# a hook on x + 1, of which nothing else is made
assert_close(x.shape, [2], rtol=0.1, atol=1e-7)
assert_close(x_grad, 0, rtol=0.1, atol=1e-5)
assert np.isfinite(x_grad).all()
assert_close(x.max(axis=0), 1, rtol=0.1, atol=1e-5)
# z.requires_grad is True
t8 = x * 2
s = t8.sum()
print(s)
