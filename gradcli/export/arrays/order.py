"""What comes of order, in NumPy's words: sorts, medians, extremes on the way, distinct values, counts."""

from __future__ import annotations

from collections.abc import Callable

from gradcli.engine.device import np
from gradcli.export.arrays.texts import Use, are_finite, at, text


def sorted_by(descending: str, pick: str) -> Callable[[Use], list[str] | None]:
    """Values and places in order; `pick` is what is left of them."""

    def made(use: Use) -> list[str] | None:
        if not use.rank():
            return ["self", "np.array(0)"]
        falls, dim = use.values[descending], use.values["dim"]
        cut = f":{use.values[pick]}" if pick else ""
        if not in_order(use, falls, slice(use.values[pick]) if pick else slice(None)):
            return None
        order = f"np.argsort({'-self' if falls else 'self'}, axis=dim, stable=True)"
        order = f"{order}[{at(use, dim, cut)}]" if cut else order
        return [f"np.take_along_axis(self, {order}, axis=dim)", order]

    return made


def in_order(use: Use, falls: bool, part: slice, keepdim: bool = True) -> bool:
    """Whether it is a stable sort that tells the places: torch's own sorts take others of equal values."""
    own, dim, places = use.values["self"].array, use.values["dim"], use.results[-1].array
    if own.dtype.kind == "b" or (own != own).any():
        return False
    order = np.moveaxis(np.argsort(-own if falls else own, axis=dim, kind="stable"), dim, -1)[..., part]
    return bool(np.array_equal(order, np.moveaxis(places if keepdim else np.expand_dims(places, dim), dim, -1)))


def argsorted(use: Use) -> str | None:
    made = sorted_by("descending", "")(use)
    return None if made is None else made[1]


def smallest(use: Use, place: int) -> list[str] | None:
    """The value that comes at a place of the order along a dimension, and where it is."""
    if not use.rank():
        return ["self", "np.array(0)"]
    keepdim = use.values["keepdim"]
    if not in_order(use, False, slice(place, place + 1), keepdim):
        return None
    cut = at(use, use.values["dim"], f"{place}:{place + 1}" if keepdim else str(place))
    return [f"np.sort(self, axis=dim)[{cut}]", f"np.argsort(self, axis=dim, stable=True)[{cut}]"]


def median(use: Use) -> str | None:
    own = use.values["self"].array
    return None if not own.size or (own != own).any() else "np.sort(self.ravel())[(self.size - 1) // 2]"


def nanmedian(use: Use) -> str | None:
    found = "np.sort(self.ravel())[(np.count_nonzero(~np.isnan(self)) - 1) // 2]"
    return found if are_finite(use) else None


def nanmedian_along(use: Use) -> list[str]:
    """The lower of the two in the middle of what is no NaN; these are last."""
    if not use.rank():
        return ["self", "np.array(0)"]
    middle = "np.maximum(np.count_nonzero(~np.isnan(self), axis=dim, keepdims=True) - 1, 0) // 2"
    made = [
        f"np.take_along_axis(np.sort(self, axis=dim), {middle}, axis=dim)",
        f"np.take_along_axis(np.argsort(self, axis=dim, stable=True), {middle}, axis=dim)",
    ]
    return made if use.values["keepdim"] else [f"{one}.squeeze(dim)" for one in made]


def mode(use: Use) -> str | list[str]:
    return "most_frequent(self, dim, keepdim)" if use.rank() else ["self", "np.array(0)"]


def running(function: str) -> Callable[[Use], list[str] | None]:
    """The extreme so far, and the last place where it was."""

    def made(use: Use) -> list[str] | None:
        own, dim = use.values["self"].array, use.values["dim"]
        if not use.rank():
            return ["self", "np.array(0)"]
        if own.dtype.kind == "b" or (own != own).any():
            return None
        extremes = f"np.{function}.accumulate(self, axis=dim)"
        behind = "[:" + ", None" * (use.rank() - 1 - dim % use.rank()) + "]"
        places = f"np.arange({use.size(dim)}){behind if behind != '[:]' else ''}"
        return [extremes, f"np.maximum.accumulate(np.where(self == {extremes}, {places}, 0), axis=dim)"]

    return made


def distinct(use: Use) -> list[str] | None:
    """Distinct values, where in them each value is, and how often each was."""
    own, dim = use.values["self"].array, use.values.get("dim")
    if (own != own).any():
        return None
    along = "" if dim is None else f", axis={dim}"
    inverse = f"np.unique(self{along}, return_inverse=True)[1].reshape({use.results[1].shape})"
    return [f"np.unique(self{along})", inverse, f"np.unique(self{along}, return_counts=True)[1]"]


def consecutive(use: Use) -> list[str] | None:
    if use.values["dim"] is not None or not use.values["self"].array.size:
        return None
    row = "self" if use.rank() == 1 else "self.ravel()"
    first = f"np.append(True, {row}[1:] != {row}[:-1])"
    inverse = f"np.cumsum({first}) - 1" if use.rank() == 1 else f"(np.cumsum({first}) - 1).reshape(self.shape)"
    return [f"{row}[{first}]", inverse, f"np.diff(np.append(np.flatnonzero({first}), self.size))"]


def searched(use: Use) -> str | None:
    if use.values["sorter"] is not None:
        return None
    right = use.values["right"] or use.values["side"] == "right"
    made = f"np.searchsorted(sorted_sequence, self{', side=' + repr('right') if right else ''})"
    if use.rank("sorted_sequence") > 1:
        counts = f"(sorted_sequence[..., None, :] {'<=' if right else '<'} self[..., None])"
        made = f"{counts}.sum(axis=-1)"
    return f"{made}.astype(np.int32)" if use.values["out_int32"] else made


def histc(use: Use) -> str | None:
    low, high = use.values["min"], use.values["max"]
    if low != high:
        return "np.histogram(self, bins=bins, range=(min, max))[0].astype(dtype)"
    values = use.values["self"].array
    varied = bool(values.size and values.min() < values.max())
    return "np.histogram(self, bins=bins)[0].astype(dtype)" if varied else None


def histogram(use: Use) -> list[str] | None:
    bins = use.values["bins"]
    if hasattr(bins, "array") and (np.diff(bins.array) < 0).any():
        return None
    within = "" if "range" not in use.values else ", range=range"
    made = f"np.histogram(self, bins=bins{within}, weights=weight, density=density)"
    return [f"{made}[0].astype(dtype)", f"{made}[1].astype(dtype)"]


def dimensions(use: Use) -> str:
    """What numpy.histogramdd is asked for: of bins that are counted, their numbers and ranges."""
    bins, within = use.values["bins"], use.values.get("range")
    counts = "bins" if any(hasattr(one, "ndim") for one in bins) else str(list(bins))
    pairs = list(zip(within[::2], within[1::2], strict=True)) if within else None
    return f"np.histogramdd(self.reshape(-1, {len(bins)}), {counts}, range={pairs}, weights=weight, density=density)"


def histogramdd(use: Use) -> str:
    return f"{dimensions(use)}[0].astype(dtype)"


def histogramdd_edges(use: Use) -> list[str]:
    return [f"{dimensions(use)}[1][{place}].astype(dtype)" for place in range(len(use.results))]


SEGMENTS = {"max": "amax", "min": "amin"}
REDUCTIONS = {"prod": ("np.multiply", "1"), "amax": ("np.maximum", "-np.inf"), "amin": ("np.minimum", "np.inf")}


def lengths_of(use: Use, parameter: str) -> str | None:
    """The lengths of segments, if all of the first dimension is in some."""
    offsets, lengths = use.values["offsets"], use.values["lengths"]
    if use.values["axis"] % use.rank(parameter) or (offsets is not None and offsets.array[0] != 0):
        return None
    total = lengths.array.sum() if offsets is None else offsets.array[-1]
    return None if total != use.size(0, parameter) else "lengths" if offsets is None else "np.diff(offsets)"


def segment_reduce(use: Use) -> str | None:
    lengths, reduce = lengths_of(use, "data"), SEGMENTS.get(use.values["reduce"], use.values["reduce"])
    if lengths is None or (reduce == "mean" and use.values["initial"] is not None):
        return None
    index = f"np.repeat(np.arange({use.results[0].shape[0]}), {lengths})"
    function, neutral = REDUCTIONS.get(reduce, ("", "0"))
    start = f"np.full(shape, {neutral if use.values['initial'] is None else 'initial'}, dtype=dtype)"
    if function:
        return f"with_reduced({function}, {start}, {index}, data)"
    made = f"with_added({start}, {index}, data)"
    return made if reduce == "sum" else f"({made} / {along_segments(use, lengths, 'data')}).astype(dtype)"


def along_segments(use: Use, lengths: str, parameter: str) -> str:
    return lengths + (f"[:{', None' * (use.rank(parameter) - 1)}]" if use.rank(parameter) > 1 else "")


def segment_reduce_backward(use: Use) -> str | None:
    lengths, reduce = lengths_of(use, "data"), use.values["reduce"]
    if lengths is None or reduce not in ("sum", "mean"):
        return None
    share = "" if reduce == "sum" else f" / {along_segments(use, lengths, 'data')}"
    return f"np.repeat(grad{share}, {lengths}, axis=0).astype(dtype)"


text("segment_reduce", segment_reduce)
text("_segment_reduce_backward", segment_reduce_backward)
text("_histogramdd_bin_edges", histogramdd_edges)
text("_histogramdd_from_bin_cts _histogramdd_from_bin_tensors", histogramdd)
text("sort", sorted_by("descending", ""))
text("topk", sorted_by("largest", "k"))
text("argsort", argsorted)
text("kthvalue", lambda use: smallest(use, use.values["k"] - 1))
text("median", median)
text("median.dim", lambda use: smallest(use, (use.size(use.values["dim"]) - 1) // 2))
text("nanmedian", nanmedian)
text("nanmedian.dim", nanmedian_along)
text("mode", mode)
text("cummax", running("maximum"))
text("cummin", running("minimum"))
text("_unique2 _unique_dim", distinct)
text("_unique_consecutive", consecutive)
text("searchsorted", searched)
text("isin", "np.isin(elements, test_elements, invert=invert)")
text("bincount", "np.bincount(self, weights=weights, minlength=minlength)")
text("histc", histc)
text("histogram", histogram)
