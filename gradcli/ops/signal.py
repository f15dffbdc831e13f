"""Short-time Fourier transforms, and the windows to cut a signal with."""

from __future__ import annotations

import math
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import C_NAMES, INTEGER_NAMES, TYPE_NAMES, converted, default_dtype, dtype_kind, is_reduced
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import mul
from gradcli.ops.copies import fill_in_place, resolve_conj, view_as_complex, view_as_real, where
from gradcli.ops.create import FACTORY, made
from gradcli.ops.define import composite
from gradcli.ops.elementary import cos, pow_scalar
from gradcli.ops.fft import BY_ROOT, BY_SIZE, UNSCALED, c2c, c2r, r2c
from gradcli.ops.pad import PADDINGS, check_margins, constant_pad
from gradcli.ops.reduce import put
from gradcli.ops.shape import (
    expand,
    narrow,
    new_zeros,
    slice_,
    squeeze_dim,
    squeeze_result,
    transpose,
    unsqueeze,
    view,
)
from gradcli.ops.windows import strided, transpose_in_place, unfold_backward


def frames(self: Any, size: int, step: int) -> Any:
    """The windows of `size` elements, one every `step`, on each row."""
    rows, length = self.shape
    row, element = (stride // self.array.itemsize for stride in self.array.strides)
    return strided(self, (rows, 1 + (length - size) // step, size), (row, step * element, element))


def described(name: str, subject: str, window: Any, **options: Any) -> str:
    """A call as torch's messages repeat it."""
    sizes = "" if window is None else ", ".join(map(str, window.shape))
    given = "None" if window is None else f"torch.{TYPE_NAMES[window.dtype.name]}Tensor{{[{sizes}]}}"
    words = {key: int(value) if isinstance(value, bool) else value for key, value in options.items()}
    before = {key: words.pop(key) for key in ("n_fft", "hop_length", "win_length")}
    parts = [subject, *(f"{key}={value}" for key, value in before.items()), f"window={given}"]
    return f"{name}({', '.join([*parts, *(f'{key}={value}' for key, value in words.items())])})"


def with_margins(input: Any, margin: int, mode: str) -> Any:
    """`input` with `margin` more elements at both ends."""
    shape = tuple(input.shape)
    extended = view(input, (*(1,) * (3 - input.ndim), *shape))
    if mode == "reflect":
        check_margins(extended, [margin, margin], mode)
        extended = PADDINGS[mode][0](extended, [margin, margin])
    elif mode == "constant":
        extended = constant_pad(extended, [margin, margin], 0)
    else:
        raise UserError("value", f"stft(): pad_mode='{mode}' is not available", hint="one of 'reflect', 'constant'")
    return view(extended, tuple(extended.shape[-len(shape) :]))


@composite(
    "stft(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None, bool center=True, "
    'str pad_mode="reflect", bool normalized=False, bool? onesided=None, bool? return_complex=None)'
)
def stft(
    self: Any,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
) -> Any:
    """The transforms of windows of a signal: a column for every `hop_length` of its elements."""
    input = with_margins(self, n_fft // 2, pad_mode) if center and self.ndim in (1, 2) else self
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    said = described(
        "stft", f"torch.{TYPE_NAMES[input.dtype.name]}Tensor{list(input.shape)}", window, n_fft=n_fft,
        hop_length=hop_length, win_length=win_length, normalized=normalized, onesided=onesided,
        return_complex=return_complex, align_to_window=None,
    )  # fmt: skip
    is_complex = dtype_kind(input.dtype) == "c" or (window is not None and dtype_kind(window.dtype) == "c")
    if return_complex is None and not is_complex:
        raise UserError(
            "value", "stft requires the return_complex parameter be given for real inputs, and will further require "
            "that return_complex=True in a future PyTorch release."
        )  # fmt: skip
    if dtype_kind(input.dtype) not in "fc":
        raise UserError("type", f"{said} : expected a tensor of floating point or complex values")
    if input.ndim not in (1, 2):
        raise UserError("shape", f"{said} : expected a 1D or 2D tensor")
    length = input.shape[-1]
    if not 0 < n_fft <= length:
        raise UserError("value", f"{said} : expected 0 < n_fft < {length}, but got n_fft={win_length}")
    if hop_length <= 0:
        raise UserError("value", f"{said} : expected hop_length > 0, but got hop_length={hop_length}")
    if not 0 < win_length <= n_fft:
        raise UserError("value", f"{said} : expected 0 < win_length <= n_fft, but got win_length={win_length}")
    if window is not None and tuple(window.shape) != (win_length,):
        raise UserError(
            "shape",
            f"{said} : expected a 1D window tensor of size equal to win_length={win_length}, but got window with size "
            f"{list(window.shape)}",
        )
    if win_length < n_fft:
        window = in_the_middle(window, win_length, n_fft, input)
    pieces = frames(unsqueeze(input, 0) if input.ndim == 1 else input, n_fft, hop_length)
    pieces = pieces if window is None else mul(pieces, window)
    onesided = dtype_kind(pieces.dtype) != "c" if onesided is None else onesided
    scale = BY_ROOT if normalized else UNSCALED
    if dtype_kind(pieces.dtype) == "c":
        if onesided:
            raise UserError("value", "Cannot have onesided output if window or input is complex")
        result = c2c(pieces, [2], scale, True)
    else:
        result = r2c(pieces, [2], scale, onesided)
    result = transpose_in_place(result, 1, 2)
    result = squeeze_result(result, 0) if input.ndim == 1 else result
    return view_as_real(result) if return_complex is False else result


def in_the_middle(window: Any, length: int, size: int, like: Any) -> Any:
    """`window`, or ones for None, in the middle of zeros."""
    result = new_zeros(like if window is None else window, (size,))
    place = narrow(result, 0, (size - length) // 2, length)
    if window is None:
        fill_in_place.inplace(place, 1)
    else:
        put(window, place)
    return result


@composite(
    "istft(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None, bool center=True, "
    "bool normalized=False, bool? onesided=None, int? length=None, bool return_complex=False)"
)
def istft(
    self: Any,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Any:
    """The signal with the transforms `self`: their windows added up, and divided by what the windows add up to."""
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    said = described(
        "istft", f"CPU{TYPE_NAMES[self.dtype.name]}Type{list(self.shape)}", window, n_fft=n_fft, hop_length=hop_length,
        win_length=win_length, center=center, normalized=normalized, onesided=onesided, length=length,
        return_complex=return_complex,
    )  # fmt: skip
    if dtype_kind(self.dtype) != "c":
        raise UserError(
            "type", "istft requires a complex-valued input tensor matching the output from stft with "
            "return_complex=True."
        )  # fmt: skip
    if self.array.size == 0:
        raise UserError("shape", f"{said} : input tensor cannot be empty.")
    if self.ndim not in (2, 3):
        raise UserError("shape", f"{said} : expected a tensor with 3 or 4 dimensions, but got {self.ndim + 1}")
    points, columns = self.shape[-2:]
    onesided = points != n_fft if onesided is None else onesided
    if points != (n_fft // 2 + 1 if onesided else n_fft):
        raise UserError(
            "shape",
            f"{said} : expected the frequency dimension (3rd to the last) of the input tensor to match "
            f"{'n_fft / 2 + 1' if onesided else 'n_fft'} when onesided={onesided}, but got {points}",
        )
    if not 0 < hop_length <= win_length:
        raise UserError("value", f"{said} : expected 0 < hop_length <= win_length")
    if not 0 < win_length <= n_fft:
        raise UserError("value", f"{said} : expected 0 < win_length <= n_fft")
    if window is not None and tuple(window.shape) != (win_length,):
        raise UserError("shape", f"{said} : Invalid window shape. window has to be 1D and length of `win_length`")
    if return_complex and onesided:
        raise UserError("value", "Cannot have onesided output if window or input is complex")
    if not return_complex and window is not None and dtype_kind(window.dtype) == "c":
        raise UserError("value", "Complex windows are incompatible with return_complex=False")
    if window is None:
        window = Tensor(np.ones_like(self.array.real, shape=(win_length,)))
    if win_length != n_fft:
        before = (n_fft - win_length) // 2
        window = constant_pad(window, [before, n_fft - win_length - before], 0)
    parts = view_as_real(resolve_conj(self))
    parts = unsqueeze(parts, 0) if self.ndim == 2 else parts
    input = view_as_complex(transpose(parts, 1, 2))
    scale = BY_ROOT if normalized else BY_SIZE
    if return_complex:
        pieces = c2c(input, [2], scale, False)
    else:
        pieces = c2r(input if onesided else slice_(input, -1, 0, n_fft // 2 + 1, 1), [2], scale, n_fft)
    whole = n_fft + hop_length * (columns - 1)
    signal = unfold_backward(pieces * view(window, (1, 1, n_fft)), [pieces.shape[0], whole], 1, n_fft, hop_length)
    squares = expand(pow_scalar(window, 2), (1, columns, n_fft))
    envelope = unfold_backward(squares, [1, whole], 1, n_fft, hop_length)
    start = n_fft // 2 if center else 0
    end = whole if not center else -(n_fft // 2)
    end = end if length is None else start + length
    signal, envelope = slice_(signal, 1, start, end, 1), slice_(envelope, 1, start, end, 1)
    if (np.absolute(envelope.array) < 1e-11).any().item():
        raise UserError("value", f"{said} window overlap add min: 1")
    signal = signal / envelope
    signal = squeeze_dim(signal, 0) if self.ndim == 2 else signal
    return constant_pad(signal, [0, end - whole], 0) if end > whole else signal


def window_of(name: str, length: int, periodic: bool, dtype: Any, requires_grad: bool, shape: Any) -> Any:
    """A new leaf: `shape` of the places of a symmetric window; a periodic one lacks the last element."""
    dtype = dtype or default_dtype.floating
    if dtype_kind(dtype) not in "fc":
        kind = INTEGER_NAMES.get(dtype.name, C_NAMES[dtype.name])
        raise UserError("type", f"{name} expects floating point dtypes, got: TensorOptions(dtype={kind})")
    if length < 0:
        raise UserError("value", f"{name} requires non-negative window_length, got window_length={length}")
    if length < 2:
        return made(np.ones(length, dtype), requires_grad)
    if dtype_kind(dtype) == "c":
        raise UserError("type", f"\"arange_cpu\" not implemented for '{TYPE_NAMES[dtype.name]}'")
    size = length + periodic
    window: Any = shape(Tensor(converted(np.arange(size), dtype)), size - 1)
    return made(window.array[:length], requires_grad)


def cosines(alpha: float, beta: float) -> Any:
    return lambda places, last: cos(places * (2 * math.pi / last)) * -beta + alpha


def blackman(places: Any, last: int) -> Any:
    angle = places * (math.pi / last)
    return cos(angle * 4) * 0.08 - cos(angle * 2) * 0.5 + 0.42


def bartlett(places: Any, last: int) -> Any:
    rising = places * (2 / last)
    return where(places <= last // 2, rising, 2 - rising)


def kaiser(beta: float) -> Any:
    def shape(places: Any, last: int) -> Any:
        wide = places.array.astype(np.float32) if is_reduced(places.dtype) else places.array
        values = np.i0(beta * np.sqrt(1 - ((wide - last / 2) / (last / 2)) ** 2)) / np.i0(beta)
        return Tensor(converted(values, places.dtype))

    return shape


@composite(f"hann_window(int window_length, bool periodic=True, {FACTORY})")
def hann_window(
    window_length: int, periodic: bool = True, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Any:
    return window_of("hann_window", window_length, periodic, dtype, requires_grad, cosines(0.5, 0.5))


@composite(f"hamming_window(int window_length, bool periodic=True, float alpha=0.54, float beta=0.46, {FACTORY})")
def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    return window_of("hamming_window", window_length, periodic, dtype, requires_grad, cosines(alpha, beta))


@composite(f"blackman_window(int window_length, bool periodic=True, {FACTORY})")
def blackman_window(
    window_length: int, periodic: bool = True, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Any:
    return window_of("blackman_window", window_length, periodic, dtype, requires_grad, blackman)


@composite(f"bartlett_window(int window_length, bool periodic=True, {FACTORY})")
def bartlett_window(
    window_length: int, periodic: bool = True, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Any:
    return window_of("bartlett_window", window_length, periodic, dtype, requires_grad, bartlett)


@composite(f"kaiser_window(int window_length, bool periodic=True, float beta=12.0, {FACTORY})")
def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    return window_of("kaiser_window", window_length, periodic, dtype, requires_grad, kaiser(beta))
