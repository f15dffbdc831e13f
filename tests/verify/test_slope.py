"""The slope of a function from its values: of what has one it is right up to its error, of what has none it says so."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gradcli.verify.slope import GOOD_ENOUGH, Slope, slope_of

EPS = 2.0**-52
REACH = 0.06
many = settings(max_examples=200, deadline=None)
slopes = st.floats(-10, 10).filter(lambda slope: slope == 0 or abs(slope) > 1e-3)


def found(function: Callable[[float], float], size: float = 1.0, expected: float = math.nan) -> Slope:
    """The slope of a function whose numbers are about as large as `size`."""
    return slope_of(function, REACH, 4 * EPS * size, expected, max(size, abs(expected)), 1e-9 * size)


@many
@given(st.lists(slopes, min_size=1, max_size=7))
def test_a_polynomial_has_the_slope_of_its_first_coefficient(coefficients: list[float]) -> None:
    slope = found(lambda x: sum(one * x**power for power, one in enumerate(coefficients, 1)), 100.0, coefficients[0])
    assert slope.form == "smooth"
    assert abs(slope.value - coefficients[0]) <= 4 * slope.error + 1e-12
    assert slope.error < 1e-6


@many
@given(st.lists(slopes, min_size=2, max_size=5))
def test_a_wrong_slope_does_not_agree(coefficients: list[float]) -> None:
    assume(any(coefficients))
    wrong = coefficients[0] + 0.01
    slope = found(lambda x: sum(one * x**power for power, one in enumerate(coefficients, 1)), 100.0, wrong)
    assert slope.form == "smooth" and abs(slope.value - wrong) > 4 * slope.error + 1e-7 * 100
    assert slope.remainder == pytest.approx(1, abs=0.1)  # of a right one it is 2


@many
@given(slopes, slopes)
def test_a_kink_has_two_slopes(left: float, right: float) -> None:
    slope = found(lambda x: (left if x < 0 else right) * x + x * x, 10.0)
    if abs(left - right) < 1e-6:
        assert slope.form == "smooth"
    else:
        assert slope.form == "kink"
        assert slope.left == pytest.approx(left, abs=1e-4) and slope.right == pytest.approx(right, abs=1e-4)


@many
@given(st.floats(0.01, 100), slopes)
def test_a_step_is_a_jump(height: float, slope: float) -> None:
    for function in (
        lambda x: slope * x + (height if x > 0 else 0.0),
        lambda x: slope * x - (height if x < 0 else 0.0),
        lambda x: slope * x + math.copysign(height, x) * (x != 0),
    ):
        assert found(function, 100.0).form == "jump"


@many
@given(st.floats(0.1, 10), st.floats(0.2, 0.7))
def test_a_root_is_steep(factor: float, power: float) -> None:
    assert found(lambda x: factor * math.copysign(abs(x) ** power, x)).form == "steep"
    assert found(lambda x: factor * abs(x) ** power).form == "steep"


@many
@given(st.floats(0.1, 10), st.booleans())
def test_a_function_ends_at_the_border_of_its_domain(factor: float, left: bool) -> None:
    side = -1 if left else 1
    slope = found(lambda x: factor * x if side * x >= 0 else math.nan)
    assert slope.form == "border"
    assert found(lambda x: math.nan).form == "undefined"


@many
@given(st.floats(1, 1e6), st.floats(-3, 3))
def test_an_oscillation_is_seen_through(frequency: float, phase: float) -> None:
    exact = frequency * math.cos(phase)
    slope = slope_of(
        lambda x: math.sin(frequency * x + phase) - math.sin(phase),
        REACH, 4 * EPS * (1 + abs(phase)), exact, frequency, 1e-9 * frequency,
    )  # fmt: skip
    assert slope.form == "smooth"
    assert abs(slope.value - exact) <= 4 * slope.error + 1e-9 * frequency
    assert slope.error < 1e-5 * frequency


@many
@given(slopes, st.floats(1e3, 1e9))
def test_noise_counts_as_error(slope: float, size: float) -> None:
    """Numbers that were large on the way are rounded more coarsely than their result shows."""
    here = found(lambda x: (slope * x + size) - size, size, slope)
    assert here.form == "smooth" and abs(here.value - slope) <= 4 * here.error


@many
@given(slopes.filter(bool), slopes)
def test_what_is_rounded_on_the_way_still_has_a_slope(slope: float, bend: float) -> None:
    """Single precision inside, of which nobody was told: the smallest steps change nothing."""

    def function(x: float) -> float:
        return float(np.float32(slope * (1 + x) + bend * x * x)) - float(np.float32(slope))

    here = slope_of(function, REACH, 4 * EPS, slope, abs(slope), 1e-9)
    assert here.form == "smooth" and here.error <= 1e-3 * abs(slope)
    assert abs(here.value - slope) <= 4 * here.error + GOOD_ENOUGH * abs(slope)


@many
@given(st.integers(2, 16), st.floats(0.1, 0.4))
def test_stairs_are_flat_between_their_steps(steps: int, place: float) -> None:
    start = place / steps
    slope = found(lambda x: (round((start + x) * steps) - round(start * steps)) / steps, 1.0, 1.0)
    assert slope.form == "smooth" and slope.value == 0


@many
@given(st.floats(1e-300, 1e-30), slopes)
def test_sizes_do_not_matter(size: float, slope: float) -> None:
    here = slope_of(lambda x: slope * x, size, 5e-324, slope, abs(slope), 1e-12)
    assert here.form == "smooth" and here.value == pytest.approx(slope, rel=1e-9)
