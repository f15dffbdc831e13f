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


airy_ai = op(
    "airy_ai(Tensor x)", None, airy_ai_forward, promote="float",
    check=single_or_double("airy_ai_cpu"),
)  # fmt: skip
bessel_j0 = op(
    "bessel_j0(Tensor input)", None, SpecialFunction("bessel_j0", "j0"), promote="float",
    check=single_or_double("bessel_j0_cpu"),
)  # fmt: skip
bessel_j1 = op(
    "bessel_j1(Tensor input)", None, SpecialFunction("bessel_j1", "j1"), promote="float",
    check=single_or_double("bessel_j1_cpu"),
)  # fmt: skip
bessel_y0 = op(
    "bessel_y0(Tensor input)", None, SpecialFunction("bessel_y0", "y0"), promote="float",
    check=single_or_double("bessel_y0_cpu"),
)  # fmt: skip
bessel_y1 = op(
    "bessel_y1(Tensor input)", None, SpecialFunction("bessel_y1", "y1"), promote="float",
    check=single_or_double("bessel_y1_cpu"),
)  # fmt: skip
modified_bessel_i0 = op(
    "modified_bessel_i0(Tensor input)", None, bessel(0), promote="float",
    check=single_or_double("modified_bessel_i0_cpu"),
)  # fmt: skip
modified_bessel_i1 = op(
    "modified_bessel_i1(Tensor input)", None, bessel(1), promote="float",
    check=single_or_double("modified_bessel_i1_cpu"),
)  # fmt: skip
modified_bessel_k0 = op(
    "modified_bessel_k0(Tensor input)", None, SpecialFunction("modified_bessel_k0", "k0"), promote="float",
    check=single_or_double("modified_bessel_k0_cpu"),
)  # fmt: skip
modified_bessel_k1 = op(
    "modified_bessel_k1(Tensor input)", None, SpecialFunction("modified_bessel_k1", "k1"), promote="float",
    check=single_or_double("modified_bessel_k1_cpu"),
)  # fmt: skip
scaled_modified_bessel_k0 = op(
    "scaled_modified_bessel_k0(Tensor x)", None, SpecialFunction("scaled_modified_bessel_k0", "k0e"), promote="float",
    check=single_or_double("scaled_modified_bessel_k0_cpu"),
)  # fmt: skip
scaled_modified_bessel_k1 = op(
    "scaled_modified_bessel_k1(Tensor x)", None, SpecialFunction("scaled_modified_bessel_k1", "k1e"), promote="float",
    check=single_or_double("scaled_modified_bessel_k1_cpu"),
)  # fmt: skip
spherical_bessel_j0 = op(
    "spherical_bessel_j0(Tensor x)", None, spherical_bessel_j0_forward, promote="float",
    check=single_or_double("spherical_bessel_j0_cpu"),
)  # fmt: skip
