# A gentle introduction: squares, a mean, and a vector's gradient

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


x = np.ones((2, 2), dtype=np.float32)
a = np.array([2.0, 3.0], dtype=np.float32)
b = np.array([6.0, 4.0], dtype=np.float32)
u = np.array([1.5409961, -0.2934289, -2.1787894], dtype=np.float32)
x_grad = None
a_grad = None
b_grad = None
u_grad = None

# out = mean of 3 (x + 2)², so that its derivative by each element is 1.5 (x + 2) = 4.5
y = x + 2
t1 = y * y
z = t1 * 3
out = z.mean()
print(y)
print(z)
print(out)
d_out = np.ones_like(out)
d_z = np.broadcast_to(d_out, (2, 2)) / 4
d_t1 = d_z * 3
d_y = d_t1 * y
d_y = d_y + d_t1 * y
x_grad = d_y
print("d out / d x:", x_grad)
assert_close(x_grad, 4.5, rtol=1.3e-6, atol=1e-5)
assert_close(out, 27, rtol=1.3e-6, atol=1e-5)
# y.grad_fn is <AddBackward0>
# out.grad_fn is <MeanBackward0>

# Q is a vector: `gradient` says how its elements are weighed, here alike
t2 = a**3
t3 = t2 * 3
t4 = b**2
Q = t3 - t4
d_Q = np.array([1.0, 1.0], dtype=np.float32)
d_t4 = -d_Q
d_b = d_t4 * (b * 2)
d_t2 = d_Q * 3
d_a = d_t2 * (a**2 * 3)
b_grad = d_b
a_grad = d_a
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
d_v_9 = np.array([0.1, 1.0, 0.0001], dtype=np.float32)
d_v_8 = d_v_9 * 2
d_v_7 = d_v_8 * 2
d_v_6 = d_v_7 * 2
d_v_5 = d_v_6 * 2
d_v_4 = d_v_5 * 2
d_v_3 = d_v_4 * 2
d_v_2 = d_v_3 * 2
d_v = d_v_2 * 2
d_u = d_v * 2
u_grad = d_u
print(u_grad)
assert_close(doublings, 9, rtol=1e-5, atol=1e-7)
assert_close(v_9, [788.99, -150.2356, -1115.5402], rtol=1e-5, atol=1e-5)
assert_close(u_grad, [51.2, 512, 0.0512], rtol=1e-5, atol=1e-5)
