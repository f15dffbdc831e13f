"""Reductions and cumulative operations: along dimensions, `dim=None` meaning all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.engine.device import as_array, np
from gradcli.engine.dtypes import TYPE_NAMES, dtype_kind, promote_types, summed
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import abs as absolute
from gradcli.ops.arithmetic import mul_number, sgn
from gradcli.ops.compare import equal_places
from gradcli.ops.copies import as_mask, cast, clone, conj, copy, masked_fill, ones_like, to_dtype, where
from gradcli.ops.define import composite, op
from gradcli.ops.elementary import exp
from gradcli.ops.index import checked, index_select, masked_select
from gradcli.ops.pieces import cat
from gradcli.ops.shape import expand, flip, narrow, new_zeros, reshape, select, unsqueeze, wrap_dim, wrap_dims

Dims = int | Sequence[int] | None


def axes(dim: Dims, ndim: int) -> tuple[int, ...] | None:
    """`dim` as NumPy's axis; an empty list means all, as in torch's reductions."""
    if dim is None or (not dim and not isinstance(dim, int)):
        return None
    return wrap_dims(dim, ndim)


def kept(value: Any, shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Any:
    """`value`, reduced from `shape`, with its reduced dimensions back as 1; if they are all, it broadcasts as it is."""
    reduced = axes(dim, len(shape))
    if not keepdim and reduced is not None:
        for place in sorted(reduced):
            value = unsqueeze(value, place)
    return value


def kept_view(value: Any, shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Any:
    """As `kept`, by one view; for all dimensions too."""
    if keepdim:
        return value
    if not shape and dim is not None and dim != []:
        return reshape(value, (1,))
    reduced = axes(dim, len(shape))
    return reshape(value, tuple(1 if reduced is None or place in reduced else n for place, n in enumerate(shape)))


def count(shape: tuple[int, ...], dim: Dims) -> int:
    """How many elements are reduced to one."""
    reduced = axes(dim, len(shape))
    size = 1
    for place, length in enumerate(shape):
        if reduced is None or place in reduced:
            size *= length
    return size


def summable(self: Any, dtype: Any) -> Any:
    """`self` in `dtype`, or else integers and bools in int64: in which torch sums and multiplies."""
    if dtype is not None:
        return cast(self, dtype)
    return self.astype(np.int64) if dtype_kind(self.dtype) in "biu" else self


def sum_forward(self: Any, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Any:
    values = summable(self, dtype)
    return np.add.reduce(values, axis=axes(dim, self.ndim), dtype=values.dtype, keepdims=keepdim)


def mean_forward(self: Any, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Any:
    if dtype_kind(dtype or self.dtype) not in "fc":
        raise UserError(
            "type",
            f"mean(): could not infer output dtype. {'Input' if dtype is None else 'Optional'} dtype must be either a "
            f"floating point or complex dtype. Got: {TYPE_NAMES[(dtype or self.dtype).name]}",
        )
    total = np.add.reduce(summable(self, dtype), axis=axes(dim, self.ndim), keepdims=keepdim)
    return total / count(self.shape, dim)


def prod_forward(self: Any, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Any:
    values = summable(self, dtype)
    return np.multiply.reduce(values, axis=axes(dim, self.ndim), dtype=values.dtype, keepdims=keepdim)


def var_forward(self: Any, dim: Dims, correction: float, keepdim: bool) -> Any:
    if isinstance(correction, complex):
        raise UserError("value", "value cannot be converted to type double without overflow")
    reduced = axes(dim, self.ndim)
    size = count(self.shape, dim)
    mean = np.add.reduce(self, axis=reduced, keepdims=True) / size
    mean = mean + np.add.reduce(self - mean, axis=reduced, keepdims=True) / size  # equal values have no variance
    deviation = self - mean
    square = (deviation * np.conj(deviation)).real
    total = np.add.reduce(square, axis=reduced, keepdims=keepdim)
    degrees = size - correction
    return total / (degrees if degrees > 0 else 0)


def logsumexp_forward(self: Any, dim: Dims, keepdim: bool) -> Any:
    reduced = axes(dim, self.ndim)
    if self.size == 0:
        return np.log(np.add.reduce(np.exp(self), axis=reduced, keepdims=keepdim))
    largest = np.amax(self, axis=reduced, keepdims=True)
    largest = np.where(np.isinf(largest), 0, largest)
    total = np.log(summed(np.exp(self - largest), reduced, keepdim))
    return total + (largest if keepdim else np.squeeze(largest, axis=reduced))


def vector_norm_forward(self: Any, ord: float, dim: Dims, keepdim: bool, dtype: Any) -> Any:
    check_vector_norm(self, None)
    if isinstance(ord, complex):
        raise UserError("type", "linalg.vector_norm: Expected a non-complex scalar as the order of norm.")
    if self.size == 0 and (ord < 0 or ord == float("inf")) and count(self.shape, dim) == 0:
        raise UserError(
            "shape", f"linalg.vector_norm cannot compute the {ord:g} norm on an empty tensor because the operation "
            "does not have an identity"
        )  # fmt: skip
    reduced = axes(dim, self.ndim)
    size = np.absolute(self if dtype is None else cast(self, dtype))
    if ord == 2:
        return np.sqrt(np.add.reduce(size * size, axis=reduced, keepdims=keepdim))
    if ord == 1:
        return np.add.reduce(size, axis=reduced, keepdims=keepdim)
    if ord == float("inf"):
        return np.amax(size, axis=reduced, keepdims=keepdim)
    if ord == float("-inf"):
        return np.amin(size, axis=reduced, keepdims=keepdim)
    if ord == 0:
        return np.add.reduce((size != 0).astype(size.dtype), axis=reduced, keepdims=keepdim)
    return np.power(np.add.reduce(np.power(size, ord), axis=reduced, keepdims=keepdim), 1 / ord)


def check_vector_norm(self: Any, dtype: Any) -> None:
    if dtype_kind(self.dtype) not in "fc":
        raise UserError(
            "type",
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
            f"{TYPE_NAMES[self.dtype.name]}",
        )
    check_norm_dtype("vector", self, dtype)


def check_norm_dtype(kind: str, self: Any, dtype: Any) -> None:
    """A norm may be asked for in a dtype of the same kind that loses nothing of `self`."""
    if dtype is None:
        return
    wanted, given = dtype_kind(dtype), dtype_kind(self.dtype)
    name, found = TYPE_NAMES[dtype.name], TYPE_NAMES[self.dtype.name]
    problem = None
    if wanted not in "fc":
        problem = f"dtype should be floating point or complex, but got {name}"
    elif (wanted == "c") != (given == "c"):
        word = "complex" if given == "c" else "real"
        problem = f"dtype should be {word} for {word} inputs, but got {name}"
    elif promote_types(self.dtype, dtype) != dtype:
        problem = (
            f"the dtype of the input ({found}) should be convertible without narrowing to the specified dtype ({name})"
        )
    if problem is not None:
        raise UserError("type", f"linalg.{kind}_norm: {problem}")


def vector_norm_backward(grad: Any, self: Any, ord: float, dim: Dims, keepdim: bool, result: Any) -> Any:
    grad = kept(grad, self.shape, dim, keepdim)
    norm = kept(result, self.shape, dim, keepdim)
    if ord == 0:
        return None
    if ord == 1:
        return sgn(self) * grad
    if ord == 2:
        return grad * masked_fill(self / norm, norm == 0, 0)
    if ord in (float("inf"), float("-inf")):
        at = equal_places(absolute(self), norm)
        return sgn(self) * (grad / sum_dim(at, dim, keepdim=True) * at)
    if ord < 1:
        scaled = sgn(self) * masked_fill(absolute(self) ** (ord - 1), self == 0, 0)
        return scaled * grad * norm ** (1 - ord)
    scaled = sgn(self) * absolute(self) ** (ord - 1) if ord < 2 else self * absolute(self) ** (ord - 2)
    return scaled * masked_fill(grad / norm ** (ord - 1), norm == 0, 0)


def whole(self: Any, dim: int, function: Any, dtype: Any) -> Any:
    """A cumulative `function` along `dim`; integers count in int64."""
    dim = wrap_dim(dim, self.ndim)
    if dtype is not None and dtype_kind(dtype) == "b" and self.size:
        raise UserError("type", f"\"{function.__name__}_out_cpu\" not implemented for 'Bool'")
    self = summable(self, dtype)
    return function(self, axis=dim, dtype=self.dtype) if self.ndim else self.copy()


def in_dtype(tensor: Any, dtype: Any) -> Any:
    return tensor if tensor.dtype == dtype else to_dtype(tensor, dtype)


def expanded(grad: Any, shape: tuple[int, ...], dim: Dims, keepdim: bool) -> Any:
    """The gradient of a sum: each of the summed elements has the sum's."""
    return expand(kept(grad, shape, dim, keepdim), shape)


def has_zero(self: Any) -> bool:
    """Whether an element is zero: torch's formula for `prod` branches on the numbers."""
    return bool((getattr(self, "array", self) == 0).any().item())


def prod_backward(grad: Any, self: Any, result: Any, dim: int | None, keepdim: bool) -> Any:
    """grad * (product of the others); by division where no factor is zero."""
    if self.ndim == 0:
        return grad
    if dim is None:
        if has_zero(self):
            return reshape(around_zeros(grad, reshape(self, (-1,)), 0), self.shape)
        return grad * conj(result / self)
    grad = kept(grad, self.shape, dim, keepdim)
    if has_zero(self):
        return around_zeros(grad, self, dim)
    return grad * conj(kept(result, self.shape, dim, keepdim) / self)


def around_zeros(grad: Any, self: Any, dim: int) -> Any:
    """grad * (product of all others along `dim`), that of those before an element and of those behind it."""
    length = self.shape[dim]
    if length == 1:
        return clone(grad)
    one = ones_like(narrow(self, dim, 0, 1))
    before = cumprod(cat([one, narrow(self, dim, 0, length - 1)], dim), dim)
    behind = flip(cumprod(cat([one, narrow(flip(self, [dim]), dim, 0, length - 1)], dim), dim), [dim])
    return grad * conj(before * behind)


def cumprod_backward(grad: Any, self: Any, result: Any, dim: int) -> Any:
    """Where no factor is zero: the sum of grad * result from an element on, divided by the element."""
    if math.prod(self.shape) <= 1:
        return grad
    if not has_zero(self):
        return reversed_cumsum(grad * conj(result), dim) / conj(self)
    result = new_zeros(grad, self.shape)
    length = self.shape[dim]
    for place in range(length):
        # the derivative of every later product by the factor at `place`
        behind = cumprod(narrow(conj(self), dim, place + 1, length - place - 1), dim)
        if place == 0:
            slope = cat([ones_like(narrow(self, dim, 0, 1)), behind], dim)
        else:
            before = prod_dim(narrow(conj(self), dim, 0, place), dim, keepdim=True)
            slope = cat([before, expand(before, behind.shape) * behind], dim) if place < length - 1 else before
        put(sum_dim(narrow(grad, dim, place, length - place) * slope, dim), select(result, dim, place))
    return result


def put(value: Any, part: Any) -> None:
    """Write `value` into `part`, a view; on Tensors as a recorded operation."""
    if isinstance(part, Tensor):
        copy.inplace(part, value)
    else:
        part[...] = value


def times_in_place(number: float, part: Any) -> None:
    """Multiply `part`, a view, by `number`; on Tensors as a recorded operation."""
    if isinstance(part, Tensor):
        mul_number.inplace(part, number)
    else:
        part *= number


def reversed_cumsum(self: Any, dim: int) -> Any:
    return self if math.prod(self.shape) <= 1 or self.shape[dim] == 1 else flip(cumsum(flip(self, [dim]), dim), [dim])


sum = op(
    "sum(Tensor self, *, ScalarType? dtype=None)", "SumBackward0",
    lambda self, dtype: sum_forward(self, dtype=dtype),
    contiguous=True,
    self=lambda grad, self_shape: expand(grad, self_shape),
)  # fmt: skip
sum_dim = op(
    "sum.dim(Tensor self, int[]? dim, bool keepdim=False, *, ScalarType? dtype=None)", "SumBackward1", sum_forward,
    contiguous=True,
    self=lambda grad, self_shape, dim, keepdim: expanded(grad, self_shape, dim, keepdim),
)  # fmt: skip
mean = op(
    "mean(Tensor self, *, ScalarType? dtype=None)", "MeanBackward0",
    lambda self, dtype: mean_forward(self, dtype=dtype),
    contiguous=True,
    self=lambda grad, self_shape: expand(grad, self_shape) / count(self_shape, None),
)  # fmt: skip
mean_dim = op(
    "mean.dim(Tensor self, int[]? dim, bool keepdim=False, *, ScalarType? dtype=None)", "MeanBackward1", mean_forward,
    contiguous=True,
    self=lambda grad, self_shape, dim, keepdim: (
        expanded(grad, self_shape, dim, keepdim) / count(self_shape, dim)
    ),
)  # fmt: skip
prod = op(
    "prod(Tensor self, *, ScalarType? dtype=None)", "ProdBackward0",
    lambda self, dtype: prod_forward(self, dtype=dtype),
    contiguous=True,
    self=lambda grad, self, result: prod_backward(grad, in_dtype(self, grad.dtype), result, None, False),
)  # fmt: skip
prod_dim = op(
    "prod.dim(Tensor self, int dim, bool keepdim=False, *, ScalarType? dtype=None)", "ProdBackward1", prod_forward,
    contiguous=True,
    self=lambda grad, self, result, dim, keepdim: prod_backward(
        grad, in_dtype(self, grad.dtype), result, dim, keepdim
    ),
)  # fmt: skip
var = op(
    "_var(Tensor self, int[]? dim, Scalar correction, bool keepdim)", "VarBackward0", var_forward,
    contiguous=True,
    self=lambda grad, self, dim, correction, keepdim: var_backward(grad, self, dim, correction, keepdim),
)  # fmt: skip
std = op(
    "_std(Tensor self, int[]? dim, Scalar correction, bool keepdim)", "StdBackward0",
    lambda self, dim, correction, keepdim: np.sqrt(var_forward(self, dim, correction, keepdim)),
    contiguous=True,
    self=lambda grad, self, dim, correction, keepdim, result: var_backward(
        masked_fill(grad / (result * 2), result == 0, 0), self, dim, correction, keepdim
    ),
)  # fmt: skip
logsumexp = op(
    "logsumexp(Tensor self, int[] dim, bool keepdim=False)", "LogsumexpBackward0", logsumexp_forward, promote="float",
    contiguous=True,
    self=lambda grad, self, dim, keepdim, result: kept(grad, self.shape, dim, keepdim)
    * conj(exp(self - kept(result, self.shape, dim, keepdim))),
)  # fmt: skip
vector_norm = op(
    "vector_norm(Tensor self, Scalar ord=2, int[]? dim=None, bool keepdim=False, *, ScalarType? dtype=None)",
    "LinalgVectorNormBackward0", vector_norm_forward,
    contiguous=True, operands=("dtype",), check=check_vector_norm,
    self=lambda grad, self, ord, dim, keepdim, result: vector_norm_backward(grad, self, ord, dim, keepdim, result),
)  # fmt: skip
cumsum = op(
    "cumsum(Tensor self, int dim, *, ScalarType? dtype=None)", "CumsumBackward0",
    lambda self, dim, dtype: whole(self, dim, np.cumsum, dtype),
    contiguous=True,
    self=lambda grad, dim, self_dtype: reversed_cumsum(in_dtype(grad, self_dtype), dim),
)  # fmt: skip
cumprod = op(
    "cumprod(Tensor self, int dim, *, ScalarType? dtype=None)", "CumprodBackward0",
    lambda self, dim, dtype: whole(self, dim, np.cumprod, dtype),
    contiguous=True,
    self=lambda grad, self, result, dim: cumprod_backward(in_dtype(grad, self.dtype), self, result, dim),
)  # fmt: skip
all = op(
    "all(Tensor self, int[]? dim=None, bool keepdim=False)",
    None,
    lambda self, dim, keepdim: truths(np.all, self, dim, keepdim),
)
any = op(
    "any(Tensor self, int[]? dim=None, bool keepdim=False)",
    None,
    lambda self, dim, keepdim: truths(np.any, self, dim, keepdim),
)
count_nonzero = op(
    "count_nonzero(Tensor self, int[]? dim=None)", None, lambda self, dim: np.count_nonzero(self, axes(dim, self.ndim))
)


masked_fill_tensor = op(
    "masked_fill.Tensor(Tensor self, Tensor mask, Tensor value)", "MaskedFillBackward1",
    lambda self, mask, value: masked_fill_forward(self, mask, value),
    host_scalars=1,
    self=lambda grad, mask: masked_fill(grad, mask, 0),
    value=lambda grad, mask: sum(masked_select(grad, mask)),
)  # fmt: skip
index_fill = op(
    "index_fill(Tensor self, int dim, Tensor index, Scalar value)", "IndexFillBackward0",
    lambda self, dim, index, value: index_filled(self, dim, index, value),
    fits=("value",),
    self=lambda grad, dim, index: index_fill(grad, dim, index, 0),
)  # fmt: skip
distinct = op("_distinct(Tensor self)", None, np.unique)
index_fill_tensor = op(
    "index_fill.Tensor(Tensor self, int dim, Tensor index, Tensor value)", "IndexFillBackward1",
    lambda self, dim, index, value: index_fill_forward(self, dim, index, value),
    host_scalars=1,
    self=lambda grad, dim, index: index_fill(grad, dim, index, 0),
    value=lambda grad, dim, index: sum(index_select(grad, dim, distinct(index))),  # each slice is filled once
)  # fmt: skip


def truths(function: Any, self: Any, dim: Dims, keepdim: bool) -> Any:
    """`function` (np.all, np.any): bools, but of bytes, which torch once had for bools, bytes."""
    result = as_array(function(self, axes(dim, self.ndim), keepdims=keepdim))
    return result.astype(np.uint8) if self.dtype == np.uint8 else result


def check_scalar(name: str, value: Any) -> None:
    if value.ndim:
        raise UserError(
            "shape",
            f"{name} only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s).",
        )


def masked_fill_forward(self: Any, mask: Any, value: Any) -> Any:
    check_scalar("masked_fill_", value)
    return np.where(as_mask(mask, self), cast(value, self.dtype), self)


def index_fill_forward(self: Any, dim: int, index: Any, value: Any) -> Any:
    check_scalar("index_fill_", value)
    return index_filled(self, dim, index, value)


def index_filled(self: Any, dim: int, index: Any, value: Any) -> Any:
    dim = wrap_dim(dim, self.ndim)
    if index.dtype != np.int64:
        raise UserError("type", "index_fill_(): Expected dtype int64 for index.")
    if index.ndim > 1:
        raise UserError("shape", "Index has to be a vector/scalar")
    result = self.copy() if self.ndim else self.reshape(1).copy()
    result[(slice(None),) * dim + (checked(index.reshape(-1), result.shape[dim], dim),)] = value
    return result.reshape(self.shape)


def var_backward(grad: Any, self: Any, dim: Dims, correction: float, keepdim: bool) -> Any:
    """2 / (n - correction) * grad * (self - mean)."""
    degrees = count(self.shape, dim) - correction
    if degrees <= 0 and (dim is None or self.ndim == 0):
        return grad * where(self == mean(self), float("nan"), float("inf"))
    factor = float("inf") if degrees == 0 else 2 / degrees
    center = mean(self) if self.ndim == 0 or axes(dim, self.ndim) is None else mean_dim(self, dim, keepdim=True)
    return factor * (grad if self.ndim <= 1 else kept(grad, self.shape, dim, keepdim)) * (self - center)


def moment_options(dim: Dims | bool, unbiased: bool, correction: float | None) -> tuple[Dims, float]:
    """The dimensions and the correction; torch takes `unbiased` in the place of `dim`, too."""
    if isinstance(dim, bool):
        return None, int(dim) if correction is None else correction
    return dim, int(unbiased) if correction is None else correction


@composite("var(Tensor self, int[]?|bool dim=None, bool unbiased=True, bool keepdim=False, *, Scalar? correction=None)")
def var_user(
    self: Any, dim: Dims | bool = None, unbiased: bool = True, keepdim: bool = False, correction: float | None = None
) -> Any:
    return var(check_floating(self), *moment_options(dim, unbiased, correction), keepdim)


@composite("std(Tensor self, int[]?|bool dim=None, bool unbiased=True, bool keepdim=False, *, Scalar? correction=None)")
def std_user(
    self: Any, dim: Dims | bool = None, unbiased: bool = True, keepdim: bool = False, correction: float | None = None
) -> Any:
    return std(check_floating(self), *moment_options(dim, unbiased, correction), keepdim)


def check_floating(self: Any) -> Any:
    if dtype_kind(self.dtype) not in "fc":
        raise UserError("type", "std and var only support floating point and complex dtypes")
    return self


@composite("sum_to_size(Tensor self, int[] size)")
def sum_to_size(self: Any, size: Sequence[int]) -> Any:
    """The sum over what was broadcast from `size` to the shape of `self`."""
    if not size:
        return sum(self)
    leading = self.ndim - len(size)
    if leading < 0 or [one for one, found in zip(size, self.shape[leading:], strict=True) if one not in (1, found)]:
        raise UserError("shape", f"size {{{list(size)}}} is not expandable to size {{{list(self.shape)}}}.")
    dims = [dim for dim in range(self.ndim) if dim < leading or (size[dim - leading] == 1 and self.shape[dim] != 1)]
    summed = sum_dim(self, dims, keepdim=True) if dims else self
    return reshape(summed, tuple(size)) if leading else summed
