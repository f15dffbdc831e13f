"""Further products of vectors and matrices: most by the products of `linalg`, as torch composes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.dtypes import C_NAMES, TYPE_NAMES, dtype_kind, promoted
from gradcli.errors import UserError
from gradcli.ops.arithmetic import add, mul
from gradcli.ops.copies import clone, conj, copy
from gradcli.ops.define import composite, op
from gradcli.ops.index import make_index
from gradcli.ops.kinds import as_factor, of_elements, only
from gradcli.ops.linalg import (
    added,
    adjoint,
    bmm,
    bmm_forward,
    diagonal,
    dot,
    dot_forward,
    matmul,
    mm,
    mv,
    outer,
    scaled,
)
from gradcli.ops.reduce import sum, sum_dim
from gradcli.ops.shape import (
    expand,
    flatten,
    is_contiguous,
    permute,
    reshape,
    squeeze,
    t,
    unsafe_view,
    unsqueeze,
    view,
    wrap_dim,
    wrap_dims,
)
from gradcli.ops.solve import inv


def names_of(*arrays: Any) -> list[str]:
    return [TYPE_NAMES[array.dtype.name] for array in arrays]


def addmv_forward(self: Any, mat: Any, vec: Any, beta: float, alpha: float) -> Any:
    if mat.ndim != 2 or vec.ndim != 1 or self.ndim > 1:
        raise UserError("shape", f"vector + matrix @ vector expected, got {self.ndim}, {mat.ndim}, {vec.ndim}")
    if not self.dtype == mat.dtype == vec.dtype:
        first, second, third = names_of(self, mat, vec)
        raise UserError(
            "type", f"addmv input tensors must have the same dtype, but got {first}, {second}, and {third}"
        )  # fmt: skip
    if mat.shape[1] != vec.shape[0] or self.size not in (1, mat.shape[0]):
        if self.ndim == 0:
            raise UserError("shape", "Dimension specified as 0 but tensor has no dimensions")
        raise UserError(
            "shape",
            f"size mismatch, got input ({self.shape[0]}), mat ({mat.shape[0]}x{mat.shape[1]}), vec ({vec.shape[0]})",
        )
    return added(self, np.matmul(mat, vec), beta, alpha)


def addbmm_forward(self: Any, batch1: Any, batch2: Any, beta: float, alpha: float) -> Any:
    check_batches(batch1, batch2)
    if batch1.shape[0] == batch2.shape[0] and batch1.shape[2] != batch2.shape[1]:
        sizes = "{}x{} and {}x{}".format(*batch1.shape[1:], *batch2.shape[1:])
        raise UserError("shape", f"Incompatible matrix sizes for bmm ({sizes})")
    if batch1.dtype != batch2.dtype:
        first, second = names_of(batch1, batch2)
        raise UserError("type", f"self and mat2 must have the same dtype, but got {first} and {second}")
    return added(self, np.sum(bmm_forward(batch1, batch2), axis=0), beta, alpha)


def baddbmm_forward(self: Any, batch1: Any, batch2: Any, beta: float, alpha: float) -> Any:
    check_batches(batch1, batch2)
    expect_dtype(batch1, batch2)
    return added(self, bmm_forward(batch1, batch2), beta, alpha)


def check_batches(batch1: Any, batch2: Any) -> None:
    wrap_dim(1, batch1.ndim)
    wrap_dim(2, batch2.ndim)


def expect_dtype(self: Any, other: Any) -> None:
    if self.dtype != other.dtype:
        first, second = names_of(self, other)
        raise UserError("type", f"expected scalar type {first} but found {second}")


def addr_forward(self: Any, vec1: Any, vec2: Any, beta: float, alpha: float) -> Any:
    for name, vector in (("vec1", vec1), ("vec2", vec2)):
        if vector.ndim != 1:
            raise UserError("shape", f"addr: Expected 1-D argument {name}, but got {vector.ndim}-D")
    self, vec1, vec2 = promoted((self, vec1, vec2))  # here, as torch saves them for the backward as they were given
    beta, alpha = as_factor(beta, self.dtype, "beta"), as_factor(alpha, self.dtype, "alpha")
    return added(self, vec1[:, None] * vec2, beta, alpha)


def cross_forward(input: Any, other: Any, dim: int) -> Any:
    if input.ndim != other.ndim:
        raise UserError("shape", "linalg.cross: inputs must have the same number of dimensions.")
    place = wrap_dim(dim, input.ndim)
    lengths = (input.shape[place], other.shape[place])
    if lengths != (3, 3):
        raise UserError(
            "shape",
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {lengths[0]} and {lengths[1]}",
        )
    expect_dtype(input, other)
    return np.cross(input, other, axis=place)


def trilinear_forward(
    i1: Any,
    i2: Any,
    i3: Any,
    expand1: Sequence[int],
    expand2: Sequence[int],
    expand3: Sequence[int],
    sumdim: Sequence[int],
) -> Any:
    """The product of three tensors, each without the dimensions it is expanded in, summed over `sumdim`."""
    dims = range(i1.ndim + len(expand1))
    labels = [[dim for dim in dims if dim not in without] for without in (expand1, expand2, expand3, sumdim)]
    return np.einsum(i1, labels[0], i2, labels[1], i3, labels[2], labels[3], optimize=True)


vdot = op(
    "vdot(Tensor self, Tensor other)", "VdotBackward0",
    lambda self, other: dot_forward(np.conj(self) if dtype_kind(self.dtype) == "c" else self, other),
    check=only("iufc", "dot"),
    self=lambda grad, other: conj(grad) * other,
    other=lambda grad, self: grad * self,
)  # fmt: skip
addmv = op(
    "addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1)", "AddmvBackward0", addmv_forward,
    self=lambda grad, beta: scaled(grad, beta),
    mat=lambda grad, vec, alpha: scaled(outer(grad, conj(vec)), alpha),
    vec=lambda grad, mat, alpha: scaled(mv(conj(t(mat)), grad), alpha),
)  # fmt: skip
addbmm = op(
    "addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1)", "AddbmmBackward0",
    addbmm_forward,
    self=lambda grad, beta: scaled(grad, beta),
    batch1=lambda grad, batch2, alpha: scaled(bmm(in_each(grad, batch2), adjoint(batch2)), alpha),
    batch2=lambda grad, batch1, alpha: scaled(bmm(adjoint(batch1), in_each(grad, batch1)), alpha),
)  # fmt: skip
baddbmm = op(
    "baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1)", "BaddbmmBackward0",
    baddbmm_forward,
    check=of_elements(only("iufc", "baddbmm")),
    self=lambda grad, beta: scaled(grad, beta),
    batch1=lambda grad, batch2, alpha: scaled(bmm(grad, adjoint(batch2)), alpha),
    batch2=lambda grad, batch1, alpha: scaled(bmm(adjoint(batch1), grad), alpha),
)  # fmt: skip
addr = op(
    "addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1)", "AddrBackward0", addr_forward,
    self=lambda grad, beta: scaled(grad, beta),
    vec1=lambda grad, vec2, alpha: scaled(mv(grad, conj(vec2)), alpha),
    vec2=lambda grad, vec1, alpha: scaled(mv(t(grad), conj(vec1)), alpha),
)  # fmt: skip
linalg_cross = op(
    "linalg::cross(Tensor input, Tensor other, *, int dim=-1)", "LinalgCrossBackward0", cross_forward,
    input=lambda grad, other, dim: linalg_cross(conj(other), grad, dim),
    other=lambda grad, input, dim: linalg_cross(grad, conj(input), dim),
)  # fmt: skip
trilinear = op(
    "_trilinear(Tensor i1, Tensor i2, Tensor i3, int[] expand1, int[] expand2, int[] expand3, int[] sumdim)",
    "TrilinearBackward0", trilinear_forward,
    real_only="_trilinear",
    i1=lambda grad, i2, i3, expand1, expand2, expand3, sumdim: trilinear(
        grad, i2, i3, sumdim, expand2, expand3, expand1
    ),
    i2=lambda grad, i1, i3, expand1, expand2, expand3, sumdim: trilinear(
        i1, grad, i3, expand1, sumdim, expand3, expand2
    ),
    i3=lambda grad, i1, i2, expand1, expand2, expand3, sumdim: trilinear(
        i1, i2, grad, expand1, expand2, sumdim, expand3
    ),
)  # fmt: skip


def in_each(grad: Any, batch: Any) -> Any:
    """`grad` once for each matrix of `batch`."""
    return expand(unsqueeze(grad, 0), (batch.shape[0], *grad.shape))


@composite("ger(Tensor self, Tensor vec2)")
def ger(self: Any, vec2: Any) -> Any:
    return outer(self, vec2)


@composite("inner(Tensor self, Tensor other)")
def inner(self: Any, other: Any) -> Any:
    """The sums of products along the last dimension of both."""
    if self.ndim == 0 or other.ndim == 0:
        return mul(self, other)
    if self.shape[-1] != other.shape[-1]:
        raise UserError(
            "shape",
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(self.shape)} and {list(other.shape)}",
        )
    return contracted(self, other, [-1], [-1])


@composite("tensordot(Tensor a, Tensor b, int dims=2)")
def tensordot(a: Any, b: Any, dims: int = 2) -> Any:
    if dims < 0:
        raise UserError("value", f"tensordot expects dims >= 0, but got dims={dims}")
    if dims > min(a.ndim, b.ndim):
        raise UserError("value", f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
    return contracted(a, b, list(range(-dims, 0)), list(range(dims)))


@composite("tensordot.dims(Tensor a, Tensor b, int[][] dims)")
def tensordot_dims(a: Any, b: Any, dims: Sequence[Any]) -> Any:
    if len(dims) != 2:
        raise UserError("value", f"tensordot expects two lists of dims, but got {len(dims)}")
    first, second = ([one] if isinstance(one, int) else list(one) for one in dims)
    return contracted(a, b, first, second)


def contracted(self: Any, other: Any, dims1: Sequence[int], dims2: Sequence[int]) -> Any:
    """The sum of products over the pairs of dimensions, as one product of matrices."""
    if len(dims1) != len(dims2):
        raise UserError("shape", "both dimension lists should have same length")
    if self.dtype != other.dtype:
        raise UserError("type", "both inputs should have same dtype")
    places1, places2 = wrap_dims(dims1, self.ndim), wrap_dims(dims2, other.ndim)
    for one, two, dim1, dim2 in zip(places1, places2, dims1, dims2, strict=True):
        length1, length2 = self.shape[one], other.shape[two]
        if length2 == 1:  # summed in advance, as it is broadcast
            self = sum_dim(self, [one], True, dtype=self.dtype)
        elif length1 == 1:
            other = sum_dim(other, [two], True, dtype=other.dtype)
        elif length1 != length2:
            raise UserError(
                "shape",
                f"contracted dimensions need to match, but first has size {length1} in dim {dim1} and second has size "
                f"{length2} in dim {dim2}",
            )
    rows = [dim for dim in range(self.ndim) if dim not in places1]
    columns = [dim for dim in range(other.ndim) if dim not in places2]
    shape = [self.shape[dim] for dim in rows] + [other.shape[dim] for dim in columns]
    inner = math.prod(self.shape[dim] for dim in places1)
    left, right = permute(self, [*rows, *places1]), permute(other, [*places2, *columns])
    if math.prod(shape[: len(rows)]) == math.prod(shape[len(rows) :]) == 1:
        if is_contiguous(left) and is_contiguous(right):
            return reshape(dot(flatten(left), flatten(right)), shape)
        return reshape(sum(mul(squeeze(left), squeeze(right))), shape)
    left = reshape(left, (math.prod(self.shape[dim] for dim in rows), inner))
    right = reshape(right, (inner, math.prod(other.shape[dim] for dim in columns)))
    return reshape(mm(left, right), shape)


@composite("kron(Tensor self, Tensor other)")
def kron(self: Any, other: Any) -> Any:
    ndim = max(self.ndim, other.ndim)
    shapes = [(1,) * (ndim - tensor.ndim) + tensor.shape for tensor in (self, other)]
    left = unsafe_view(self, [size for length in shapes[0] for size in (length, 1)])
    right = unsafe_view(other, [size for length in shapes[1] for size in (1, length)])
    return unsafe_view(mul(left, right), [one * two for one, two in zip(*shapes, strict=True)])


@composite("bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None)")
def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    if input1.ndim != input2.ndim:
        raise UserError(
            "shape",
            f"bilinear(): input dimensions do not match: got {input1.ndim} and {input2.ndim}",
        )
    for dim, (one, two) in enumerate(zip(input1.shape[:-1], input2.shape[:-1], strict=True)):
        if one != two:
            raise UserError(
                "shape", f"bilinear(): input batch dimensions do not match at dim {dim}: got {one} and {two}"
            )
    for place, input in enumerate((input1, input2), 1):
        length = weight.shape[wrap_dim(place, weight.ndim)]
        if input.shape[-1] != length:
            raise UserError(
                "shape",
                f"bilinear(): input{place} size does not match weight size: got {input.shape[-1]} but expected "
                f"{length}",
            )
    if bias is not None and bias.shape[0] != weight.shape[0]:
        raise UserError(
            "shape",
            f"bilinear(): bias size does not match weight size: got {bias.shape[0]} but expected {weight.shape[0]}",
        )
    rows = [reshape(input, (-1, input.shape[-1])) for input in (input1, input2)]
    product = trilinear(rows[0], weight, rows[1], [1, 3], [0], [1, 2], [2, 3])
    result = reshape(product, (*input1.shape[:-1], weight.shape[0]))
    return result if bias is None else add(result, bias)


@composite("chain_matmul(Tensor[] matrices)")
def chain_matmul(matrices: Sequence[Any]) -> Any:
    for matrix in matrices:
        if matrix.ndim != 2:
            raise UserError("shape", f"Tensor dimension is {matrix.ndim}, expected 2 instead.")
    return clone(matrices[0]) if len(matrices) == 1 else multi_dot(matrices)


@composite("multi_dot(Tensor[] tensors)")
def multi_dot(tensors: Sequence[Any]) -> Any:
    """The product of a chain of matrices, in the order that takes the fewest multiplications."""
    count = len(tensors)
    if count < 2:
        raise UserError("value", f"multi_dot(): expected at least 2 tensors but got {count}")
    check_chain(tensors)
    first, last = tensors[0], tensors[-1]
    shape = (*first.shape[:-1], *last.shape[1:])
    chain = list(tensors)
    chain[0] = unsqueeze(first, 0) if first.ndim == 1 else first
    chain[-1] = unsqueeze(last, -1) if last.ndim == 1 else last
    for place, (one, two) in enumerate(pairwise(chain)):
        if one.shape[1] != two.shape[0]:
            shapes = f"{list(tensors[place].shape)} and {list(tensors[place + 1].shape)}"
            raise UserError(
                "shape", f"multi_dot(): tensors {place} and {place + 1} with shapes {shapes} cannot be multiplied"
            )
    splits = cheapest_splits([chain[0].shape[0], *(matrix.shape[1] for matrix in chain)])
    return view(multiplied(chain, splits, 0, count - 1), shape)


def check_chain(tensors: Sequence[Any]) -> None:
    for place, tensor in enumerate(tensors):
        at_end = place in (0, len(tensors) - 1)
        if tensor.ndim not in ((1, 2) if at_end else (2,)):
            which = f"the {'last' if place else 'first'} tensor" if at_end else f"tensor {place}"
            wanted = "1D or 2D" if at_end else "2D"
            raise UserError("shape", f"multi_dot(): {which} must be {wanted} but got {tensor.ndim}D")
        if tensor.dtype != tensors[0].dtype:
            raise UserError(
                "type",
                "multi_dot(): all tensors must have be the same dtype but tensor 0 is "
                f"{C_NAMES[tensors[0].dtype.name]} and tensor {place} {C_NAMES[tensor.dtype.name]}",
            )


def cheapest_splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """For matrices `sizes[i]` x `sizes[i + 1]`: behind which one to split the product of those from i to j."""
    count = len(sizes) - 1
    cost = {(place, place): 0 for place in range(count)}
    splits = {}
    for length in range(1, count):
        for start in range(count - length):
            end = start + length
            costs = {
                split: cost[start, split] + cost[split + 1, end] + sizes[start] * sizes[split + 1] * sizes[end + 1]
                for split in range(start, end)
            }
            # of two ways to multiply three matrices that cost the same torch takes the one from the left
            best = min(costs, key=lambda split: (costs[split], -split if count == 3 else split))
            cost[start, end], splits[start, end] = costs[best], best
    return splits


def multiplied(chain: Sequence[Any], splits: dict[tuple[int, int], int], start: int, end: int) -> Any:
    if start == end:
        return chain[start]
    split = splits[start, end]
    right = multiplied(chain, splits, split + 1, end)  # first, as in torch, which the order of gradients shows
    return mm(multiplied(chain, splits, start, split), right)


@composite("cross(Tensor self, Tensor other, int? dim=None)")
def cross(self: Any, other: Any, dim: int | None = None) -> Any:
    if dim is None:  # the first dimension of size 3
        dim = next((place for place, length in enumerate(self.shape) if length == 3), None)
        if dim is None:
            raise UserError("shape", "no dimension of size 3 in input")
    return linalg_cross(self, other, dim)


@composite("vecdot(Tensor x, Tensor y, *, int dim=-1)")
def vecdot(x: Any, y: Any, dim: int = -1) -> Any:
    if dtype_kind(x.dtype) not in "fc":
        name = TYPE_NAMES[x.dtype.name]
        raise UserError("type", f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {name}")
    if x.dtype != y.dtype:
        first, second = names_of(x, y)
        raise UserError(
            "type",
            f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {first} and y of type "
            f"{second} instead",
        )
    return vdot(x, y) if x.ndim == y.ndim == 1 else sum_dim(mul(conj(x), y), [dim])


@composite("matrix_power(Tensor self, int n)")
def matrix_power(self: Any, n: int) -> Any:
    """The product of `n` times the matrix, or of its inverse."""
    if self.ndim < 2:
        raise UserError("shape", "linalg.matrix_power: The input tensor A must have at least 2 dimensions.")
    if self.shape[-1] != self.shape[-2]:
        raise UserError(
            "shape",
            "linalg.matrix_power: A must be batches of square matrices, but they are "
            f"{self.shape[-2]} by {self.shape[-1]} matrices",
        )
    if n == 0:
        return copy.inplace(clone(self), make_index(np.eye(self.shape[-1], dtype=self.dtype), self))
    if n == 1:
        return clone(self)
    if n < 0:
        self, n = inv(self), -n
    if n == 3:
        return matmul(matmul(self, self), self)
    return by_squares(self, n, matmul)


def by_squares(self: Any, n: int, product: Callable[[Any, Any], Any]) -> Any:
    """The n-th power, of the powers with exponents 1, 2, 4, ..."""
    result = None
    while n:
        n, odd = divmod(n, 2)
        if odd:
            result = self if result is None else product(result, self)
        if n:
            self = product(self, self)
    return result


@composite("linalg::diagonal(Tensor A, *, int offset=0, int dim1=-2, int dim2=-1)")
def linalg_diagonal(A: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    return diagonal(A, offset, dim1, dim2)
