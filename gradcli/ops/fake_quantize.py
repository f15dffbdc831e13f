"""Numbers rounded to those that a quantised tensor could hold; gradients pass where nothing was cut off."""

from __future__ import annotations

from typing import Any

from gradcli.engine.device import beside, np, to_host
from gradcli.engine.dtypes import TYPE_NAMES, converted, dtype_kind
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import no_derivative
from gradcli.ops.copies import cast, clone
from gradcli.ops.define import composite, op
from gradcli.ops.extremes import extreme
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
    constant=("mask",), check=lambda input, scale, zero_point: CHECK(input),
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


def check_number(tensor: Any) -> None:
    if tensor.array.size != 1:
        raise UserError("value", f"a Tensor with {tensor.array.size} elements cannot be converted to Scalar")


lowest, highest = extreme("min", np.amin), extreme("max", np.amax)


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
        check_number(tensor)
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
    check_inside(quant_min <= lowest(zero_point.array).item() and highest(zero_point.array).item() <= quant_max)
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


def extremes(values: Any, running_min: Any, running_max: Any, averaging_const: float, axes: tuple[int, ...]) -> None:
    """Move running extremes, in place, towards those of `values`; where there are none yet, to them."""
    unset = np.isinf(running_min) & np.isinf(running_max)
    for running, seen in ((running_min, values.min(axis=axes)), (running_max, values.max(axis=axes))):
        running[...] = np.where(unset, seen, running + averaging_const * (seen - running))


SMALLEST_SCALE = 6.1e-5


def quantization_of(low: Any, high: Any, quant_min: int, quant_max: int, symmetric: bool) -> tuple[Any, Any]:
    """The scale and the level of zero with which the levels reach from `low` to `high`, and zero is one of them."""
    count = quant_max - quant_min
    low, high = low.astype(np.float32), high.astype(np.float32)
    two_sided = (low < 0) & (high > 0) & symmetric
    below, above = -(count // 2 + 1), count // 2
    reach = np.fmax(np.abs(low / below), np.abs(high / above)).astype(np.float64)
    low = np.where(two_sided, (reach * below).astype(np.float32), np.fmin(low, 0)).astype(np.float64)
    high = np.where(two_sided, (reach * above).astype(np.float32), np.fmax(high, 0)).astype(np.float64)
    scale = (high - low) / count
    scale = np.where((scale.astype(np.float32) == 0) | np.isinf(1 / scale.astype(np.float32)), 0.1, scale)
    grown = np.where(scale < SMALLEST_SCALE, SMALLEST_SCALE / scale, 1.0)
    low, high, scale = low * grown, high * grown, scale * grown
    from_low, from_high = quant_min - low / scale, quant_max - high / scale
    nearer = abs(quant_min) - np.abs(low / scale) < abs(quant_max) - np.abs(high / scale)
    zero = np.where(two_sided, (quant_min + quant_max) / 2, np.where(nearer, from_low, from_high))
    return scale, np.clip(np.rint(zero), quant_min, quant_max)


def observed_forward(
    self: Any,
    observer_on: Any,
    fake_quant_on: Any,
    running_min: Any,
    running_max: Any,
    scale: Any,
    zero_point: Any,
    averaging_const: float,
    quant_min: int,
    quant_max: int,
    per_row_fake_quant: bool,
    symmetric_quant: bool,
) -> tuple[Any, Any]:
    """With what has been observed, in place, `self` quantised by it, and where nothing was cut off."""
    if observer_on.item():
        axes = tuple(range(int(per_row_fake_quant), self.ndim))
        extremes(self, running_min, running_max, averaging_const, axes)
    if not fake_quant_on.item():
        return self.copy(), np.ones_like(self, np.bool_)
    found = quantization_of(running_min, running_max, quant_min, quant_max, symmetric_quant)
    for array, values in zip((scale, zero_point), found, strict=True):
        array[...] = values
    if per_row_fake_quant:
        return quantized_by_channel(self, scale, zero_point, 0, quant_min, quant_max)
    return quantized_by_one(self, scale.item(), zero_point.item(), quant_min, quant_max)


observed = op(
    "_fused_moving_avg_obs_fq_helper(Tensor self, Tensor observer_on, Tensor fake_quant_on, Tensor running_min, "
    "Tensor running_max, Tensor scale, Tensor zero_point, float averaging_const, int quant_min, int quant_max, "
    "bool per_row_fake_quant, bool symmetric_quant) -> (output, mask)",
    "FusedMovingAvgObsFqHelperBackward0", observed_forward, constant=("mask",),
    self=lambda grad, mask: grad * mask,
)  # fmt: skip


@composite(
    "fused_moving_avg_obs_fake_quant(Tensor self, Tensor observer_on, Tensor fake_quant_on, Tensor running_min, "
    "Tensor running_max, Tensor scale, Tensor zero_point, float averaging_const, int quant_min, int quant_max, "
    "int ch_axis, bool per_row_fake_quant=False, bool symmetric_quant=False)"
)
def fused_moving_avg_obs_fake_quant(
    self: Any,
    observer_on: Any,
    fake_quant_on: Any,
    running_min: Any,
    running_max: Any,
    scale: Any,
    zero_point: Any,
    averaging_const: float,
    quant_min: int,
    quant_max: int,
    ch_axis: int,
    per_row_fake_quant: bool = False,
    symmetric_quant: bool = False,
) -> Any:
    """`self` at the nearest of the levels that running extremes span, which are moved towards its own before."""
    if not self.array.size:
        return clone(self)
    if ch_axis >= self.ndim:
        raise UserError("shape", "Error in fused_moving_avg_obs_fake_quant_cpu: ch_axis must be < self.dim()")
    if per_row_fake_quant and ch_axis != 0:
        raise UserError(
            "shape", "Per-channel FakeQuant in fused_moving_avg_obs_fake_quant is only supported on axis == 0"
        )
    for tensor in (self, running_min, running_max):
        if tensor.dtype != np.float32:
            raise UserError("type", f"expected scalar type Float but found {TYPE_NAMES[tensor.dtype.name]}")
    for tensor in (observer_on, fake_quant_on, *(() if per_row_fake_quant else (scale, zero_point))):
        check_number(tensor)
    if per_row_fake_quant:
        check_channels(self, scale, zero_point, 0)
    check_levels(quant_min, quant_max)
    return observed(
        self, observer_on, fake_quant_on, running_min, running_max, scale, zero_point, averaging_const, quant_min,
        quant_max, per_row_fake_quant, symmetric_quant,
    )[0]  # fmt: skip


def quantization_error(values: Any, low: Any, high: Any, bit_width: int) -> float:
    """How far `values` are from what `bit_width` bits can say of numbers from `low` to `high`."""
    low = np.float32(np.float16(low))
    span, most = np.float32(high) - low, 2**bit_width - 1
    scale = np.float32(np.float16(span / np.float32(most))) if span else np.float32(1)
    levels = np.rint((values - low) * (1 / scale if scale else np.float32(1))).clip(0, most)
    error = values - (levels * scale + low)
    return float(np.sqrt(np.add.reduce(error * error)))


@composite("choose_qparams_optimized(Tensor input, int numel, int n_bins, float ratio, int bit_width)")
def choose_qparams_optimized(input: Any, numel: int, n_bins: int, ratio: float, bit_width: int) -> Any:
    """The upper and the lower end between which `bit_width` bits tell the first `numel` numbers best."""
    if not 0 <= numel <= input.array.size:
        raise UserError("shape", "numel is out of the bound of input tensor")
    if input.dtype != np.float32:
        raise UserError("type", f"expected scalar type Float but found {TYPE_NAMES[input.dtype.name]}")
    values = to_host(input.array).reshape(-1)[:numel]
    low, high = narrowed(values, n_bins, int(n_bins * (1.0 - ratio)), bit_width)
    return tuple(Tensor(beside(input.array, np.array([end], np.float32))) for end in (high, low))


def narrowed(values: Any, n_bins: int, least: int, bit_width: int) -> tuple[Any, Any]:
    """Ends that have been drawn together step by step, from the side where it costs less, while it helps."""
    best = low, high = values.min(), values.max()
    step = (high - low) / np.float32(n_bins)
    error = least_error = quantization_error(values, low, high, bit_width)
    while low + np.float32(least) * step < high:
        from_below = quantization_error(values, low + step, high, bit_width)
        from_above = quantization_error(values, low, high - step, bit_width)
        if error < min(from_below, from_above, least_error):
            best, least_error = (low, high), error
        if from_below < from_above:
            low, error = low + step, from_below
        else:
            high, error = high - step, from_above
    return best


dequantize = op(
    "dequantize(Tensor self)", "NotImplemented", lambda self: cast(self, np.dtype(np.float32)),
    self=no_derivative("dequantize", ""),
)  # fmt: skip
