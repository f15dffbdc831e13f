# Leaves of all sorts

import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


jax.config.update("jax_enable_x64", True)

n = 2

a = jnp.array(n * 0.5, dtype=jnp.float32)
w = jnp.ones(2, dtype=jnp.float32)
v = jnp.array(w * 2, dtype=jnp.float32)
u = jnp.array(w[0], dtype=jnp.float64)
t = jnp.array(w, dtype=jnp.float32)
z = jnp.array([1 + 2j, 0 - 0.5j, complex(jnp.nan, 0.0)], dtype=jnp.complex64)
s = jnp.array(w.sum(), dtype=jnp.float32)
c = jnp.array(jnp.zeros(2, dtype=jnp.float64), dtype=jnp.float32)
w_grad = None
u_grad = None
s_grad = None
c_grad = None

t = t.at[0].set(5)
print(a)
print(w)
print(v)
print(u)
print(t)
print(z)
print(s)
print(c)
# v.is_leaf is True
assert z.dtype == jnp.complex64
assert_close(z[0], 1 + 2j, rtol=1.3e-6, atol=1e-5)
assert_close(n, 2, rtol=1e-7, atol=1e-7)
assert_close(s, 2.0, rtol=1.3e-6, atol=1e-5)
assert_close(a, 1, rtol=1.3e-6, atol=1e-5)
assert_close(v, jnp.array([2.0, 2.0], dtype=jnp.float32), rtol=1.3e-6, atol=1e-5)
# s.requires_grad is True
