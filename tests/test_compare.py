"""Values beside what is expected of them: what is within the tolerance, and what is told of what is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradcli
from gradcli.report import story
from gradcli.report.json_lines import run_line
from gradcli.verify.expectations import compare, ulps

DTYPES = ["float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data(), steps=st.integers(0, 40), start=st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-7, 6e4, None]))
def test_it_is_the_number_of_steps_from_one_number_to_the_other(
    dtype: str, steps: int, start: float | None, data: st.DataObject
) -> None:
    width: Any = int(dtype.removeprefix("float"))
    number = data.draw(st.floats(width=width, allow_nan=False, allow_infinity=False)) if start is None else start
    begin = end = np.dtype(dtype).type(number)
    for _ in range(steps):
        with np.errstate(over="ignore"):
            end = np.nextafter(end, np.dtype(dtype).type(np.inf))
    expected = np.float64(end)
    assert ulps(begin, expected) == (steps if np.isfinite(end) else None)
    assert not np.isfinite(end) or ulps(end, np.float64(begin)) == steps


@pytest.mark.parametrize(
    ("actual", "expected", "distance"),
    [
        (np.float32(0.1), np.float64(0.1), 0),  # rounded, they are the same
        (np.float64(0.1), np.float64(np.float32(0.1)), 107374182),
        (np.float32(-1e-45), np.float64(1e-45), 2),
        (np.float64(-1.7976931348623157e308), np.float64(1.7976931348623157e308), 2 * (0x7FF << 52) - 2),
        (np.complex64(1 + 2j), np.complex128(1 + 2.0000005j), 2),
        (np.complex64(1.0000001 + 2j), np.complex128(1 + 2j), 1),
        (np.float32(1), np.complex128(1 + 1j), None),
        (np.complex64(complex(np.nan, 1)), np.complex128(1 + 1j), None),
        (np.float32(np.nan), np.float64(1), None),
        (np.float16(1), np.float64(1e6), None),
        (np.int64(1), np.float64(2), None),
        (np.bool_(True), np.float64(2), None),
    ],
)
def test_distances(actual: Any, expected: Any, distance: int | None) -> None:
    assert ulps(actual, expected) == distance


@pytest.fixture
def failure(tmp_path: Path) -> Callable[[str, str], Any]:
    """What is told of an expectation of `x`, which fails: where it is worst, in text, and the JSON."""

    def told(tensor: str, expectation: str) -> tuple[str, str]:
        file = tmp_path / "a.yaml"
        file.write_text(f"tensors: {{x: {tensor}}}\npipeline: [{{expect: {{x: {expectation}, rtol: 0, atol: 0}}}}]\n")
        report = gradcli.run(file)
        [item] = report.failures
        return story.text_of(story.expectation(item)[-2]).strip(), run_line(report)

    return told


def test_a_failure_tells_how_many(failure: Callable[[str, str], tuple[str, str]], tmp_path: Path) -> None:
    np.savez(tmp_path / "dump.npz", x=np.array([1, 2.0000002], "float32"))
    text, line = failure("[1.0, 2.0]", "{load: dump.npz:x}")
    assert text == "worst at [1]: absolute 2.384e-07, relative 1.192e-07, 1 ULP"
    assert '"ulp": 1}' in line


def test_a_large_one(failure: Callable[[str, str], tuple[str, str]]) -> None:
    assert failure("[1.0, 2.0]", "[1.0, 3.0]")[0] == "worst at [1]: absolute 1, relative 0.3333, 4.2e+06 ULP"


def test_integers_have_none(failure: Callable[[str, str], tuple[str, str]]) -> None:
    text, line = failure("[1, 2]", "[1, 3]")
    assert "ULP" not in text and '"ulp": null}' in line


@pytest.mark.parametrize("check", ["finite: true", "nonzero: true", "shape: [1]"])
@pytest.mark.parametrize(("expr", "expected"), [("x.grad", "null"), ("(x * 2).grad_fn", "MulBackward0")])
def test_what_is_no_number_breaks_every_check(expr: str, expected: str, check: str, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    item = f"{expr}: {{equals: {expected}, {check}}}"
    file.write_text(f"tensors: {{x: {{data: [1.0], requires_grad: true}}}}\npipeline: [{{expect: {{{item}}}}}]\n")
    assert [item.why for item in gradcli.run(file).failures] == ["it is no tensor and no number"]


# what torch.testing.assert_close says of pairs of numbers that are not finite
@pytest.mark.parametrize(
    ("actual", "expected", "close"),
    [
        ("nan", "nan", True), ("inf", "inf", True), ("-inf", "-inf", True), ("1", "inf", False), ("inf", "1", False),
        ("inf", "-inf", False), ("nan", "inf", False), ("1", "nan", False), ("3e38", "inf", False),
    ],
)  # fmt: skip
def test_numbers_that_are_not_finite(actual: str, expected: str, close: bool) -> None:
    one, other = np.array([float(actual), 0], "float32"), np.array([float(expected), 0])
    assert compare(one, other, None, None).ok is close
    assert compare(one.astype("complex64"), other.astype("complex128"), None, None).ok is close
