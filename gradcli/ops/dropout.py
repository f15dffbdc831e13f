"""Dropout in torch's variants, with torch's own masks for a seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import beside, np
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind
from gradcli.engine.mode import warn
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import add, mul
from gradcli.ops.copies import to_dtype
from gradcli.ops.create import default_generator
from gradcli.ops.define import composite, op
from gradcli.ops.shape import squeeze_dim, unsqueeze
from gradcli.ops.views import in_order
from gradcli.ops.windows import squeeze_dim_, unsqueeze_

SELU_FLOOR = 1.7580993408473766  # what selu comes down to, with its sign changed


def kept(input: Any, p: float, features: bool) -> Any:
    """Ones, with the probability 1 - p, and zeros: for each element, or for each channel of each sample."""
    if features:
        if input.ndim < 2:
            raise UserError("shape", "Feature dropout requires at least 2 dimensions in the input")
        return beside(
            input.array, default_generator.bernoulli(1 - p, input.shape[:2] + (1,) * (input.ndim - 2), input.dtype)
        )
    return kept_elements(input.array, p)


def kept_elements(input: Any, p: float) -> Any:
    """Ones and zeros for the elements of an array: torch draws them in the order of its memory and lays them out so."""
    strides = input.strides
    order = sorted(range(input.ndim), key=lambda dim: -strides[dim]) if 0 not in strides else list(range(input.ndim))
    return in_order(
        lambda shape: beside(input, default_generator.bernoulli(1 - p, shape, input.dtype)), input.shape, order
    )


def dropped(input: Any, p: float, training: bool, inplace: bool, features: bool = False, alpha: bool = False) -> Any:
    """torch's one implementation of all variants: `alpha` keeps the mean and the variance of what selu returns."""
    if not 0 <= p <= 1:
        raise UserError("value", f"dropout probability has to be between 0 and 1, but got {p}")
    if p == 0 or not training or input.array.size == 0:
        return input
    multiply = mul.inplace if inplace else mul
    if p == 1:
        return multiply(input, Tensor(np.zeros_like(input.array, shape=())))
    noise: Any = Tensor(kept(input, p, features))
    check_scalable(input.dtype, alpha)
    if not alpha:
        return multiply(input, noise / (1 - p))
    scale = 1 / math.sqrt((SELU_FLOOR * SELU_FLOOR * p + 1) * (1 - p))
    shift = (noise - 1) * (SELU_FLOOR * scale) + SELU_FLOOR * scale * p
    return add.inplace(multiply(input, noise * scale), shift)


def check_scalable(dtype: Any, alpha: bool = False) -> None:
    if dtype_kind(dtype) != "f":
        kind = "Long" if alpha and dtype_kind(dtype) == "b" else TYPE_NAMES[dtype.name]
        raise UserError("type", f"result type Float can't be cast to the desired output type {kind}")


def in_a_batch(input: Any, p: float, training: bool, inplace: bool) -> Any:
    """Feature dropout of one sample."""
    if inplace:
        return squeeze_dim_(dropped(unsqueeze_(input, 0), p, training, True, True), 0)
    return squeeze_dim(dropped(unsqueeze(input, 0), p, training, False, True), 0)


def check_dims(name: str, ndim: int, spatial: int, wanted: Sequence[int]) -> None:
    """torch's warning about a number of dimensions that it will refuse one day."""
    if ndim not in wanted:
        warn(
            f"{name}: Received a {ndim}-D input to {name}, which is deprecated and will result in an error in a future "
            f"release. To retain the behavior and silence this warning, please use dropout instead. Note that {name} "
            f"exists to provide channel-wise dropout on inputs with {spatial} spatial dimensions, a channel dimension, "
            f"and an optional batch dimension (i.e. {wanted[0]}D or {wanted[1]}D inputs)."
        )


@composite("dropout(Tensor input, float p=0.5, bool training=True, bool inplace=False)")
def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    return dropped(input, p, training, inplace)


@composite("alpha_dropout(Tensor input, float p=0.5, bool training=False, bool inplace=False)")
def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    return dropped(input, p, training, inplace, alpha=True)


@composite("feature_alpha_dropout(Tensor input, float p=0.5, bool training=False, bool inplace=False)")
def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    return dropped(input, p, training, inplace, features=True, alpha=True)


def native_dropout_forward(input: Any, p: float, train: bool | None) -> tuple[Any, Any]:
    if train is False or not input.size:
        return input.copy(), np.ones_like(input, dtype=bool if input.size else None)
    if dtype_kind(input.dtype) != "c":
        check_scalable(input.dtype)
    mask = kept_elements(input.real, p)
    return input * mask * scale_of(p), mask.astype(bool)


def scale_of(p: float) -> float:
    return 0.0 if p == 1 else 1 / (1 - p)


dropout_and_mask = op(
    "_native_dropout(Tensor input, float p, bool? train) -> (result, mask)", "NativeDropoutBackward0",
    native_dropout_forward, constant=("mask",), draws=True, real_only="native_dropout",
    input=lambda grad, p, train, mask: grad * (to_dtype(mask, grad.dtype) * (scale_of(p) if train else 1)),
)  # fmt: skip


@composite("native_dropout(Tensor input, float p, bool? train)")
def native_dropout(input: Any, p: float, train: bool | None) -> Any:
    """`input`, elements set to zero by chance, the others scaled up; and where they were not."""
    return dropout_and_mask(input, p, train)


@composite("feature_dropout(Tensor input, float p, bool train)")
def feature_dropout(input: Any, p: float, train: bool) -> Any:
    """`input`, channels set to zero by chance, the others scaled up."""
    return dropped(input, p, train, inplace=False, features=True)


@composite("dropout_(Tensor input, float p, bool train)")
def dropout_(input: Any, p: float, train: bool) -> Any:
    return dropped(input, p, train, inplace=True)


@composite("alpha_dropout_(Tensor input, float p, bool train)")
def alpha_dropout_(input: Any, p: float, train: bool) -> Any:
    return dropped(input, p, train, inplace=True, alpha=True)


@composite("feature_dropout_(Tensor input, float p, bool train)")
def feature_dropout_(input: Any, p: float, train: bool) -> Any:
    return dropped(input, p, train, inplace=True, features=True)


@composite("feature_alpha_dropout_(Tensor input, float p, bool train)")
def feature_alpha_dropout_(input: Any, p: float, train: bool) -> Any:
    return dropped(input, p, train, inplace=True, features=True, alpha=True)


@composite("dropout1d(Tensor input, float p=0.5, bool training=True, bool inplace=False)")
def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """`input`, channels set to zero by chance, the others scaled up."""
    if input.ndim not in (2, 3):
        raise UserError(
            "shape",
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input. Note that dropout1d exists to "
            "provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional "
            "batch dimension (i.e. 2D or 3D inputs).",
        )
    if input.ndim == 2:
        return in_a_batch(input, p, training, inplace)
    return dropped(input, p, training, inplace, features=True)


@composite("dropout2d(Tensor input, float p=0.5, bool training=True, bool inplace=False)")
def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    check_dims("dropout2d", input.ndim, 2, (3, 4))
    if input.ndim == 3:
        warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired "
            "- input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a "
            "future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain "
            "the 1D channel-wise dropout behavior, please switch to using dropout1d instead."
        )
    return dropped(input, p, training, inplace, features=True)


@composite("dropout3d(Tensor input, float p=0.5, bool training=True, bool inplace=False)")
def dropout3d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """`input`, channels set to zero by chance, the others scaled up."""
    check_dims("dropout3d", input.ndim, 3, (4, 5))
    if input.ndim != 5:
        return in_a_batch(input, p, training, inplace)
    return dropped(input, p, training, inplace, features=True)
