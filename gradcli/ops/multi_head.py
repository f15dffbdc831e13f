"""Multi-head attention: projections to heads, the attention of each, and a projection of all of them together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import dtype_kind
from gradcli.engine.mode import warn
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import add, mul
from gradcli.ops.attention import scaled_dot_product_attention
from gradcli.ops.copies import masked_fill
from gradcli.ops.define import composite
from gradcli.ops.dropout import dropout
from gradcli.ops.join import repeat, unflatten
from gradcli.ops.linalg import bmm, linear
from gradcli.ops.method import Size
from gradcli.ops.pad import pad
from gradcli.ops.pieces import cat, chunk, split_sizes
from gradcli.ops.products import baddbmm
from gradcli.ops.reduce import mean_dim
from gradcli.ops.shape import contiguous, expand, permute, reshape, select, squeeze_dim, transpose, unsqueeze, view
from gradcli.ops.softmax import softmax_dim


def check_batches(query: Any, key: Any, value: Any, key_padding_mask: Any, attn_mask: Any, num_heads: int) -> None:
    """A UserError unless all go with a `query` that has a batch, or with one that has none."""
    if query.ndim not in (2, 3):
        raise UserError(
            "shape",
            f"query should be unbatched 2D or batched 3D tensor but received {query.ndim}-D query tensor",
        )
    kind = "batched (3-D)" if query.ndim == 3 else "unbatched (2-D)"
    if key.ndim != query.ndim or value.ndim != query.ndim:
        raise UserError(
            "shape",
            f"For {kind} `query`, expected `key` and `value` to be {query.ndim}-D but found {key.ndim}-D and "
            f"{value.ndim}-D tensors respectively",
        )
    if key_padding_mask is not None and key_padding_mask.ndim != query.ndim - 1:
        raise UserError(
            "shape",
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {query.ndim - 1}-D but found "
            f"{key_padding_mask.ndim}-D tensor instead",
        )
    if attn_mask is None:
        return
    if attn_mask.ndim not in (2, 3):
        raise UserError(
            "shape",
            f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.ndim}-D tensor "
            "instead",
        )
    expected = (num_heads, query.shape[0], key.shape[0])
    if query.ndim == 2 and attn_mask.ndim == 3 and attn_mask.shape != expected:
        raise UserError("shape", f"Expected `attn_mask` shape to be {expected} but got {Size(attn_mask.shape)}")


def as_summand(mask: Any, name: str, dtype: Any) -> Any:
    """A mask of truth values as -inf where it is true, to be added to scores; one of numbers as it is."""
    if mask is None or dtype_kind(mask.dtype) == "f":
        return mask
    if dtype_kind(mask.dtype) != "b":
        raise UserError("type", f"only bool and floating types of {name} are supported")
    return masked_fill.inplace(Tensor(np.zeros_like(mask.array, dtype=dtype)), mask, -math.inf)


def project_packed(query: Any, key: Any, value: Any, weight: Any, bias: Any) -> tuple[Any, Any, Any]:
    """The projections by one weight for all three, those of the same tensor in one product."""
    size = query.shape[-1]
    if key is value and query is key:
        first, second, third = taken_apart(linear(query, weight, bias), 3)
        return first, second, third
    if key is value:
        weights = split_sizes(weight, [size, size * 2])
        biases = [None, None] if bias is None else split_sizes(bias, [size, size * 2])
        projected = linear(query, weights[0], biases[0])
        second, third = taken_apart(linear(key, weights[1], biases[1]), 2)
        return projected, second, third
    return project_each((query, key, value), chunk(weight, 3), in_three(bias))


def in_three(bias: Any) -> Sequence[Any]:
    parts: Sequence[Any] = (None, None, None) if bias is None else chunk(bias, 3)
    return parts


def project_each(inputs: Sequence[Any], weights: Sequence[Any], biases: Sequence[Any]) -> tuple[Any, Any, Any]:
    query, key, value = map(linear, inputs, weights, biases)
    return query, key, value


def taken_apart(projected: Any, count: int) -> list[Any]:
    """The parts of the last dimension, brought together in memory first."""
    parts = unsqueeze(unflatten(projected, -1, (count, projected.shape[-1] // count)), 0)
    parts = contiguous(squeeze_dim(transpose(parts, 0, -2), -2))
    return [select(parts, 0, place) for place in range(count)]


def check_projections(inputs: Sequence[Any], weights: Sequence[Any], biases: Sequence[Any]) -> None:
    """A UserError unless each weight leads from the size of its input to that of the queries."""
    names = ("query", "key", "value")
    size = inputs[0].shape[-1]
    for letter, weight in zip("qkv", weights, strict=True):
        if weight is None:
            raise UserError("type", f"use_separate_proj_weight is True but {letter}_proj_weight is None")
    for name, one, weight in zip(names, inputs, weights, strict=True):
        wanted_shape = (size, one.shape[-1])
        if weight.shape != wanted_shape:
            raise UserError("shape", f"expecting {name} weights shape of {wanted_shape}, but got {Size(weight.shape)}")
    for name, bias in zip(names, biases, strict=True):
        if bias is not None and bias.shape != (size,):
            raise UserError("shape", f"expecting {name} bias shape of {(size,)}, but got {Size(bias.shape)}")


def checked_attn_mask(attn_mask: Any, lengths: tuple[int, int], batches: int) -> Any:
    """A mask of three dimensions, the first of size 1 or `batches`."""
    if attn_mask is None:
        return None
    expected = lengths if attn_mask.ndim == 2 else (batches, *lengths)
    if attn_mask.shape != expected:
        raise UserError(
            "shape",
            f"The shape of the {attn_mask.ndim}D attn_mask is {Size(attn_mask.shape)}, but should be {expected}.",
        )
    return unsqueeze(attn_mask, 0) if attn_mask.ndim == 2 else attn_mask


def heads_first(projected: Any, batches: int, head_dim: int, static: Any, letter: str) -> Any:
    """A projection by heads, its positions second; or what is given to stand in its place."""
    if static is None:
        return transpose(view(projected, (projected.shape[0], batches, head_dim)), 0, 1)
    for dim, size in ((0, batches), (2, head_dim)):
        if static.shape[dim] != size:
            raise UserError("shape", f"expecting static_{letter}.size({dim}) of {size}, but got {static.shape[dim]}")
    return static


def with_biases(key: Any, value: Any, bias_k: Any, bias_v: Any, are_static: Sequence[bool]) -> tuple[Any, Any]:
    """`key` and `value` with one position more, if there are biases for it."""
    for given, other, name, other_name in ((bias_k, bias_v, "k", "v"), (bias_v, bias_k, "v", "k")):
        if given is not None and other is None:
            raise UserError("type", f"bias_{name} is set but bias_{other_name} is None")
    if bias_k is None:
        return key, value
    for is_static, name in zip(are_static, ("key", "value"), strict=True):
        if is_static:
            raise UserError("value", f"bias cannot be added to static {name}.")
    batch = key.shape[1]
    return cat([key, repeat(bias_k, (1, batch, 1))]), cat([value, repeat(bias_v, (1, batch, 1))])


def merged_mask(attn_mask: Any, key_padding_mask: Any, heads: int) -> Any:
    """The sum of both masks, that of the padding the same for each head and each query."""
    if key_padding_mask is None:
        return attn_mask
    batch, length = key_padding_mask.shape
    padding = expand(view(key_padding_mask, (batch, 1, 1, length)), (-1, heads, -1, -1))
    padding = reshape(padding, (batch * heads, 1, length))
    return padding if attn_mask is None else add(attn_mask, padding)


@composite(
    "multi_head_attention_forward(Tensor query, Tensor key, Tensor value, int embed_dim_to_check, int num_heads, "
    "Tensor? in_proj_weight, Tensor? in_proj_bias, Tensor? bias_k, Tensor? bias_v, bool add_zero_attn, "
    "float dropout_p, Tensor out_proj_weight, Tensor? out_proj_bias, bool training=True, "
    "Tensor? key_padding_mask=None, bool need_weights=True, Tensor? attn_mask=None, "
    "bool use_separate_proj_weight=False, Tensor? q_proj_weight=None, Tensor? k_proj_weight=None, "
    "Tensor? v_proj_weight=None, Tensor? static_k=None, Tensor? static_v=None, bool average_attn_weights=True, "
    "bool is_causal=False)"
)
def multi_head_attention_forward(
    query: Any,
    key: Any,
    value: Any,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Any,
    in_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Any,
    out_proj_bias: Any,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Any = None,
    k_proj_weight: Any = None,
    v_proj_weight: Any = None,
    static_k: Any = None,
    static_v: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> Any:
    """What `nn.MultiheadAttention` computes: of positions first, batches second; the shares too if `need_weights`."""
    check_batches(query, key, value, key_padding_mask, attn_mask, num_heads)
    is_batched = query.ndim == 3
    if not is_batched:
        query, key, value = (unsqueeze(one, 1) for one in (query, key, value))
        key_padding_mask = None if key_padding_mask is None else unsqueeze(key_padding_mask, 0)
    length, batch, embed_dim = query.shape
    if key_padding_mask is not None and attn_mask is not None and key_padding_mask.dtype != attn_mask.dtype:
        warn("Support for mismatched key_padding_mask and attn_mask is deprecated. Use same type for both instead.")
    key_padding_mask = as_summand(key_padding_mask, "key_padding_mask", query.dtype)
    if is_causal and attn_mask is None:
        raise UserError(
            "value",
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask.",
        )
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None
    else:
        attn_mask = as_summand(attn_mask, "attn_mask", query.dtype)
        is_causal = is_causal and key_padding_mask is None
    if embed_dim != embed_dim_to_check:
        raise UserError("shape", f"was expecting embedding dimension of {embed_dim_to_check}, but got {embed_dim}")
    head_dim, rest = divmod(embed_dim, num_heads)
    if rest:
        raise UserError("value", f"embed_dim {embed_dim} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        if key.shape[:2] != value.shape[:2]:
            raise UserError(
                "shape",
                f"key's sequence and batch dims {Size(key.shape[:2])} do not match value's {Size(value.shape[:2])}",
            )
        weights, biases = (q_proj_weight, k_proj_weight, v_proj_weight), in_three(in_proj_bias)
        check_projections((query, key, value), weights, biases)
        q, k, v = project_each((query, key, value), weights, biases)
    else:
        if key.shape != value.shape:
            raise UserError("shape", f"key shape {Size(key.shape)} does not match value shape {Size(value.shape)}")
        if in_proj_weight is None:
            raise UserError("type", "use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = project_packed(query, key, value, in_proj_weight, in_proj_bias)
    batches = batch * num_heads
    attn_mask = checked_attn_mask(attn_mask, (length, key.shape[0]), batches)
    k, v = with_biases(k, v, bias_k, bias_v, (static_k is not None, static_v is not None))
    q = heads_first(q, batches, head_dim, None, "q")
    k = heads_first(k, batches, head_dim, static_k, "k")
    v = heads_first(v, batches, head_dim, static_v, "v")
    if add_zero_attn:
        k, v = (cat([one, Tensor(np.zeros_like(one.array, shape=(batches, 1, head_dim)))], 1) for one in (k, v))
    for _ in range((bias_k is not None) + add_zero_attn):
        attn_mask, key_padding_mask = (
            None if mask is None else pad(mask, (0, 1)) for mask in (attn_mask, key_padding_mask)
        )
    if key_padding_mask is not None and key_padding_mask.shape != (batch, k.shape[1]):
        named = ("shape[0]", "shape[1]")
        wanted_sizes = (batch, k.shape[1])
        place = int(key_padding_mask.shape[0] == batch)
        raise UserError(
            "shape",
            f"Expected key_padded_mask.{named[place]} to be {wanted_sizes[place]}, but got "
            f"{key_padding_mask.shape[place]}",
        )
    attn_mask = merged_mask(attn_mask, key_padding_mask, num_heads)
    dropout_p = dropout_p if training else 0.0
    layout = (length, batch, num_heads, head_dim)
    if need_weights:
        output, shares = attended(q, k, v, attn_mask, dropout_p, layout)
    else:
        output, shares = attended_at_once(q, k, v, attn_mask, dropout_p, is_causal, layout), None
    output = linear(output, out_proj_weight, out_proj_bias)
    output = view(output, (length, batch, output.shape[1]))
    if shares is not None and average_attn_weights:
        shares = mean_dim(shares, [1])
    if not is_batched:
        output = squeeze_dim(output, 1)
        shares = None if shares is None else squeeze_dim(shares, 0)
    return output, shares


def attended(
    q: Any, k: Any, v: Any, attn_mask: Any, dropout_p: float, layout: tuple[int, int, int, int]
) -> tuple[Any, Any]:
    """The attention of all heads, a row for each position and batch, and the shares by batch and head."""
    length, batch, heads, head_dim = layout
    scaled = mul(q, math.sqrt(1.0 / head_dim))
    turned = transpose(k, -2, -1)
    shares = softmax_dim(bmm(scaled, turned) if attn_mask is None else baddbmm(attn_mask, scaled, turned), -1)
    if dropout_p > 0:
        shares = dropout(shares, dropout_p)
    rows = reshape(transpose(bmm(shares, v), 0, 1), (length * batch, heads * head_dim))
    return rows, view(shares, (batch, heads, length, k.shape[1]))


def attended_at_once(
    q: Any, k: Any, v: Any, attn_mask: Any, dropout_p: float, is_causal: bool, layout: tuple[int, int, int, int]
) -> Any:
    """The same without the shares, by `scaled_dot_product_attention`."""
    length, batch, heads, head_dim = layout
    if attn_mask is not None:
        first = attn_mask.shape[0] == 1
        attn_mask = unsqueeze(attn_mask, 0) if first else view(attn_mask, (batch, heads, -1, k.shape[1]))
    q, k, v = (view(one, (batch, heads, one.shape[1], head_dim)) for one in (q, k, v))
    output = scaled_dot_product_attention(q, k, v, attn_mask, dropout_p, is_causal)
    return reshape(permute(output, (2, 0, 1, 3)), (batch * length, heads * head_dim))
