"""Layers in NumPy's words: norms, convolutions, pooling, resampling, padding, embeddings, attention."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.export.arrays.texts import Use, text

Sizes = Sequence[int]

# Normalisation


def axes_text(axes: Sizes) -> str:
    return str(axes[0]) if len(axes) == 1 else str(tuple(axes))


def column(word: str, rank: int) -> str:
    """A vector that goes along dimension 1 of what has so many."""
    return word + (f"[:, {', '.join(['None'] * (rank - 2))}]" if rank > 2 else "")


def scaled(use: Use, normal: str, rank: int = 0) -> str:
    """What is normal times the weight, and with the bias; along channels, if a rank is given."""
    weight, bias = (column(word, rank) for word in ("weight", "bias"))
    made = normal if use.values["weight"] is None else f"{normal} * {weight}"
    return made if use.values["bias"] is None else f"{made} + {bias}"


def statistics(array: str, axes: str) -> list[str]:
    return [f"{array}.mean(axis={axes})", f"1 / np.sqrt({array}.var(axis={axes}) + eps)"]


def layer_norm(use: Use) -> list[str]:
    axes = axes_text(range(-len(use.values["normalized_shape"]), 0))
    return [scaled(use, f"standardized(input, {axes}, eps)"), *statistics("input", f"{axes}, keepdims=True")]


def layer_norm_backward(use: Use) -> list[str]:
    count = len(use.values["normalized_shape"])
    total = f".sum(axis={axes_text(range(use.rank('input') - count))})" if use.rank("input") > count else ""
    grad = "grad_out" if use.values["weight"] is None else "grad_out * weight"
    normal = "(input - mean) * rstd"
    axes = axes_text(range(-count, 0))
    return [
        f"standardized_backward({grad}, {normal}, rstd, {axes})",
        f"(grad_out * {normal}){total}" if total else f"grad_out * {normal}",
        f"grad_out{total}",
    ]


def but_channels(rank: int) -> str:
    return axes_text([dim for dim in range(rank) if dim != 1])


def batch_norm(use: Use) -> str | list[str]:
    rank = use.rank("input")
    if not use.values["training"]:
        mean, var = column("running_mean", rank), column("running_var", rank)
        normal = f"(input - {mean}) / np.sqrt({var} + eps)"
        return [scaled(use, normal, rank), "np.zeros(0, dtype=dtype)", "np.zeros(0, dtype=dtype)"]
    if use.values["running_mean"] is not None:
        return "batch_norm(input, running_mean, running_var, momentum, eps, weight=weight, bias=bias)"
    axes = but_channels(rank)
    return [scaled(use, f"standardized(input, {axes}, eps)", rank), *statistics("input", axes)]


def batch_norm_backward(use: Use) -> list[str]:
    rank = use.rank("input")
    axes = but_channels(rank)
    trained: bool = use.values["train"]
    mean = column("save_mean" if trained else "running_mean", rank)
    rstd = column("save_invstd" if trained else "(1 / np.sqrt(running_var + eps))", rank)
    grad = "grad_out" if use.values["weight"] is None else f"grad_out * {column('weight', rank)}"
    normal = f"(input - {mean}) * {rstd}"
    return [
        f"standardized_backward({grad}, {normal}, {rstd}, {axes})" if trained else f"{grad} * {rstd}",
        f"(grad_out * {normal}).sum(axis={axes})",
        f"grad_out.sum(axis={axes})",
    ]


def group_norm(use: Use) -> list[str]:
    batch, *others = use.values["input"].shape
    groups = f"input.reshape({batch}, group, {math.prod(others)} // group)"
    normal = f"standardized({groups}, -1, eps).reshape(shape)"
    return [scaled(use, normal, use.rank("input")), *statistics(groups, "-1")]


text("_native_layer_norm", layer_norm)
text("_native_layer_norm_backward", layer_norm_backward)
text("_native_batch_norm", batch_norm)
text("_native_batch_norm_backward", batch_norm_backward)
text("_native_group_norm", group_norm)

# Convolution


def options(use: Use, **usual: int) -> str:
    """The options of a window that are not the usual ones, as arguments."""
    return "".join(
        f", {word}={word}"
        for word, value in usual.items()
        for given in [use.values[word]]
        if given != value and given != [value] * (len(given) if isinstance(given, list) else 0)
    )


def convolution_options(use: Use) -> str:
    return options(use, stride=1, padding=0, dilation=1, groups=1)


def convolution(use: Use) -> str:
    if use.values["transposed"]:
        size = tuple(use.results[0].shape[2:])
        made = f"transposed_convolution(input, weight, {size}{convolution_options(use)})"
    else:
        made = f"convolution(input, weight{convolution_options(use)})"
    return made if use.values["bias"] is None else f"{made} + {column('bias', use.rank('input'))}"


def convolution_backward(use: Use) -> list[str]:
    given = convolution_options(use)
    size, kernel = (tuple(use.values[word].shape[2:]) for word in ("input", "weight"))
    if use.values["transposed"]:
        cut = "".join(f", :{length}" for length in size) if any(use.values["output_padding"]) else ""
        by_input = f"convolution(grad_output, weight{given})" + (f"[:, :{cut}]" if cut else "")
        by_weight = f"convolution_by_weight(input, grad_output, {kernel}{given})"
    else:
        by_input = f"transposed_convolution(grad_output, weight, {size}{given})"
        by_weight = f"convolution_by_weight(grad_output, input, {kernel}{given})"
    by_bias = f"grad_output.sum(axis={but_channels(use.rank('input'))})"
    asked = zip((by_input, by_weight, by_bias), use.values["output_mask"], strict=True)
    return [made if wanted else "np.zeros(0, dtype=dtype)" for made, wanted in asked]


def conv_tbc(use: Use) -> str:
    seen = f"windows(np.moveaxis(self, 0, -1), ({use.size(0, 'weight')},), padding=pad)"
    return f"np.einsum('bctk,kco->tbo', {seen}, weight) + bias"


text("_convolution", convolution)
text("_conv_tbc", conv_tbc)
text("_convolution_backward", convolution_backward)

# Pooling


def sliding(use: Use) -> tuple[str, Sizes]:
    """The arguments that say how windows slide, and the size that they slide over."""
    kernel: Sizes = use.values["kernel_size"]
    size = use.values["self"].shape[-len(kernel) :]
    behind = beyond(use, size)
    if any(behind):
        margins = [(before, before + more) for before, more in zip(use.values["padding"], behind, strict=True)]
        padding = f", padding={tuple(margins)}"
    else:
        padding = options(use, padding=0)
    stride, dilation = options(use, stride=1), options(use, dilation=1) if "dilation" in use.values else ""
    return f"{tuple(kernel)}{stride}{padding}{dilation}", size


def beyond(use: Use, size: Sizes) -> list[int]:
    """How far the last windows, with ceil_mode, reach over the margins."""
    kernel, stride, padding = (use.values[word] for word in ("kernel_size", "stride", "padding"))
    dilation = use.values.get("dilation", [1] * len(kernel))
    counts = (use.results[0] if "grad_output" not in use.values else use.values["grad_output"]).shape[-len(kernel) :]
    each = zip(size, counts, kernel, stride, padding, dilation, strict=True)
    return [max((n - 1) * by + gap * (k - 1) + 1 - length - 2 * margin, 0) for length, n, k, by, margin, gap in each]


def max_pool(use: Use) -> str | None:
    if not np.isfinite(use.results[0].array).all():
        return None
    window, size = sliding(use)
    return f"largest(self, places_of({tuple(size)}, {window}))"


def adaptive_max_pool(use: Use) -> str | None:
    counts = tuple(use.values["output_size"])
    if not (use.results[0].array.size and np.isfinite(use.results[0].array).all()):
        return None
    return f"largest(self, even_windows({use.values['self'].shape[-len(counts) :]}, {counts}))"


def flattened(rank: int) -> Callable[[Use], str]:
    """What a maximum gets, where it was; the other places get nothing."""

    def made(use: Use) -> str:
        shape = use.values["self"].shape
        flat = (*shape[:-rank], math.prod(shape[-rank:]))
        counts = use.values["indices"].shape[-rank:]
        rows = f"reshape({', '.join(map(str, (*shape[:-rank], math.prod(counts))))})"
        return f"scatter_add(np.zeros({flat}, dtype=dtype), -1, indices.{rows}, grad_output.{rows}).reshape({shape})"

    return made


def max_unpool(use: Use) -> str:
    size, shape = use.values["output_size"], use.values["self"].shape
    flat = (*shape[: -len(size)], math.prod(size))
    rows = f"reshape({', '.join(map(str, flat[:-1]))}, -1)"
    return f"scatter(np.zeros({flat}, dtype=dtype), -1, indices.{rows}, self.{rows}).reshape(shape)"


def divisor(use: Use) -> str:
    """What the sum over a window is divided by: a number, or one for each window."""
    kernel, padding = use.values["kernel_size"], use.values["padding"]
    window, size = sliding(use)
    behind = beyond(use, size)
    if use.values["divisor_override"] is not None:
        return "divisor_override"
    if use.values["count_include_pad"]:
        if not any(behind):
            return str(math.prod(kernel))
        padded = tuple(length + 2 * margin for length, margin in zip(size, padding, strict=True))
        margins = tuple((0, more) for more in behind)
        seen = f"windows(np.ones({padded}, dtype=dtype), {tuple(kernel)}{options(use, stride=1)}, padding={margins})"
    elif any(padding) or any(behind):
        seen = f"windows(np.ones({tuple(size)}, dtype=dtype), {window})"
    else:
        return str(math.prod(kernel))
    return f"{seen}.sum(axis={axes_text(range(-len(kernel), 0))})"


def avg_pool(use: Use) -> str:
    window, _ = sliding(use)
    kernel, by = use.values["kernel_size"], divisor(use)
    axes = axes_text(range(-len(kernel), 0))
    if by == str(math.prod(kernel)) and use.values["self"].dtype.kind == "f":
        return f"windows(self, {window}).mean(axis={axes})"
    made = f"windows(self, {window}).sum(axis={axes}) / {by}"
    return made if use.values["self"].dtype.kind == "f" else f"np.trunc({made}).astype(dtype)"


def avg_pool_backward(use: Use) -> str:
    window, size = sliding(use)
    inside = ", ".join(["None"] * len(size))
    return (
        f"summed_at(places_of({tuple(size)}, {window}), (grad_output / {divisor(use)})[..., {inside}], {tuple(size)})"
    )


def adaptive_avg_pool(use: Use) -> str:
    counts = use.values["output_size"]
    each = zip(use.values["self"].shape[-len(counts) :], counts, strict=True)
    return f"along_axes(self, {', '.join(f'even_means({length}, {count})' for length, count in each)})"


def adaptive_avg_pool_backward(rank: int) -> Callable[[Use], str]:
    def made(use: Use) -> str:
        each = zip(*(use.values[word].shape[-rank:] for word in ("self", "grad_output")), strict=True)
        return f"along_axes(grad_output, {', '.join(f'even_means({length}, {count}).T' for length, count in each)})"

    return made


for _rank in (2, 3):
    text(f"_max_pool{_rank}d_with_indices", max_pool)
    text(f"_adaptive_max_pool{_rank}d", adaptive_max_pool)
    for _name in ("max_pool{}d_with_indices", "adaptive_max_pool{}d", "fractional_max_pool{}d"):
        text(f"_{_name.format(_rank)}_backward", flattened(_rank))
    text(f"_max_unpool{_rank}d", max_unpool)
    text(f"_avg_pool{_rank}d", avg_pool)
    text(f"_avg_pool{_rank}d_backward", avg_pool_backward)
    text(f"_adaptive_avg_pool{_rank}d", adaptive_avg_pool)
    text(f"_adaptive_avg_pool{_rank}d_backward", adaptive_avg_pool_backward(_rank))

# Windows as columns


def columns(use: Use) -> str:
    given = options(use, stride=1, padding=0, dilation=1)
    seen = f"windows(self, {tuple(use.values['kernel_size'])}{given})"
    return f"np.moveaxis({seen}, (-2, -1), (-4, -3)).reshape(shape)"


def from_columns(use: Use) -> str:
    size, kernel = tuple(use.values["output_size"]), use.values["kernel_size"]
    given = options(use, stride=1, padding=0, dilation=1)
    counts = places_along(use, size)
    shape = (*use.results[0].shape[:-2], *kernel, *counts)
    seen = f"np.moveaxis(self.reshape({', '.join(map(str, shape))}), (-4, -3), (-2, -1))"
    return f"summed_at(places_of({size}, {tuple(kernel)}{given}), {seen}, {size})"


def places_along(use: Use, size: Sizes) -> list[int]:
    words = ("kernel_size", "stride", "padding", "dilation")
    each = zip(size, *(use.values[word] for word in words), strict=True)
    return [(length + 2 * margin - gap * (k - 1) - 1) // by + 1 for length, k, by, margin, gap in each]


def unfold_backward(use: Use) -> str | None:
    shape, dim = tuple(use.values["input_sizes"]), use.values["dim"]
    if not shape:
        return None
    dim %= max(len(shape), 1)
    places = f"places_of(({shape[dim]},), ({use.values['size']},), {use.values['step']})"
    return f"scattered(np.moveaxis(grad_in, -1, {dim + 1}), np.s_[{':, ' * dim}{places}], {shape})"


text("_im2col", columns)
text("_col2im", from_columns)
text("_unfold_backward", unfold_backward)

# Padding with what is there, and other sizes


def padding_of(use: Use, rank: int) -> str | None:
    """Margins as NumPy has them, of these last dimensions; None if some cut off."""
    pad = use.values["padding"]
    each = [(pad[2 * place], pad[2 * place + 1]) for place in range(len(pad) // 2)][::-1]
    each = [(0, 0)] * (rank - len(each)) + each
    return str(tuple(each)) if min(pad) >= 0 else None


def padded(mode: str) -> Callable[[Use], str | None]:
    def made(use: Use) -> str | None:
        margins = padding_of(use, use.rank())
        return None if margins is None else f"np.pad(self, {margins}, mode='{mode}')"

    return made


def padded_backward(mode: str, rank: int) -> Callable[[Use], str | None]:
    def made(use: Use) -> str | None:
        margins, size = padding_of(use, rank), use.values["self"].shape[-rank:]
        places = f"np.arange({math.prod(size)}).reshape({', '.join(map(str, size))})"
        return (
            None if margins is None else f"summed_at(np.pad({places}, {margins}, mode='{mode}'), grad_output, {size})"
        )

    return made


for _name, _mode in (("reflection", "reflect"), ("replication", "edge")):
    for _rank in (1, 2, 3):
        text(f"_{_name}_pad{_rank}d", padded(_mode))
        text(f"_{_name}_pad{_rank}d_backward", padded_backward(_mode, _rank))


def steps(use: Use, sizes: Sizes, rounded: bool = False) -> list[str]:
    """For each dimension the arguments of a matrix that resamples it.

    Where torch computes in single precision (`rounded`), it forgets the factor of the same and of the double size.
    """
    scales = use.values["scales"] or [None] * len(sizes)
    given = []
    for length, count, scale in zip(sizes, use.values["output_size"], scales, strict=True):
        forgotten = not scale or scale < 0 or 1 / scale == length / count or (rounded and count in (length, 2 * length))
        given.append(f"{length}, {count}" + ("" if forgotten else f", step={1 / scale!r}"))
    return given


def resampled(weights: str) -> Callable[[Use], str]:
    def made(use: Use) -> str:
        corners = ", align_corners=align_corners" if use.values["align_corners"] else ""
        each = [f"{weights}({given}{corners})" for given in steps(use, use.values["self"].shape[2:])]
        return f"along_axes(self, {', '.join(each)})"

    return made


def resampled_backward(weights: str) -> Callable[[Use], str]:
    def made(use: Use) -> str:
        corners = ", align_corners=align_corners" if use.values["align_corners"] else ""
        each = [f"{weights}({given}{corners}).T" for given in steps(use, use.values["input_size"][2:])]
        return f"along_axes(grad_output, {', '.join(each)})"

    return made


SMALL = 128  # height and width together, up to which torch has another way to take the nearest pixels


def nearest(middle: str) -> Callable[[Use], str]:
    def made(use: Use) -> str:
        found, count = "self", use.values["output_size"]
        rounded = not middle and len(count) == 2 and sum(count) <= SMALL
        for dim, given in enumerate(steps(use, use.values["self"].shape[2:], rounded), 2):
            found = f"np.take({found}, nearest_places({given}{middle}), axis={dim})"
        return found

    return made


def nearest_backward(middle: str) -> Callable[[Use], str]:
    def made(use: Use) -> str:
        sizes = use.values["input_size"][2:]
        each = zip(sizes, steps(use, sizes, not middle), strict=True)
        matrices = [f"np.eye({length})[nearest_places({given}{middle})].T" for length, given in each]
        return f"along_axes(grad_output, {', '.join(matrices)})"

    return made


for _rank in (1, 2, 3):
    for _name, _middle in (("nearest", ""), ("nearest_exact", ", middle=0.5")):
        text(f"_upsample_{_name}{_rank}d", nearest(_middle))
        text(f"_upsample_{_name}{_rank}d_backward", nearest_backward(_middle))
for _name, _weights in (
    ("linear1d", "linear_weights"), ("bilinear2d", "linear_weights"), ("trilinear3d", "linear_weights"),
    ("bicubic2d", "cubic_weights"),
):  # fmt: skip
    text(f"_upsample_{_name}", resampled(_weights))
    text(f"_upsample_{_name}_backward", resampled_backward(_weights))


def pixel_shuffle(use: Use) -> str:
    *batch, channels, height, width = use.results[0].shape
    factor = use.values["upscale_factor"]
    split = (*batch, channels, factor, factor, height // factor, width // factor)
    return f"np.moveaxis(input.reshape({', '.join(map(str, split))}), (-4, -3), (-3, -1)).reshape(shape)"


def pixel_unshuffle(use: Use) -> str:
    *batch, channels, height, width = use.values["input"].shape
    factor = use.values["downscale_factor"]
    split = (*batch, channels, height // factor, factor, width // factor, factor)
    return f"np.moveaxis(input.reshape({', '.join(map(str, split))}), (-3, -1), (-4, -3)).reshape(shape)"


def channel_shuffle(use: Use) -> str:
    batch, channels, *_ = use.values["input"].shape
    return f"np.swapaxes(input.reshape({batch}, groups, {channels} // groups, -1), 1, 2).reshape(shape)"


text("pixel_shuffle", pixel_shuffle)
text("pixel_unshuffle", pixel_unshuffle)
text("channel_shuffle", channel_shuffle)

# Embeddings


def embedding_backward(use: Use) -> str:
    rows = "grad_output"
    if use.values["scale_grad_by_freq"]:
        rows = f"({rows} / np.bincount(indices.ravel())[indices][..., None]).astype(dtype)"
    if use.values["padding_idx"] >= 0:
        rows = f"np.where((indices == padding_idx)[..., None], 0, {rows})"
    return f"scattered({rows}, indices, shape)"


def bags(use: Use) -> str:
    offsets = "offsets[:-1]" if use.values["include_last_offset"] else "offsets"
    return f"bag_of({offsets}, indices.size)"


def counts_of(use: Use, count: int) -> str:
    """How many rows a bag has, at least 1."""
    given = bags(use) if use.values["padding_idx"] < 0 else f"{bags(use)}[indices != padding_idx]"
    return f"np.maximum(np.bincount({given}, minlength={count}), 1)[:, None].astype(dtype)"


def counted(use: Use, rows: str, weights: str) -> str:
    """Rows, times their weights; those of the padding are zero."""
    rows = rows if use.values["per_sample_weights"] is None else f"{rows} * {weights}[:, None]"
    return rows if use.values["padding_idx"] < 0 else f"np.where((indices != padding_idx)[:, None], {rows}, 0)"


def embedding_bag(use: Use) -> list[str] | str | None:
    offsets = "offsets[:-1]" if use.values["include_last_offset"] else "offsets"
    if use.values["mode"] == "max":
        return f"largest_of_bags(weight[indices], indices, {offsets})" if use.values["padding_idx"] < 0 else None
    made = f"scattered({counted(use, 'weight[indices]', 'per_sample_weights')}, {bags(use)}, shape)"
    if use.values["mode"] == "mean":
        made = f"{made} / {counts_of(use, use.results[0].shape[0])}"
    return [made, "np.zeros(0, dtype=np.int64)"]


def embedding_bag_backward(use: Use) -> str | None:
    if use.values["mode"] == "max":
        rows = "np.where(maximum_indices < 0, 0, grad)"
        return f"scattered({rows}, np.s_[maximum_indices, np.arange(grad.shape[1])], shape)"
    if use.values["scale_grad_by_freq"]:
        return None
    grad = "grad"
    if use.values["mode"] == "mean":
        grad = f"(grad / {counts_of(use, use.values['grad'].shape[0])})"
    return f"scattered({counted(use, f'{grad}[{bags(use)}]', 'per_sample_weights')}, indices, shape)"


def per_sample_weights_backward(use: Use) -> str:
    made = f"(grad[{bags(use)}] * weight[indices]).sum(axis=1)"
    return made if use.values["padding_idx"] < 0 else f"{made} * (indices != padding_idx)"


text("_embedding", "weight[indices]")
text("_embedding_dense_backward", embedding_backward)
text("_embedding_bag", embedding_bag)
text("_embedding_bag_backward", embedding_bag_backward)
text("_embedding_bag_per_sample_weights_backward", per_sample_weights_backward)

# Attention


def mask_of(use: Use) -> str:
    if not use.values["is_causal"]:
        return "attn_mask"
    queries, keys = (use.size(-2, word) for word in ("query", "key"))
    return f"np.where(np.tri({queries}, {keys}), 0, -np.inf).astype(dtype)"


def shared_heads(use: Use) -> bool:
    heads: set[Any] = {use.size(-3, word) for word in ("query", "key", "value")}
    return len(heads) > 1


def attention(use: Use) -> str | None:
    made = f"attention_shares(query, key, scale, mask={mask_of(use)}) @ value"
    return None if shared_heads(use) else made


def attention_backward(use: Use) -> str | None:
    made = f"attention_backward(grad_out, query, key, value, out, scale, mask={mask_of(use)})"
    return None if shared_heads(use) else made


text("_scaled_dot_product_flash_attention_for_cpu", attention)
text("_scaled_dot_product_flash_attention_for_cpu_backward", attention_backward)

# Grids


def grid_options(use: Use) -> str | None:
    """How a grid is looked at; None if in ways that have no helper."""
    mode, padding = use.values["mode"], use.values["padding_mode"]
    if mode == "bicubic" or padding == "reflection":
        return None
    chosen = {"nearest": mode == "nearest", "border": padding == "border", "align_corners": use.values["align_corners"]}
    return "".join(f", {word}=True" for word, is_so in chosen.items() if is_so)


def sampled(use: Use) -> str | None:
    given = grid_options(use)
    orders = tuple(use.values.get("orders", [0] * (use.rank("grid") - 2)))
    return None if given is None else f"sampled(input, grid, {orders}{given})"


def sampled_back(use: Use) -> str | None:
    given = grid_options(use)
    return None if given is None else f"sampled_back(grad_output, grid, shape, {tuple(use.values['orders'])}{given})"


def grid_sampler_backward(use: Use) -> list[str] | None:
    given, rank = grid_options(use), use.rank("grid") - 2
    if given is None:
        return None
    orders = [tuple(int(place == rank - 1 - dim) for place in range(rank)) for dim in range(rank)]
    slopes = [f"(grad_output * sampled(input, grid, {order}{given})).sum(axis=1)" for order in orders]
    by_input = f"sampled_back(grad_output, grid, input.shape, {(0,) * rank}{given})"
    return [by_input, f"np.stack([{', '.join(slopes)}], axis=-1)"]


def places_of_pixels(use: Use) -> str:
    return f"base_grid({tuple(use.values['size'])}, align_corners).astype(dtype)"


text("_sampled", sampled)
text("_given_back", sampled_back)
for _rank in (2, 3):
    text(f"_grid_sampler_{_rank}d", sampled)
    text(f"_grid_sampler_{_rank}d_backward", grid_sampler_backward)
text("_base_grid", places_of_pixels)
text(
    "_affine_grid_generator",
    lambda use: f"({places_of_pixels(use)} @ np.swapaxes(theta, 1, 2)).reshape(shape)",
)
