"""torch.special: its names, what needs SciPy, and functions where torch 2.13 itself is no measure."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest

from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops import frontend

from .special_samples import CONSTANT, DIFFERENTIABLE, METHODS, POLYNOMIALS, RENAMED


def value_of(name: str, *arguments: object) -> Any:
    rows = frontend.find(name)
    assert rows is not None
    with np.errstate(all="ignore"):
        result: Any = frontend.call(rows, arguments, {}).array
    return result


@pytest.mark.parametrize(
    "name", [*METHODS, *DIFFERENTIABLE, *CONSTANT, *POLYNOMIALS, *RENAMED, "polygamma", "zeta", "xlog1py"]
)
def test_a_function_has_all_its_names(name: str) -> None:
    rows = frontend.find(name)
    assert rows
    assert frontend.find(f"special.{name}") == frontend.find(f"torch.special.{name}") == rows


def test_torch_has_no_methods_of_what_is_only_in_special() -> None:
    names = [*DIFFERENTIABLE, *CONSTANT, *POLYNOMIALS, *RENAMED, "zeta", "xlog1py"]
    assert [name for name in names if frontend.find_method(name) or frontend.find_method(f"{name}_")] == []
    assert all(frontend.find_method(name) and frontend.find_method(f"{name}_") for name in (*METHODS, "polygamma"))


NEED_SCIPY = {
    "igamma": 2, "igammac": 2, "bessel_j0": 1, "bessel_j1": 1, "bessel_y0": 1, "bessel_y1": 1, "airy_ai": 1,
    "modified_bessel_k0": 1, "modified_bessel_k1": 1, "scaled_modified_bessel_k0": 1, "scaled_modified_bessel_k1": 1,
}  # fmt: skip


@pytest.fixture
def no_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scipy", "scipy.special"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("no_scipy")
@pytest.mark.parametrize("name", NEED_SCIPY)
def test_without_scipy_an_operation_says_what_it_needs(name: str) -> None:
    with pytest.raises(UserError) as caught:
        value_of(name, *[Tensor(np.array([0.5]))] * NEED_SCIPY[name])
    assert caught.value.kind == "value"
    assert caught.value.message == f"{name}() needs SciPy, which is not installed"
    assert caught.value.hint == "`pip install 'gradcli[special]'`"


@pytest.mark.usefixtures("no_scipy")
def test_the_rest_does_without_scipy() -> None:
    x = Tensor(np.array([0.5]))
    for name in (*METHODS, *DIFFERENTIABLE, *sorted(set(CONSTANT) - set(NEED_SCIPY))):
        assert np.isfinite(value_of(name, x)).all()
    for name in POLYNOMIALS:
        assert np.isfinite(value_of(name, x, 3)).all()
    assert np.isfinite(value_of("polygamma", 2, x)).all()


@pytest.mark.parametrize(
    ("name", "zeros"),
    [
        ("bessel_j0", [2.404825557695773, 5.520078110286311, 8.653727912911013, 30.634606468431976]),
        ("bessel_j1", [3.8317059702075125, 7.015586669815619, 10.173468135062722]),
        ("bessel_y0", [0.8935769662791675, 3.957678419314858, 7.086051060301772]),
        ("bessel_y1", [2.197141326031017, 5.429681040794135, 8.596005868331169]),
        ("airy_ai", [-2.338107410459767, -4.08794944413097, -5.520559828095551]),
    ],
)
def test_zeros_are_where_mathematics_has_them(name: str, zeros: list[float]) -> None:
    assert np.abs(value_of(name, Tensor(np.array(zeros)))).max() < 5e-15


def test_bessel_functions_have_their_wronskian() -> None:
    x = np.linspace(0.1, 60, 500)
    j0, j1, y0, y1 = (value_of(f"bessel_{name}", Tensor(x)) for name in ("j0", "j1", "y0", "y1"))
    np.testing.assert_allclose(j1 * y0 - j0 * y1, 2 / (math.pi * x), rtol=1e-12)


def test_airy_oscillates_on_where_scipy_gives_up() -> None:
    """Of the differential equation Ai'' = x Ai what holds of three values a small step apart."""
    x, step = np.array([-2e6, -1.5e7]), 1e-5
    before, here, after = (value_of("airy_ai", Tensor(x + shift)) for shift in (-step, 0, step))
    np.testing.assert_allclose(before + after, 2 * np.cos(step * np.sqrt(-x)) * here, atol=1e-6)


@pytest.mark.parametrize("distance", [1e-1, 1e-5, 1e-10, 1e-15])
def test_erfinv_keeps_its_digits_near_1(distance: float) -> None:
    near = value_of("erfinv", Tensor(np.array([1 - distance, distance - 1])))
    assert math.erfc(near[0]) == pytest.approx(1 - (1 - distance), rel=1e-13)
    assert near[1] == -near[0]
    small = float(value_of("erfinv", Tensor(np.array(distance))))
    assert math.erf(small) == pytest.approx(distance, rel=1e-15)


def test_polynomials_of_every_degree_are_orthogonal() -> None:
    """Legendre's, summed over Gauss points; Chebyshev's, in their angle."""
    points, weights = np.polynomial.legendre.leggauss(20)
    degrees = np.arange(12)
    values = value_of("legendre_polynomial_p", Tensor(points[:, None]), Tensor(degrees))
    np.testing.assert_allclose((values.T * weights) @ values, np.diag(2 / (2 * degrees + 1)), atol=1e-6)
    angles = np.linspace(0.1, 3, 30)
    values = value_of("chebyshev_polynomial_t", Tensor(np.cos(angles)[:, None]), Tensor(degrees * 3.0))
    np.testing.assert_allclose(values, np.cos(3 * degrees * angles[:, None]), atol=1e-12)
