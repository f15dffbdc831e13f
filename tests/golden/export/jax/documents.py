import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


jax.config.update("jax_enable_x64", True)


# Several documents, a matrix
n = 1

x = jnp.array([0.80327606], dtype=jnp.float32)
x_grad = None

print('a "quoted" \\ label:', x)
print("and 'another'\n:", x.dtype)
assert_close(x.shape, [n], rtol=1e-7, atol=1e-7)
assert x_grad is None
# x.device is cpu


# Several documents, a matrix
n = 1

x = jnp.array([-1.6052763], dtype=jnp.float32)
x_grad = None

print('a "quoted" \\ label:', x)
print("and 'another'\n:", x.dtype)
assert_close(x.shape, [n], rtol=1e-7, atol=1e-7)
assert x_grad is None
# x.device is cpu


# Several documents, a matrix
n = 1

x = jnp.array([0.8032760780963507], dtype=jnp.float64)
x_grad = None

print('a "quoted" \\ label:', x)
print("and 'another'\n:", x.dtype)
assert_close(x.shape, [n], rtol=1e-7, atol=1e-7)
assert x_grad is None
# x.device is cpu


# Several documents, a matrix
n = 1

x = jnp.array([-1.6052762948770103], dtype=jnp.float64)
x_grad = None

print('a "quoted" \\ label:', x)
print("and 'another'\n:", x.dtype)
assert_close(x.shape, [n], rtol=1e-7, atol=1e-7)
assert x_grad is None
# x.device is cpu


# Several documents, a matrix
n = 2

x = jnp.array([0.80327606, 0.17483339], dtype=jnp.float32)
x_grad = None

print('a "quoted" \\ label:', x)
print("and 'another'\n:", x.dtype)
assert_close(x.shape, [n], rtol=1e-7, atol=1e-7)
assert x_grad is None
# x.device is cpu


# Several documents, a matrix
n = 2

x = jnp.array([-1.6052763, 0.23248571], dtype=jnp.float32)
x_grad = None

print('a "quoted" \\ label:', x)
print("and 'another'\n:", x.dtype)
assert_close(x.shape, [n], rtol=1e-7, atol=1e-7)
assert x_grad is None
# x.device is cpu


# Several documents, a matrix
n = 2

x = jnp.array([0.8032760780963507, 0.17483339327910358], dtype=jnp.float64)
x_grad = None

print('a "quoted" \\ label:', x)
print("and 'another'\n:", x.dtype)
assert_close(x.shape, [n], rtol=1e-7, atol=1e-7)
assert x_grad is None
# x.device is cpu


# Several documents, a matrix
n = 2

x = jnp.array([-1.6052762948770103, 0.23248570595798024], dtype=jnp.float64)
x_grad = None

print('a "quoted" \\ label:', x)
print("and 'another'\n:", x.dtype)
assert_close(x.shape, [n], rtol=1e-7, atol=1e-7)
assert x_grad is None
# x.device is cpu


# A title
# of two lines

x = jnp.array([0.53492254, 0.19880319], dtype=jnp.float32)
y = jnp.array(x, dtype=jnp.float32)

print(x)
print(jax.nn.softmax(x, axis=0))
print(jnp.sqrt((x**2).sum()))
print(jax.nn.sigmoid(x))
print(x.reshape((2, 1)))
