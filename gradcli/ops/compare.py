"""Comparison, logic, bits and bounds, elementwise."""

from __future__ import annotations

from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES, as_dtype, dtype_kind, finfo, result_type
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import no_derivative
from gradcli.ops.copies import masked_fill, where, zeros_like
from gradcli.ops.define import composite, op
from gradcli.ops.kinds import in_turn, only, refuse
from gradcli.ops.shape import broadcast_sizes


def clamp_forward(self: Any, min: Any, max: Any) -> Any:
    if min is None and max is None:
        raise UserError("value", "torch.clamp: At least one of 'min' or 'max' must not be None")
    result = self if min is None else np.maximum(self, as_dtype(min, self.dtype, self))
    return np.minimum(result, as_dtype(max, self.dtype, self)) if max is not None else result


def no_bools_between(self: Any, min: Any, max: Any) -> None:
    if min is not None and max is not None:
        only("iuf", "clamp_cpu")(self, min, max)


def bounded(function: Any) -> Any:
    """`function` (np.maximum, np.minimum) with a number, in the dtype of the tensor."""
    return lambda self, bound: function(self, as_dtype(bound, self.dtype, self))


def within(self: Any, min: Any, max: Any) -> Any:
    """Where `min <= self <= max`, a limit that is None being none: where clamp lets the gradient through."""
    if max is None:
        return self >= min
    return self <= max if min is None else (self >= min) & (self <= max)


def below_min(self: Any, min: Any, max: Any) -> Any:
    """Where clamp returns `min`: the limits crossed, it is `max` that counts."""
    return self < min if max is None else (self < min) & (min < max)


def above_max(self: Any, min: Any, max: Any) -> Any:
    return self > max if min is None else (self > max) | (max < min)


def integral(name: str, function: Any) -> Any:
    """`function`, for integers and bools only."""

    def forward(self: Any, *other: Any) -> Any:
        if dtype_kind(self.dtype) not in "iub":
            kind = TYPE_NAMES[self.dtype.name]
            raise UserError("type", f"\"bitwise_{name}_cpu\" not implemented for '{kind}'")
        return function(self, *other)

    return forward


def heaviside_forward(self: Any, values: Any) -> Any:
    return np.where(self == 0, values, (self > 0).astype(values.dtype))


def heaviside_dtypes(self: Any, values: Any) -> None:
    if self.dtype != values.dtype:
        raise UserError("type", "heaviside is not yet implemented for tensors with different dtypes.")


def isclose_forward(self: Any, other: Any, rtol: float, atol: float, equal_nan: bool) -> Any:
    if self.dtype != other.dtype:
        first, second = TYPE_NAMES[self.dtype.name], TYPE_NAMES[other.dtype.name]
        raise UserError("type", f"{first} did not match {second}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if not tolerance >= 0:
            raise UserError("value", f"{name} must be greater than or equal to zero, but got {tolerance}")
    broadcast_sizes(self.shape, other.shape)
    close = self == other
    if equal_nan:
        close = close | (np.isnan(self) & np.isnan(other))
    if rtol == 0 and atol == 0:
        return close
    if dtype_kind(self.dtype) == "b":
        self, other = self.astype(np.int8), other.astype(np.int8)
    error = np.absolute(self - other)
    return close | (np.isfinite(error) & (error <= atol + np.absolute(rtol * other)))


maximum = op(
    "maximum(Tensor self, Tensor other)", "MaximumBackward0", np.maximum, promote="same",
    check=refuse(c="maximum not implemented for complex tensors."),
    self=lambda grad, self, other: masked_fill(where(self == other, grad / 2, grad), self < other, 0),
    other=lambda grad, self, other: masked_fill(where(self == other, grad / 2, grad), self > other, 0),
)  # fmt: skip
minimum = op(
    "minimum(Tensor self, Tensor other)", "MinimumBackward0", np.minimum, promote="same",
    check=refuse(c="minimum not implemented for complex tensors."),
    self=lambda grad, self, other: masked_fill(where(self == other, grad / 2, grad), self > other, 0),
    other=lambda grad, self, other: masked_fill(where(self == other, grad / 2, grad), self < other, 0),
)  # fmt: skip
fmax = op(
    "fmax(Tensor self, Tensor other)", "FmaxBackward0", np.fmax, promote="same",
    check=refuse(c="fmax not implemented for complex tensors."),
    self=lambda grad, self, other: masked_fill(grad, logical_not((self >= other) | isnan(other)), 0),
    other=lambda grad, self, other: masked_fill(grad, (self >= other) | isnan(other), 0),
)  # fmt: skip
fmin = op(
    "fmin(Tensor self, Tensor other)", "FminBackward0", np.fmin, promote="same",
    check=refuse(c="fmin not implemented for complex tensors."),
    self=lambda grad, self, other: masked_fill(grad, logical_not((self <= other) | isnan(other)), 0),
    other=lambda grad, self, other: masked_fill(grad, (self <= other) | isnan(other), 0),
)  # fmt: skip
clamp_min = op(
    "clamp_min(Tensor self, Scalar min)", "ClampMinBackward0", bounded(np.maximum),
    promote="same", operands=("self", "min"),
    fits=("min",),
    check=in_turn(refuse(c="clamp is not supported for complex types"), only("iuf", "clamp_min_scalar_cpu")),
    self=lambda grad, self, min: where(self >= min, grad, 0),
)  # fmt: skip
clamp_min_tensor = op(
    "clamp_min.Tensor(Tensor self, Tensor min)", "ClampMinBackward1", np.maximum, promote="same",
    check=refuse(c="clamp is not supported for complex types"),
    self=lambda grad, self, min: where(self >= min, grad, 0),
    min=lambda grad, self, min: where(self < min, grad, 0),
)  # fmt: skip
clamp_max = op(
    "clamp_max(Tensor self, Scalar max)", "ClampMaxBackward0", bounded(np.minimum),
    promote="same", operands=("self", "max"),
    fits=("max",),
    check=in_turn(refuse(c="clamp is not supported for complex types"), only("iuf", "clamp_max_scalar_cpu")),
    self=lambda grad, self, max: where(self <= max, grad, 0),
)  # fmt: skip
clamp_max_tensor = op(
    "clamp_max.Tensor(Tensor self, Tensor max)", "ClampMaxBackward1", np.minimum, promote="same",
    check=refuse(c="clamp is not supported for complex types"),
    self=lambda grad, self, max: where(self <= max, grad, 0),
    max=lambda grad, self, max: where(self > max, grad, 0),
)  # fmt: skip
heaviside = op(
    "heaviside(Tensor self, Tensor values)", "NotImplemented", heaviside_forward, promote="same",
    check=in_turn(refuse(c="heaviside is not yet implemented for complex tensors."), heaviside_dtypes),
    self=no_derivative("heaviside"),
    values=no_derivative("heaviside"),
)  # fmt: skip
clamp = op(
    "clamp(Tensor self, Scalar? min=None, Scalar? max=None)", "ClampBackward1", clamp_forward, promote="same",
    operands=("self", "min", "max"),
    fits=("min", "max"),
    check=in_turn(refuse(c="clamp is not supported for complex types"), only("iuf", "clamp_min_scalar_cpu")),
    self=lambda grad, self, min, max: where(within(self, min, max), grad, 0),
)  # fmt: skip
clamp_tensor = op(
    "clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None)", "ClampBackward0", clamp_forward, promote="same",
    host_scalars=0,
    check=in_turn(refuse(c="clamp is not supported for complex types"), no_bools_between),
    self=lambda grad, self, min, max: where(within(self, min, max), grad, 0),
    min=lambda grad, self, min, max: where(below_min(self, min, max), grad, 0),
    max=lambda grad, self, min, max: where(above_max(self, min, max), grad, 0),
)  # fmt: skip


def nan_to_num_forward(self: Any, nan: float | None, posinf: float | None, neginf: float | None) -> Any:
    if dtype_kind(self.dtype) != "f":
        return np.nan_to_num(self, nan=nan or 0.0, posinf=posinf, neginf=neginf)
    limits = finfo(self.dtype)
    given = (nan or 0.0, limits.max if posinf is None else posinf, limits.min if neginf is None else neginf)
    zero, most, least = (as_dtype(float(one), self.dtype, self) for one in given)
    result = np.where(np.isnan(self), zero, np.where(np.isposinf(self), most, self))
    return np.where(np.isneginf(self), least, result)


nan_to_num = op(
    "nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None)", "NanToNumBackward0",
    nan_to_num_forward,
    real_only="nan_to_num",
    self=lambda grad, self: grad * isfinite(self),
)  # fmt: skip
eq = op("eq(Tensor self, Tensor|Scalar other)", None, np.equal, promote="same")
ne = op("ne(Tensor self, Tensor|Scalar other)", None, np.not_equal, promote="same")
lt = op(
    "lt(Tensor self, Tensor|Scalar other)", None, np.less, promote="same",
    check=only("biuf", "lt_cpu"),
)  # fmt: skip
le = op(
    "le(Tensor self, Tensor|Scalar other)", None, np.less_equal, promote="same",
    check=only("biuf", "le_cpu"),
)  # fmt: skip
gt = op(
    "gt(Tensor self, Tensor|Scalar other)", None, np.greater, promote="same",
    check=only("biuf", "gt_cpu"),
)  # fmt: skip
ge = op(
    "ge(Tensor self, Tensor|Scalar other)", None, np.greater_equal, promote="same",
    check=only("biuf", "ge_cpu"),
)  # fmt: skip


def with_inplace(row: Any) -> None:
    """The in-place form of the comparison `row`, which torch has in the graph, without a slope."""
    name = row.name.capitalize()
    of_number = op(
        f"_{row.name}.Scalar(Tensor self, Scalar other)", f"{name}Backward0", row.forward, promote="same",
        operands=("self", "other"), check=row.check,
        self=lambda grad: zeros_like(grad),
    )  # fmt: skip
    of_tensor = op(
        f"_{row.name}.Tensor(Tensor self, Tensor other)", f"{name}Backward1", row.forward, promote="same",
        check=row.check, real_part=True,
        self=lambda grad: zeros_like(grad),
        other=lambda grad: zeros_like(grad),
    )  # fmt: skip
    composite(f"Tensor::{row.name}_(Tensor self, Tensor|Scalar other)")(
        lambda self, other: (of_tensor if isinstance(other, Tensor) else of_number).inplace(self, other)
    )


for comparison in (eq, ne, lt, le, gt, ge):
    with_inplace(comparison)

logical_and = op("logical_and(Tensor self, Tensor other)", None, np.logical_and, host_scalars=1)
logical_or = op("logical_or(Tensor self, Tensor other)", None, np.logical_or, host_scalars=1)
logical_xor = op("logical_xor(Tensor self, Tensor other)", None, np.logical_xor, host_scalars=1)
logical_not = op("logical_not(Tensor self)", None, np.logical_not)
bitwise_and = op("bitwise_and(Tensor self, Tensor|Scalar other)", None, integral("and", np.bitwise_and), promote="same")
bitwise_or = op("bitwise_or(Tensor self, Tensor|Scalar other)", None, integral("or", np.bitwise_or), promote="same")
bitwise_xor = op("bitwise_xor(Tensor self, Tensor|Scalar other)", None, integral("xor", np.bitwise_xor), promote="same")
bitwise_not = op("bitwise_not(Tensor self)", None, integral("not", np.bitwise_not))
bitwise_left_shift = op(
    "bitwise_left_shift(Tensor self, Tensor|Scalar other)", None, integral("left_shift", np.left_shift), promote="same",
    check=only("iu", "lshift_cpu"),
)  # fmt: skip
bitwise_right_shift = op(
    "bitwise_right_shift(Tensor self, Tensor|Scalar other)",
    None,
    integral("right_shift", np.right_shift),
    promote="same",
    check=only("iu", "rshift_cpu"),
)  # fmt: skip
isnan = op("isnan(Tensor self)", None, np.isnan)
isinf = op("isinf(Tensor self)", None, np.isinf)
isfinite = op("isfinite(Tensor self)", None, np.isfinite)
isposinf = op(
    "isposinf(Tensor self)", None, lambda self: self == np.inf,
    check=refuse(c="isposinf does not support complex inputs."),
)  # fmt: skip
isneginf = op(
    "isneginf(Tensor self)", None, lambda self: self == -np.inf,
    check=refuse(c="isneginf does not support complex inputs."),
)  # fmt: skip
isreal = op("isreal(Tensor self)", None, np.isreal)
isclose = op(
    "isclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False)", None,
    isclose_forward,
    host_scalars=1,
)  # fmt: skip


@composite("allclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False)")
def allclose(self: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether all of `self` is close to `other`, as `isclose` has it."""
    result: bool = isclose(self, other, rtol, atol, equal_nan).array.all().item()
    return result


@composite("equal(Tensor self, Tensor other)")
def equal(self: Any, other: Any) -> bool:
    return self.shape == other.shape and bool((self.array == other.array).all().item())


def with_number_first(row: Any) -> None:
    """The overload of `row`, an operation on integers, whose first operand is a number."""
    composite(f"{row.name}.Scalar_Tensor(Scalar self, Tensor other)")(
        lambda self, other: row(Tensor(as_dtype(self, result_type((self, other.array)), other.array)), other)
    )


for operation in (bitwise_and, bitwise_or, bitwise_xor, bitwise_left_shift, bitwise_right_shift):
    with_number_first(operation)


def equal_places(self: Any, result: Any) -> Any:
    """Where `self` is what `result` is, a NaN being another one's equal."""
    return (self == result) | (isnan(self) & isnan(result))
