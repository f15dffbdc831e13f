"""Rows of a table by their numbers: embeddings, bags of them, one-hot rows."""

from __future__ import annotations

from typing import Any

from gradcli.engine.device import beside, np, scatter_add
from gradcli.engine.dtypes import TYPE_NAMES, converted, dtype_kind, is_reduced
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import no_derivative, not_derived
from gradcli.ops.copies import masked_fill
from gradcli.ops.define import composite, op
from gradcli.ops.index import index_select
from gradcli.ops.kinds import check_dense, check_norm
from gradcli.ops.reduce import vector_norm_forward
from gradcli.ops.shape import reshape, unsqueeze
from gradcli.ops.views import write

MODES = ("sum", "mean", "max")


def check_indices(indices: Any, function: str, place: int = 1) -> None:
    if indices.dtype.name not in ("int32", "int64"):
        kind = "CPUBoolType" if dtype_kind(indices.dtype) == "b" else f"torch.{TYPE_NAMES[indices.dtype.name]}Tensor"
        raise UserError(
            "type",
            f"Expected tensor for argument #{place} 'indices' to have one of the following scalar types: Long, Int; "
            f"but got {kind} instead (while checking arguments for {function})",
        )


def embedding_forward(weight: Any, indices: Any, padding_idx: int, scale_grad_by_freq: bool) -> Any:
    check_indices(indices, "embedding")
    check_rows(indices, weight)
    return weight[indices]


def check_rows(indices: Any, weight: Any) -> None:
    if ((indices < 0) | (indices >= weight.shape[0])).any().item():
        raise UserError("value", "index out of range in self")


def rows_added(rows: Any, indices: Any, count: int, kept: Any) -> Any:
    """A table of `count` rows, to which those of `rows` are added that are kept."""
    table = np.zeros_like(rows, shape=(count, rows.shape[-1]))
    scatter_add(table, indices[kept], rows[kept])
    return table


def embedding_backward_forward(
    grad_output: Any, indices: Any, num_weights: int, padding_idx: int, scale_grad_by_freq: bool
) -> Any:
    flat = indices.reshape(-1)
    rows = grad_output.reshape((flat.size, grad_output.shape[-1]))
    if scale_grad_by_freq:
        rows = rows / np.bincount(flat)[flat].astype(rows.dtype)[:, None]
    return rows_added(rows, flat, num_weights, flat != padding_idx)


def embedding_double_backward(grad: Any, indices: Any, padding_idx: int) -> Any:
    rows = reshape(index_select(grad, 0, reshape(indices, (-1,))), (*indices.shape, grad.shape[1]))
    return masked_fill(rows, unsqueeze(indices == padding_idx, -1), 0) if padding_idx >= 0 else rows


def bags_of(indices: Any, offsets: Any, include_last_offset: bool) -> tuple[int, Any]:
    """How many bags there are, and the bag of each index."""
    count = offsets.size - include_last_offset
    return count, np.searchsorted(offsets[:count], beside(indices, np.arange(indices.size)), side="right") - 1


def embedding_bag_forward(
    weight: Any,
    indices: Any,
    offsets: Any,
    mode: str,
    scale_grad_by_freq: bool,
    per_sample_weights: Any,
    include_last_offset: bool,
    padding_idx: int,
) -> tuple[Any, Any]:
    """The bags, and for the mode "max" which row each of their numbers is from, -1 where a bag is empty."""
    check_bags(weight, indices, offsets, mode)
    count, bags = bags_of(indices, offsets, include_last_offset)
    kept = indices != padding_idx
    bags, indices = bags[kept], indices[kept]
    rows = weight[indices]
    result = np.zeros_like(weight, shape=(count, weight.shape[1]))
    if mode == "max":
        return largest_of(rows, indices, bags, result)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights[kept][:, None]
    scatter_add(result, bags, rows)
    if mode == "mean":
        result /= np.maximum(np.bincount(bags, minlength=count), 1).astype(result.dtype)[:, None]
    return result, np.zeros_like(indices, shape=0)


def largest_of(rows: Any, indices: Any, bags: Any, result: Any) -> tuple[Any, Any]:
    """For each bag and column the largest number and the index of its row; all bags are compared at once."""
    sizes = np.bincount(bags, minlength=result.shape[0])
    origin = np.full_like(indices, -1, shape=result.shape)
    if not indices.size:
        return result, origin
    place = beside(bags, np.arange(bags.size)) - np.searchsorted(bags, bags)
    side_by_side = np.full_like(rows, -np.inf, shape=(result.shape[0], sizes.max().item(), rows.shape[1]))
    side_by_side[bags, place] = rows
    chosen = np.argmax(side_by_side, axis=1)
    filled = sizes > 0
    result[filled] = np.take_along_axis(side_by_side, chosen[:, None], axis=1)[filled, 0]
    first = np.searchsorted(bags, beside(bags, np.arange(result.shape[0])))
    origin[filled] = indices[(first[:, None] + chosen)[filled]]
    return result, origin


def check_bags(weight: Any, indices: Any, offsets: Any, mode: str) -> None:
    check_indices(indices, "embedding_bag")
    if offsets.size and offsets[0].item() != 0:
        raise UserError(
            "value",
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, "
            f"got {offsets[0].item()}",
        )
    if offsets.size and offsets[-1].item() > indices.size:
        raise UserError(
            "value",
            f"offsets[-1] can not be greater than input's length {indices.size} but got offsets[-1] of "
            f"{offsets[-1].item()}",
        )
    outside = np.flatnonzero((indices < 0) | (indices >= weight.shape[0]))
    if outside.size:
        place = outside[0].item()
        found = indices[place].item()
        if weight.dtype.name == "float32" and mode != "max":
            message = f"Index {place} of input takes value {found} which is not in the valid range "
            message += f"[0, {weight.shape[0]})"
        else:
            message = f"embedding_bag: Expected idx >= 0 && idx < num_embeddings but found idx to be {found}"
        raise UserError("value", message)


def embedding_bag_backward_forward(
    grad: Any,
    indices: Any,
    offsets: Any,
    maximum_indices: Any,
    num_weights: int,
    mode: str,
    scale_grad_by_freq: bool,
    per_sample_weights: Any,
    include_last_offset: bool,
    padding_idx: int,
) -> Any:
    if mode == "max":
        table = np.zeros_like(grad, shape=(num_weights, grad.shape[1]))
        filled = maximum_indices[:, 0] >= 0 if grad.shape[1] else np.zeros_like(maximum_indices, shape=0, dtype=bool)
        columns = beside(grad, np.arange(grad.shape[1]))
        scatter_add(table, (maximum_indices[filled], columns), grad[filled])
        return table
    count, bags = bags_of(indices, offsets, include_last_offset)
    kept = indices != padding_idx
    if mode == "mean":
        grad = grad / np.maximum(np.bincount(bags[kept], minlength=count), 1).astype(grad.dtype)[:, None]
    rows = grad[bags]
    if per_sample_weights is not None:
        rows = rows * per_sample_weights[:, None]
    if scale_grad_by_freq:
        # torch looks up a wrong count: that of the n-th smallest index for the n-th of the different ones
        order = np.searchsorted(np.unique(indices), indices)
        rows = rows / np.bincount(indices)[np.sort(indices)[order]].astype(rows.dtype)[:, None]
    return rows_added(rows, indices, num_weights, kept)


def not_implemented() -> Any:
    raise UserError("autograd", "the derivative for '_embedding_bag_backward' is not implemented.")


def per_sample_weights_backward_forward(
    grad: Any, weight: Any, indices: Any, offsets: Any, include_last_offset: bool, padding_idx: int
) -> Any:
    bags = bags_of(indices, offsets, include_last_offset)[1]
    return np.add.reduce(grad[bags] * weight[indices], axis=1) * (indices != padding_idx)


embedding_row = op(
    "_embedding(Tensor weight, Tensor indices, int padding_idx, bool scale_grad_by_freq)", "EmbeddingBackward0",
    embedding_forward,
    real_only="embedding",
    weight=lambda grad, weight_shape, indices, padding_idx, scale_grad_by_freq: embedding_backward(
        grad, indices, weight_shape[0], padding_idx, scale_grad_by_freq
    ),
)  # fmt: skip
embedding_backward = op(
    "_embedding_dense_backward(Tensor grad_output, Tensor indices, int num_weights, int padding_idx, "
    "bool scale_grad_by_freq)",
    "EmbeddingDenseBackwardBackward0", embedding_backward_forward,
    grad_output=lambda grad, indices, padding_idx: embedding_double_backward(grad, indices, padding_idx),
)  # fmt: skip
embedding_bag_row = op(
    "_embedding_bag(Tensor weight, Tensor indices, Tensor offsets, str mode, bool scale_grad_by_freq, "
    "Tensor? per_sample_weights, bool include_last_offset, int padding_idx) -> (result, maximum_indices)",
    "EmbeddingBagBackward0", embedding_bag_forward, constant=("maximum_indices",),
    weight=lambda grad, weight_shape, indices, offsets, maximum_indices, mode, scale_grad_by_freq, per_sample_weights,
    include_last_offset, padding_idx: embedding_bag_backward(
        grad, indices, offsets, maximum_indices, weight_shape[0], mode, scale_grad_by_freq, per_sample_weights,
        include_last_offset, padding_idx,
    ),
    per_sample_weights=lambda grad, weight, indices, offsets, include_last_offset, padding_idx: (
        per_sample_weights_backward(grad, weight, indices, offsets, include_last_offset, padding_idx)
    ),
)  # fmt: skip
embedding_bag_backward = op(
    "_embedding_bag_backward(Tensor grad, Tensor indices, Tensor offsets, Tensor maximum_indices, int num_weights, "
    "str mode, bool scale_grad_by_freq, Tensor? per_sample_weights, bool include_last_offset, int padding_idx)",
    "EmbeddingBagBackwardBackward0", embedding_bag_backward_forward,
    grad=lambda grad: not_implemented(),
    per_sample_weights=lambda grad: not_implemented(),
)  # fmt: skip
per_sample_weights_backward = op(
    "_embedding_bag_per_sample_weights_backward(Tensor grad, Tensor weight, Tensor indices, Tensor offsets, "
    "bool include_last_offset, int padding_idx)",
    "NotImplemented", per_sample_weights_backward_forward,
    grad=no_derivative("_embedding_bag_per_sample_weights_backward"),
    weight=no_derivative("_embedding_bag_per_sample_weights_backward"),
)  # fmt: skip


def shortened(self: Any, indices: Any, max_norm: float, norm_type: float) -> Any:
    """The table with the rows that are used and longer than `max_norm` shortened."""
    if self.ndim != 2:
        raise UserError(
            "shape",
            f"Expected 2-dimensional tensor, but got {self.ndim}-dimensional tensor for argument #1 'self' "
            "(while checking arguments for embedding_renorm_)",
        )
    check_indices(indices, "embedding_renorm_", 2)
    used = np.unique(indices)
    outside = used[(used < -len(self)) | (used >= len(self))]
    if outside.size:
        raise UserError(
            "value",
            f"select(): index {outside[0]} out of range for tensor of size {list(self.shape)} at dimension 0",
        )
    check_norm(self)
    rows = converted(self[used], np.dtype(np.float32)) if is_reduced(self.dtype) else self[used]
    lengths = vector_norm_forward(rows, norm_type, 1, True, None)
    # torch rounds the lengths and the factors to the table's own dtype, and divides in double
    own = self.dtype if is_reduced(self.dtype) else lengths.dtype
    lengths = converted(converted(lengths, own), np.dtype(np.float64))
    factors = converted(np.where(lengths > max_norm, max_norm / (lengths + 1e-7), 1), own)
    table = self.copy()
    table[used] = converted(rows * converted(factors, rows.real.dtype), self.dtype)
    return table


def renorm(weight: Any, indices: Any, max_norm: float, norm_type: float) -> None:
    """Shorten the rows that are used, in place and outside the graph."""
    check_rows(indices.array, weight.array)
    write(weight.detach(), shortened(weight.array, indices.array, max_norm, norm_type))


renormalised = op(
    "_embedding_renorm_(Tensor self, Tensor indices, float max_norm, float norm_type)", "EmbeddingRenormBackward0",
    shortened,
    self=not_derived("embedding_renorm"),
)  # fmt: skip


@composite("embedding_renorm_(Tensor input, Tensor indices, float max_norm, float norm_type)")
def embedding_renorm_(input: Any, indices: Any, max_norm: float, norm_type: float) -> Any:
    """The rows of `input` that `indices` name, shortened in place to `max_norm`."""
    return renormalised.inplace(input, indices, max_norm, norm_type)


@composite(
    "embedding(Tensor input, Tensor weight, int? padding_idx=None, float? max_norm=None, float norm_type=2.0, "
    "bool scale_grad_by_freq=False, bool sparse=False)"
)
def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    check_dense(sparse)
    if padding_idx is None:
        padding_idx = -1
    else:
        if not -weight.shape[0] <= padding_idx < weight.shape[0]:
            raise UserError("value", "Padding_idx must be within num_embeddings")
        padding_idx %= weight.shape[0]
    if weight.ndim != 2:
        raise UserError("shape", "'weight' must be 2-D")
    if max_norm is not None:
        renorm(weight, input, max_norm, norm_type)
    return embedding_row(weight, input, padding_idx, scale_grad_by_freq)


@composite(
    "embedding_bag(Tensor input, Tensor weight, Tensor? offsets=None, float? max_norm=None, float norm_type=2, "
    'bool scale_grad_by_freq=False, str mode="mean", bool sparse=False, Tensor? per_sample_weights=None, '
    "bool include_last_offset=False, int? padding_idx=None)"
)
def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """Sums, means or maxima of bags of rows; a bag is a row of `input`, or what follows one of its `offsets`."""
    check_dense(sparse)
    if per_sample_weights is not None and per_sample_weights.shape != input.shape:
        raise UserError(
            "shape",
            f"embedding_bag: If per_sample_weights (torch.Size({list(per_sample_weights.shape)})) is not None, then "
            f"it must have the same shape as the input (torch.Size({list(input.shape)}))",
        )
    if weight.ndim != 2:
        raise UserError("shape", f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    input, offsets, per_sample_weights, include_last_offset = in_one_row(
        input, offsets, per_sample_weights, include_last_offset
    )
    if mode not in MODES:
        raise UserError("value", "mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise UserError("value", "max mode does not support scaling the gradient by the frequency")
    if max_norm is not None:
        renorm(weight, input, max_norm, norm_type)
    if per_sample_weights is not None:
        check_per_sample_weights(mode, weight, per_sample_weights)
    if padding_idx is not None and not -weight.shape[0] <= padding_idx < weight.shape[0]:
        raise UserError(
            "value",
            f"padding_idx must be within the number of embeddings, {-weight.shape[0]} through {weight.shape[0] - 1}, "
            f"but got {padding_idx}",
        )
    padding_idx = -1 if padding_idx is None else padding_idx % weight.shape[0]
    if dtype_kind(weight.dtype) != "f":
        kind = TYPE_NAMES[weight.dtype.name]
        found = f"CPU{kind}Type" if kind.startswith("Complex") else f"torch.{kind}Tensor"
        raise UserError(
            "type",
            "Expected tensor for argument #1 'weight' to have one of the following scalar types: Half, BFloat16, "
            f"Float, Double; but got {found} instead (while checking arguments for embedding_bag)",
        )
    return embedding_bag_row(
        weight, input, offsets, mode, scale_grad_by_freq, per_sample_weights, include_last_offset, padding_idx
    )[0]


def check_per_sample_weights(mode: str, weight: Any, per_sample_weights: Any) -> None:
    if mode != "sum":
        raise UserError(
            "value",
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got "
            f"mode='{mode}'). Please open a feature request on GitHub.",
        )
    if weight.dtype != per_sample_weights.dtype:
        first, second = (TYPE_NAMES[tensor.dtype.name] for tensor in (weight, per_sample_weights))
        raise UserError(
            "type",
            "Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 "
            f"'per_sample_weights'; but type torch.{first}Tensor does not equal torch.{second}Tensor (while checking "
            "arguments for embedding_bag)",
        )


def in_one_row(
    input: Any, offsets: Any, per_sample_weights: Any, include_last_offset: bool
) -> tuple[Any, Any, Any, bool]:
    """Bags of one length, the rows of a matrix, as bags with offsets."""
    if input.ndim == 2:
        if offsets is not None:
            raise UserError(
                "value",
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                "sequences. However, found offsets of type <class 'torch.Tensor'>",
            )
        starts = Tensor(beside(input.array, np.arange(0, input.array.size, max(input.shape[1], 1))))
        weights = None if per_sample_weights is None else reshape(per_sample_weights, (-1,))
        return reshape(input, (-1,)), starts, weights, False
    if input.ndim != 1:
        raise UserError("shape", f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    if offsets is None:
        raise UserError("value", "offsets has to be a 1D Tensor but got None")
    if offsets.ndim != 1:
        raise UserError("shape", "offsets has to be a 1D Tensor")
    return input, offsets, per_sample_weights, include_last_offset


@composite("one_hot(Tensor input, int num_classes=-1)")
def one_hot(input: Any, num_classes: int = -1) -> Any:
    if input.dtype.name != "int64":
        raise UserError("type", "one_hot is only applicable to index tensor of type LongTensor.")
    labels = input.array
    if labels.size:
        if labels.min().item() < 0:
            raise UserError("value", "Class values must be non-negative.")
        largest = labels.max().item()
        if num_classes != -1 and largest >= num_classes:
            raise UserError("value", "Class values must be smaller than num_classes.")
        num_classes = largest + 1 if num_classes == -1 else num_classes
    elif num_classes <= 0:
        raise UserError("value", "Can not infer total number of classes from empty tensor.")
    return Tensor((labels[..., None] == beside(labels, np.arange(num_classes))).astype(np.int64))
