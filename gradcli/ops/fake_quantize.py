"""Numbers rounded to those that a quantised tensor could hold; gradients pass where nothing was cut off."""

from __future__ import annotations

from typing import Any

from gradcli.engine.device import beside, np
from gradcli.engine.dtypes import TYPE_NAMES, converted, dtype_kind
from gradcli.errors import UserError
from gradcli.ops.define import composite, op
from gradcli.ops.kinds import check_constant, only
from gradcli.ops.shape import wrap_dim

CHECK = only("f", "fake_quantize_tensor_cachemask_kernel_type_handling")


def levels(input: Any, scale: Any, zero_point: Any, quant_min: int, quant_max: int) -> tuple[Any, Any]:
    """How many times `scale` each number comes to, and whether a level between the bounds was the nearest."""
    by = input * (1 / scale)
    nearest = np.rint(by + zero_point) if dtype_kind(zero_point.dtype) == "f" else np.rint(by) + zero_point
    kept = np.fmin(np.fmax(nearest, quant_min), quant_max)
    return kept - zero_point, (nearest >= quant_min) & (nearest <= quant_max)


def quantized_by_one(input: Any, scale: Any, zero_point: Any, quant_min: int, quant_max: int) -> tuple[Any, Any]:
    # torch has the scale as a float32, and multiplies in that
    scale, zero_point = (
        beside(input, np.asarray(number, dtype)) for number, dtype in ((scale, np.float32), (zero_point, np.int64))
    )
    times, mask = levels(input, scale, zero_point, quant_min, quant_max)
    return (times.astype(np.float32) * scale).astype(input.dtype), mask


def quantized_by_channel(
    input: Any, scale: Any, zero_point: Any, axis: int, quant_min: int, quant_max: int
) -> tuple[Any, Any]:
    shape = [-1 if dim == axis else 1 for dim in range(input.ndim)]
    scale, zero_point = converted(scale, np.dtype(np.float32)).reshape(shape), zero_point.reshape(shape)
    times, mask = levels(input, scale, zero_point, quant_min, quant_max)
    return (times * scale).astype(input.dtype), mask


by_numbers = op(
    "_fake_quantize_per_tensor_affine_cachemask(Tensor input, float scale, int zero_point, int quant_min, "
    "int quant_max) -> (result, mask)",
    "FakeQuantizePerTensorAffineCachemaskBackward0", quantized_by_one, constant=("mask",), check=CHECK,
    input=lambda grad, mask: grad * mask,
)  # fmt: skip
by_tensors = op(
    "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams(Tensor input, Tensor scale, Tensor zero_point, "
    "int quant_min, int quant_max) -> (result, mask)",
    "FakeQuantizePerTensorAffineCachemaskTensorQparamsBackward0",
    lambda input, scale, zero_point, quant_min, quant_max: quantized_by_one(
        input, scale.item(), zero_point.item(), quant_min, quant_max
    ),
    constant=("mask",),
    input=lambda grad, mask: grad * mask,
)  # fmt: skip
by_channels = op(
    "_fake_quantize_per_channel_affine_cachemask(Tensor input, Tensor scale, Tensor zero_point, int axis, "
    "int quant_min, int quant_max) -> (result, mask)",
    "FakeQuantizePerChannelAffineCachemaskBackward0", quantized_by_channel, constant=("mask",),
    input=lambda grad, mask: grad * mask,
)  # fmt: skip


def check_levels(quant_min: int, quant_max: int) -> None:
    if quant_min > quant_max:
        raise UserError("value", "`quant_min` should be less than or         equal to `quant_max`.")


def check_inside(inside: bool) -> None:
    if not inside:
        raise UserError("value", "`zero_point` must be between `quant_min` and `quant_max`.")


@composite(
    "fake_quantize_per_tensor_affine(Tensor input, Scalar scale, Scalar zero_point, int quant_min, int quant_max)"
)
def fake_quantize_per_tensor_affine(input: Any, scale: float, zero_point: int, quant_min: int, quant_max: int) -> Any:
    """The nearest of the numbers that levels from `quant_min` to `quant_max`, `scale` apart, can be."""
    check_levels(quant_min, quant_max)
    check_inside(quant_min <= zero_point <= quant_max)
    return by_numbers(input, float(scale), int(zero_point), quant_min, quant_max)[0]


@composite(
    "fake_quantize_per_tensor_affine.tensor_qparams(Tensor input, Tensor scale, Tensor zero_point, int quant_min, "
    "int quant_max)"
)
def fake_quantize_by_tensors(input: Any, scale: Any, zero_point: Any, quant_min: int, quant_max: int) -> Any:
    check_constant("_fake_quantize_per_tensor_affine_cachemask_tensor_qparams", "scale", scale)
    check_levels(quant_min, quant_max)
    for tensor in (scale, zero_point):
        if tensor.array.size != 1:
            raise UserError("value", f"a Tensor with {tensor.array.size} elements cannot be converted to Scalar")
    return by_tensors(input, scale, zero_point, quant_min, quant_max)[0]


@composite(
    "fake_quantize_per_channel_affine(Tensor input, Tensor scale, Tensor zero_point, int axis, int quant_min, "
    "int quant_max)"
)
def fake_quantize_per_channel_affine(
    input: Any, scale: Any, zero_point: Any, axis: int, quant_min: int, quant_max: int
) -> Any:
    """The same with a `scale` and a `zero_point` for each place along `axis`."""
    check_constant("fake_quantize_per_channel_affine_cachemask", "scale", scale)
    check_channels(input, scale, zero_point, axis)
    check_levels(quant_min, quant_max)
    check_inside(bool(((zero_point.array >= quant_min) & (zero_point.array <= quant_max)).all().item()))
    if axis < 0:
        raise UserError("shape", "`axis` must be between 0 and number of dimensions of input")
    only("f", "fake_quantize_channel_cachemask_cpu_type_handling")(input)
    return by_channels(input, scale, zero_point, axis, quant_min, quant_max)[0]


def check_channels(input: Any, scale: Any, zero_point: Any, axis: int) -> None:
    if scale.dtype.name not in ("float32", "bfloat16"):
        raise UserError("type", f"Scale must be Float or BFloat16, found {TYPE_NAMES[scale.dtype.name]}")
    if zero_point.dtype.name not in ("int32", "float32", "float16"):
        kind = TYPE_NAMES[zero_point.dtype.name]
        raise UserError("type", f"Zero-point must be Int32, Float or Half, found {kind}")
    for name, tensor in (("scale", scale), ("zero point", zero_point)):
        if tensor.ndim != 1:
            raise UserError("shape", f"{name} should be a 1-D tensor")
    if scale.shape != zero_point.shape:
        raise UserError("shape", "scale and zero-point need to have the same dimensions")
    if input.ndim == 0:
        raise UserError("shape", f"Dimension specified as {axis} but tensor has no dimensions")
    if scale.shape[0] != input.shape[wrap_dim(axis, input.ndim)]:
        raise UserError("shape", "dimensions of scale and zero-point are not consistent with input tensor")
