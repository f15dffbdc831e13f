"""Histograms: how many points, or what weight of them, lie in each bin, along one dimension or several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import beside, np
from gradcli.engine.dtypes import C_NAMES, TYPE_NAMES
from gradcli.errors import UserError
from gradcli.ops.arithmetic import no_derivative
from gradcli.ops.create import evenly_spaced
from gradcli.ops.define import composite, op


def counted(points: Any, edges: Sequence[Any], weight: Any, density: bool) -> Any:
    """The histogram of `points`, in rows of coordinates, between the `edges` of each dimension, the last inclusive."""
    check_points(points, edges, weight)
    shape = tuple(len(one) - 1 for one in edges)
    places = np.zeros_like(points, shape=(len(points),), dtype=np.int64)
    inside = np.full_like(places, points.shape[1] > 0, dtype=bool)  # what has no coordinates lies nowhere
    for dim, (one, length) in enumerate(zip(edges, shape, strict=True)):
        column = points[:, dim]
        inside &= (column >= one[0]) & (column <= one[-1])
        places = places * length + np.minimum(np.searchsorted(one, column, side="right") - 1, length - 1)
    total = math.prod(shape)
    result = np.bincount(places[inside], None if weight is None else weight[inside], total).astype(points.dtype)
    result = result.reshape(shape)
    if density:
        result = result / np.add.reduce(result, axis=None)
        for dim, one in enumerate(edges):
            result = result / np.diff(one).reshape([-1 if place == dim else 1 for place in range(len(shape))])
    return result


def check_points(points: Any, edges: Sequence[Any], weight: Any) -> None:
    for dim, one in enumerate(edges):
        if one.dtype != points.dtype:
            raise UserError(
                "type",
                "torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype "
                f"{C_NAMES[points.dtype.name]} and bins for dimension {dim} with dtype {C_NAMES[one.dtype.name]}",
            )
        if one.ndim != 1:
            raise UserError(
                "shape",
                f"torch.histogramdd: bins tensor should have one dimension, but got {one.ndim} dimensions in the bins "
                f"tensor for dimension {dim}",
            )
        if not len(one):
            raise UserError(
                "shape",
                "torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements in the bins tensor "
                f"for dimension {dim}",
            )
        if len(one) == 1:
            raise UserError("value", f"torch.histogram(): bins must be > 0, but got 0 for dimension {dim}")
    if weight is not None and weight.dtype != points.dtype:
        raise UserError(
            "type",
            "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the same "
            f"dtype, but got input({C_NAMES[points.dtype.name]}), and weight({C_NAMES[weight.dtype.name]})",
        )
    if points.dtype.name not in ("float32", "float64"):
        raise UserError("type", f"\"histogramdd\" not implemented for '{TYPE_NAMES[points.dtype.name]}'")


def rows_of(self: Any, weight: Any) -> tuple[Any, Any]:
    """The points of `self`, whose last dimension holds their coordinates, as rows, and the weight of each."""
    if self.ndim < 2:
        raise UserError("shape", "torch.histogramdd: input tensor should have at least 2 dimensions")
    if weight is not None and weight.shape != self.shape[:-1]:
        raise UserError(
            "shape",
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor "
            f"excluding its innermost dimension, but got input with shape {list(self.shape)} and weight with shape "
            f"{list(weight.shape)}",
        )
    rows = self.reshape(math.prod(self.shape[:-1]), self.shape[-1])
    return rows, None if weight is None else weight.reshape(-1)


def edges_between(points: Any, bins: Sequence[int], range: Sequence[float] | None) -> list[Any]:
    """The edges of equal `bins` in each dimension: of `range`, or from the smallest coordinate to the largest."""
    count = points.shape[1]
    if len(bins) != count:
        raise UserError("shape", "histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    for dim, length in enumerate(bins):
        if length <= 0:
            raise UserError("value", f"torch.histogram(): bins must be > 0, but got {length} for dimension {dim}")
    if range is not None:
        if len(range) != 2 * count:
            raise UserError(
                "value",
                f"torch.histogramdd: for a {count}-dimensional histogram range should have {2 * count} elements, but "
                f"got {len(range)}",
            )
        limits = list(zip(range[::2], range[1::2], strict=True))
    elif len(points):
        lowest, highest = np.amin(points, axis=0).tolist(), np.amax(points, axis=0).tolist()
        limits = list(zip(lowest, highest, strict=True))
    else:
        limits = [(0.0, 1.0)] * count
    return [
        beside(points, evenly_spaced(*widened(*limit, dim), length + 1, points.dtype))
        for dim, (limit, length) in enumerate(zip(limits, bins, strict=True))
    ]


def widened(low: float, high: float, dim: int) -> tuple[float, float]:
    """The limits of a dimension, which must not be one and the same."""
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UserError("value", f"torch.histogramdd: dimension {dim}'s range [{low:g}, {high:g}] is not finite")
    if low > high:
        raise UserError(
            "value",
            f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for dimension {dim}",
        )
    return (low - 0.5, high + 0.5) if low == high else (low, high)


def as_rows(self: Any, weight: Any) -> tuple[Any, Any]:
    """Numbers as points of one coordinate each."""
    return rows_of(self.reshape(-1, 1), None if weight is None else weight.reshape(-1))


def histogram_forward(
    self: Any, bins: int, range: Sequence[float] | None, weight: Any, density: bool
) -> tuple[Any, Any]:
    points, weight = as_rows(self, weight)
    edges = edges_between(points, [bins], range)
    return counted(points, edges, weight, density), edges[0]


def histogram_edges_forward(self: Any, bins: Any, weight: Any, density: bool) -> tuple[Any, Any]:
    points, weight = as_rows(self, weight)
    return counted(points, [bins], weight, density), bins.copy()


def from_counts_forward(self: Any, bins: Sequence[int], range: Any, weight: Any, density: bool) -> Any:
    points, weight = rows_of(self, weight)
    return counted(points, edges_between(points, bins, range), weight, density)


def from_edges_forward(self: Any, bins: Sequence[Any], weight: Any, density: bool) -> Any:
    points, weight = rows_of(self, weight)
    if len(bins) != points.shape[1]:
        raise UserError(
            "shape",
            f"torch.histogramdd: expected {points.shape[1]} sequences of bin edges for a {points.shape[1]}-dimensional "
            f"histogram but got {len(bins)}",
        )
    return counted(points, bins, weight, density)


histogram = op(
    "histogram(Tensor self, int bins=100, *, float[]? range=None, Tensor? weight=None, bool density=False)"
    " -> (hist, bin_edges)",
    "NotImplemented", histogram_forward,
    self=no_derivative("histogram"), weight=no_derivative("histogram"),
)  # fmt: skip
histogram_edges = op(
    "histogram.bins_tensor(Tensor self, Tensor bins, *, Tensor? weight=None, bool density=False) -> (hist, bin_edges)",
    "NotImplemented", histogram_edges_forward,
    self=no_derivative("histogram"), bins=no_derivative("histogram"), weight=no_derivative("histogram"),
)  # fmt: skip
bin_edges = op(
    "_histogramdd_bin_edges(Tensor self, int[] bins, float[]? range, Tensor? weight, bool density) -> (edges[])",
    "NotImplemented",
    lambda self, bins, range, weight, density: edges_between(rows_of(self, weight)[0], bins, range),
    self=no_derivative("_histogramdd_bin_edges"), weight=no_derivative("_histogramdd_bin_edges"),
)  # fmt: skip
from_counts = op(
    "_histogramdd_from_bin_cts(Tensor self, int[] bins, float[]? range, Tensor? weight, bool density)",
    "NotImplemented", from_counts_forward,
    self=no_derivative("_histogramdd_from_bin_cts"), weight=no_derivative("_histogramdd_from_bin_cts"),
)  # fmt: skip
from_edges = op(
    "_histogramdd_from_bin_tensors(Tensor self, Tensor[] bins, Tensor? weight, bool density)",
    "NotImplemented", from_edges_forward,
    self=no_derivative("_histogramdd_from_bin_tensors"), bins=no_derivative("_histogramdd_from_bin_tensors"),
    weight=no_derivative("_histogramdd_from_bin_tensors"),
)  # fmt: skip


def of_equal_bins(input: Any, bins: Sequence[int], *options: Any) -> tuple[Any, tuple[Any, ...]]:
    edges = bin_edges(input, bins, *options)
    return from_counts(input, bins, *options), tuple(edges)


@composite(
    "histogramdd.int_bins(Tensor input, int bins, float[]? range=None, Tensor? weight=None, bool density=False)"
    " -> (hist, bin_edges)"
)
def histogramdd_alike(
    input: Any, bins: int, range: Sequence[float] | None = None, weight: Any = None, density: bool = False
) -> Any:
    count = input.shape[-1] if input.ndim else 0
    return of_equal_bins(input, [bins] * count, range, weight, density)


@composite(
    "histogramdd(Tensor input, int[] bins, float[]? range=None, Tensor? weight=None, bool density=False)"
    " -> (hist, bin_edges)"
)
def histogramdd(
    input: Any, bins: Sequence[int], range: Sequence[float] | None = None, weight: Any = None, density: bool = False
) -> Any:
    """Of points, their coordinates in the last dimension, in as many `bins` along each."""
    return of_equal_bins(input, bins, range, weight, density)


@composite(
    "histogramdd.TensorList_bins(Tensor input, Tensor[] bins, float[]? range=None, Tensor? weight=None, "
    "bool density=False) -> (hist, bin_edges)"
)
def histogramdd_edges(
    input: Any, bins: Sequence[Any], range: Sequence[float] | None = None, weight: Any = None, density: bool = False
) -> Any:
    return from_edges(input, bins, weight, density), tuple(bins)
