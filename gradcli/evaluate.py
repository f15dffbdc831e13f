"""Expressions at work: a tree becomes a postfix program, and a program runs on a scope of bindings.

A program is a flat list of instructions on a stack, so that a sum of thousands of terms needs no recursion, and
names of operations are resolved once, however often the expression runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from gradcli.engine import memory
from gradcli.engine.device import device_of
from gradcli.engine.dtypes import as_dtype, dtype_kind, is_differentiable
from gradcli.engine.mode import warn
from gradcli.engine.node import Node
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops import frontend, operators
from gradcli.ops.copies import conj, imag, real
from gradcli.ops.define import Composite
from gradcli.ops.index import getitem, setitem
from gradcli.ops.method import Size
from gradcli.ops.shape import permute, transpose
from gradcli.ops.views import View
from gradcli.record import Record, field
from gradcli.spec import tree

CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}
OF_TORCH = {f"torch.{name}": number for name, number in CONSTANTS.items()}
BINARY = frozenset(operators.NUMBERS) - {"neg", "pos", "invert"} | {"matmul"}

Stack = list[Any]


class Scope(Record):
    """What names mean: bindings in the order of their first binding, before params, before pi, e, inf and nan.

    In a call, `functions` come before torch's operations.
    """

    params: dict[str, Any] = field(default_factory=dict)
    bindings: dict[str, Any] = field(default_factory=dict)
    functions: dict[str, Composite] = field(default_factory=dict)

    def inside(self, bindings: dict[str, Any]) -> Scope:
        """The scope of a hook, or of a function's body: other bindings, all else the same."""
        return Scope(self.params, bindings, self.functions)

    def look_up(self, name: str) -> Any:
        for names in (self.bindings, self.params, CONSTANTS, OF_TORCH):
            if name in names:
                return names[name]
        dtype = frontend.dtype_or_none(name)
        if dtype is None:
            raise UserError("name", f"unknown name `{name}`")
        return dtype


Instruction = Callable[[Stack, Scope], None]


class Program:
    """A compiled expression. `run` returns its value; a UserError knows the part of the text it comes from."""

    __slots__ = ("steps",)

    def __init__(self, root: tree.Expr) -> None:
        self.steps: list[tuple[Instruction, tree.Node]] = []
        pending: list[tuple[Any, bool]] = [(root, False)]
        while pending:
            node, operands_done = pending.pop()
            if operands_done or isinstance(node, tree.Logical):
                self.steps.append((compiled(node), node))
            else:
                pending.append((node, True))
                pending += [(child, False) for child in reversed(operands(node))]

    def run(self, scope: Scope) -> Any:
        stack: Stack = []
        step = self.steps[0]
        try:
            for step in self.steps:
                step[0](stack, scope)
        except UserError as error:
            located(error, step[1])
            raise
        except (TypeError, ValueError, IndexError, ArithmeticError) as error:
            # NumPy refuses what no check of ours has foreseen
            raise located(UserError("value", f"this cannot be computed: {error}"), step[1]) from error
        except MemoryError as error:
            raise located(memory.exceeded(error), step[1]) from error
        return stack.pop()


def located(error: UserError, node: tree.Node) -> UserError:
    """`error` with the part of the expression that it comes from, unless an inner program has said so."""
    if error.place is None:
        error.place = (node.start, node.end)
    return error


# what is told of each tensor that does not go with the others
TOLD: dict[str, Callable[[Tensor], str]] = {
    "shape": lambda tensor: str(list(tensor.shape)),
    "type": lambda tensor: str(tensor.dtype.name),
    "device": lambda tensor: f"on {device_of(tensor.array)}",
}


def with_operands(error: Exception, nodes: Sequence[Any], values: Sequence[Any]) -> Exception:
    """`error` with the tensors that it is about, if shapes, dtypes or devices do not go together."""
    if not isinstance(error, UserError):
        lists = [value if isinstance(value, list | tuple) else [value] for value in values]
        devices = {device_of(value.array) for items in lists for value in items if isinstance(value, Tensor)}
        if len(devices) < 2:
            return error
        first, second = sorted(devices, reverse=True)[:2]
        message = (
            f"Expected all tensors to be on the same device, but found at least two devices, {first} and {second}!"
        )
        error = UserError("device", message)
    if error.kind not in TOLD or error.operands or error.place is not None:
        return error
    pending = list(zip(nodes, values, strict=True))
    while pending:
        node, value = pending.pop(0)
        if isinstance(node, tree.ListOf | tree.TupleOf):
            pending = [*zip(node.items, value, strict=True), *pending]
        elif isinstance(value, Tensor):
            error.operands.append((node.start, node.end, TOLD[error.kind](value)))
    return error


def operands(node: Any) -> tuple[Any, ...]:
    """What is evaluated before `node`, in order; a keyword stands for its value."""
    if isinstance(node, tree.Keyword):
        return (node.value,)
    children: tuple[Any, ...] = node.children()
    return children


def compiled(node: Any) -> Instruction:
    return COMPILERS[type(node)](node)


def applied(node: Any, values: Sequence[Any], scope: Scope) -> Any:
    """The value of `node`, given those of its operands. A UserError knows the part of the text it comes from."""
    stack = list(values)
    try:
        compiled(node)(stack, scope)
    except UserError as error:
        raise located(error, node) from None
    return stack.pop()


def constant(node: tree.Constant) -> Instruction:
    value = node.value
    return lambda stack, scope: stack.append(value)


def name(node: tree.Name) -> Instruction:
    id = node.id
    return lambda stack, scope: stack.append(scope.look_up(id))


def take(stack: Stack, count: int) -> list[Any]:
    """The last `count` values, in the order they were pushed."""
    if not count:
        return []
    values = stack[-count:]
    del stack[-count:]
    return values


def call(node: tree.Call) -> Instruction:
    rows = frontend.find(node.function)

    def run(args: list[Any], keywords: dict[str, Any], scope: Scope) -> Any:
        declared = scope.functions.get(node.function)
        found = rows if declared is None else [declared]
        if found is None:
            raise UserError("name", f"unknown operation `{node.function}`")
        return frontend.call(found, args, keywords)

    return arguments(node, run)


def method(node: tree.Method) -> Instruction:
    rows = frontend.find_method(node.name)
    if rows is None:
        raise located(UserError("name", f"unknown method `{node.name}`"), node)
    special = OBJECT_METHODS.get(node.name)

    def run(args: list[Any], keywords: dict[str, Any], scope: Scope) -> Any:
        if not isinstance(args[0], Tensor):
            if special is not None and isinstance(args[0], Size):
                return special(*args)
            raise UserError("type", f"{frontend.kind_of(args[0])} has no method `{node.name}`: only tensors have")
        return frontend.call(rows, args, keywords, True)

    return arguments(node, run, 1)


OBJECT_METHODS: dict[str, Callable[..., Any]] = {"numel": math.prod}


def arguments(
    node: tree.Call | tree.Method, run: Callable[[list[Any], dict[str, Any], Scope], Any], extra: int = 0
) -> Instruction:
    count = len(node.args) + extra
    names = [keyword.name for keyword in node.keywords]

    def instruction(stack: Stack, scope: Scope) -> None:
        named = take(stack, len(names))
        args = take(stack, count)
        try:
            stack.append(run(args, dict(zip(names, named, strict=True)), scope))
        except (UserError, TypeError, IndexError) as error:
            raise with_operands(error, operands(node), [*args, *named]) from None

    return instruction


def keyword(node: tree.Keyword) -> Instruction:
    return lambda stack, scope: None


def operation(node: tree.Operator) -> Instruction:
    name = node.name
    if name in BINARY:
        binary = operators.binary

        def run_binary(stack: Stack, scope: Scope) -> None:
            other = stack.pop()
            try:
                stack[-1] = binary(name, stack[-1], other)
            except (UserError, TypeError, IndexError) as error:
                raise with_operands(error, node.operands, (stack[-1], other)) from None

        return run_binary
    if name in ("is_none", "is_not_none"):
        return lambda stack, scope: stack.append((stack.pop() is None) == (name == "is_none"))
    return lambda stack, scope: stack.append(operators.unary(name, stack.pop()))


def logical(node: tree.Logical) -> Instruction:
    programs = [Program(operand) for operand in node.operands]
    if node.name == "not":
        return lambda stack, scope: stack.append(not truth(programs[0].run(scope)))
    ends_at = node.name == "or"

    def run(stack: Stack, scope: Scope) -> None:
        value = None
        for program in programs:
            value = program.run(scope)
            if truth(value) == ends_at:
                break
        stack.append(value)

    return run


def truth(value: Any) -> bool:
    """A single truth value; a UserError for tensors of several elements."""
    if isinstance(value, Tensor):
        if value.array.size > 1:
            raise UserError("value", "Boolean value of Tensor with more than one value is ambiguous")
        if value.array.size == 0:
            raise UserError("value", "Boolean value of Tensor with no values is ambiguous")
        return bool(value.array.item())
    return bool(value)


def list_of(node: tree.ListOf) -> Instruction:
    count = len(node.items)
    return lambda stack, scope: stack.append(take(stack, count))


def tuple_of(node: tree.TupleOf) -> Instruction:
    count = len(node.items)
    return lambda stack, scope: stack.append(tuple(take(stack, count)))


def slice_of(node: tree.Slice) -> Instruction:
    given = [part is not None for part in (node.lower, node.upper, node.step)]
    count = sum(given)

    def run(stack: Stack, scope: Scope) -> None:
        values = iter(take(stack, count))
        parts = [as_index(next(values)) if present else None for present in given]
        stack.append(slice(*parts))

    return run


def as_index(value: Any) -> int | None:
    index: int | None = value.array.item() if isinstance(value, Tensor) and value.ndim == 0 else value
    if index is not None and not frontend.is_int(index):
        raise UserError("type", f"slice indices must be integers, not {frontend.kind_of(value)}")
    return index


def subscript(node: tree.Subscript) -> Instruction:
    def run(stack: Stack, scope: Scope) -> None:
        key = stack.pop()
        try:
            stack[-1] = item_of(stack[-1], key)
        except UserError as error:
            raise with_operands(error, (node.target,), (stack[-1],)) from None

    return run


def item_of(value: Any, key: Any) -> Any:
    if isinstance(value, Tensor):
        check_key(key)
        return getitem(value, key)
    if isinstance(value, list | tuple):
        if isinstance(key, slice):
            part = value[key]
            return Size(part) if isinstance(value, Size) else part
        if frontend.is_int(key):
            if not -len(value) <= key < len(value):
                raise UserError("value", f"index {key} is out of range for {len(value)} items")
            return value[key]
    raise UserError("type", f"{frontend.kind_of(value)} cannot be indexed by {frontend.kind_of(key)}")


def check_key(key: Any) -> None:
    """A UserError for what no tensor can be indexed with."""
    for item in key if isinstance(key, tuple) else (key,):
        if not (item is None or item is Ellipsis or isinstance(item, int | slice | list | Tensor)):
            raise UserError(
                "type",
                "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
                f"{frontend.kind_of(item)})",
            )


def attribute(node: tree.Attribute) -> Instruction:
    name = node.name
    read = ATTRIBUTES.get(name)

    def run(stack: Stack, scope: Scope) -> None:
        value = stack.pop()
        if isinstance(value, Tensor) and read is not None:
            if name == "grad" and not value.is_leaf and not value.retains_grad:
                warn(NON_LEAF_GRAD)
            stack.append(read(value))
        elif name in fields_of(value):
            stack.append(getattr(value, name))
        else:
            raise UserError("name", f"{frontend.kind_of(value)} has no attribute `{name}`")

    return run


def fields_of(value: Any) -> tuple[str, ...]:
    """The attributes of what is no tensor: the outputs of a named result, what a node tells of itself."""
    if isinstance(value, Node):
        return ("next_functions", "name")
    return getattr(value, "_fields", ()) if isinstance(value, tuple) else ()


NON_LEAF_GRAD = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
    "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, "
    "use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access "
    "the leaf Tensor instead."
)


def reversed_dims(self: Tensor) -> Any:
    return permute(self, list(reversed(range(self.ndim))))


def matrix_transpose(self: Tensor) -> Any:
    if self.ndim == 0:
        return self
    if self.ndim < 2:
        raise UserError(
            "shape",
            f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.",
        )
    return transpose(self, -2, -1)


def hermitian(self: Tensor) -> Any:
    """The conjugate transpose of one matrix; `mH` is that of many."""
    if self.ndim in (0, 2):
        return conj(matrix_transpose(self))
    hint = " For batches of matrices, consider using tensor.mH" if self.ndim > 2 else ""
    raise UserError("shape", f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor.{hint}")


def imaginary_part(self: Tensor) -> Any:
    if dtype_kind(self.dtype) != "c":
        raise UserError("type", "imag is not implemented for tensors with non-complex dtypes.")
    return imag(self)


def grad_dtype(self: Tensor) -> Any:
    if not self.is_leaf:
        raise UserError("autograd", "grad_dtype can only be accessed on leaf tensors.")
    return self.dtype


# of a tensor that is dense, and on a CPU or a GPU
OTHER_KINDS = (
    "is_sparse", "is_sparse_csr", "is_nested", "is_quantized", "is_mkldnn", "is_meta", "is_ipu", "is_maia", "is_mps",
    "is_mtia", "is_vulkan", "is_xla", "is_xpu",
)  # fmt: skip

ATTRIBUTES: dict[str, Callable[[Tensor], Any]] = {
    "T": reversed_dims,
    "mT": matrix_transpose,
    "H": hermitian,
    "mH": lambda self: conj(matrix_transpose(self)),
    "real": lambda self: real(self) if dtype_kind(self.dtype) == "c" else self,
    "imag": imaginary_part,
    "shape": lambda self: Size(self.shape),
    "device": lambda self: device_of(self.array),
    "layout": lambda self: "torch.strided",
    "itemsize": lambda self: self.array.itemsize,
    "nbytes": lambda self: self.array.nbytes,
    "is_cpu": lambda self: device_of(self.array) == "cpu",
    "is_cuda": lambda self: device_of(self.array) != "cpu",
    **dict.fromkeys(OTHER_KINDS, lambda self: False),
    "name": lambda self: None,
    "grad_dtype": grad_dtype,
    "output_nr": lambda self: 0 if self.edge is None else self.edge[1],
    "_version": lambda self: self.version[0],
    "_base": lambda self: self.base if isinstance(self, View) else None,
    **{
        name: attrgetter(name)
        for name in ("grad", "grad_fn", "ndim", "dtype", "requires_grad", "is_leaf", "retains_grad", "data")
    },
}

COMPILERS: dict[type, Callable[[Any], Instruction]] = {
    tree.Constant: constant,
    tree.Name: name,
    tree.Call: call,
    tree.Method: method,
    tree.Keyword: keyword,
    tree.Operator: operation,
    tree.Logical: logical,
    tree.ListOf: list_of,
    tree.TupleOf: tuple_of,
    tree.Slice: slice_of,
    tree.Subscript: subscript,
    tree.Attribute: attribute,
}


def set_attribute(self: Any, name: str, value: Any) -> None:
    """`self.name = value` for the three attributes that can be set."""
    if not isinstance(self, Tensor):
        raise UserError("type", f"{frontend.kind_of(self)} has no attribute `{name}` to set")
    if name == "requires_grad":
        if not isinstance(value, bool):
            raise UserError("type", "requires_grad must be a bool")
        if value and not is_differentiable(self.dtype):
            raise UserError("autograd", "only Tensors of floating point and complex dtype can require gradients")
        self.requires_grad_(value)
    elif name == "grad":
        if not (value is None or isinstance(value, Tensor)):
            raise UserError(
                "type", f"assigned grad expected to be a Tensor or None but got grad of type {frontend.kind_of(value)}"
            )
        self.grad = value
    else:
        if not isinstance(value, Tensor):
            raise UserError("type", f"Variable data has to be a tensor, but got {frontend.kind_of(value)}")
        if self.mirror is not None:
            raise UserError("type", "the data of a conjugate view cannot be replaced: resolve_conj() it before")
        self.data = value


def set_item(self: Any, key: Any, value: Any) -> None:
    """`self[key] = value`."""
    if not isinstance(self, Tensor):
        raise UserError("type", f"the items of a {frontend.kind_of(self)} cannot be assigned")
    check_key(key)
    if isinstance(value, int | float | complex):
        value = Tensor(as_dtype(value, self.dtype, self.array))
    elif not isinstance(value, Tensor):
        kind = frontend.kind_of(value)
        raise UserError("type", f"can't assign a {kind} to a torch.{self.dtype.name} tensor")
    setitem(self, key, value)
