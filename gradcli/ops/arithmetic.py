"""Arithmetic, elementwise: sums, products, quotients, remainders, signs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import as_dtype, dtype_kind, fitted, number_in, promoted
from gradcli.errors import UserError
from gradcli.ops.copies import conj, masked_fill, where, zeros_like
from gradcli.ops.define import composite, op
from gradcli.ops.kinds import in_turn, kind_of, no_bools, only, refuse, same_dtypes


def add_forward(self: Any, other: Any, alpha: float) -> Any:
    if alpha == 1:
        return np.add(self, other)
    if getattr(self, "dtype", None) == np.float32:  # torch multiplies and adds with one rounding
        return np.add(self, np.multiply(other, alpha, dtype=np.float64)).astype(np.float32)
    return np.add(self, np.multiply(other, as_dtype(alpha, np.result_type(self, other), self)))


def sub_forward(self: Any, other: Any, alpha: float) -> Any:
    return np.subtract(self, other) if alpha == 1 else add_forward(self, other, -alpha)


def neg_forward(self: Any) -> Any:
    if dtype_kind(self.dtype) == "b":
        raise UserError(
            "type", "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a "
            "mask, use the `~` or `logical_not()` operator instead."
        )  # fmt: skip
    return np.negative(self)


def div_mode_forward(self: Any, other: Any, rounding_mode: str | None) -> Any:
    if rounding_mode is None:
        return np.true_divide(*promoted((self, other), True))
    if rounding_mode == "floor":
        only("iuf", "div_floor_cpu")(self)
        return floor_divide_forward(self, other)
    if rounding_mode == "trunc":
        other = no_zero(self, as_dtype(other, self.dtype, self))
        quotient = np.true_divide(self, other)
        return np.trunc(quotient).astype(self.dtype) if dtype_kind(self.dtype) in "fc" else (
            sign_forward(self) * np.sign(other) * (np.abs(self) // np.abs(other))
        )  # fmt: skip
    raise UserError(
        "value", f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
    )


def floor_divide_forward(self: Any, other: Any) -> Any:
    return np.floor_divide(self, no_zero(self, other))


def remainder_forward(self: Any, other: Any) -> Any:
    """With the sign of `other`, but that a remainder of zero keeps the sign of `self`."""
    rest = np.fmod(self, no_zero(self, other))
    return np.where((rest != 0) & ((rest < 0) != (other < 0)), rest + other, rest)


def fmod_forward(self: Any, other: Any) -> Any:
    return np.fmod(self, no_zero(self, other))


def no_zero(self: Any, other: Any) -> Any:
    """`other`, if it can divide `self`: an integer has no quotient by 0."""
    array = self if hasattr(self, "dtype") else other
    if dtype_kind(array.dtype) in "iu" and array.size and np.any(other == 0).item():
        raise UserError("value", "ZeroDivisionError")
    return other


def sign_forward(self: Any) -> Any:
    """-1, 0 or 1, and 0 for NaN; bools are their own signs."""
    if dtype_kind(self.dtype) == "b":
        return self.copy()
    result = np.sign(self)
    return np.where(np.isnan(result), 0, result) if dtype_kind(self.dtype) == "f" else result


def sgn_forward(self: Any) -> Any:
    if dtype_kind(self.dtype) != "c":
        return sign_forward(self)
    size = np.abs(self)
    return np.where(size == 0, 0, self / np.where(size == 0, 1, size)).astype(self.dtype)


def div_other(grad: Any, slope: Any) -> Any:
    """-grad * slope; torch's code computes the slope first, which shows in the order of the recorded nodes."""
    return -grad * slope


def scaled(tensor: Any, value: Any) -> Any:
    """`tensor * value`, in the dtype of `tensor`."""
    return tensor if value == 1 else np.multiply(tensor, as_dtype(fitted(value, tensor.dtype), tensor.dtype, tensor))


def no_integer_division(*operands: Any) -> None:
    if all(kind_of(operand) in "biu" for operand in operands[1:]):
        raise UserError(
            "type", "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will "
            "perform a true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as "
            "(input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as "
            "(input + value * tensor1 / tensor2) for float inputs. The future addcdiv behavior is just the latter "
            "implementation: (input + value * tensor1 / tensor2), for all dtypes."
        )  # fmt: skip


def lerp_forward(self: Any, end: Any, weight: Any) -> Any:
    """From the nearer end, as torch does."""
    near, far = self + weight * (end - self), end - (end - self) * (1 - weight)
    nearer = np.absolute(weight) < 0.5
    if hasattr(weight, "dtype"):
        return np.where(nearer, near, far)
    return near if nearer else far


def lerp_dtypes(self: Any, end: Any, weight: Any) -> None:
    """All the same, but a weight without dimensions is promoted."""
    if weight.ndim:
        same_dtypes("end", "weight")(self, end, weight)
    else:
        same_dtypes("end")(self, end)


def no_derivative(name: str, space: str = "aten::") -> Any:
    def formula(grad: Any) -> Any:
        raise UserError("autograd", f"derivative for {space}{name} is not implemented")

    return formula


def wanted(results: Sequence[Any], needs: Sequence[bool]) -> tuple[Any, ...]:
    """The gradients that are needed."""
    return tuple(result if need else None for result, need in zip(results, needs, strict=True))


def not_derived(name: str) -> Any:
    def formula(grad: Any) -> Any:
        raise UserError("autograd", f"the derivative for '{name}' is not implemented.")

    return formula


def sgn_backward(grad: Any, self: Any, result: Any) -> Any:
    """A complex direction turns only with what is orthogonal to it; a real sign never."""
    if dtype_kind(self.dtype) != "c":
        return zeros_like(grad)
    size = abs(self)
    return masked_fill((grad - result * result * conj(grad)) / (size * 2), size == 0, 0)


add = op(
    "add(Tensor|Scalar self, Tensor|Scalar other, *, Scalar alpha=1)", "AddBackward0", add_forward, promote="same",
    factors=("alpha",),
    real_part=True,
    self=lambda grad: grad,
    other=lambda grad, alpha: grad if alpha == 1 else grad * alpha.conjugate(),
)  # fmt: skip
sub = op(
    "sub(Tensor|Scalar self, Tensor|Scalar other, *, Scalar alpha=1)", "SubBackward0", sub_forward, promote="same",
    check=no_bools,
    factors=("alpha",),
    real_part=True,
    self=lambda grad: grad,
    other=lambda grad, alpha: -grad if alpha == 1 else -grad * alpha.conjugate(),
)  # fmt: skip
rsub_tensor = op(
    "rsub(Tensor self, Tensor other, *, Scalar alpha=1)", "RsubBackward0",
    lambda self, other, alpha: sub_forward(other, self, alpha), promote="same",
    check=no_bools,
    factors=("alpha",),
    real_part=True,
    self=lambda grad, alpha: -grad if alpha == 1 else -grad * alpha.conjugate(),
    other=lambda grad: grad,
)  # fmt: skip
rsub = op(
    "rsub.Scalar(Tensor self, Scalar other, Scalar alpha=1)", "RsubBackward1",
    lambda self, other, alpha: sub_forward(as_dtype(other, self.dtype, self), self, alpha),
    promote="same", operands=("self", "other"),
    check=no_bools,
    factors=("alpha",),
    real_part=True,
    self=lambda grad, alpha: -grad if alpha == 1 else -grad * alpha.conjugate(),
)  # fmt: skip
mul = op(
    "mul(Tensor|Scalar self, Tensor|Scalar other)", "MulBackward0", np.multiply, promote="same",
    real_part=True,
    self=lambda grad, other: grad * conj(other),
    other=lambda grad, self: grad * conj(self),
)  # fmt: skip
div = op(
    "div(Tensor|Scalar self, Tensor|Scalar other)", "DivBackward0", np.true_divide, promote="float",
    real_part=True,
    self=lambda grad, other: grad / conj(other),
    other=lambda grad, self, other: div_other(grad, conj((self / other) / other)),
)  # fmt: skip
div_mode = op(
    "div.Tensor_mode(Tensor|Scalar self, Tensor|Scalar other, *, str? rounding_mode)", "DivBackward2", div_mode_forward,
    promote="same",
    real_part=True,
    self=lambda grad, other, rounding_mode: grad / conj(other) if rounding_mode is None else zeros_like(grad),
    other=lambda grad, self, other, rounding_mode: (
        -grad * conj((self / other) / other) if rounding_mode is None else zeros_like(grad)
    ),
)  # fmt: skip
# a number in a formula: torch's C++ operators give these nodes, its Python operators those above
add_number = op("_add.Scalar(Tensor self, Scalar other)", "AddBackward1", np.add, self=lambda grad: grad)
sub_number = op("_sub.Scalar(Tensor self, Scalar other)", "SubBackward1", np.subtract, self=lambda grad: grad)
mul_number = op(
    "_mul.Scalar(Tensor self, Scalar other)", "MulBackward1", np.multiply,
    real_part=True,
    self=lambda grad, other: grad * conj(other),
)  # fmt: skip
div_number = op(
    "_div.Scalar(Tensor self, Scalar other)", "DivBackward1", np.true_divide,
    real_part=True,
    self=lambda grad, other: grad / conj(other),
)  # fmt: skip
floor_divide = op(
    "floor_divide(Tensor|Scalar self, Tensor|Scalar other)", "NotImplemented", floor_divide_forward, promote="same",
    self=no_derivative("floor_divide"),
    other=no_derivative("floor_divide"),
    check=only("iuf", "div_floor_cpu"),
)  # fmt: skip
remainder_scalar = op(
    "remainder.Scalar(Tensor self, Scalar other)", "RemainderBackward0",
    lambda self, other: remainder_forward(self, number_in(other, self.dtype)), promote="same",
    operands=("self", "other"),
    check=only("iuf", "remainder_cpu"),
    self=lambda grad: grad,
)  # fmt: skip
remainder = op(
    "remainder.Tensor(Tensor self, Tensor other)", "RemainderBackward1", remainder_forward, promote="same",
    check=only("iuf", "remainder_cpu"),
    self=lambda grad: grad,
    other=lambda grad, self, other: -grad * div_mode(self, other, rounding_mode="floor"),
)  # fmt: skip
remainder_of_number = op(
    "remainder.Scalar_Tensor(Scalar self, Tensor other)", "NotImplemented",
    lambda self, other: remainder_forward(number_in(self, other.dtype), other), promote="same",
    operands=("other", "self"),
    other=no_derivative("remainder"),
    check=only("iuf", "remainder_cpu"),
)  # fmt: skip
fmod_scalar = op(
    "fmod.Scalar(Tensor self, Scalar other)", "FmodBackward0",
    lambda self, other: fmod_forward(self, number_in(other, self.dtype)), promote="same", operands=("self", "other"),
    check=only("iuf", "fmod_cpu"),
    self=lambda grad: grad,
)  # fmt: skip
fmod = op(
    "fmod.Tensor(Tensor self, Tensor other)", "FmodBackward1", fmod_forward, promote="same",
    check=only("iuf", "fmod_cpu"),
    self=lambda grad: grad,
    other=lambda grad, self, other: -grad * div_mode(self, other, rounding_mode="trunc"),
)  # fmt: skip
neg = op("neg(Tensor self)", "NegBackward0", neg_forward, self=lambda grad: -grad)
abs = op(
    "abs(Tensor self)", "AbsBackward0", np.absolute,
    check=only("iufc", "abs_cpu"),
    self=lambda grad, self: grad * sgn(self),
)  # fmt: skip
sign = op(
    "sign(Tensor self)", "SignBackward0", sign_forward,
    check=refuse(
        c="Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."
    ),
    self=lambda grad: zeros_like(grad),
)  # fmt: skip
sgn = op(
    "sgn(Tensor self)", "SgnBackward0", sgn_forward, self=lambda grad, self, result: sgn_backward(grad, self, result)
)
addcmul = op(
    "addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1)", "AddcmulBackward0",
    lambda self, tensor1, tensor2, value: self + scaled(tensor1, value) * tensor2,
    promote="same",
    check=only("iufc", "addcmul_cpu_out"),
    real_part=True,
    self=lambda grad: grad,
    tensor1=lambda grad, tensor2, value: grad * conj(tensor2 * value),
    tensor2=lambda grad, tensor1, value: grad * conj(tensor1 * value),
)  # fmt: skip
addcdiv = op(
    "addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1)", "AddcdivBackward0",
    lambda self, tensor1, tensor2, value: self + scaled(tensor1, value) / tensor2,
    promote="same",
    check=no_integer_division,
    real_part=True,
    self=lambda grad: grad,
    tensor1=lambda grad, tensor2, value: grad * conj(value / tensor2),
    tensor2=lambda grad, tensor1, tensor2, value: -grad * conj((tensor1 * value) / (tensor2 * tensor2)),
)  # fmt: skip
hypot = op(
    "hypot(Tensor self, Tensor other)", "HypotBackward0", np.hypot, promote="same",
    check=only("f", "hypot_cpu"),
    self=lambda grad, self, result: grad * self / result,
    other=lambda grad, other, result: grad * other / result,
)  # fmt: skip
copysign = op(
    "copysign(Tensor self, Tensor other)", "CopysignBackward0", np.copysign, promote="float",
    check=only("biuf", "copysign_cpu"),
    self=lambda grad, self, result: grad * masked_fill(result / self, self == 0, 0),
    other=lambda grad: zeros_like(grad),
)  # fmt: skip
copysign_scalar = op(
    "copysign.Scalar(Tensor self, Scalar other)", "CopysignBackward1", np.copysign, promote="float",
    operands=("self", "other"),
    check=only("biuf", "copysign_cpu"),
    self=lambda grad, self, result: grad * masked_fill(result / self, self == 0, 0),
)  # fmt: skip
gcd = op("gcd(Tensor self, Tensor other)", None, np.gcd, promote="same", check=only("iu", "gcd_cpu"))
lcm = op("lcm(Tensor self, Tensor other)", None, np.lcm, promote="same", check=only("iu", "lcm_cpu"))
nextafter = op(
    "nextafter(Tensor self, Tensor other)", "NextafterBackward0", np.nextafter, promote="same",
    check=only("f", "nextafter_cpu"),
    self=lambda grad, self, other: where(self != other, grad, 0),
    other=lambda grad: zeros_like(grad),
)  # fmt: skip
signbit = op(
    "signbit(Tensor self)", None, lambda self: self < 0 if dtype_kind(self.dtype) != "f" else np.signbit(self),
    check=refuse(c="signbit is not implemented for complex tensors."),
)  # fmt: skip
reciprocal = op(
    "reciprocal(Tensor self)", "ReciprocalBackward0", np.reciprocal, promote="float",
    self=lambda grad, result: -grad * conj(result * result),
)  # fmt: skip
lerp = op(
    "lerp.Scalar(Tensor self, Tensor end, Scalar weight)", "LerpBackward0",
    lambda self, end, weight: lerp_forward(self, end, fitted(weight, self.dtype)),
    promote="same", operands=("self", "end"),
    check=in_turn(same_dtypes("end"), only("fc", "lerp_kernel_scalar")),
    self=lambda grad, weight: grad * (1 - weight),
    end=lambda grad, weight: grad * weight,
)  # fmt: skip


lerp_tensor = op(
    "lerp.Tensor(Tensor self, Tensor end, Tensor weight)", "LerpBackward1", lerp_forward, promote="same",
    check=in_turn(lerp_dtypes, only("fc", "lerp_kernel_tensor")),
    self=lambda grad, weight: grad * conj(1 - weight),
    end=lambda grad, weight: grad * conj(weight),
    weight=lambda grad, self, end: grad * conj(end - self),
)  # fmt: skip


@composite("positive(Tensor self)")
def positive(self: Any) -> Any:
    """`self` itself, unless it is of bools."""
    if dtype_kind(self.dtype) == "b":
        raise UserError("type", "The `+` operator, on a bool tensor is not supported.")
    return self


@composite("Tensor::abs_(Tensor self)")
def abs_(self: Any) -> Any:
    if dtype_kind(self.dtype) == "c":
        raise UserError("type", "In-place abs is not supported for complex tensors.")
    return abs.inplace(self)
