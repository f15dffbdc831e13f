"""Special functions."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.device import np
from gradcli.ops.define import op
from gradcli.ops.elementary import exp, pow_scalar
from gradcli.ops.kinds import only


def erf_forward(self: Any) -> Any:
    return np.asarray(np.frompyfunc(math.erf, 1, 1)(self.astype(np.float64))).astype(self.dtype)


erf = op(
    "erf(Tensor self)", "ErfBackward0", erf_forward, promote="float",
    check=only("biuf", "erf_vml_cpu"),
    self=lambda grad, self: 2 / math.sqrt(math.pi) * exp(-pow_scalar(self, 2)) * grad,
)  # fmt: skip
