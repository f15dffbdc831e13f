"""What one does with a tensor besides computing: ask it, convert it, detach it, differentiate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from gradcli.engine import graph
from gradcli.engine.device import beside, default_device, device_of, np, zeros_beside
from gradcli.engine.dtypes import (
    TYPE_NAMES,
    can_cast,
    default_dtype,
    dtype_kind,
    dtype_named,
    promote_types,
    result_type,
)
from gradcli.engine.mode import grad_mode
from gradcli.engine.node import Node
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import add, mul
from gradcli.ops.copies import cast, conj, copy, move, to_dtype, where
from gradcli.ops.define import composite
from gradcli.ops.index import getitem
from gradcli.ops.pieces import stack
from gradcli.ops.reduce import sum
from gradcli.ops.shape import reshape, transpose, wrap_dim
from gradcli.ops.views import memory_order


class Size(tuple[int, ...]):
    """torch.Size."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"


@composite("item(Tensor self)")
def item(self: Tensor) -> Any:
    if self.array.size != 1:
        raise UserError("value", f"a Tensor with {self.array.size} elements cannot be converted to Scalar")
    return self.array.item()


@composite("tolist(Tensor self)")
def tolist(self: Tensor) -> Any:
    return self.array.tolist()


@composite("size(Tensor self, int? dim=None)")
def size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or its length at `dim`."""
    if dim is None:
        return Size(self.shape)
    if not -self.ndim <= dim < self.ndim:
        raise UserError(
            "shape",
            f"Dimension out of range (expected to be in range of [{-self.ndim}, {self.ndim - 1}], but got {dim})",
        )
    return self.shape[dim]


@composite("broadcast_shapes(int[][] shapes=[])")
def broadcast_shapes(shapes: Sequence[Any] = ()) -> Any:
    result: list[int] = []
    for place, shape in enumerate((one,) if isinstance(one, int) else one for one in shapes):
        for dim, length in enumerate(reversed(shape), 1):
            if length < 0:
                raise UserError("shape", "Attempting to broadcast a dimension with negative length!")
            if dim > len(result):
                result.insert(0, length)
            elif length not in (1, result[-dim]):
                if result[-dim] != 1:
                    raise UserError(
                        "shape",
                        f"Attempting to broadcast a dimension of length {length} at -{dim}! Mismatching argument at "
                        f"index {place} had {tuple(shape)}; but expected shape should be broadcastable to {result}",
                    )
                result[-dim] = length
    return Size(result)


@composite("numel(Tensor self)")
def numel(self: Tensor) -> int:
    return int(self.array.size)


@composite("dim(Tensor self)")
def dim(self: Tensor) -> int:
    return self.ndim


@composite("is_contiguous(Tensor self)")
def is_contiguous(self: Tensor) -> bool:
    return bool(self.memory.flags.c_contiguous)


@composite("stride(Tensor self, int? dim=None)")
def stride(self: Tensor, dim: int | None = None) -> Any:
    strides = tuple([step // self.memory.itemsize for step in self.memory.strides])
    return strides if dim is None else strides[wrap_dim(dim, self.ndim)]


@composite("storage_offset(Tensor self)")
def storage_offset(self: Tensor) -> int:
    return self.offset()


@composite("element_size(Tensor self)")
def element_size(self: Tensor) -> int:
    return int(self.array.itemsize)


@composite("is_same_size(Tensor self, Tensor other)")
def is_same_size(self: Tensor, other: Tensor) -> bool:
    return self.shape == other.shape


@composite("is_grad_enabled()")
def is_grad_enabled() -> bool:
    return grad_mode.enabled


@composite("is_inference(Tensor self)")
def is_inference(self: Tensor) -> bool:
    """Whether `self` was made in torch's inference mode, which specs do not have."""
    return False


@composite("is_inference_mode_enabled()")
def is_inference_mode_enabled() -> bool:
    return False


@composite("get_default_dtype()")
def get_default_dtype() -> Any:
    return default_dtype.floating


@composite("get_default_device()")
def get_default_device() -> str:
    """Where tensors are made that nothing else decides about: a spec's `device:`."""
    return default_device.name


@composite("is_complex(Tensor self)")
def is_complex(self: Tensor) -> bool:
    return bool(dtype_kind(self.dtype) == "c")


@composite("is_floating_point(Tensor self)")
def is_floating_point(self: Tensor) -> bool:
    return bool(dtype_kind(self.dtype) == "f")


@composite("is_signed(Tensor self)")
def is_signed(self: Tensor) -> bool:
    return dtype_kind(self.dtype) not in "bu"


@composite("is_nonzero(Tensor self)")
def is_nonzero(self: Tensor) -> bool:
    if self.array.size != 1:
        many = "more than one value" if self.array.size else "no values"
        raise UserError("value", f"Boolean value of Tensor with {many} is ambiguous")
    return bool(self.array.item())


@composite("is_tensor(any obj)")
def is_tensor(obj: Any) -> bool:
    return isinstance(obj, Tensor)


@composite("result_type(Tensor|Scalar tensor1, Tensor|Scalar tensor2)")
def result_type_of(tensor1: Any, tensor2: Any) -> Any:
    return result_type([one.array if isinstance(one, Tensor) else one for one in (tensor1, tensor2)])


@composite("promote_types(ScalarType type1, ScalarType type2)")
def promote_types_of(type1: Any, type2: Any) -> Any:
    return promote_types(type1, type2)


@composite("can_cast(ScalarType from_, ScalarType to)")
def can_cast_to(from_: Any, to: Any) -> bool:
    return can_cast(from_, to)


@composite("adjoint(Tensor self)")
def adjoint(self: Tensor) -> Any:
    return conj(transpose(self, -2, -1) if self.ndim else self)


@composite("to(Tensor self, ScalarType dtype, bool non_blocking=False, bool copy=False)")
def to(self: Tensor, dtype: Any, non_blocking: bool = False, copy: bool = False) -> Tensor:
    """`self` in another dtype; itself, if it has that dtype already and no copy is asked for."""
    converted: Tensor = self if self.dtype == dtype and not copy else to_dtype(self, dtype)
    return converted


@composite(
    "to.device(Tensor self, Device? device=None, ScalarType? dtype=None, bool non_blocking=False, bool copy=False)"
)
def to_device(
    self: Tensor, device: str | None = None, dtype: Any = None, non_blocking: bool = False, copy: bool = False
) -> Tensor:
    """`self` on another device; itself, if it is there already and no copy is asked for."""
    name = "cuda:0" if device == "cuda" else device
    moves = name is not None and device_of(self.array) != name
    moved: Tensor = move(self, name) if moves else self
    return moved if dtype is None and not copy else to(moved, dtype or self.dtype, copy=copy and not moves)


@composite("cuda(Tensor self, Device? device=None)")
def cuda(self: Tensor, device: str | None = None) -> Tensor:
    """`self` on a GPU."""
    moved: Tensor = to_device(self, device or "cuda")
    return moved


@composite("cpu(Tensor self)")
def cpu(self: Tensor) -> Tensor:
    """`self` in the host's memory."""
    moved: Tensor = to_device(self, "cpu")
    return moved


@composite("type(Tensor self, ScalarType|str? dtype=None, bool non_blocking=False)")
def type_of(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of the type, or `self` converted to a dtype or to the type of that name."""
    if dtype is None:
        return typename(self)
    if isinstance(dtype, str):
        named = {f"torch.{kind}Tensor": name for name, kind in TYPE_NAMES.items()}
        device = "cuda" if dtype.startswith("torch.cuda.") else "cpu"
        wanted = dtype.replace("torch.cuda.", "torch.")
        if wanted not in named:
            raise UserError("value", f"invalid type: '{dtype}'")
        return to_device(self, device, dtype_named(named[wanted]))
    return to(self, dtype)


@composite("typename(any obj)")
def typename(obj: Any) -> str:
    """`torch.FloatTensor` of a tensor; of everything else the name of its type."""
    if isinstance(obj, Tensor):
        device = "" if device_of(obj.array) == "cpu" else "cuda."
        return f"torch.{device}{TYPE_NAMES[obj.dtype.name]}Tensor"
    if isinstance(obj, Node):
        return obj.name
    if isinstance(obj, np.dtype):
        return "torch.dtype"
    return "torch.Size" if isinstance(obj, Size) else type(obj).__name__


@composite("get_device(Tensor self)")
def get_device(self: Tensor) -> int:
    """The number of the GPU, -1 for the CPU."""
    device = device_of(self.array)
    return -1 if device == "cpu" else int(device.rpartition(":")[2])


@composite("dim_order(Tensor self, *, bool ambiguity_check=False)")
def dim_order(self: Tensor, ambiguity_check: bool = False) -> tuple[int, ...]:
    """The dimensions in the order of the memory, from the outermost one inwards."""
    steps = self.memory.strides
    if ambiguity_check and (1 in self.shape or any(step == other for step, other in pairwise(steps))):
        raise UserError(
            "value",
            "The tensor does not have unique dim order, or cannot map to exact one of the given memory formats.",
        )
    if ambiguity_check and 0 in steps:
        raise UserError("value", "The tensor does not have unique dim order.")
    return tuple(memory_order(self.shape, (self.memory,)))


@composite("to.other(Tensor self, Tensor other, bool non_blocking=False, bool copy=False)")
def to_other(self: Tensor, other: Tensor, non_blocking: bool = False, copy: bool = False) -> Tensor:
    """`self` in the dtype and on the device of `other`."""
    converted: Tensor = to_device(self, device_of(other.array), other.dtype, copy=copy)
    return converted


@composite("type_as(Tensor self, Tensor other)")
def type_as(self: Tensor, other: Tensor) -> Tensor:
    return to_dtype_of(self, other)


def to_dtype_of(self: Tensor, other: Tensor) -> Tensor:
    converted: Tensor = to(self, other.dtype)
    return converted


def conversion(name: str, dtype: str) -> None:
    """`x.double()` and its like."""

    @composite(f"{name}(Tensor self)")
    def converted(self: Tensor) -> Any:
        """`self` in the dtype that the name stands for."""
        return to(self, dtype_named(dtype))


for method, target in {
    "half": "float16",
    "bfloat16": "bfloat16",
    "float": "float32",
    "double": "float64",
    "byte": "uint8",
    "char": "int8",
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "bool": "bool",
    "cfloat": "complex64",
    "cdouble": "complex128",
}.items():
    conversion(method, target)


def number(name: str, parameter: str, convert: Callable[[Any], Any]) -> None:
    """A function of Python's: `float("inf")` of a text, or what torch calls `sym_float`."""

    @composite(f"{name}({parameter})")
    def converted(**given: Any) -> Any:
        """A number as Python converts it."""
        try:
            return convert(*given.values())
        except (TypeError, ValueError, OverflowError) as error:
            raise UserError("value", str(error)) from None


number("float.number", "Scalar|str x", float)
number("int.number", "Scalar|str x", int)
number("bool.number", "Scalar|str x", bool)


@composite("Tensor::where(Tensor self, Tensor condition, Tensor|Scalar other)")
def where_method(self: Tensor, condition: Tensor, other: Any) -> Any:
    return where(condition, self, other)


@composite("Tensor::copy_(Tensor self, Tensor|Scalar src, bool non_blocking=False)")
def copy_method(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """The values of `src`, broadcast, in place of those of `self`."""
    if not isinstance(src, Tensor):
        src = Tensor(cast(beside(self.array, np.asarray(src)), self.dtype))
    changed: Tensor = copy.inplace(self, src)
    return changed


@composite("detach(Tensor self)")
def detach(self: Tensor) -> Tensor:
    return self.detach()


@composite("detach_(Tensor self)")
def detach_(self: Tensor) -> Tensor:
    return self.detach_()


@composite("requires_grad_(Tensor self, bool requires_grad=True)")
def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    return self.requires_grad_(requires_grad)


@composite("retain_grad(Tensor self)")
def retain_grad(self: Tensor) -> None:
    """Has a backward leave a gradient at `self`, though it is no leaf."""
    self.retain_grad()


@composite(
    "backward(Tensor self, Tensor? gradient=None, bool? retain_graph=None, bool create_graph=False, "
    "Tensor|Tensor[]? inputs=None)"
)
def backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Adds up the gradients of `self`, or of its product with `gradient`, in the leaves."""
    graph.backward([self], [gradient], retain_graph, create_graph, as_list(inputs))


@composite(
    "autograd::backward(Tensor|Tensor[] tensors, Tensor?|Tensor[]? grad_tensors=None, bool? retain_graph=None, "
    "bool create_graph=False, Tensor|Tensor[]? inputs=None)"
)
def autograd_backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Adds up the gradients of the sum of all `tensors`, each weighed by its `grad_tensors`, in the leaves."""
    roots = as_list(tensors) or []
    graph.backward(roots, as_list(grad_tensors) or [None] * len(roots), retain_graph, create_graph, as_list(inputs))


def as_list(value: Any) -> Any:
    """A tensor alone as a list of one."""
    return [value] if isinstance(value, Tensor) else value


@composite(
    "grad(Tensor|Tensor[] outputs, Tensor|Tensor[] inputs, Tensor?|Tensor[]? grad_outputs=None, "
    "bool? retain_graph=None, bool create_graph=False, bool? allow_unused=None, bool is_grads_batched=False, "
    "bool materialize_grads=False)"
)
def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of `outputs` by `inputs`, one each; with `is_grads_batched`, stacked over the first dimension
    of `grad_outputs`.
    """
    if materialize_grads and allow_unused is False:
        raise UserError(
            "value",
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False.",
        )
    roots, leaves = as_list(outputs), as_list(inputs)
    given = as_list(grad_outputs) or [None] * len(roots)
    options = (create_graph, bool(allow_unused), materialize_grads)
    if not is_grads_batched:
        return tuple(graph.grad(roots, leaves, given, retain_graph, *options))
    batch = given[0].shape[0]
    keep = create_graph if retain_graph is None else retain_graph
    rows = [
        graph.grad(roots, leaves, [getitem(one, place) for one in given], keep or place < batch - 1, *options)
        for place in range(batch)
    ]
    return tuple(stacked(list(column)) for column in zip(*rows, strict=True))


def stacked(parts: list[Tensor | None]) -> Tensor | None:
    given = [part for part in parts if part is not None]
    return stack(given) if given else None


def one_hot_rows(y: Tensor) -> list[Tensor]:
    """For each element of `y` the gradient that asks for it alone."""
    eye = np.eye(y.array.size, dtype=y.dtype)
    return [Tensor(beside(y.array, row.reshape(y.shape))) for row in eye]


def first_grad(y: Tensor, x: Tensor, v: Tensor | None, create_graph: bool, keep: bool = True) -> Tensor:
    """The gradient of `y` by `x`, zeros where it does not depend on it; a constant `y` has the gradient zero."""
    if not y.requires_grad:
        return Tensor(np.zeros_like(x.array))
    result = graph.grad([y], [x], [v], keep, create_graph, True, True)[0]
    assert result is not None
    return result


@composite("jacobian(Tensor y, Tensor|Tensor[] x, *, bool create_graph=False)")
def jacobian(y: Tensor, x: Any, create_graph: bool = False) -> Any:
    """dy/dx, of shape y.shape + x.shape; a tuple for a list of inputs."""
    if not isinstance(x, Tensor):
        return tuple(jacobian(y, one, create_graph) for one in x)
    rows = [first_grad(y, x, row, create_graph) for row in one_hot_rows(y)]
    if not rows:
        return Tensor(zeros_beside(x.array, y.shape + x.shape))
    return reshape(stack(rows), y.shape + x.shape)


@composite("hessian(Tensor y, Tensor|Tensor[] x, *, bool create_graph=False)")
def hessian(y: Tensor, x: Any, create_graph: bool = False) -> Any:
    """The second derivatives of a scalar, of shape x.shape + x.shape; for a list of inputs a tuple of tuples."""
    if y.array.size != 1:
        raise UserError("autograd", f"hessian needs a scalar, and this has shape {list(y.shape)}", hint="sum it first")
    inputs = [x] if isinstance(x, Tensor) else x
    blocks = tuple(
        tuple(jacobian(first_grad(y, one, None, True), other, create_graph) for other in inputs) for one in inputs
    )
    return blocks[0][0] if isinstance(x, Tensor) else blocks


@composite("vjp(Tensor y, Tensor|Tensor[] x, Tensor v, *, bool create_graph=False)")
def vjp(y: Tensor, x: Any, v: Tensor, create_graph: bool = False) -> Any:
    """v^T dy/dx."""
    if isinstance(x, Tensor):
        return first_grad(y, x, v, create_graph)
    return tuple(first_grad(y, one, v, create_graph) for one in x)


@composite("jvp(Tensor y, Tensor|Tensor[] x, Tensor|Tensor[] v, *, bool create_graph=False)")
def jvp(y: Tensor, x: Any, v: Any, create_graph: bool = False) -> Tensor:
    """dy/dx v, by differentiating the vector-Jacobian product, which is linear in its vector."""
    inputs, directions = as_list(x), as_list(v)
    vector = Tensor(np.zeros_like(y.array)).requires_grad_()
    total = None
    for one, direction in zip(inputs, directions, strict=True):
        if direction.shape != one.shape:
            raise UserError(
                "shape",
                f"jvp needs a direction of the input's shape {list(one.shape)}, and got {list(direction.shape)}",
            )
        product = first_grad(y, one, vector, True)
        part = first_grad(product, vector, direction, create_graph)
        total = part if total is None else add(total, part)
    assert total is not None
    return total


@composite("hvp(Tensor y, Tensor x, Tensor v, *, bool create_graph=False)")
def hvp(y: Tensor, x: Tensor, v: Tensor, create_graph: bool = False) -> Tensor:
    """The Hessian of a scalar times `v`."""
    slope = first_grad(y, x, None, True)
    return first_grad(sum(mul(slope, v)), x, None, create_graph)
