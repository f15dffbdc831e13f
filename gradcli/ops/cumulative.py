"""Running extremes and sums, differences and integrals along a dimension."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.engine.device import beside, np
from gradcli.engine.dtypes import dtype_kind, finfo
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import abs as absolute
from gradcli.ops.arithmetic import sub
from gradcli.ops.compare import logical_xor
from gradcli.ops.copies import conj, copy, fill_in_place, where, zeros_like
from gradcli.ops.define import composite, op
from gradcli.ops.elementary import exp, log, log_of_sum
from gradcli.ops.index import scatter_add
from gradcli.ops.kinds import only
from gradcli.ops.pieces import cat, without
from gradcli.ops.reduce import cumprod, cumsum, sum_dim
from gradcli.ops.shape import flip, narrow, new_zeros, select, slice_, unsqueeze, view, wrap_dim, wrap_dims


def scan(function: Callable[[Any, Any], Any], self: Any, dim: int) -> Any:
    """The running results of `function`, an associative one, along `dim`, in a logarithmic number of rounds."""
    self = np.moveaxis(self, dim, 0)
    behind = 1
    while behind < self.shape[0]:
        self = np.concatenate([self[:behind], function(self[:-behind], self[behind:])])
        behind *= 2
    return np.moveaxis(self, 0, dim)


def running_extreme(function: Any, reaches: Any) -> Any:
    """The extremes so far and where they were last reached, NaN counting as the extreme."""

    def forward(self: Any, dim: int) -> tuple[Any, Any]:
        if self.ndim == 0 and dim not in (-1, 0):
            name = function.__name__[:3]
            raise UserError("shape", f"cum{name}(): Expected reduction dim -1 or 0 for scalar but got {dim}")
        if self.ndim == 0 or self.size == 0:
            return self.copy(), np.zeros_like(self, np.int64)
        dim = wrap_dim(dim, self.ndim)
        values = scan(function, self, dim)
        places = beside(self, np.arange(self.shape[dim])).reshape((-1,) + (1,) * (self.ndim - dim - 1))
        return values, scan(np.maximum, np.where(reaches(self, values) | (self != self), places, 0), dim)

    return forward


def extreme_backward(grad: Any, self: Any, dim: int, indices: Any) -> Any:
    """Of an empty tensor, as torch has it, the tensor itself."""
    return self if 0 in self.shape else scatter_add(new_zeros(grad, self.shape), dim, indices, grad)


def logcumsumexp_forward(self: Any, dim: int) -> Any:
    dim = wrap_dim(dim, self.ndim)
    return scan(log_of_sum, self, dim) if self.ndim else self.copy()


def logcumsumexp_backward(grad: Any, self: Any, result: Any, dim: int) -> Any:
    """Positive and negative gradients apart, each as a logarithm."""
    if grad.ndim == 0 or 0 in grad.shape:
        return grad
    if dtype_kind(grad.dtype) == "c":
        reversed_sums = flip(logcumsumexp(flip(log(conj(grad)) - result, [dim]), dim), [dim])
        return conj(exp(reversed_sums + self))
    size, lowest = log(absolute(grad)), float(finfo(grad.dtype).min)
    parts = [
        exp(flip(logcumsumexp(flip(where(chosen, size, lowest) - result, [dim]), dim), [dim]) + self)
        for chosen in (grad > 0, grad < 0)
    ]
    return parts[0] - parts[1]


cummax = op(
    "cummax(Tensor self, int dim) -> (values, indices)", "CummaxBackward0",
    running_extreme(np.maximum, np.greater_equal), constant=("indices",),
    contiguous=True,
    check=only("biuf", "cummax_cpu"),
    self=lambda grad, self, dim, indices: extreme_backward(grad, self, dim, indices),
)  # fmt: skip
cummin = op(
    "cummin(Tensor self, int dim) -> (values, indices)", "CumminBackward0",
    running_extreme(np.minimum, np.less_equal), constant=("indices",),
    contiguous=True,
    check=only("biuf", "cummin_cpu"),
    self=lambda grad, self, dim, indices: extreme_backward(grad, self, dim, indices),
)  # fmt: skip
logcumsumexp = op(
    "logcumsumexp(Tensor self, int dim)", "LogcumsumexpBackward0", logcumsumexp_forward,
    contiguous=True,
    check=only("fc", "logcumsumexp_out_cpu"),
    self=lambda grad, self, dim, result: logcumsumexp_backward(grad, self, result, dim),
)  # fmt: skip


@composite("diff(Tensor self, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None)")
def diff(self: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours along `dim`, `n` times over."""
    if self.ndim == 0:
        raise UserError("shape", "diff expects input to be at least one-dimensional")
    if n < 0:
        raise UserError("value", f"order must be non-negative but got {n}")
    ends = [end for end in (prepend, self, append) if end is not None]
    if any(end.ndim != self.ndim for end in ends):
        raise UserError("shape", "diff expects prepend or append to be the same dimension as input")
    if n == 0:
        return copy(zeros_like(self), self)
    if len(ends) > 1:
        self = cat(ends, dim)
    for _ in range(n):
        length = self.shape[wrap_dim(dim, self.ndim)]
        if length == 0:
            break
        earlier, later = narrow(self, dim, 0, length - 1), narrow(self, dim, 1, length - 1)
        self = logical_xor(later, earlier) if dtype_kind(self.dtype) == "b" else sub(later, earlier)
    return self


def abscissae(name: str, y: Any, x: Any, dim: int) -> Any:
    """`x` in the dimensions of `y`."""
    if x.ndim == 1:
        if x.shape[0] != y.shape[dim]:
            raise UserError("shape", f"{name}: There must be one `x` value for each sample point")
        return view(x, tuple(-1 if place == dim else 1 for place in range(y.ndim)))
    return view(x, (1,) * (y.ndim - x.ndim) + x.shape) if x.ndim < y.ndim else x


def steps(self: Any, dim: int) -> tuple[Any, Any]:
    """All but the last, and all but the first, along `dim`."""
    return slice_(self, dim, 0, -1, 1), slice_(self, dim, 1, None, 1)


def check_integrand(name: str, y: Any, x: Any, dx: Any, dim: int) -> int:
    if isinstance(dx, bool | complex):
        raise UserError("type", f"{name}: Currently, we only support dx as a real number.")
    for operand, given in (("y", y), ("x", x)):
        if given is not None and dtype_kind(given.dtype) == "b":
            raise UserError("type", f"{name}: received a bool input for `{operand}`, but bool is not supported")
    if y.ndim == 0:
        raise UserError("shape", f"Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, y.ndim)


@composite("trapezoid(Tensor y, Tensor? x=None, *, Scalar? dx=None, int dim=-1)")
def trapezoid(y: Any, x: Any = None, dx: Any = None, dim: int = -1) -> Any:
    """The area under the points `y`, at `x` or at steps of `dx`, along `dim`."""
    if y.ndim and y.shape[wrap_dim(dim, y.ndim)] == 0:
        return new_zeros(y, without(y.shape, wrap_dim(dim, y.ndim)))
    dim = check_integrand("trapezoid", y, x, dx, dim)
    if x is None:
        ends = (select(y, dim, 0) + select(y, dim, -1)) * 0.5
        return (sum_dim(y, [dim]) - ends) * (1 if dx is None else dx)
    earlier, later = steps(abscissae("trapezoid", y, x, dim), dim)
    width = later - earlier
    left, right = steps(y, dim)
    return sum_dim((left + right) * width, [dim]) / 2


@composite("cumulative_trapezoid(Tensor y, Tensor? x=None, *, Scalar? dx=None, int dim=-1)")
def cumulative_trapezoid(y: Any, x: Any = None, dx: Any = None, dim: int = -1) -> Any:
    """The areas under the points `y` up to each of them, along `dim`."""
    if y.ndim == 0:
        raise UserError("shape", "slice() cannot be applied to a 0-dim tensor.")
    dim = check_integrand("cumulative_trapezoid", y, x, dx, dim)
    if x is None:
        left, right = steps(y, dim)
        return cumsum((left + right) * ((1 if dx is None else dx) / 2), dim)
    earlier, later = steps(abscissae("cumulative_trapezoid", y, x, dim), dim)
    width = later - earlier
    left, right = steps(y, dim)
    return cumsum((left + right) * width, dim) / 2


@composite("gradient(Tensor input, *, any spacing=1, int[]? dim=None, int edge_order=1)")
def gradient(input: Any, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Any, ...]:
    """Central differences, for each of `dim`; `spacing` is a number or numbers, or tensors of coordinates."""
    if edge_order not in (1, 2):
        raise UserError("value", "torch.gradient only supports edge_order=1 and edge_order=2.")
    if input.dtype.name == "uint8":
        raise UserError("type", "torch.gradient does not support uint8 input.")
    dims = list(range(input.ndim)) if dim is None else list(wrap_dims(dim, input.ndim))
    if dim is not None and input.ndim == 0:
        raise UserError("shape", "Dimension specified as 0 but tensor has no dimensions")
    given = list(spacing) if isinstance(spacing, list | tuple) else [spacing] * len(dims)
    if not all(isinstance(one, Tensor | int | float | complex) for one in given):
        raise UserError("type", "torch.gradient(): argument 'spacing' must be numbers or Tensors")
    if len(given) != len(dims):
        raise UserError(
            "value",
            "torch.gradient expected spacing to be unspecified, a scalar or a list of length equal to 'self.dim()' = "
            f"{len(dims)}, but got a list of length {len(given)}",
        )
    for place, one in zip(dims, given, strict=True):
        if input.shape[place] <= edge_order:
            raise UserError("shape", "torch.gradient expected each dimension size to be at least edge_order+1")
        if isinstance(one, Tensor) and one.shape != (input.shape[place],):
            raise UserError(
                "shape",
                "torch.gradient expected each coordinate tensor to have as many values as its dimension of the input",
            )
    found = []
    for place, one in zip(dims, given, strict=True):
        differences = uneven_differences if isinstance(one, Tensor) else even_differences
        found.append(cat(differences(input, place, one, edge_order), place))
    return tuple(found)


def at(self: Any, dim: int, start: int, length: int = 1) -> Any:
    return narrow(self, dim, start % self.shape[dim], length)


def difference(self: Any, dim: int, later: int, earlier: int, length: int = 1) -> Any:
    """torch makes the second operand first, as the order of the summed gradients shows."""
    subtrahend = at(self, dim, earlier, length)
    return at(self, dim, later, length) - subtrahend


def even_differences(self: Any, dim: int, step: Any, edge_order: int) -> list[Any]:
    """Of values a fixed step apart: the first, those between, and the last."""
    center = difference(self, dim, 2, 0, self.shape[dim] - 2) / step
    if edge_order == 1:
        first, last = difference(self, dim, 1, 0), difference(self, dim, -1, -2)
    else:
        three, two = at(self, dim, 2) * 0.5, at(self, dim, 1) * 2
        first = at(self, dim, 0) * -1.5 + two - three
        three, two = at(self, dim, -1) * 1.5, at(self, dim, -2) * 2
        last = at(self, dim, -3) * 0.5 - two + three
    return [first / step, center / 2, last / step]


def uneven_differences(self: Any, dim: int, coordinates: Any, edge_order: int) -> list[Any]:
    """Of values at `coordinates`: the slopes there of the parabolas through three neighbours."""
    between = self.shape[dim] - 2
    width = difference(coordinates, 0, 1, 0, between + 1)
    before, behind = at(width, 0, 0, between), at(width, 0, 1, between)
    shape = tuple(-1 if place == dim else 1 for place in range(self.ndim))
    weights = (
        -behind / (before * (before + behind)),
        (behind - before) / (before * behind),
        before / (behind * (before + behind)),
    )
    center = weighed(self, dim, [view(weight, shape) for weight in weights], 0, between)
    if edge_order == 1:
        first = difference(self, dim, 1, 0) / select(width, 0, 0)
        last = difference(self, dim, -1, -2) / select(width, 0, -1)
        return [first, center, last]
    near, far = select(width, 0, 0), select(width, 0, 1)
    first = weighed(
        self,
        dim,
        [-(near * 2 + far) / (near * (near + far)), (near + far) / (near * far), -near / (far * (near + far))],
        0,
        1,
    )
    far, near = select(width, 0, -2), select(width, 0, -1)
    last = weighed(
        self,
        dim,
        [near / (far * (far + near)), -(near + far) / (far * near), (near * 2 + far) / (near * (far + near))],
        -3,
        1,
    )
    return [first, center, last]


def weighed(self: Any, dim: int, weights: list[Any], start: int, length: int) -> Any:
    """The sum of three neighbours, each times its weight."""
    three, two, one = (weights[place] * at(self, dim, start + place, length) for place in (2, 1, 0))
    return one + two + three


@composite("vander(Tensor x, int? N=None, bool increasing=False)")
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of `x`, in columns, by the writes in place that torch does."""
    if x.ndim != 1:
        raise UserError("shape", "x must be a one-dimensional tensor.")
    columns = x.shape[0] if N is None else N
    if columns < 0:
        raise UserError("value", "N must be non-negative.")
    integers = dtype_kind(x.dtype) in "biu"
    result = Tensor(np.zeros_like(x.array, np.int64 if integers else x.dtype, shape=(x.shape[0], columns)))
    if columns > 0:
        fill_in_place.inplace(select(result, 1, 0), 1)
    if columns > 1:
        copy.inplace(slice_(result, 1, 1, None, 1), unsqueeze(x, 1))
        powers = slice_(result, 1, 1, None, 1)
        copy.inplace(powers, cumprod(powers, 1))
    return result if increasing else flip(result, [1])
