"""Special functions."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import as_dtype
from gradcli.ops.copies import masked_fill
from gradcli.ops.define import op
from gradcli.ops.elementary import exp, pow_scalar
from gradcli.ops.kinds import only


def by_number(function: Any) -> Any:
    """`function` of the standard library, for each number: NumPy has none of these."""
    return lambda self: np.asarray(np.frompyfunc(function, 1, 1)(self.astype(np.float64))).astype(self.dtype)


def xlogy_forward(self: Any, other: Any) -> Any:
    """0 where `self` is 0, though the logarithm of `other` may not be finite."""
    dtype = np.result_type(self, other)
    self, other = as_dtype(self, dtype), as_dtype(other, dtype)
    return np.where((self == 0) & ~np.isnan(other), np.zeros((), dtype), self * np.log(other))


erf = op(
    "erf(Tensor self)", "ErfBackward0", by_number(math.erf), promote="float",
    check=only("biuf", "erf_vml_cpu"),
    self=lambda grad, self: 2 / math.sqrt(math.pi) * exp(-pow_scalar(self, 2)) * grad,
)  # fmt: skip
erfc = op(
    "erfc(Tensor self)", "ErfcBackward0", by_number(math.erfc), promote="float",
    check=only("biuf", "erfc_vml_cpu"),
    self=lambda grad, self: -2 / math.sqrt(math.pi) * exp(-pow_scalar(self, 2)) * grad,
)  # fmt: skip
xlogy = op(
    "xlogy(Tensor self, Tensor other)", "XlogyBackward0", xlogy_forward, promote="float",
    check=only("biuf", "xlogy_cpu"),
    self=lambda grad, self, other: masked_fill(xlogy(grad, other), (self == 0) & (other <= 0), 0),
    other=lambda grad, self, other: grad * self / other,
)  # fmt: skip
xlogy_of_number = op(
    "xlogy.Scalar_Self(Scalar self, Tensor other)", "XlogyBackward1", xlogy_forward, promote="float",
    operands=("other", "self"),
    check=only("biuf", "xlogy_cpu"),
    other=lambda grad, self, other: grad * self / other,
)  # fmt: skip
xlogy_scalar = op(
    "xlogy.Scalar_Other(Tensor self, Scalar other)", "XlogyBackward2", xlogy_forward, promote="float",
    operands=("self", "other"),
    check=only("biuf", "xlogy_cpu"),
    self=lambda grad, self, other: (
        xlogy_scalar(grad, other) if other > 0 else masked_fill(xlogy_scalar(grad, other), self == 0, 0)
    ),
)  # fmt: skip
