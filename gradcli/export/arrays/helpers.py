"""What a script of arrays may have to define for itself; never imported, but copied function by function."""

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def unbroadcast(grad, shape):
    """The gradient of what broadcasting has repeated: a sum over its copies."""
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return grad.sum(axis=repeated, keepdims=True)


def scattered(grad, shape, index):
    """Zeros of a shape, but for what is picked by an index."""
    whole = np.zeros(shape, grad.dtype)
    np.add.at(whole, index, grad)
    return whole
