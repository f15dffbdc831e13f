"""The rows that JAX has itself, or whose text for NumPy would have other gradients than torch where it has edges."""

from __future__ import annotations

from typing import Any

from gradcli.engine.tensor import Tensor
from gradcli.export.arrays.items import Operation
from gradcli.export.arrays.texts import Template, Use
from gradcli.export.python import literal
from gradcli.spec import tree


def clamped(use: Use) -> str:
    made = "self"
    if use.values["min"] is not None:
        made = f"np.where(self < min, min, {made})"
    return made if use.values["max"] is None else f"np.where(self > max, max, {made})"


def picked_extreme(argument: str) -> list[str]:
    """The extreme of a dimension is one element, which has all of the gradient."""
    values = f"np.take_along_axis(self, self.{argument}(axis=dim, keepdims=True), axis=dim)"
    return [values, f"self.{argument}(axis=dim, keepdims=keepdim)"]


def extreme(argument: str) -> Any:
    def made(use: Use) -> list[str]:
        values, indices = picked_extreme(argument)
        return [values if use.values["keepdim"] else f"{values}.squeeze(axis=dim)", indices]

    return made


def of_floats(function: str) -> Any:
    """A special function, of numbers that have to be floats."""

    def made(use: Use) -> str:
        for known, value in use.values.items():
            if isinstance(value, int) and isinstance(use.trees[known], tree.Constant):
                use.trees[known] = literal(float(value))
        return f"special.{function}({', '.join(use.trees)})"

    return made


def converted(use: Use) -> str:
    """Negative numbers become large ones without a sign, as everywhere else."""
    made = "self.astype(dtype)"
    return made if use.results[0].dtype.kind != "u" else "self.astype(np.int64).astype(dtype)"


# what JAX has of SciPy's functions
SPECIAL = frozenset({
    "digamma", "entr", "erf", "erfc", "erfinv", "gammainc", "gammaincc", "gammaln", "i0", "i0e", "i1", "i1e",
    "log_ndtr", "ndtri", "polygamma", "xlog1py", "xlogy", "zeta",
})  # fmt: skip
TEXTS: dict[str, Template] = {
    "relu": "jax.nn.relu(self)",
    "sigmoid": "jax.nn.sigmoid(self)",
    "_silu": "jax.nn.silu(self)",
    "logsigmoid": "jax.nn.log_sigmoid(input)",
    "_softmax": "jax.nn.softmax(self, axis=dim)",
    "_log_softmax": "jax.nn.log_softmax(self, axis=dim)",
    "logsumexp": "jax.nn.logsumexp(self, axis=dim, keepdims=keepdim)",
    "gelu": lambda use: (
        "jax.nn.gelu(input)"
        if use.values["approximate"] == "tanh"
        else "0.5 * input * (1 + special.erf(input / 2 ** 0.5))"
    ),
    "linalg::eigh": lambda use: f"np.linalg.eigh(A, '{use.values['UPLO'].upper()}', symmetrize_input=0 == 1)",
    "clamp": clamped,
    "clamp_min": "np.where(self < min, min, self)",
    "clamp_max": "np.where(self > max, max, self)",
    "_hardtanh": "np.where(self <= min_val, min_val, np.where(self >= max_val, max_val, self))",
    "remainder": lambda use: (
        "self % other" if use.results[0].dtype.kind in "iu" else "self - other * np.floor(self / other)"
    ),
    "max.dim": extreme("argmax"),
    "min.dim": extreme("argmin"),
    "xlogy": of_floats("xlogy"),
    "xlog1py": of_floats("xlog1py"),
    "_to_copy": converted,
    "searchsorted": lambda use: (
        "np.searchsorted(sorted_sequence, self, side='right').astype(dtype)"
        if use.values["right"] or use.values["side"] == "right"
        else "np.searchsorted(sorted_sequence, self).astype(dtype)"
    ),
}


def has_other_gradient(operation: Operation) -> bool:
    """Whether JAX's gradient of an operation is not torch's at these numbers."""
    name = operation.op.name
    values = {known: value.array for known, value in operation.values.items() if isinstance(value, Tensor)}
    if name in ("_norm", "vector_norm", "_std", "dist"):
        return not all(bool(result.array.all()) for result in operation.results)
    if name in ("nextafter", "cholesky_solve", "cholesky_inverse", "linalg::eigh", "_native_dropout"):
        return True
    if name == "atan2":
        return bool(((values["self"] == 0) & (values["other"] == 0)).any())
    if name == "_binary_cross_entropy":
        return bool(((values["self"] <= 0) | (values["self"] >= 1)).any())
    return False
