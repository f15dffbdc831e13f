"""Bessel functions and Airy's, of which torch has no derivatives.

Most are SciPy's, an optional dependency.
"""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.device import SpecialFunction, np
from gradcli.ops.define import op
from gradcli.ops.kinds import single_or_double
from gradcli.ops.special import bessel

AIRY = SpecialFunction("airy_ai", "airy")


def airy_ai_forward(x: Any) -> Any:
    """Far from 0, where SciPy gives up, by the first term of the series."""
    angle = 2 / 3 * x * np.sqrt(-x)
    waves = np.sin(math.pi / 4 - angle) / np.sqrt(math.pi * np.sqrt(-x))
    near = np.where(x > 103, 0, np.where(x > -1e6, AIRY(x), waves))
    return np.where(x == math.inf, math.nan, near).astype(x.dtype)


def spherical_bessel_j0_forward(x: Any) -> Any:
    return np.where(np.isinf(x), 0, np.where(x == 0, 1, np.sin(x) / x))


def declare(name: str, forward: Any, parameter: str = "input") -> None:
    op(f"{name}(Tensor {parameter})", None, forward, promote="float", check=single_or_double(f"{name}_cpu"))


declare("airy_ai", airy_ai_forward, "x")
declare("modified_bessel_i0", bessel(0))
declare("modified_bessel_i1", bessel(1))
declare("spherical_bessel_j0", spherical_bessel_j0_forward, "x")
for _name, _function in (
    ("bessel_j0", "j0"), ("bessel_j1", "j1"), ("bessel_y0", "y0"), ("bessel_y1", "y1"), ("modified_bessel_k0", "k0"),
    ("modified_bessel_k1", "k1"),
):  # fmt: skip
    declare(_name, SpecialFunction(_name, _function))
for _name, _function in (("scaled_modified_bessel_k0", "k0e"), ("scaled_modified_bessel_k1", "k1e")):
    declare(_name, SpecialFunction(_name, _function), "x")
