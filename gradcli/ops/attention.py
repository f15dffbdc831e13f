"""Attention, as torch computes it on a CPU: in one kernel where it can, else composed of matrix products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind, is_reduced
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import add, no_derivative, wanted
from gradcli.ops.copies import to_dtype
from gradcli.ops.define import composite, op
from gradcli.ops.dropout import dropout
from gradcli.ops.kinds import only
from gradcli.ops.linalg import matmul
from gradcli.ops.reduce import sum
from gradcli.ops.shape import expand, new_zeros, reshape, row_major, transpose, unsqueeze
from gradcli.ops.softmax import softmax_backward
from gradcli.ops.views import in_torch_layout


def safe_softmax_forward(self: Any, dim: int) -> Any:
    """Softmax, where a row without any share gives zeros."""
    if not self.size:
        return self.copy()
    largest = np.amax(self, axis=dim, keepdims=True)
    powers = np.exp(self - np.where(largest == -np.inf, 0, largest))
    total = np.add.reduce(powers, axis=dim, keepdims=True)
    return powers / np.where(largest == -np.inf, 1, total)


def attention_shares(query: Any, key: Any, is_causal: bool, attn_mask: Any, scale: float) -> Any:
    scores = np.matmul(query, np.swapaxes(key, -2, -1)) * scale
    if is_causal:
        attn_mask = causal_mask(query, key)
    return safe_softmax_forward(scores if attn_mask is None else scores + attn_mask, -1)


def causal_mask(query: Any, key: Any) -> Any:
    """0 where a query may look at a key, not behind it, and -inf where not."""
    allowed = np.tril(np.ones_like(query, shape=(query.shape[-2], key.shape[-2]), dtype=bool))
    return as_bias(allowed, query.dtype)


def as_bias(mask: Any, dtype: Any) -> Any:
    return np.where(mask, 0.0, -np.inf).astype(dtype)


def for_all_heads(self: Any, heads: int) -> Any:
    """Each head of keys or values for as many heads of queries in a row as share it."""
    return self if self.shape[-3] == heads else np.repeat(self, heads // self.shape[-3], axis=-3)


def of_shared_heads(grad: Any, heads: int) -> Any:
    """The transpose of `for_all_heads`."""
    if grad.shape[-3] == heads:
        return grad
    return np.add.reduce(grad.reshape((*grad.shape[:-3], heads, -1, *grad.shape[-2:])), axis=-3)


def flash_forward(query: Any, key: Any, value: Any, is_causal: bool, attn_mask: Any, scale: float) -> Any:
    heads = query.shape[-3]
    shares = attention_shares(query, for_all_heads(key, heads), is_causal, attn_mask, scale)
    result = np.matmul(shares, for_all_heads(value, heads))
    return in_torch_layout(result, (query,)) if query.strides[-1] == query.itemsize else result


def flash_backward_forward(
    grad_out: Any, query: Any, key: Any, value: Any, out: Any, is_causal: bool, attn_mask: Any, scale: float
) -> tuple[Any, ...]:
    heads, few = query.shape[-3], key.shape[-3]
    key, value = for_all_heads(key, heads), for_all_heads(value, heads)
    shares = attention_shares(query, key, is_causal, attn_mask, scale)
    for_shares = np.matmul(grad_out, np.swapaxes(value, -2, -1))
    slope = shares * (for_shares - np.add.reduce(grad_out * out, axis=-1, keepdims=True)) * scale
    for_key = np.matmul(np.swapaxes(slope, -2, -1), query)
    for_value = np.matmul(np.swapaxes(shares, -2, -1), grad_out)
    grads = np.matmul(slope, key), of_shared_heads(for_key, few), of_shared_heads(for_value, few)
    return tuple(heads_last(grad) for grad in grads)


def heads_last(grad: Any) -> Any:
    """`grad` in the memory order that the kernel gives it: for each position all heads."""
    return grad.swapaxes(1, 2).copy("C").swapaxes(1, 2)


def flash_slopes(grad: Any, needs: Sequence[bool], *saved: Any) -> tuple[Any, ...]:
    return wanted(flash_backward(grad, *saved), needs)


safe_softmax = op(
    "_safe_softmax(Tensor self, int dim)", "SafeSoftmaxBackward0", safe_softmax_forward,
    check=only("f", "softmax_lastdim_kernel_impl"),
    self=lambda grad, result, dim: softmax_backward(grad, result, dim),
)  # fmt: skip
flash = op(
    "_scaled_dot_product_flash_attention_for_cpu(Tensor query, Tensor key, Tensor value, bool is_causal, "
    "Tensor? attn_mask, float scale)",
    "ScaledDotProductFlashAttentionForCpuBackward0", flash_forward, constant=("attn_mask",),
    joint=lambda grad, needs, query, key, value, result, is_causal, attn_mask, scale: flash_slopes(
        grad, needs, query, key, value, result, is_causal, attn_mask, scale
    ),
)  # fmt: skip
flash_backward = op(
    "_scaled_dot_product_flash_attention_for_cpu_backward(Tensor grad_out, Tensor query, Tensor key, Tensor value, "
    "Tensor out, bool is_causal, Tensor? attn_mask, float scale) -> (grad_query, grad_key, grad_value)",
    "NotImplemented", flash_backward_forward,
    **dict.fromkeys(
        ("grad_out", "query", "key", "value", "out"),
        no_derivative("_scaled_dot_product_flash_attention_for_cpu_backward"),
    ),
)  # fmt: skip


def check_attention(query: Any, key: Any, value: Any, attn_mask: Any, is_causal: bool) -> None:
    if not query.dtype == key.dtype == value.dtype:
        first, second, third = (TYPE_NAMES[tensor.dtype.name].lower() for tensor in (query, key, value))
        raise UserError(
            "type",
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{first} key.dtype: {second} and value.dtype: {third} instead.",
        )
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise UserError(
            "shape",
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{query.ndim}, key.dim: {key.ndim} and value.dim: {value.ndim} instead.",
        )
    if attn_mask is not None:
        if dtype_kind(attn_mask.dtype) != "b" and attn_mask.dtype.name != "float32" and attn_mask.dtype != query.dtype:
            found, wanted_dtype = (TYPE_NAMES[tensor.dtype.name].lower() for tensor in (attn_mask, query))
            raise UserError(
                "type",
                "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
                f"{found} and  query.dtype: {wanted_dtype} instead.",
            )
        if is_causal:
            raise UserError(
                "value",
                "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True",
            )


def takes_one_kernel(query: Any, key: Any, value: Any, attn_mask: Any, dropout_p: float, enable_gqa: bool) -> bool:
    """Whether torch's kernel for CPUs computes it, which has a gradient but no second one."""
    if dtype_kind(query.dtype) != "f" or dropout_p > 0 or not query.ndim == key.ndim == value.ndim == 4:
        return False
    if not query.shape[-1] == key.shape[-1] == value.shape[-1] or 0 in (query.shape[-2], key.shape[-2]):
        return False
    if any(one.array.strides[-1] != one.array.itemsize for one in (query, key, value)):
        return False
    if not query.shape[0] == key.shape[0] == value.shape[0] or key.shape[1] != value.shape[1]:
        return False
    if query.shape[1] != key.shape[1] and not (enable_gqa and query.shape[1] % key.shape[1] == 0):
        return False
    if attn_mask is None:
        return True
    lengths = (query.shape[-2], key.shape[-2])
    fits = attn_mask.ndim in (2, 4) and all(
        found in (1, length)
        for found, length in zip(
            reversed(attn_mask.shape), (*reversed(lengths), query.shape[1], query.shape[0]), strict=False
        )
    )
    return fits and not attn_mask.requires_grad


def has_nothing(query: Any, value: Any) -> bool:
    """Whether there is nothing to attend to or nobody who does: the shapes of keys are not looked at then."""
    return 0 in value.shape or query.shape[-2] == 0


def of_nothing(query: Any, key: Any, value: Any) -> Any:
    """Zeros, to which all three are tied in the graph."""
    zeros = new_zeros(value, (*query.shape[:-1], value.shape[-1]))
    return zeros + (sum(query) + sum(key) + sum(value)) * 0


def repeated_heads(self: Any, heads: int) -> Any:
    """Each head of keys or values as often as heads of queries share it."""
    times = heads // self.shape[-3]
    if times == 1:
        return self
    copies = expand(unsqueeze(self, -3), (*self.shape[:-2], times, *self.shape[-2:]))
    return reshape(row_major(copies), (*self.shape[:-3], heads, *self.shape[-2:]))


@composite(
    "scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, "
    "float dropout_p=0.0, bool is_causal=False, *, float? scale=None, bool enable_gqa=False)"
)
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """softmax(query @ key.mT * scale + attn_mask) @ value."""
    check_attention(query, key, value, attn_mask, is_causal)
    if attn_mask is not None and dtype_kind(attn_mask.dtype) == "b":
        attn_mask = Tensor(as_bias(attn_mask.array, query.dtype))
    if has_nothing(query, value):
        return of_nothing(query, key, value)
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1]) if query.shape[-1] else math.inf
    if takes_one_kernel(query, key, value, attn_mask, dropout_p, enable_gqa):
        return flash(query, key, value, is_causal, attn_mask, scale)
    dtype = query.dtype
    if is_reduced(dtype):
        query, key, value = (to_dtype(one, np.dtype(np.float32)) for one in (query, key, value))
    if enable_gqa:
        heads = query.shape[-3] if query.ndim > 2 else 1
        if any(one.ndim < 3 or one.shape[-3] == 0 or heads % one.shape[-3] for one in (key, value)):
            raise UserError(
                "shape",
                "Number of heads in key and value must divide the number of heads in query when enable_gqa=True",
            )
        key, value = repeated_heads(key, query.shape[-3]), repeated_heads(value, query.shape[-3])
    root = math.sqrt(abs(scale))
    scores = matmul(query * math.copysign(root, scale), transpose(key, -2, -1) * root)
    if is_causal:
        attn_mask = Tensor(causal_mask(query.array, key.array))
    if attn_mask is not None:
        scores = add.inplace(scores, attn_mask)
    shares = safe_softmax(scores, -1)
    result = matmul(dropout(shares, dropout_p) if dropout_p > 0 else shares, value)
    return to_dtype(result, dtype) if is_reduced(dtype) else result
