"""`expect`: whether a value is what it should be, and if not, by how much and where."""

from __future__ import annotations

from typing import Any

from gradcli.engine.device import np
from gradcli.record import Record

# relative and absolute tolerance by dtype, as torch.testing.assert_close has them; exact for all others
TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}


class Verdict(Record):
    """`ok`; else the worst element (`index`), its differences, the share of elements off, or a sentence (`why`).

    `ulp` counts the difference in numbers of the dtype of what was found, if that is a floating or complex one.
    """

    ok: bool
    index: tuple[int, ...] | None = None
    abs: float | None = None
    rel: float | None = None
    off: float | None = None
    why: str | None = None
    ulp: int | None = None


def tolerances(*dtypes: str) -> tuple[float, float]:
    """The widest of the dtypes' default tolerances."""
    pairs = [TOLERANCES.get(dtype, (0.0, 0.0)) for dtype in dtypes]
    return max(rtol for rtol, _ in pairs), max(atol for _, atol in pairs)


def compare(actual: Any, expected: Any, rtol: float | None, atol: float | None) -> Verdict:
    """Two arrays, or an array and a number that it is compared with everywhere. NaN equals NaN.

    An element is off where |actual - expected| > atol + rtol * |expected|; the tolerances left out are the dtypes'.
    """
    expected = np.asarray(expected)
    if expected.ndim and expected.shape != actual.shape:
        return Verdict(False, why=f"its shape is {list(actual.shape)}, expected {list(expected.shape)}")
    known = [actual.dtype.name] if expected.dtype == np.float64 else [actual.dtype.name, expected.dtype.name]
    default_rtol, default_atol = tolerances(*known)
    rtol = default_rtol if rtol is None else rtol
    atol = default_atol if atol is None else atol
    kind = np.complex128 if np.iscomplexobj(actual) or np.iscomplexobj(expected) else np.float64
    given, wanted = actual.astype(kind), np.broadcast_to(expected.astype(kind), actual.shape)
    with np.errstate(all="ignore"):
        difference = np.absolute(given - wanted)
        same = (given == wanted) | (np.isnan(given) & np.isnan(wanted))
        # what is infinitely far off is not within a tolerance that is infinite for an infinite value
        off = ~(same | (np.isfinite(difference) & (difference <= atol + rtol * np.absolute(wanted))))
    if not off.any():
        return Verdict(True)
    if actual.dtype == expected.dtype == np.bool_:  # truth values are at no distance
        places = np.argwhere(off)[0]
        return Verdict(False, tuple(int(place) for place in places), off=float(off.mean()))
    # a NaN or an infinity on one side only is worse than any difference
    size = np.where(off, np.where(np.isnan(difference), np.inf, difference), -1.0)
    worst = np.unravel_index(int(size.argmax()), size.shape)
    index = tuple(int(place) for place in worst)
    absolute = float(difference[worst])
    scale = float(np.absolute(wanted[worst]))
    relative = absolute / scale if scale else float("inf")
    return Verdict(False, index, absolute, relative, float(off.mean()), ulp=ulps(actual[worst], wanted[worst]))


def ulps(actual: Any, expected: Any) -> int | None:
    """How many numbers of the dtype of `actual` it takes to count from one to the other; both are NumPy's numbers.

    `expected` is rounded to that dtype first. Of complex numbers the part counts that is farther off. None for other
    dtypes, and for what is not finite.
    """
    dtype = actual.dtype
    if dtype.kind == "c":
        parts = ulps(actual.real, expected.real), ulps(actual.imag, expected.imag)
        return None if None in parts else max(part for part in parts if part is not None)
    if dtype.kind in "biu" or expected.imag:
        return None
    with np.errstate(all="ignore"):
        pair = np.stack([actual, expected.real.astype(dtype)])
    if not np.isfinite(pair).all():
        return None
    # the bits of a float, without its sign, are its place among the floats
    bits = 8 * dtype.itemsize
    first, second = (
        place % 2 ** (bits - 1) * (-1 if place < 0 else 1) for place in pair.view(f"i{dtype.itemsize}").tolist()
    )
    return int(abs(first - second))


def check(actual: Any, finite: bool, nonzero: bool, shape: list[int] | None) -> str | None:
    """Why `actual`, an array, breaks one of the checks that are asked for; None if it keeps them all."""
    if actual.dtype.kind in "OU" and (finite or nonzero or shape is not None):  # None, a name or a list of such
        return "it is no tensor and no number"
    if shape is not None and list(actual.shape) != shape:
        return f"its shape is {list(actual.shape)}, expected {shape}"
    if finite and not bool(np.isfinite(actual).all()):
        return "it has values that are not finite"
    if nonzero and not bool(np.any(actual)):
        return "it is zero everywhere"
    return None
