# Leaves of all sorts

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


n = 2

a = np.array(n * 0.5, dtype=np.float32)
w = np.ones(2, dtype=np.float32)
v = np.array(w * 2, dtype=np.float32)
u = np.array(w[0], dtype=np.float64)
t = np.array(w, dtype=np.float32)
z = np.array([1 + 2j, 0 - 0.5j, complex(np.nan, 0.0)], dtype=np.complex64)
s = np.array(w.sum(), dtype=np.float32)
c = np.array(np.zeros(2, dtype=np.float64), dtype=np.float32)
w_grad = None
u_grad = None
s_grad = None
c_grad = None

t[0] = 5
print(a)
print(w)
print(v)
print(u)
print(t)
print(z)
print(s)
print(c)
# v.is_leaf is True
assert z.dtype == np.complex64
assert_close(z[0], 1 + 2j, rtol=1.3e-6, atol=1e-5)
assert_close(n, 2, rtol=1e-7, atol=1e-7)
assert_close(s, 2.0, rtol=1.3e-6, atol=1e-5)
assert_close(a, 1, rtol=1.3e-6, atol=1e-5)
assert_close(v, np.array([2.0, 2.0], dtype=np.float32), rtol=1.3e-6, atol=1e-5)
# s.requires_grad is True
