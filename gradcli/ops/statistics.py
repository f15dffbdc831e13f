"""Reductions to several results, those that skip NaN, and moments of several variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES, as_dtype, dtype_kind, dtype_named
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import div, reciprocal
from gradcli.ops.compare import clamp, isnan, logical_not
from gradcli.ops.copies import cast, complex_of, conj, imag, masked_fill, real, to_dtype, where, zeros_like
from gradcli.ops.define import composite, op
from gradcli.ops.elementary import sqrt
from gradcli.ops.extremes import extreme, shared
from gradcli.ops.kinds import no_bools, of_elements, only, refuse
from gradcli.ops.linalg import diagonal, mm
from gradcli.ops.reduce import (
    Dims,
    axes,
    count,
    expanded,
    kept_view,
    moment_options,
    sum,
    sum_dim,
    sum_forward,
    var_backward,
    var_forward,
    vector_norm,
    vector_norm_backward,
    vector_norm_forward,
)
from gradcli.ops.shape import squeeze, t, unsqueeze, view, wrap_dim


def hash_forward(self: Any, dim: Dims, keepdim: bool, mode: int) -> Any:
    """The bits of what the elements are in 64, all that are set an odd number of times."""
    if mode != 0:
        raise UserError("value", f"Unknown hash_tensor mode: {mode}")
    wide = self.real.astype(np.float64 if dtype_kind(self.dtype) in "fc" else np.int64)  # complex ones have no elements
    return combined(wide.view(dtype_named("uint64")), dim, keepdim)


def xor(bits: Any, axis: Any, keepdims: bool) -> Any:
    """As np.bitwise_xor.reduce, which CuPy has not, a bit at a time."""
    result = np.add.reduce(bits, axis=axis, keepdims=keepdims) & 1
    for place in range(1, 64):
        result = result | ((np.add.reduce(bits >> place, axis=axis, keepdims=keepdims) & 1) << place)
    return result


combined = extreme("hash_tensor", xor, "{}")


def aminmax_forward(self: Any, dim: int | None, keepdim: bool) -> tuple[Any, Any]:
    axis = None if dim is None else wrap_dim(dim, self.ndim)
    if self.size == 0 and count(self.shape, dim) == 0:
        raise UserError(
            "shape", "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
        )
    axis = axis if self.ndim else None
    return np.amin(self, axis=axis, keepdims=keepdim), np.amax(self, axis=axis, keepdims=keepdim)


def aminmax_backward(grads: Sequence[Any], self: Any, dim: Dims, keepdim: bool, results: Sequence[Any]) -> Any:
    parts = [
        shared(kept_view(grad, self.shape, dim, keepdim), self == kept_view(result, self.shape, dim, keepdim), dim)
        for grad, result in zip(grads, results, strict=True)
        if grad is not None
    ]
    return parts[0] + parts[1] if len(parts) == 2 else parts[0]


def moments_forward(self: Any, dim: Dims, correction: float, keepdim: bool) -> tuple[Any, Any]:
    mean = np.add.reduce(self, axis=axes(dim, self.ndim), keepdims=keepdim) / count(self.shape, dim)
    return var_forward(self, dim, correction, keepdim), mean


def std_mean_forward(self: Any, dim: Dims, correction: float, keepdim: bool) -> tuple[Any, Any]:
    var, mean = moments_forward(self, dim, correction, keepdim)
    return np.sqrt(var), mean


def moments_backward(by_var: Any, by_mean: Any, self: Any, dim: Dims, correction: float, keepdim: bool) -> Any:
    """The sum of the gradients that there are of a variance and of a mean."""
    total = None if by_var is None else var_backward(by_var, self, dim, correction, keepdim)
    if by_mean is None:
        return total
    part = expanded(by_mean, self.shape, dim, keepdim) / count(self.shape, dim)
    return part if total is None else total + part


def by_variance(grad: Any, std: Any) -> Any:
    """The gradient of the variance, from that of its root."""
    return None if grad is None else masked_fill(grad / (std * 2), std == 0, 0)


def all_but(dim: int, ndim: int) -> list[int]:
    dim = wrap_dim(dim, ndim)
    return [place for place in range(ndim) if place != dim]


def nansum_forward(self: Any, dim: Dims, keepdim: bool, dtype: Any) -> Any:
    if dtype is not None and dtype_kind(dtype) == "c" and dtype_kind(self.dtype) == "f" and self.size:
        raise UserError("type", f"\"nansum_cpu\" not implemented for '{TYPE_NAMES[dtype.name]}'")
    return sum_forward(np.where(self == self, self, 0), dim, keepdim, dtype)


def renorm_forward(self: Any, p: float, dim: int, maxnorm: float) -> Any:
    """Each slice at `dim`, made shorter where its norm is above `maxnorm`."""
    for name, number in (("p", p), ("maxnorm", maxnorm)):
        if isinstance(number, complex):
            raise UserError("type", f"renorm: {name} must be real-valued")
    if p <= 0:
        raise UserError("value", "renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise UserError("value", f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    if self.ndim < 2:
        raise UserError("shape", f"renorm: input needs at least 2 dimensions, got {self.ndim} dimensions")
    norm = vector_norm_forward(self, p, all_but(dim, self.ndim), True, in_double(self))
    return cast(self * np.where(norm > maxnorm, maxnorm / (norm + 1e-7), np.ones_like(norm)), self.dtype)


def in_double(self: Any) -> Any:
    """The dtype in which norms are computed here."""
    return np.dtype(np.complex128 if dtype_kind(self.dtype) == "c" else np.float64)


aminmax = op(
    "aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (min, max)", "AminmaxBackward0", aminmax_forward,
    contiguous=True,
    check=only("biuf", "aminmax_cpu"),
    self=lambda grads, self, dim, keepdim, min, max: aminmax_backward(grads, self, dim, keepdim, (min, max)),
)  # fmt: skip
var_mean = op(
    "_var_mean(Tensor self, int[]? dim, Scalar correction, bool keepdim) -> (var, mean)", "VarMeanBackward0",
    moments_forward,
    contiguous=True,
    self=lambda grads, self, dim, correction, keepdim: moments_backward(
        grads[0], grads[1], self, dim, correction, keepdim
    ),
)  # fmt: skip
std_mean = op(
    "_std_mean(Tensor self, int[]? dim, Scalar correction, bool keepdim) -> (std, mean)", "StdMeanBackward0",
    std_mean_forward,
    contiguous=True,
    self=lambda grads, self, dim, correction, keepdim, std: moments_backward(
        by_variance(grads[0], std), grads[1], self, dim, correction, keepdim
    ),
)  # fmt: skip
nansum = op(
    "nansum(Tensor self, int[]? dim=None, bool keepdim=False, *, ScalarType? dtype=None)", "NansumBackward0",
    nansum_forward,
    contiguous=True, real_part=True,
    check=refuse(c="nansum on CPU does not support complex inputs"),
    self=lambda grad, self, dim, keepdim: expanded(grad, self.shape, dim, keepdim) * logical_not(isnan(self)),
)  # fmt: skip
hash_tensor = op(
    "hash_tensor(Tensor self, int[] dim=[], *, bool keepdim=False, int mode=0)", None, hash_forward,
    check=of_elements(only("biuf", "xor_sum_cpu")),
)  # fmt: skip
renorm = op(
    "renorm(Tensor self, Scalar p, int dim, Scalar maxnorm)", "RenormBackward0", renorm_forward,
    self=lambda grad, self, p, dim, maxnorm: renorm_backward(grad, self, p, dim, maxnorm),
)  # fmt: skip
dist = op(
    "dist(Tensor self, Tensor other, Scalar p=2)", "DistBackward0",
    lambda self, other, p: distance(self - other, p),
    promote="same",
    contiguous=True,
    check=no_bools,
    self=lambda grad, self, other, p, result: dist_backward(grad, self, other, p, result),
    other=lambda grad, self, other, p, result: negated(dist_backward(grad, self, other, p, result)),
)  # fmt: skip


def renorm_backward(grad: Any, self: Any, p: float, dim: int, maxnorm: float) -> Any:
    """Of a slice that was made shorter: without what would only change its norm."""
    dims = all_but(dim, self.ndim)
    norm = vector_norm(self, p, dims, True, dtype=in_double(self))
    along = vector_norm_backward(sum_dim(real(conj(self) * grad), dims, True), self, p, dims, True, norm)
    inverse = reciprocal(norm + 1e-7)
    shorter = inverse * maxnorm * (grad - inverse * along)
    return where(norm > maxnorm, shorter if shorter.dtype == grad.dtype else to_dtype(shorter, grad.dtype), grad)


def dist_backward(grad: Any, self: Any, other: Any, p: float, result: Any) -> Any:
    return vector_norm_backward(grad, self - other, p, None, False, result)


def negated(grad: Any) -> Any:
    if grad is None:  # which torch has of a count, and fails to negate
        raise UserError(
            "autograd",
            "Expected a proper Tensor but got None (or an undefined Tensor in C++) for argument #0 'self'",
            hint="how many elements differ, which is the distance for p=0, has no gradient",
        )
    return -grad


def distance(self: Any, p: float) -> Any:
    if dtype_kind(self.dtype) not in "fc":
        kind = TYPE_NAMES[self.dtype.name]
        raise UserError("type", f"norm(): input dtype should be either floating point or complex. Got {kind} instead.")
    return vector_norm_forward(self, p, None, False, None)


def check_moments(name: str, self: Any) -> Any:
    if dtype_kind(self.dtype) not in "fc":
        raise UserError("type", f"{name} only support floating point and complex dtypes")
    return self


MOMENTS = "Tensor self, int[]?|bool dim=None, bool unbiased=True, bool keepdim=False, *, Scalar? correction=None"


@composite(f"var_mean({MOMENTS})")
def var_mean_user(
    self: Any, dim: Dims | bool = None, unbiased: bool = True, keepdim: bool = False, correction: float | None = None
) -> Any:
    return var_mean(check_moments("var_mean", self), *moment_options(dim, unbiased, correction), keepdim)


@composite(f"std_mean({MOMENTS})")
def std_mean_user(
    self: Any, dim: Dims | bool = None, unbiased: bool = True, keepdim: bool = False, correction: float | None = None
) -> Any:
    return std_mean(check_moments("std_mean", self), *moment_options(dim, unbiased, correction), keepdim)


@composite("nanmean(Tensor self, int[]? dim=None, bool keepdim=False, *, ScalarType? dtype=None)")
def nanmean(self: Any, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Any:
    if dtype_kind(self.dtype) not in "fc":
        kind = TYPE_NAMES[self.dtype.name]
        raise UserError("type", f"nanmean(): expected input to have floating point or complex dtype but got {kind}")
    if dtype is not None and dtype_kind(dtype) not in "fc":
        raise UserError(
            "type",
            "nanmean(): could not infer output dtype. Optional dtype must be either a floating point or complex dtype. "
            f"Got: {TYPE_NAMES[dtype.name]}",
        )
    return div(nansum(self, dim, keepdim, dtype=dtype), sum_dim(logical_not(isnan(self)), dim, keepdim))


@composite("cov(Tensor self, *, int correction=1, Tensor? fweights=None, Tensor? aweights=None)")
def cov(self: Any, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """Of variables in rows and observations in columns, each counted `fweights` times and weighed by `aweights`."""
    check_cov(self, fweights, aweights)
    rows = view(self, (1, -1)) if self.ndim < 2 else self
    weights = fweights if aweights is None else aweights if fweights is None else fweights * aweights
    total: Any = Tensor(as_dtype(rows.shape[1], real_dtype(self), self.array)) if weights is None else sum(weights)
    if weights is not None and total.array.item() == 0:
        raise UserError("value", "cov(): weights sum to zero, can't be normalized")
    mean = sum_dim(rows if weights is None else rows * weights, [1]) / total
    if aweights is None or correction == 0:
        factor = total if correction == 0 else total - correction
    else:
        factor = total - sum(weights * aweights) * correction / total
    if factor.array.real.item() <= 0:
        factor = zeros_like(factor)
    centered = rows - unsqueeze(mean, 1)
    other = centered if weights is None else centered * weights
    product = mm(centered, conj(t(other)))
    if dtype_kind(product.dtype) == "c" and 1 in rows.shape:  # of one variable, or of one observation
        product = complex_of(real(product), zeros_like(real(product.detach())))
    return squeeze(product / factor)


def real_dtype(tensor: Any) -> Any:
    """int64 for integers, and the dtype of the parts of complex numbers."""
    return tensor.array.real.dtype if dtype_kind(tensor.dtype) in "fc" else np.dtype(np.int64)


def check_cov(self: Any, fweights: Any, aweights: Any) -> None:
    if self.ndim > 2:
        raise UserError(
            "shape",
            f"cov(): expected input to have two or fewer dimensions but got an input with {self.ndim} dimensions",
        )
    if dtype_kind(self.dtype) == "b":
        raise UserError("type", "cov(): bool dtype is not supported for input")
    observations = self.shape[-1] if self.ndim else 1
    for name, weights, kinds, wanted in (
        ("fweights", fweights, "iu", "integral"), ("aweights", aweights, "f", "floating point"),
    ):  # fmt: skip
        if weights is None:
            continue
        if weights.ndim > 1:
            raise UserError(
                "shape",
                f"cov(): expected {name} to have one or fewer dimensions but got {name} with {weights.ndim} dimensions",
            )
        if dtype_kind(weights.dtype) not in kinds:
            kind = TYPE_NAMES[weights.dtype.name]
            raise UserError("type", f"cov(): expected {name} to have {wanted} dtype but got {name} with {kind} dtype")
        if weights.array.size != observations:
            raise UserError(
                "shape",
                f"cov(): expected {name} to have the same numel as there are observations in the input but got "
                f"{weights.array.size} != {observations}",
            )
        if (weights.array < 0).any().item():
            raise UserError("value", f"cov(): {name} cannot be negative")


@composite("corrcoef(Tensor self)")
def corrcoef(self: Any) -> Any:
    """The covariances of variables in rows, each divided by both standard deviations."""
    if self.ndim > 2:
        raise UserError(
            "shape",
            f"corrcoef(): expected input to have two or fewer dimensions but got an input with {self.ndim} dimensions",
        )
    covariance = cov(self)
    if covariance.ndim == 0:
        return div(covariance, covariance)
    deviation = sqrt(real(diagonal(covariance)))
    result = div(div(covariance, view(deviation, (-1, 1))), view(deviation, (1, -1)))
    if dtype_kind(result.dtype) != "c":
        return clamp(result, -1, 1)
    return complex_of(clamp(real(result), -1, 1), clamp(imag(result), -1, 1))
