"""Orthogonal polynomials, of a degree that may differ from element to element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import promoted
from gradcli.ops.define import op
from gradcli.ops.kinds import single_or_double

Step = Callable[[Any, int, Any, Any], Any]


def whole(n: Any) -> Any:
    """Degrees without their fractions; what is none counts as negative, and so has the polynomial 0."""
    return np.where(np.isfinite(n), np.trunc(n), -1)


def recurrence(x: Any, n: Any, first: Any, step: Step) -> Any:
    """p(n) of p(0) = 1, p(1) = first, p(k + 1) = step(x, k, p(k), p(k - 1)), as far as the numbers go."""
    before, result = np.ones_like(first), np.where(n < 0, 0, np.where(n < 1, 1, first)).astype(first.dtype)
    degree, now = 1, first
    highest = n.max().item() if n.size else 0
    while degree < highest and not np.isnan(now).all().item():
        before, now = now, step(x, degree, now, before)
        degree += 1
        result = np.where(n >= degree, now, result)
    return result


def polynomial(first: Callable[[Any], Any], step: Step) -> Callable[[Any, Any], Any]:
    def forward(x: Any, n: Any) -> Any:
        x, n = promoted((x, n), True)
        return recurrence(x, whole(n), first(x) + np.zeros_like(n), step)

    return forward


def chebyshev_step(x: Any, degree: int, now: Any, before: Any) -> Any:
    return (x + x) * now - before


# of each kind the polynomial of degree 1, and all of them in x = cos(angle)
CHEBYSHEV: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    "t": (lambda x: x, lambda n, angle: np.cos(n * angle)),
    "u": (lambda x: x + x, lambda n, angle: np.sin((n + 1) * angle) / np.sin(angle)),
    "v": (lambda x: x + x - 1, lambda n, angle: np.cos((n + 0.5) * angle) / np.cos(angle / 2)),
    "w": (lambda x: x + x + 1, lambda n, angle: np.sin((n + 0.5) * angle) / np.sin(angle / 2)),
}
BY_RECURRENCE = {"t": (6, 6), "u": (8, 6), "v": (8, 6), "w": (8, 4)}  # up to which degree, and of the shifted ones


def chebyshev(kind: str, shifted: bool) -> Callable[[Any, Any], Any]:
    """By cosines where there is an angle, unless the degree is small."""
    first, by_angle = CHEBYSHEV[kind]

    def forward(x: Any, n: Any) -> Any:
        x, n = promoted((x, n), True)
        x, n = np.broadcast_arrays(x + x - 1 if shifted else x, whole(n))
        has_angle = (n > BY_RECURRENCE[kind][shifted]) & (np.absolute(x) < 1)
        small = recurrence(x, np.where(has_angle, 0, n), first(x), chebyshev_step)
        return np.where(has_angle, by_angle(n, np.arccos(x)), small)

    return forward


FAMILIES: dict[str, Callable[[Any, Any], Any]] = {
    **{f"chebyshev_polynomial_{kind}": chebyshev(kind, False) for kind in CHEBYSHEV},
    **{f"shifted_chebyshev_polynomial_{kind}": chebyshev(kind, True) for kind in CHEBYSHEV},
    "hermite_polynomial_h": polynomial(lambda x: x + x, lambda x, k, now, before: (x + x) * now - 2 * k * before),
    "hermite_polynomial_he": polynomial(lambda x: x, lambda x, k, now, before: x * now - k * before),
    "laguerre_polynomial_l": polynomial(
        lambda x: 1 - x, lambda x, k, now, before: ((2 * k + (1 - x)) * now - k * before) / (k + 1)
    ),
    "legendre_polynomial_p": polynomial(
        lambda x: x, lambda x, k, now, before: ((2 * k + 1) * x * now - k * before) / (k + 1)
    ),
}


def declare(name: str, forward: Callable[[Any, Any], Any]) -> None:
    """Torch has no derivatives of these, and takes a number for either operand, though not for both."""
    check = single_or_double(f"{name}_cpu")
    op(f"{name}(Tensor x, Tensor|Scalar n)", None, forward, promote="float", check=check)
    op(f"{name}.x_scalar(Scalar x, Tensor n)", None, forward, promote="float", operands=("n", "x"), check=check)


for family in FAMILIES.items():
    declare(*family)
