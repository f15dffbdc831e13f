"""What a difference between two gradients looks like, in a sentence: the likeliest slips of a derivation."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.device import np

CLOSE = 1e-4


def of_difference(analytic: Any, numeric: Any, shape: tuple[int, ...] | None) -> str:
    """In what the analytic slopes differ from the numeric ones; of `shape` if there is one for each element."""
    if not np.isfinite(analytic).all():
        return "the analytic gradient is not finite"
    if not analytic.any():
        return "the analytic gradient is zero: a term is missing, or the graph was left (detach, no_grad)"
    if not numeric.any():
        return "the function is flat here, the analytic gradient is not (a straight-through estimator?)"
    factor = constant_factor(numeric, analytic)
    if factor is not None:
        return of_factor(factor, analytic.size)
    if shape is not None and len(shape) > 1:
        given, wanted = analytic.reshape(shape), numeric.reshape(shape)
        if shape[-1] == shape[-2] and is_close(given, np.swapaxes(wanted, -1, -2)):
            return "analytic is the transpose of the numeric"
    if shape is not None and analytic.size > 1:
        shift = analytic - numeric
        if is_close(shift, np.full_like(shift, shift[0])) and not is_close(shift, 0 * shift):
            return f"analytic is the numeric plus {number(float(shift[0]))} everywhere: a term is missing or too much"
        if is_close(np.sort(analytic), np.sort(numeric)):
            return "analytic has the numbers of the numeric in other places"
    off = abs(analytic - numeric) > 1e-7 * abs(numeric).max()
    what = "elements" if shape is not None else "directions"
    return f"analytic and numeric differ in {int(off.sum())} of {off.size} {what}"


def of_factor(factor: float, elements: int) -> str:
    if abs(factor + 1) < CLOSE:
        return "analytic is minus the numeric: a sign is wrong"
    if abs(factor - 2) < CLOSE:
        return "analytic is twice the numeric: a factor is missing or the loss is summed twice"
    if abs(factor - 0.5) < CLOSE:
        return "analytic is half the numeric: a factor of 2 is missing"
    if abs(factor - 1) < 0.01:
        return f"analytic is {number(factor - 1)} of the numeric too large: a constant is not precise enough"
    for divided, one in ((False, factor), (True, 1 / factor)):
        count = round(one)
        if count > 2 and abs(one - count) < CLOSE * count and count in (*range(100), elements):
            if divided:
                mean = " (a mean in place of a sum? there are as many elements)" if count == elements else ""
                return f"analytic is 1/{count} of the numeric: a factor of {count} is missing{mean}"
            mean = " (that of a mean? there are as many elements)" if count == elements else ""
            return f"analytic is {count} times the numeric: a division by {count} is missing{mean}"
    return f"analytic is {number(factor)} times the numeric: a factor is wrong"


def constant_factor(actual: Any, claimed: Any) -> float | None:
    """By what number all of `actual` has been multiplied in `claimed`, if there is one."""
    claimed = np.broadcast_to(claimed, actual.shape)
    given = (actual != 0) | (claimed != 0)
    if not given.any():
        return None
    with np.errstate(all="ignore"):
        factors = (claimed[given] / actual[given]).astype(np.complex128)
    if not np.isfinite(factors).all() or np.ptp(factors.real) + np.ptp(factors.imag) > CLOSE * abs(factors[0]):
        return None
    return None if abs(factors[0].imag) > CLOSE * abs(factors[0]) else float(factors[0].real)


def is_close(self: Any, other: Any) -> bool:
    return bool((abs(self - other) <= CLOSE * (abs(self).max() or 1.0)).all())


def number(value: float) -> str:
    """A number in a sentence."""
    return f"{value + 0.0:.4g}" if math.isfinite(value) else str(value)
