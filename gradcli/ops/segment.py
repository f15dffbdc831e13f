"""Reductions of stretches of a dimension, one after the other, each of a length of its own."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.device import beside, combine_at, np, scatter_add, to_host
from gradcli.engine.dtypes import C_NAMES, TYPE_NAMES
from gradcli.errors import UserError
from gradcli.ops.arithmetic import no_derivative
from gradcli.ops.define import op
from gradcli.ops.kinds import only
from gradcli.ops.scatter import neutral
from gradcli.ops.shape import wrap_dim

EXTREMES = {"max": "amax", "min": "amin", "amax": "amax", "amin": "amin"}
COMBINE = {"amax": "maximum", "amin": "minimum", "prod": "multiply"}


def known_reduction(reduce: str) -> str:
    if reduce not in ("sum", "mean", "prod", *EXTREMES):
        raise UserError("value", f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    return EXTREMES.get(reduce, reduce)


class Segments:
    """Where the segments of `data` along `axis` lie: `rows` of its memory, seen as rows, and the segment of each.

    `counts` is how many rows each segment has, `shape` that of the result, and `row` that of one row.
    """

    def __init__(self, data: Any, lengths: Any, offsets: Any, axis: int, unsafe: bool = True) -> None:
        axis = wrap_dim(axis, data.ndim)
        name, given = ("lengths", lengths) if offsets is None else ("offsets", offsets)
        check_places(data, name, given, axis)
        before, length, self.row = data.shape[:axis], data.shape[axis], data.shape[axis + 1 :]
        places = to_host(given)
        if offsets is None:
            check_lengths(places, length, unsafe)
            starts, counts = np.zeros((*before, 1), np.int64), places
        else:
            starts, counts = places[..., :1], np.diff(places)
            if counts.size and counts.min().item() < 0:
                raise UserError("value", "Expected segment_length >= 0 to be true, but got false.")
        ends = starts[..., 0] + np.add.reduce(counts, axis=-1)
        if starts.size and (starts.min().item() < 0 or ends.max().item() > length):
            raise UserError(
                "value", f"segment_reduce(): the segments reach beyond the {length} elements of axis {axis}"
            )
        self.shape = (*before, counts.shape[-1], *self.row)
        self.counts = beside(data, counts.reshape(-1))
        spans = np.add.reduce(counts, axis=-1).reshape(-1)
        first = np.arange(math.prod(before)) * length + starts.reshape(-1)
        skipped = first - np.add.accumulate(spans) + spans
        self.rows = beside(data, np.repeat(skipped, spans) + np.arange(spans.sum()))
        self.segment = beside(data, np.repeat(np.arange(counts.size), counts.reshape(-1)))

    def taken(self, data: Any) -> Any:
        """The rows of `data` that belong to a segment."""
        return data.reshape(-1, *self.row)[self.rows]

    def of_rows(self, result: Any) -> Any:
        """For each row that belongs to a segment what `result` has for the segment."""
        return result.reshape(-1, *self.row)[self.segment]

    def column(self, like: Any) -> Any:
        """`counts`, to compute with results, in their dtype."""
        return self.counts.astype(like.dtype).reshape(-1, *[1] * len(self.row))

    def summed(self, values: Any) -> Any:
        """The sum over each segment of what the rows have, for each row."""
        total = np.zeros_like(values, shape=(len(self.counts), *self.row))
        scatter_add(total, (self.segment,), values)
        return total[self.segment]


def check_places(data: Any, name: str, given: Any, axis: int) -> None:
    if given is None:
        raise UserError("value", "segment_reduce(): Either lengths or offsets must be defined.")
    if given.ndim > data.ndim:
        raise UserError("shape", f"Expected data.dim() >= {name}_value.dim() to be true, but got false.")
    if given.ndim != axis + 1:
        raise UserError("shape", f"segment_reduce(): Expected axis to be the last dimension of {name} but got {axis}.")
    if given.dtype.name not in ("int32", "int64"):
        kind = TYPE_NAMES[given.dtype.name]
        raise UserError("type", f"\"_segment_reduce_{name}_cpu_kernel1\" not implemented for '{kind}'")
    if given.shape[:-1] != data.shape[:axis]:
        raise UserError(
            "shape",
            f"segment_reduce(): {name} of shape {list(given.shape)} do not go with data of shape {list(data.shape)} "
            f"along axis {axis}",
        )


def check_lengths(lengths: Any, length: int, unsafe: bool) -> None:
    if lengths.size and lengths.min().item() < 0:
        raise UserError("value", "lengths contains negative value!")
    if not unsafe and (np.add.reduce(lengths, axis=-1) != length).any():
        raise UserError(
            "value",
            "segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) when "
            "!unsafe.",
        )


def segment_reduce_forward(
    data: Any, reduce: str, lengths: Any, indices: Any, offsets: Any, axis: int, unsafe: bool, initial: Any
) -> Any:
    reduce = known_reduction(reduce)
    if indices is not None:
        raise UserError("value", "segment_reduce(): indices based reduction is not supported yet.")
    segments = Segments(data, lengths, offsets, axis, unsafe)
    only("f", "_segment_reduce_cpu")(data)
    if isinstance(initial, complex):
        raise UserError("type", f"value cannot be converted to type {C_NAMES[data.dtype.name]} without overflow")
    start = neutral(reduce, data.dtype) if initial is None else initial
    result = np.full_like(data, start, order="C", shape=(len(segments.counts), *segments.row))
    values = segments.taken(data)
    if reduce in COMBINE:
        combine_at(getattr(np, COMBINE[reduce]), result, (segments.segment,), values)
    else:
        scatter_add(result, (segments.segment,), values)
    if reduce == "mean":
        count = segments.column(result)
        result = result / (count if initial is None else np.where(count == 0, 1, count))
    return result.reshape(segments.shape)


def segment_backward_forward(
    grad: Any, output: Any, data: Any, reduce: str, lengths: Any, offsets: Any, axis: int, initial: Any
) -> Any:
    reduce = known_reduction(reduce)
    segments = Segments(data, lengths, offsets, axis)
    slope, values = segments.of_rows(grad), segments.taken(data)
    if reduce == "mean":
        slope = slope / segments.column(slope)[segments.segment]
    elif reduce == "prod":
        special = np.isnan(values) | (values == 0)
        by_others = product_of_others(segments, values, special, 1 if initial is None else initial)
        slope = slope * np.where(special, by_others, segments.of_rows(output) / np.where(special, 1, values))
    elif reduce != "sum":
        chosen = np.isnan(values) | (values == segments.of_rows(output))
        count = segments.summed(chosen.astype(values.dtype))
        # torch shares only what is positive among the elements that are alike
        slope = np.where(chosen, np.where(slope > 0, slope / np.where(count == 0, 1, count), slope), 0)
    result = np.zeros_like(data, order="C")
    result.reshape(-1, *segments.row)[segments.rows] = slope
    return result


def product_of_others(segments: Segments, values: Any, special: Any, initial: Any) -> Any:
    """For each element that is zero or NaN the product of all others of its segment and of `initial`."""
    product = np.full_like(values, initial, shape=(len(segments.counts), *segments.row))
    combine_at(np.multiply, product, (segments.segment,), np.where(special, 1, values))
    zeros, undefined = (values == 0).astype(values.dtype), np.isnan(values).astype(values.dtype)
    factor = np.where(segments.summed(zeros) > zeros, 0.0, 1.0)
    return product[segments.segment] * np.where(segments.summed(undefined) > undefined, np.nan, factor)


segment_reduce = op(
    "segment_reduce(Tensor data, str reduce, *, Tensor? lengths=None, Tensor? indices=None, Tensor? offsets=None, "
    "int axis=0, bool unsafe=False, Scalar? initial=None)",
    "SegmentReduceBackward0", segment_reduce_forward,
    data=lambda grad, result, data, reduce, lengths, offsets, axis, initial: segment_reduce_backward(
        grad, result, data, reduce, lengths, offsets, axis, initial
    ),
)  # fmt: skip
segment_reduce_backward = op(
    "_segment_reduce_backward(Tensor grad, Tensor output, Tensor data, str reduce, Tensor? lengths, Tensor? offsets, "
    "int axis, Scalar? initial)",
    "NotImplemented", segment_backward_forward,
    **dict.fromkeys(("grad", "output", "data"), no_derivative("_segment_reduce_backward")),
)  # fmt: skip
