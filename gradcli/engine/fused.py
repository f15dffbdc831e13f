"""Numbers that processors compute with fused multiply-adds: `a * b + c` rounded once, and what torch builds of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

from gradcli.engine.device import np

# numpy.ndarray, which only a draw may import
Array: TypeAlias = Any

# The polynomials of the Cephes library's logf, sinf and cosf, the highest power first
LOG = (
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)
COSINE = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
SINE = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
# ln 2 and pi / 4 in parts, the first of so few bits that its product with a small integer is exact
LN_2 = (0.693359375, -2.12194440e-4)
QUARTER_PI = (0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)


def log(x: Array) -> Array:
    """The logarithm of normal, positive float32 numbers."""
    fraction, exponent = np.frexp(x)
    small = fraction < np.float32(math.sqrt(0.5))
    exponent = (exponent - small).astype(np.float32)
    x = np.where(small, fraction + fraction, fraction) - np.float32(1)
    square = x * x
    tail = fused(polynomial(LOG, x) * x, square, exponent * np.float32(LN_2[1]))
    return x + (tail - square * np.float32(0.5)) + exponent * np.float32(LN_2[0])


def sincos(x: Array) -> tuple[Array, Array]:
    """Sine and cosine of float32 angles from 0 to 2 pi."""
    octant = (x * np.float32(4 / math.pi)).astype(np.int32) + 1 & ~1
    steps = octant.astype(np.float32)
    for part in QUARTER_PI:
        x = fused(steps, np.float32(-part), x)
    square = x * x
    cosine = fused(polynomial(COSINE, square) * square, square, square * np.float32(-0.5)) + np.float32(1)
    sine = fused(polynomial(SINE, square) * square, x, x)
    swapped = (octant & 2).astype(bool)
    sines, cosines = np.where(swapped, cosine, sine), np.where(swapped, sine, cosine)
    np.negative(sines, out=sines, where=(octant & 4).astype(bool))
    np.negative(cosines, out=cosines, where=(octant + 2 & 4).astype(bool))
    return sines, cosines


def polynomial(coefficients: Sequence[float], x: Array) -> Array:
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = fused(value, x, np.float32(coefficient))
    return value


def scaled(x: Array, factor: float, offset: float) -> Array:
    """x * factor + offset in the dtype of `x`, rounded once."""
    with np.errstate(all="ignore"):
        factor, offset = x.dtype.type(factor), x.dtype.type(offset)
        return fused(x, factor, offset) if offset else x * factor + offset


def fused(a: Array, b: Any, c: Any) -> Array:
    """a * b + c rounded once, for arrays and numbers of float32 or of float64.

    The sum is taken in more digits than the result has. What these lose must not be rounded twice, so it is
    remembered in the last bit ("rounding to odd", Boldo and Melquiond 2008).
    """
    if a.dtype.name == "float32":
        product = np.multiply(a, b, dtype=np.float64)  # exact
        total = product + c
        halfway = (total.view(np.int64) & (2**29 - 1)) == 2**28  # between two float32 numbers: look closer
        if halfway.any():
            total = np.where(halfway, add_to_odd(product, np.broadcast_to(c, product.shape)), total)
        return total.astype(np.float32)
    product, product_error = exact_product(a, b)
    lower, lower_error = exact_sum(c, product_error)
    upper, upper_error = exact_sum(product, lower)
    total = upper + add_to_odd(lower_error, upper_error)
    return np.where(np.isfinite(total), total, a * b + c)  # splitting an infinite or huge number makes NaN


def exact_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """a + b in float64 and its rounding error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def exact_product(a: Any, b: Any) -> tuple[Any, Any]:
    """a * b in float64 and its rounding error, from the products of the upper and lower halves."""
    product = a * b
    a_upper, b_upper = (x * 134217729.0 - (x * 134217729.0 - x) for x in (a, b))
    a_lower, b_lower = a - a_upper, b - b_upper
    error = a_lower * b_lower - (((product - a_upper * b_upper) - a_lower * b_upper) - a_upper * b_lower)
    return product, error


def add_to_odd(a: Array, b: Array) -> Array:
    """a + b in float64; of the two numbers around an inexact sum the one whose last bit is set."""
    total, error = exact_sum(a, b)
    bits = total.view(np.int64)
    away_from_zero = np.where((error > 0) == (total > 0), 1, -1)
    odd = np.where((error != 0) & (bits & 1 == 0), bits + away_from_zero, bits)
    return odd.view(np.float64)
