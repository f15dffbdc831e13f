import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


# Several documents, a matrix
n = 1

x = np.array([0.80327606], dtype=np.float32)
x_grad = None

print('a "quoted" \\ label:', x)
print("and 'another'\n:", x.dtype)
assert_close(x.shape, [n], rtol=1e-7, atol=1e-7)
assert x_grad is None
# x.device is cpu


# Several documents, a matrix
n = 1

x = np.array([-1.6052763], dtype=np.float32)
x_grad = None

print('a "quoted" \\ label:', x)
print("and 'another'\n:", x.dtype)
assert_close(x.shape, [n], rtol=1e-7, atol=1e-7)
assert x_grad is None
# x.device is cpu


# Several documents, a matrix
n = 1

x = np.array([0.8032760780963507], dtype=np.float64)
x_grad = None

print('a "quoted" \\ label:', x)
print("and 'another'\n:", x.dtype)
assert_close(x.shape, [n], rtol=1e-7, atol=1e-7)
assert x_grad is None
# x.device is cpu


# Several documents, a matrix
n = 1

x = np.array([-1.6052762948770103], dtype=np.float64)
x_grad = None

print('a "quoted" \\ label:', x)
print("and 'another'\n:", x.dtype)
assert_close(x.shape, [n], rtol=1e-7, atol=1e-7)
assert x_grad is None
# x.device is cpu


# Several documents, a matrix
n = 2

x = np.array([0.80327606, 0.17483339], dtype=np.float32)
x_grad = None

print('a "quoted" \\ label:', x)
print("and 'another'\n:", x.dtype)
assert_close(x.shape, [n], rtol=1e-7, atol=1e-7)
assert x_grad is None
# x.device is cpu


# Several documents, a matrix
n = 2

x = np.array([-1.6052763, 0.23248571], dtype=np.float32)
x_grad = None

print('a "quoted" \\ label:', x)
print("and 'another'\n:", x.dtype)
assert_close(x.shape, [n], rtol=1e-7, atol=1e-7)
assert x_grad is None
# x.device is cpu


# Several documents, a matrix
n = 2

x = np.array([0.8032760780963507, 0.17483339327910358], dtype=np.float64)
x_grad = None

print('a "quoted" \\ label:', x)
print("and 'another'\n:", x.dtype)
assert_close(x.shape, [n], rtol=1e-7, atol=1e-7)
assert x_grad is None
# x.device is cpu


# Several documents, a matrix
n = 2

x = np.array([-1.6052762948770103, 0.23248570595798024], dtype=np.float64)
x_grad = None

print('a "quoted" \\ label:', x)
print("and 'another'\n:", x.dtype)
assert_close(x.shape, [n], rtol=1e-7, atol=1e-7)
assert x_grad is None
# x.device is cpu


# A title
# of two lines

x = np.array([0.53492254, 0.19880319], dtype=np.float32)
y = np.array(x, dtype=np.float32)

print(x)
print(np.exp(x - np.logaddexp.reduce(x, axis=0, keepdims=True)))
print(np.sqrt((x**2).sum()))
print(1 / (1 + np.exp(-x)))
print(x.reshape((2, 1)))
