"""Which operands operations refuse, most for the kind of their dtype, in torch's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.engine.dtypes import (
    BAREBONES,
    C_NAMES,
    INTEGER_NAMES,
    KIND_ORDER,
    TYPE_NAMES,
    dtype_kind,
    fitted,
    is_reduced,
    result_type,
)
from gradcli.engine.mode import grad_mode
from gradcli.errors import UserError

Check = Callable[..., None]

NUMBER_KINDS = {bool: "b", int: "i", float: "f", complex: "c"}


def kind_of(operand: Any) -> str:
    """The kind of dtype of an array, or of a number; "" for no operand."""
    dtype = getattr(operand, "dtype", None)
    if dtype is not None:
        kind: str = dtype_kind(dtype)
        return kind
    return "" if operand is None else NUMBER_KINDS[type(operand)]


class NoKernel(UserError):
    """torch's kernel is not there for a dtype: which it finds only after it has made sure of the shapes."""

    def __init__(self, kernel: str, dtype: Any) -> None:
        super().__init__("type", f"\"{kernel}\" not implemented for '{TYPE_NAMES[dtype.name]}'")


def only(kinds: str, kernel: str) -> Check:
    """A check that the common dtype of the operands is one of `kinds`; `kernel` is torch's name for what lacks it."""

    def check(*operands: Any) -> None:
        for operand in operands:
            dtype = getattr(operand, "dtype", None)
            if dtype is None or dtype.kind not in kinds:
                break
        else:  # and so is the highest of them
            return
        found = [kind_of(operand) for operand in operands]
        if max(found, key=lambda kind: KIND_ORDER.get(kind, -1)) not in kinds:
            raise NoKernel(kernel, result_type([operand for operand in operands if operand is not None]))

    return check


def of_elements(check: Check) -> Check:
    """`check`, for operands that have elements: torch calls no kernel for others."""

    def check_some(*operands: Any) -> None:
        if all(getattr(operand, "size", True) for operand in operands):
            check(*operands)

    return check_some


def single_or_double(kernel: str, kinds: str = "biuf") -> Check:
    """As `only` of these kinds, for a kernel that torch lacks for float16 and bfloat16, too."""

    def check(*operands: Any) -> None:
        only(kinds, kernel)(*operands)
        dtype = result_type(operands)
        if is_reduced(dtype):
            raise NoKernel(kernel, dtype)

    return check


def as_factor(value: Any, dtype: Any, name: str) -> Any:
    """`value`, by which operands of `dtype` are multiplied, as their kernel takes it; `name` is the option's."""
    kind = dtype_kind(dtype)
    if isinstance(value, bool) and kind != "b":
        raise UserError("type", f"Boolean {name} only supported for Boolean results.")
    if isinstance(value, float | complex) and kind in "biu":
        raise UserError("type", f"For integral input tensors, argument {name} must not be a floating point number.")
    if isinstance(value, complex) and kind != "c":
        raise UserError("type", f"For non-complex input tensors, argument {name} must not be a complex number.")
    return fitted(value, dtype)


def not_barebones(dtype: Any, kernel: str) -> None:
    """A UserError for what torch makes none of: its kernel lacks uint16, uint32 and uint64."""
    if dtype.name in BAREBONES:
        raise UserError(
            "type",
            f"\"{kernel}\" not implemented for '{TYPE_NAMES[dtype.name]}'",
            hint=f"PyTorch computes little in {dtype.name}: convert first, `x.to(int64)`",
        )


def refuse(**messages: str) -> Check:
    """A check that no operand is of the kinds that have a message: `refuse(c="floor is not supported ...")`."""

    def check(*operands: Any) -> None:
        for operand in operands:
            message = messages.get(kind_of(operand))
            if message is not None:
                raise UserError("type", message)

    return check


def same_dtypes(*names: str) -> Check:
    """A check that the operands behind the first, called `names`, have its dtype."""

    def check(self: Any, *others: Any) -> None:
        for name, other in zip(names, others, strict=True):
            if self.dtype != other.dtype:
                first, second = (INTEGER_NAMES.get(one.name, C_NAMES[one.name]) for one in (self.dtype, other.dtype))
                raise UserError("type", f"expected dtype {first} for `{name}` but got dtype {second}")

    return check


def in_turn(*checks: Check) -> Check:
    def check(*operands: Any) -> None:
        for one in checks:
            one(*operands)

    return check


def no_bools(self: Any, other: Any) -> None:
    """Subtraction knows no bools."""
    both = kind_of(self) == kind_of(other) == "b"
    if both:
        raise UserError(
            "type", "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
            "`logical_xor()` operator instead."
        )  # fmt: skip
    if kind_of(self) == "b" or kind_of(other) == "b":
        raise UserError(
            "type", "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a "
            "mask, use the `~` or `logical_not()` operator instead."
        )  # fmt: skip


def check_constant(function: str, name: str, tensor: Any) -> None:
    """torch has no derivative by this argument."""
    if tensor is not None and tensor.requires_grad and grad_mode.enabled:
        raise UserError(
            "autograd",
            f"The function '{function}' is not differentiable with respect to argument '{name}'. This input cannot "
            "have requires_grad True.",
        )


def check_dense(sparse: bool) -> None:
    if sparse:
        raise UserError("value", "there are no sparse gradients", hint="leave out `sparse`: the numbers are the same")


def check_norm(array: Any) -> None:
    if dtype_kind(array.dtype) not in "fc":
        kind = TYPE_NAMES[array.dtype.name]
        raise UserError("type", f"norm(): input dtype should be either floating point or complex. Got {kind} instead.")
