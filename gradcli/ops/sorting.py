"""What comes of order: sorts, order statistics, distinct values, searches in what is sorted."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.device import beside, np
from gradcli.engine.dtypes import TYPE_NAMES, as_dtype, dtype_kind, result_type
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import lerp_tensor, mul, mul_number, no_derivative, not_derived, sub
from gradcli.ops.compare import equal_places
from gradcli.ops.copies import cast, masked_fill
from gradcli.ops.cumulative import scan
from gradcli.ops.define import composite, op
from gradcli.ops.extremes import evenly, picked, scattered
from gradcli.ops.index import gather, scatter, sort, sort_forward
from gradcli.ops.kinds import only, refuse
from gradcli.ops.selection import kth_smallest
from gradcli.ops.shape import (
    expand,
    flatten,
    new_zeros,
    squeeze_result,
    transpose,
    unsqueeze,
    view,
    wrap_dim,
)
from gradcli.ops.windows import transpose_in_place, unsqueeze_in_place


def one_along(choose: Any) -> Any:
    """The forward that picks, of each line along `dim`, the value at the index that `choose` gives."""

    def forward(self: Any, *options: Any) -> tuple[Any, Any]:
        *arguments, dim, keepdim = options
        at = wrap_dim(dim, self.ndim)
        lines = np.moveaxis(self if self.ndim else self.reshape(1), at, -1)
        chosen = np.moveaxis(choose(lines, at, *arguments), -1, at)
        if self.ndim == 0:
            return self.copy(), np.zeros_like(self, np.int64)
        return picked(self, chosen, at, keepdim)

    return forward


def kth_place(lines: Any, dim: int, k: int) -> Any:
    if not 1 <= k <= lines.shape[-1]:
        raise UserError("value", f"kthvalue(): selected number k out of range for dimension {dim}")
    return kth_smallest(lines, k - 1)


def median_place(name: str) -> Any:
    """The lower of the two in the middle; `median` is NaN where one is, `nanmedian` leaves them out."""

    def choose(lines: Any, dim: int) -> Any:
        length = lines.shape[-1]
        if length == 0:
            raise UserError("shape", f"{name}(): Expected reduction dim {dim} to have non-zero size.")
        order = np.argsort(lines, axis=-1, kind="stable")
        missing = np.add.reduce(lines != lines, axis=-1, keepdims=True)
        middle = np.maximum(length - missing - 1, 0) // 2
        if name == "median":
            middle = np.where(missing > 0, length - missing, middle)  # the first NaN
        return np.take_along_axis(order, middle, axis=-1)

    return choose


def mode_place(lines: Any, dim: int) -> Any:
    """The last place of the smallest of the most frequent values."""
    if lines.shape[-1] == 0:
        raise UserError("shape", f"mode(): Expected reduction dim {dim} to have non-zero size.")
    order = np.argsort(lines, axis=-1, kind="stable")
    values = np.take_along_axis(lines, order, axis=-1)
    starts = np.zeros_like(order)
    places = beside(lines, np.arange(lines.shape[-1]))
    starts[..., 1:] = np.where(values[..., 1:] != values[..., :-1], places[1:], 0)
    run = places - scan(np.maximum, starts, values.ndim - 1)
    return np.take_along_axis(order, np.argmax(run, axis=-1, keepdims=True), axis=-1)


def median_of_all(name: str) -> Any:
    choose = median_place(name)

    def forward(self: Any) -> Any:
        flat = self.reshape(-1)
        return flat[choose(flat, 0)].reshape(()) if flat.size else np.full_like(self, math.nan, shape=())

    return forward


def unique_forward(self: Any) -> tuple[Any, Any, Any]:
    values, inverse, counts = np.unique(self.reshape(-1), return_inverse=True, return_counts=True, equal_nan=False)
    return values, inverse.reshape(self.shape), counts


def check_slices(self: Any, dim: int) -> None:
    if 0 in self.shape[:dim] + self.shape[dim + 1 :]:
        raise UserError("shape", "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")


def unique_dim_forward(self: Any, dim: int) -> tuple[Any, Any, Any]:
    check_slices(self, dim)
    values, inverse, counts = np.unique(self, return_inverse=True, return_counts=True, axis=dim, equal_nan=False)
    return values, inverse.reshape(-1), counts


def consecutive_forward(self: Any, dim: int | None) -> tuple[Any, Any, Any]:
    if dim is not None:
        check_slices(self, dim)
    lines = self.reshape(-1, 1) if dim is None else np.moveaxis(self, dim, 0)
    changes = (lines[1:] != lines[:-1]).any(axis=tuple(range(1, lines.ndim)))
    first = np.concatenate([np.ones_like(changes, shape=min(len(lines), 1)), changes])
    inverse = np.cumsum(first) - 1
    starts = np.flatnonzero(first)
    counts = np.concatenate([starts[1:], np.full_like(starts, len(lines), shape=min(len(lines), 1))]) - starts
    if dim is None:
        return lines[first, 0], inverse.reshape(self.shape), counts
    return np.moveaxis(lines[first], 0, dim), inverse, counts


def as_arrays(*operands: Any) -> list[Any]:
    """`operands`, numbers as 0-dim arrays on the device of the first array."""
    like = next((operand for operand in operands if hasattr(operand, "dtype")), None)
    return [one if hasattr(one, "dtype") else as_dtype(one, np.asarray(one).dtype, like) for one in operands]


def search_forward(sorted_sequence: Any, self: Any, out_int32: bool, right: bool, side: Any, sorter: Any) -> Any:
    """How many of each sorted row are smaller (`right`: not larger) than the values; none counts as NaN."""
    sorted_sequence, self = as_arrays(sorted_sequence, self)
    if side not in (None, "left", "right"):
        raise UserError("value", f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise UserError(
            "value", "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was "
            "True"
        )  # fmt: skip
    right = right or side == "right"
    if sorted_sequence.ndim == 0:
        raise UserError(
            "shape", "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension"
        )
    if sorter is not None:
        if sorter.dtype != np.int64:
            kind = TYPE_NAMES[sorter.dtype.name]
            raise UserError("type", f"torch.searchsorted(): sorter must be a tensor of long dtype but got dtype {kind}")
        if sorter.shape != sorted_sequence.shape:
            raise UserError(
                "shape",
                "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor "
                f"{list(sorted_sequence.shape)}and got sorter tensor {list(sorter.shape)}",
            )
        if sorter.size and not 0 <= sorter.min().item() <= sorter.max().item() < sorter.shape[-1]:
            raise UserError("value", "torch.searchsorted(): sorter index out of range")
        sorted_sequence = np.take_along_axis(sorted_sequence, sorter, axis=-1)
    if sorted_sequence.ndim == 1:
        places = np.searchsorted(sorted_sequence, self, "right" if right else "left")
    else:
        if self.ndim == 0 or sorted_sequence.shape[:-1] != self.shape[:-1]:
            raise UserError(
                "shape",
                "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
                "boundaries tensor and input value tensor must match, but we got boundaries tensor "
                f"{list(sorted_sequence.shape)} and input value tensor {list(self.shape)}",
            )
        rows, values = sorted_sequence[..., None, :], self[..., :, None]
        places = np.add.reduce(~(rows > values if right else rows >= values), axis=-1)
    return places.astype(np.int32 if out_int32 else np.int64)


def check_isin(*operands: Any) -> None:
    for operand in operands:
        dtype = result_type([operand])
        if dtype_kind(dtype) in "bc":
            raise UserError("type", f"Unsupported input type encountered for isin(): {TYPE_NAMES[dtype.name]}")


def histc_forward(self: Any, bins: int, min: float, max: float) -> Any:
    """How many values are in each of `bins` equal parts from `min` to `max`; of all values if these are equal."""
    if bins <= 0:
        raise UserError("value", f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    if isinstance(min, complex) or isinstance(max, complex):
        raise UserError("value", "value cannot be converted to type double without overflow")
    values = self.reshape(-1)
    low, high = min, max
    if low == high and values.size:
        low, high = np.amin(values).item(), np.amax(values).item()
    if low == high:
        low, high = low - 1, high + 1
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UserError("value", f"torch.histc: range of [{low:g}, {high:g}] is not finite")
    if low > high:
        raise UserError("value", "torch.histc: max must be larger than min")
    inside = values[(values >= low) & (values <= high)]
    places = np.minimum(((inside - low) * bins / (high - low)).astype(np.int64), bins - 1)
    return np.bincount(places, minlength=bins).astype(self.dtype)


def bincount_forward(self: Any, weights: Any, minlength: int) -> Any:
    if minlength < 0:
        raise UserError("value", "minlength should be >= 0")
    if dtype_kind(self.dtype) not in "iu":
        raise UserError("type", f"\"bincount_cpu\" not implemented for '{TYPE_NAMES[self.dtype.name]}'")
    if self.ndim != 1 or (self.size and self.min().item() < 0):
        raise UserError("value", "bincount only supports 1-d non-negative integral inputs.")
    if self.size == 0:
        return np.zeros_like(self, np.int64, shape=minlength)
    if weights is not None and weights.shape != self.shape:
        raise UserError("shape", "weights should be 1-d and have the same length as input")
    if weights is None:
        return np.bincount(self, minlength=minlength).astype(np.int64)
    counted = np.bincount(self, cast(weights, np.dtype(np.float64)), minlength)
    return counted.astype(weights.dtype if weights.dtype == np.float32 else np.float64)


sort_stable = op(
    "sort.stable(Tensor self, *, bool? stable, int dim=-1, bool descending=False) -> (values, indices)",
    "SortBackward1",
    lambda self, stable, dim, descending: sort_forward(self, dim, descending, bool(stable)), constant=("indices",),
    check=refuse(c=" Sort does not support complex dtypes on CPU"),
    self=lambda grad, self_shape, dim, indices: scatter(new_zeros(grad, self_shape), dim, indices, grad),
)  # fmt: skip
argsort_stable = op(
    "argsort.stable(Tensor self, *, bool stable, int dim=-1, bool descending=False)", None,
    lambda self, stable, dim, descending: sort_forward(self, dim, descending, stable)[1],
    check=refuse(c=" Sort does not support complex dtypes on CPU"),
)  # fmt: skip
kthvalue = op(
    "kthvalue(Tensor self, int k, int dim=-1, bool keepdim=False) -> (values, indices)", "KthvalueBackward0",
    one_along(kth_place), constant=("indices",),
    contiguous=True,
    check=only("iuf", "kthvalue_cpu"),
    self=lambda grad, self_shape, dim, keepdim, indices: scattered(grad, self_shape, dim, keepdim, indices),
)  # fmt: skip
median = op(
    "median(Tensor self)", "MedianBackward0", median_of_all("median"),
    contiguous=True,
    check=only("iuf", "median_cpu"),
    self=lambda grad, self, result: evenly(grad, equal_places(self, result)),
)  # fmt: skip
median_dim = op(
    "median.dim(Tensor self, int dim, bool keepdim=False) -> (values, indices)", "MedianBackward1",
    one_along(median_place("median")), constant=("indices",),
    contiguous=True,
    check=only("iuf", "median_out"),
    self=lambda grad, self_shape, dim, keepdim, indices: scattered(grad, self_shape, dim, keepdim, indices),
)  # fmt: skip
nanmedian = op(
    "nanmedian(Tensor self)", "NanmedianBackward0", median_of_all("nanmedian"),
    contiguous=True,
    check=only("iuf", "nanmedian_cpu"),
    self=lambda grad, self, result: evenly(grad, equal_places(self, result)),
)  # fmt: skip
nanmedian_dim = op(
    "nanmedian.dim(Tensor self, int dim, bool keepdim=False) -> (values, indices)", "NanmedianBackward1",
    one_along(median_place("nanmedian")), constant=("indices",),
    contiguous=True,
    check=only("iuf", "median_out"),
    self=lambda grad, self_shape, dim, keepdim, indices: scattered(grad, self_shape, dim, keepdim, indices),
)  # fmt: skip
mode = op(
    "mode(Tensor self, int dim=-1, bool keepdim=False) -> (values, indices)", "ModeBackward0",
    one_along(mode_place), constant=("indices",),
    contiguous=True,
    check=only("biuf", "mode"),
    self=lambda grad, self_shape, dim, keepdim, indices: scattered(grad, self_shape, dim, keepdim, indices),
)  # fmt: skip
unique = op(
    "_unique2(Tensor self) -> (output, inverse_indices, counts)", "Unique2Backward0", unique_forward,
    check=only("biuf", "unique"),
    constant=("inverse_indices", "counts"),
    self=not_derived("_unique2"),
)  # fmt: skip
unique_dim = op(
    "_unique_dim(Tensor self, int dim) -> (output, inverse_indices, counts)", "UniqueDimBackward0", unique_dim_forward,
    check=only("biuf", "unique_dim"),
    constant=("inverse_indices", "counts"),
    self=not_derived("unique_dim"),
)  # fmt: skip
unique_consecutive = op(
    "_unique_consecutive(Tensor self, int? dim) -> (output, inverse_indices, counts)", "UniqueConsecutiveBackward0",
    consecutive_forward,
    check=only("biuf", "unique"),
    constant=("inverse_indices", "counts"),
    self=not_derived("unique_consecutive"),
)  # fmt: skip
searchsorted = op(
    "searchsorted(Tensor sorted_sequence, Tensor|Scalar self, *, bool out_int32=False, bool right=False, "
    "str? side=None, Tensor? sorter=None)",
    None, search_forward,
    check=only("iuf", "searchsorted_out_cpu"),
)  # fmt: skip
isin = op(
    "isin(Tensor|Scalar elements, Tensor|Scalar test_elements, *, bool assume_unique=False, bool invert=False)", None,
    lambda elements, test_elements, assume_unique, invert: np.isin(*as_arrays(elements, test_elements), invert=invert),
    check=check_isin,
)  # fmt: skip
histc = op(
    "histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0)", None, histc_forward,
    check=only("f", "histogram_cpu"),
)  # fmt: skip
bincount = op(
    "bincount(Tensor self, Tensor? weights=None, int minlength=0)", "NotImplemented", bincount_forward,
    weights=no_derivative("bincount"),
)  # fmt: skip


@composite("bucketize(Tensor|Scalar input, Tensor boundaries, *, bool out_int32=False, bool right=False)")
def bucketize(input: Any, boundaries: Any, out_int32: bool = False, right: bool = False) -> Any:
    if boundaries.ndim != 1:
        raise UserError("shape", f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


@composite("msort(Tensor self)")
def msort(self: Any) -> Any:
    return sort(self, 0)[0]


DISTINCT = "bool return_inverse=False, bool return_counts=False, int? dim=None"


@composite(f"unique(Tensor self, bool sorted=True, {DISTINCT})")
def unique_user(
    self: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    found = unique(self) if dim is None else unique_dim(self, own_dim(self, dim))
    return asked(found, return_inverse, return_counts)


@composite(f"unique_consecutive(Tensor self, {DISTINCT})")
def unique_consecutive_user(
    self: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    at = None if dim is None else own_dim(self, dim)
    return asked(unique_consecutive(self, at), return_inverse, return_counts)


def own_dim(self: Any, dim: int) -> int:
    if self.ndim == 0:
        raise UserError("shape", f"Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, self.ndim)


def asked(results: Any, return_inverse: bool, return_counts: bool) -> Any:
    """The distinct values, alone or with what else is asked for."""
    values, inverse, counts = results
    if not return_inverse and not return_counts:
        return values
    return (values, *([inverse] if return_inverse else []), *([counts] if return_counts else []))


QUANTILE = 'Tensor self, Tensor|float q, int? dim=None, bool keepdim=False, *, str interpolation="linear"'


@composite(f"quantile({QUANTILE})")
def quantile(self: Any, q: Any, dim: int | None = None, keepdim: bool = False, interpolation: str = "linear") -> Any:
    return quantile_of("quantile", self, q, dim, keepdim, interpolation)


@composite(f"nanquantile({QUANTILE})")
def nanquantile(self: Any, q: Any, dim: int | None = None, keepdim: bool = False, interpolation: str = "linear") -> Any:
    return quantile_of("nanquantile", self, q, dim, keepdim, interpolation)


ROUNDED = {"lower": np.floor, "higher": np.ceil, "nearest": np.rint}


def quantile_of(name: str, self: Any, q: Any, dim: int | None, keepdim: bool, interpolation: str) -> Any:
    """Sorted along a last dimension, gathered at the ranks, and interpolated between neighbours."""
    fractions = checked_fractions(self, q, interpolation)
    at = None if dim is None else wrap_dim(dim, self.ndim)
    if at is None:
        lines = flatten(self)
        kept = (1,) * self.ndim
    else:
        lines = self if at == self.ndim - 1 else transpose(unsqueeze(self, -1), at, -1)
        kept = tuple(1 if place == at else length for place, length in enumerate(self.shape))
    shape = kept if keepdim or at is None else (*kept[:at], *kept[at + 1 :])
    if at is None and not keepdim:
        shape = ()
    ordered = sort(lines)[0]
    ordered = view(ordered, (*shape, ordered.shape[-1] if ordered.ndim else 1))
    ranks = ranks_of(name, ordered.array, fractions)
    rounded = ROUNDED.get(interpolation, np.floor)(ranks.array)
    result = gather(ordered, -1, Tensor(rounded.astype(np.int64)))
    if interpolation not in ROUNDED:
        between = interpolation == "linear"
        weight = sub(ranks, Tensor(rounded)) if between else Tensor(np.full_like(rounded, 0.5))
        result = lerp_tensor(result, gather(ordered, -1, Tensor(np.ceil(ranks.array).astype(np.int64))), weight)
    if fractions.ndim == 0:
        return squeeze_result(result, result.ndim - 1)
    result = transpose_in_place(unsqueeze_in_place(result, 0), 0, -1)
    return squeeze_result(result, result.ndim - 1)


def checked_fractions(self: Any, q: Any, interpolation: str) -> Any:
    """`q` as a tensor, if torch takes it."""
    if self.array.size == 0:
        raise UserError("shape", "quantile() input tensor must be non-empty")
    if dtype_kind(self.dtype) != "f" or self.dtype.itemsize < 4:
        raise UserError("type", "quantile() input tensor must be either float or double dtype")
    given = isinstance(q, Tensor)
    fractions = q if given else Tensor(as_dtype(q, self.dtype, self.array))
    if fractions.ndim > 1:
        raise UserError("shape", "quantile() q must be a scalar or 1D tensor")
    if fractions.dtype != self.dtype:
        raise UserError("type", "quantile() q tensor must be same dtype as the input tensor")
    if not ((fractions.array >= 0) & (fractions.array <= 1)).all().item():
        said = "values must be in the range [0, 1]" if given else f"must be in the range [0, 1] but got {q:g}"
        raise UserError("value", f"quantile() q {said}")
    if interpolation not in ("linear", "midpoint", *ROUNDED):
        raise UserError(
            "value", f"quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got "
            f"{interpolation}"
        )  # fmt: skip
    return fractions


def ranks_of(name: str, ordered: Any, fractions: Any) -> Any:
    """Where in each sorted line its quantiles are; with a NaN in it, at the end, where it stands."""
    missing = ordered != ordered
    last = ordered.shape[-1] - 1
    if name == "nanquantile":
        ranks = mul(fractions, Tensor((last - np.add.reduce(missing, axis=-1, keepdims=True)).astype(ordered.dtype)))
        return masked_fill(ranks, Tensor(ranks.array < 0), 0)
    ranks = mul_number(fractions, last)
    shape = (*ordered.shape[:-1], fractions.array.size)
    ranks = ranks if ranks.shape == shape else expand(ranks, shape)
    return masked_fill(ranks, Tensor(missing.any(axis=-1, keepdims=True)), last)
