"""What a script for JAX may have to define for itself; never imported, but copied function by function."""

import jax
import jax.numpy as jnp
import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def scattered(values, index, shape):
    """Zeros of a shape, but for what is picked by an index."""
    return with_added(jnp.zeros(shape, values.dtype), index, values)


def with_added(array, index, values):
    """A copy with values added at an index, each as often as it is named."""
    return array.at[index].add(values)


def with_set(array, index, values):
    """A copy with values at an index."""
    return array.at[index].set(values)


def scatter(array, axis, index, values):
    """A copy with values at places along an axis."""
    return with_set(array, places(axis, index), cut(values, index))


def scatter_add(array, axis, index, values):
    """A copy with values added at places along an axis."""
    return with_added(array, places(axis, index), cut(values, index))


def places(axis, index):
    """An index of places along an axis as one of all axes."""
    found = list(jnp.indices(index.shape, sparse=True))
    found[axis] = index
    return tuple(found)


def cut(values, index):
    """As much of an array as an index has places for; a number as it is."""
    return values[tuple(map(slice, index.shape))] if np.ndim(values) else values


def pulled_back(function, inputs, grad):
    """The gradients of all inputs, for the gradient of what a function gives."""
    return jax.vjp(function, *inputs)[1](grad)
