"""Convolutions of any rank, and the sliding windows that they are made of."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from gradcli.engine.device import as_strided, np, zeros_beside
from gradcli.engine.dtypes import C_NAMES, TYPE_NAMES, dtype_kind
from gradcli.errors import UserError
from gradcli.ops.arithmetic import wanted
from gradcli.ops.copies import resolve_conj, view_as_real
from gradcli.ops.define import composite, op
from gradcli.ops.kinds import only
from gradcli.ops.pad import constant_pad
from gradcli.ops.shape import expand, reshape, select, squeeze_dim, unsqueeze

Sizes = Sequence[int]


def out_length(length: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """How many windows fit into a padded dimension."""
    return (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def out_lengths(size: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> list[int]:
    return [out_length(*each) for each in zip(size, kernel, stride, padding, dilation, strict=True)]


def inside(padding: Sizes, size: Sizes) -> tuple[Any, ...]:
    """Where the last dimensions, of `size`, lie in padded ones."""
    return (..., *(slice(margin, margin + n) for margin, n in zip(padding, size, strict=True)))


def with_margins(array: Any, padding: Sizes) -> Any:
    """`array` with zeros around its last dimensions."""
    if not any(padding):
        return array
    size = array.shape[-len(padding) :]
    padded = [n + 2 * margin for n, margin in zip(size, padding, strict=True)]
    result = zeros_beside(array, (*array.shape[: -len(padding)], *padded))
    result[inside(padding, size)] = array
    return result


def windows(array: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """Every window on (N, C, spatial...), without a copy: (N, C, its place..., the place in it...)."""
    counts = out_lengths(array.shape[2:], kernel, stride, padding, dilation)
    padded = with_margins(array, padding)
    steps = padded.strides[2:]
    return as_strided(
        padded,
        (*padded.shape[:2], *counts, *kernel),
        (
            *padded.strides[:2],
            *(step * by for step, by in zip(steps, stride, strict=True)),
            *(step * by for step, by in zip(steps, dilation, strict=True)),
        ),
    )


def overlapped(columns: Any, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """The transpose of `windows`: (N, C, place in the window..., place of the window...) summed up where they meet."""
    rank = len(size)
    kernel, counts = columns.shape[2 : 2 + rank], columns.shape[2 + rank :]
    padded = [n + 2 * margin for n, margin in zip(size, padding, strict=True)]
    result = zeros_beside(columns, (*columns.shape[:2], *padded))
    for place in itertools.product(*map(range, kernel)):
        each = zip(place, dilation, counts, stride, strict=True)
        seen = (..., *(slice(at * gap, at * gap + (n - 1) * by + 1, by) for at, gap, n, by in each))
        here = (slice(None), slice(None), *place)
        result[seen] += columns[here]
    return result[inside(padding, size)]


def columns_of(
    input: Any, kernel: Sizes, counts: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Any:
    """The first `counts` windows as columns of a matrix: (N, groups, channels and places in it, places of it)."""
    rank, (batch, channels) = len(kernel), input.shape[:2]
    wanted = (slice(None), slice(None), *map(slice, counts))
    order = (0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank))
    seen = windows(input, kernel, stride, padding, dilation)[wanted].transpose(order)
    return seen.reshape(batch, groups, channels // groups * math.prod(kernel), math.prod(counts))


def filters_of(weight: Any, groups: int) -> Any:
    """The filters as rows of matrices, one a group."""
    return weight.reshape(groups, weight.shape[0] // groups, math.prod(weight.shape[1:]))


def in_groups(array: Any, groups: int) -> Any:
    """(N, groups, channels, places) of (N, C, spatial...)."""
    batch, channels, *size = array.shape
    return array.reshape(batch, groups, channels // groups, math.prod(size))


def correlated(input: Any, weight: Any, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    """The products of every window with every filter: (N, O, its place...)."""
    kernel = weight.shape[2:]
    counts = out_lengths(input.shape[2:], kernel, stride, padding, dilation)
    products = filters_of(weight, groups) @ columns_of(input, kernel, counts, stride, padding, dilation, groups)
    return products.reshape(len(input), weight.shape[0], *counts)


def correlated_by_input(
    grad: Any, weight: Any, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Any:
    """The transpose of `correlated` in its input, whose spatial size is `size`."""
    columns = filters_of(weight, groups).swapaxes(1, 2) @ in_groups(grad, groups)
    columns = columns.reshape(len(grad), groups * weight.shape[1], *weight.shape[2:], *grad.shape[2:])
    return overlapped(columns, size, stride, padding, dilation)


def correlated_by_weight(
    grad: Any, input: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Any:
    """The transpose of `correlated` in its weight."""
    # what the rounding of an output size leaves room for has no gradient
    columns = columns_of(input, kernel, grad.shape[2:], stride, padding, dilation, groups)
    products = np.add.reduce(in_groups(grad, groups) @ columns.swapaxes(2, 3), axis=0)
    return products.reshape(grad.shape[1], input.shape[1] // groups, *kernel)


def convolution_forward(
    input: Any,
    weight: Any,
    bias: Any,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    transposed: bool,
    output_padding: Sizes,
    groups: int,
) -> Any:
    if transposed:
        size = transposed_size(input.shape[2:], weight.shape[2:], stride, padding, dilation, output_padding)
        result = correlated_by_input(input, weight, size, stride, padding, dilation, groups)
    else:
        result = correlated(input, weight, stride, padding, dilation, groups)
    return result if bias is None else result + bias.reshape(-1, *[1] * (result.ndim - 2))


def transposed_size(
    size: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, output_padding: Sizes
) -> list[int]:
    each = zip(size, kernel, stride, padding, dilation, output_padding, strict=True)
    return [(n - 1) * by - 2 * margin + gap * (k - 1) + more + 1 for n, k, by, margin, gap, more in each]


def convolution_backward_forward(
    grad_output: Any,
    input: Any,
    weight: Any,
    bias_sizes: Sizes | None,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    transposed: bool,
    output_padding: Sizes,
    groups: int,
    output_mask: Sequence[bool],
) -> tuple[Any, Any, Any]:
    """The gradients that `output_mask` asks for; the others are empty."""
    unasked = zeros_beside(grad_output, (0,))
    options = (stride, padding, dilation, groups)
    kernel = weight.shape[2:]
    by_input = by_weight = by_bias = unasked
    if output_mask[0]:
        if transposed:
            kept = (..., *map(slice, input.shape[2:]))
            by_input = correlated(grad_output, weight, *options)[kept]
        else:
            by_input = correlated_by_input(grad_output, weight, input.shape[2:], *options)
    if output_mask[1]:
        over, of = (input, grad_output) if transposed else (grad_output, input)
        by_weight = correlated_by_weight(over, of, kernel, *options)
    if output_mask[2]:
        by_bias = np.add.reduce(grad_output, axis=(0, *range(2, grad_output.ndim)))
    return by_input, by_weight, by_bias


def convolution_gradients(
    grad: Any,
    needs: Sequence[bool],
    input: Any,
    weight: Any,
    bias_shape: Sizes | None,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    transposed: bool,
    output_padding: Sizes,
    groups: int,
) -> tuple[Any, ...]:
    options = (bias_shape, stride, padding, dilation, transposed, output_padding, groups, list(needs))
    results = convolution_backward(grad, input, weight, *options)
    return wanted(results, needs)


def convolution_double_backward(
    grads: Sequence[Any],
    needs: Sequence[bool],
    grad_output: Any,
    input: Any,
    weight: Any,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    transposed: bool,
    output_padding: Sizes,
    groups: int,
) -> tuple[Any, ...]:
    """A convolution is linear in its input, and in its weight: so are its gradients, each a convolution again."""
    options = (stride, padding, dilation, transposed, output_padding, groups)
    by_input, by_weight, by_bias = grads
    parts = []
    if by_input is not None:
        parts.append(convolution(by_input, weight, None, *options))
    if by_weight is not None:
        parts.append(convolution(input, by_weight, None, *options))
    if by_bias is not None:
        column = reshape(by_bias, (-1, *[1] * (len(grad_output.shape) - 2)))
        parts.append(expand(column, grad_output.shape))
    for_grad, *others = parts
    for other in others:
        for_grad = for_grad + other
    for_input = for_weight = None
    if by_weight is not None and needs[1]:
        for_input = convolution_backward(grad_output, input, by_weight, None, *options, [True, False, False])[0]
    if by_input is not None and needs[2]:
        for_weight = convolution_backward(grad_output, by_input, weight, None, *options, [False, True, False])[1]
    return (for_grad if needs[0] else None, for_input, for_weight)


def check_dtypes(input: Any, weight: Any, bias: Any, options: Options) -> None:
    if weight.dtype != input.dtype:
        first, second = (TYPE_NAMES[one.dtype.name] for one in (input, weight))
        message = f"expected scalar type {first} but found {second}"
        if dtype_kind(input.dtype) == "c":
            message = f"Input type (CPU{first}Type) and weight type (torch.{second}Tensor) should be the same"
        raise UserError("type", message)
    if bias is not None and bias.dtype != input.dtype:
        first, second = (C_NAMES[one.dtype.name] for one in (input, bias))
        raise UserError("type", f"Input type ({first}) and bias type ({second}) should be the same")
    plain = not options.transposed and max(options.dilation) == 1
    only("iufc" if plain or input.dtype == np.int64 else "fc", kernel_of(input, options))(input)


def kernel_of(input: Any, options: Options) -> str:
    """torch's name for what computes it."""
    rank = max(input.ndim - 2, 2)
    if options.transposed:
        return f"slow_conv_transpose{rank}d_out_cpu"
    if max(options.dilation) > 1:
        return "slow_conv_dilated<>"
    return "slow_conv2d_cpu" if rank == 2 else "compute_columns3d"


convolution = op(
    "_convolution(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, "
    "bool transposed, int[] output_padding, int groups)",
    "ConvolutionBackward0", convolution_forward, contiguous=True,
    joint=convolution_gradients,
)  # fmt: skip
convolution_backward = op(
    "_convolution_backward(Tensor grad_output, Tensor input, Tensor weight, int[]? bias_sizes, int[] stride, "
    "int[] padding, int[] dilation, bool transposed, int[] output_padding, int groups, bool[] output_mask)"
    " -> (result0, result1, result2)",
    "ConvolutionBackwardBackward0", convolution_backward_forward,
    joint=convolution_double_backward,
)  # fmt: skip


def in_each(value: Sizes | int, rank: int) -> list[int]:
    """A number for each spatial dimension, from one for all."""
    values = [value] if isinstance(value, int) else list(value)
    return values * rank if len(values) == 1 else values


def check_count(name: str, values: Sizes, rank: int) -> None:
    if len(values) != rank:
        raise UserError(
            "shape",
            f"expected {name} to be a single integer value or a list of {rank} values to match the convolution "
            f"dimensions, but got {name}={list(values)}",
        )


def check_rank(name: str, input: Any, rank: int) -> bool:
    """Whether `input` has a batch dimension."""
    if input.ndim not in (rank + 1, rank + 2):
        raise UserError(
            "shape",
            f"Expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input to {name}, but got input of size: "
            f"{list(input.shape)}",
        )
    return bool(input.ndim == rank + 2)


class Options(NamedTuple):
    """What a convolution is asked for, in the order of torch's parameters."""

    stride: Sizes
    padding: Sizes
    dilation: Sizes
    transposed: bool
    output_padding: Sizes
    groups: int


def check_shapes(input: Any, weight: Any, bias: Any, options: Options) -> None:
    """A UserError, in torch's words and order, for shapes and options that do not fit together."""
    stride, padding, dilation, transposed, output_padding, groups = options
    shape, rank = list(weight.shape), weight.ndim - 2
    if rank < 1:
        raise UserError("shape", "weight should have at least three dimensions")
    named = {"stride": stride, "padding": padding, "dilation": dilation, "output_padding": output_padding}
    for name, values in named.items():
        check_count(name, values, rank)
    if groups <= 0:
        raise UserError("value", "non-positive groups is not supported")
    for name, values, least in (("padding", padding, 0), ("output_padding", output_padding, 0), ("stride", stride, 1)):
        if min(values) < least:
            raise UserError("value", f"{'negative' if least == 0 else 'non-positive'} {name} is not supported")
    if min(dilation) < 1:
        found = [1, *dilation] if rank == 1 else list(dilation)
        raise UserError("value", f"dilation should be greater than zero, but got {found}")
    if input.ndim != weight.ndim:
        raise UserError(
            "shape",
            f"Expected {weight.ndim}-dimensional input for {weight.ndim}-dimensional weight {shape}, but got "
            f"{input.ndim}-dimensional input of size {list(input.shape)} instead",
        )
    if shape[0] < groups or shape[0] % groups:
        wanted, got = ("at least", shape) if shape[0] < groups else ("divisible by", [shape])
        raise UserError(
            "shape",
            f"Given groups={groups}, expected weight to be {wanted} {groups} at dimension 0, but got weight of size "
            f"{got} instead",
        )
    given = f"Given {'transposed=1' if transposed else f'groups={groups}'}, weight of size {shape}, expected"
    channels = shape[0] if transposed else shape[1] * groups
    if input.shape[1] != channels:
        raise UserError(
            "shape",
            f"{given} input{list(input.shape)} to have {channels} channels, but got {input.shape[1]} channels instead",
        )
    outputs = shape[1] * groups if transposed else shape[0]
    if bias is not None and bias.shape != (outputs,):
        raise UserError(
            "shape",
            f"{given if transposed else given.replace(f'groups={groups}, ', '')} bias to be 1-dimensional with "
            f"{outputs} elements, but got bias of size {list(bias.shape)} instead",
        )
    kernel, size = shape[2:], input.shape[2:]
    if 0 in kernel:
        raise UserError("shape", f"kernel size should be greater than zero, but got {in_words('kernel', kernel)}")
    if transposed:
        if 0 in size:
            raise UserError(
                "shape",
                f"Only zero batch or zero channel inputs are supported, but got input shape: {list(input.shape)}",
            )
        if 0 in shape:
            raise UserError("shape", f"non-empty 2D or 4D weight tensor expected, but got: {shape}")
        check_transposed(size, kernel, stride, padding, dilation, output_padding)
        return
    padded = [n + 2 * margin for n, margin in zip(size, padding, strict=True)]
    reach = [by * (k - 1) + 1 for by, k in zip(dilation, kernel, strict=True)]
    if any(n < k for n, k in zip(padded, reach, strict=True)):
        raise UserError(
            "shape",
            f"Calculated padded input size per channel: ({' x '.join(map(str, padded))}). Kernel size: "
            f"({' x '.join(map(str, reach))}). Kernel size can't be greater than actual input size",
        )


AXES = ("depth", "height", "width")


def in_words(name: str, values: Sizes) -> str:
    """`kernel_height: 2 kernel_width: 2`; torch takes a convolution over one dimension for one of height 1."""
    values = [1, *values] if len(values) == 1 else values
    return " ".join(f"{name}_{axis}: {value}" for axis, value in zip(AXES[-len(values) :], values, strict=True))


def check_transposed(
    size: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, output_padding: Sizes
) -> None:
    if any(more >= max(by, gap) for more, by, gap in zip(output_padding, stride, dilation, strict=True)):
        raise UserError(
            "value",
            "output padding must be smaller than either stride or dilation, but got "
            f"{in_words('output_padding', output_padding)} {in_words('stride', stride)} "
            f"{in_words('dilation', dilation)}",
        )
    found = transposed_size(size, kernel, stride, padding, dilation, output_padding)
    if min(found) < 1:
        raise UserError(
            "shape",
            f"Given input size per channel: ({' x '.join(map(str, size))}). Calculated output size per channel: "
            f"({' x '.join(map(str, found))}). Output size is too small",
        )


def convolved(input: Any, weight: Any, bias: Any, options: Options, behind: Sizes = ()) -> Any:
    """A convolution whose options fit, of what `behind` pads; a complex one as three real ones, as torch has it."""
    whole = padded(input, behind)
    check_shapes(whole, weight, bias, options)
    check_dtypes(whole, weight, bias, options)
    if dtype_kind(input.dtype) != "c":
        return convolution(whole, weight, bias, *options)
    parts = [(None, None) if one is None else real_and_imaginary(one) for one in (input, weight, bias)]
    reals, imaginaries = zip(*parts, strict=True)
    sums = [None if of_real is None else of_real + of_imaginary for of_real, of_imaginary in parts]
    first, second, both = (
        convolution(padded(one, behind), *others, *options) for one, *others in (reals, (*imaginaries[:2], None), sums)
    )
    return first - second + (both - first - second) * 1j


def padded(input: Any, behind: Sizes) -> Any:
    """`input` with so many zeros behind each of its last dimensions."""
    return (
        constant_pad(input, [margin for more in reversed(behind) for margin in (0, more)], 0) if any(behind) else input
    )


def real_and_imaginary(tensor: Any) -> tuple[Any, Any]:
    parts = view_as_real(resolve_conj(tensor))
    return select(parts, -1, 0), select(parts, -1, 1)


def same_padding(weight: Any, stride: Sizes | int, dilation: Sizes | int) -> tuple[list[int], list[int]]:
    """The padding for an output of the size of the input, and, where it is uneven, the rest, which is put behind."""
    rank = weight.ndim - 2
    if any(by != 1 for by in in_each(stride, rank)):
        raise UserError("value", "padding='same' is not supported for strided convolutions")
    gaps = in_each(dilation, rank)
    check_count("dilation", gaps, rank)
    totals = [by * (k - 1) for by, k in zip(gaps, weight.shape[2:], strict=True)]
    return [total // 2 for total in totals], [total % 2 for total in totals]


def declare(rank: int) -> None:
    """`conv1d` and `conv_transpose1d`, and so on: of one image, or of a batch of them."""

    @composite(
        f"conv{rank}d(Tensor input, Tensor weight, Tensor? bias=None, int[] stride=1, int[]|str padding=0, "
        "int[] dilation=1, int groups=1)"
    )
    def conv(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Sizes | int = 1,
        padding: Sizes | int | str = 0,
        dilation: Sizes | int = 1,
        groups: int = 1,
    ) -> Any:
        """Each place of `input` and its neighbours, weighed by `weight` and added up."""
        if not check_rank(f"conv{rank}d", input, rank):
            return squeeze_dim(conv(unsqueeze(input, 0), weight, bias, stride, padding, dilation, groups), 0)
        behind: Sizes = ()
        if padding == "same":
            padding, behind = same_padding(weight, stride, dilation)
        elif padding == "valid":
            padding = 0
        if isinstance(padding, str):
            raise UserError("value", f"Invalid padding string: '{padding}'")
        by, margin, gap = (in_each(value, rank) for value in (stride, padding, dilation))
        return convolved(input, weight, bias, Options(by, margin, gap, False, [0] * rank, groups), behind)

    @composite(
        f"conv_transpose{rank}d(Tensor input, Tensor weight, Tensor? bias=None, int[] stride=1, int[] padding=0, "
        "int[] output_padding=0, int groups=1, int[] dilation=1)"
    )
    def conv_transpose(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Sizes | int = 1,
        padding: Sizes | int = 0,
        output_padding: Sizes | int = 0,
        groups: int = 1,
        dilation: Sizes | int = 1,
    ) -> Any:
        """What `conv` of the same weight has as the gradient of its input."""
        if not check_rank(f"conv_transpose{rank}d", input, rank):
            given = (stride, padding, output_padding, groups, dilation)
            return squeeze_dim(conv_transpose(unsqueeze(input, 0), weight, bias, *given), 0)
        by, margin, gap = (in_each(value, rank) for value in (stride, padding, dilation))
        options = Options(by, margin, gap, True, in_each(output_padding, rank), groups)
        return convolved(input, weight, bias, options)


for _rank in (1, 2, 3):
    declare(_rank)
