"""`op()`: the one declaration of an operation, and everything that is derived from it.

A row is torch's schema, the name of the grad_fn, the forward on arrays, and one formula an input:

    mul = op("mul(Tensor self, Tensor|Scalar other)", "MulBackward0", np.multiply, promote="same",
             self=lambda grad, other: grad * conj(other),
             other=lambda grad, self: grad * conj(self))

A formula's parameters say what it needs, and so what the backward saves: `grad` (`grads`, a tuple with None
entries, where several outputs have gradients), inputs and outputs by their names (one output is `result`), and
`self_shape`, `self_dtype`, which do not save the tensor. `joint=` computes all gradients at once from
`needs`, a mask. Formulas are written with operators and operations only. They run on arrays, where each
operation stands for its forward alone; and, for `create_graph`, on Tensors, where each is recorded.

At its first use a row becomes specialised functions, generated as the source of dataclasses is.
"""

from __future__ import annotations

import builtins
import re
from collections import namedtuple
from collections.abc import Callable, Iterator
from functools import cached_property
from types import CellType, CodeType, FunctionType
from typing import Any, ClassVar, Literal

from gradcli.engine.device import Deferred
from gradcli.engine.node import Node
from gradcli.record import Record

Formula = Callable[..., Any]
Promotion = Literal["same", "float"]

PARAMETER = re.compile(r"(?P<type>\S+) (?P<name>\w+)(?:=(?P<default>.+))?$")
CONSTANTS = {"None": None, "True": True, "False": False}


class Parameter(Record):
    """One parameter of a schema: `type` in torch's words, e.g. `Tensor`, `Tensor?`, `Tensor[]`, `int[]?`, `bool`."""

    name: str
    type: str
    default: Any
    required: bool
    keyword_only: bool

    @property
    def is_tensor(self) -> bool:
        return self.type.startswith("Tensor")

    @property
    def is_list(self) -> bool:
        return self.type.endswith("]") and self.is_tensor


class Schema(Record):
    """A parsed schema: `mul.Tensor(Tensor self, Tensor other) -> (values, indices)`."""

    name: str
    overload: str
    parameters: tuple[Parameter, ...]
    outputs: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Schema:
        head, _, rest = text.partition("(")
        body, _, tail = rest.rpartition(")") if "->" not in rest else rest.partition(") ->")
        name, _, overload = head.partition(".")
        parameters = []
        keyword_only = False
        for part in split_parameters(body):
            if part == "*":
                keyword_only = True
                continue
            match = PARAMETER.match(part)
            if match is None:
                raise ValueError(f"{text}: cannot read `{part}`")
            default = match["default"]
            parameters.append(
                Parameter(match["name"], match["type"], read_default(default), default is None, keyword_only)
            )
        outputs = tuple(word.strip() for word in tail.strip(" ()").split(",")) if tail.strip() else ("result",)
        return cls(name, overload, tuple(parameters), outputs)


def split_parameters(body: str) -> Iterator[str]:
    """The parameters of a schema, at commas outside brackets and quotes."""
    for part in re.findall(r"(?:[^,\[\"]|\[[^]]*\]|\"[^\"]*\")+", body):
        if part.strip():
            yield part.strip()


def read_default(text: str | None) -> Any:
    if text is None or text in CONSTANTS:
        return CONSTANTS.get(text or "None")
    if text.startswith('"'):
        return text[1:-1]
    if text.startswith("["):
        return [read_default(item.strip()) for item in text[1:-1].split(",") if item.strip()]
    return int(text) if re.fullmatch(r"-?\d+", text) else float(text)


class Op:
    """A row of the table; calling it on Tensors runs and records it.

    `call` is the specialised function on Tensors, `inplace` its in-place form, `on_arrays` the forward alone.
    All take the schema's parameters, in order or by name.
    """

    def __init__(
        self,
        text: str,
        grad_fn: str | None,
        forward: Any,
        formulas: dict[str, Formula],
        joint: Formula | None,
        promote: Promotion | None,
        operands: tuple[str, ...],
        view: bool,
        mirror: bool,
        contiguous: bool,
        constant: tuple[str, ...],
        check: Callable[..., None] | None,
        host_scalars: int,
        draws: bool,
        real_part: bool,
        fits: tuple[str, ...],
        factors: tuple[str, ...],
        real_only: str,
    ) -> None:
        self.text = text
        self.name = text[: text.index("(")].partition(".")[0]
        self.grad_fn = grad_fn
        self.forward = forward
        self.formulas = formulas
        self.joint = joint
        self.promote = promote
        self.operands = operands
        self.view = view
        self.mirror = mirror
        self.contiguous = contiguous
        self.constant = constant
        self.check = check
        self.host_scalars = host_scalars
        self.draws = draws
        self.real_part = real_part
        self.fits = fits
        self.factors = factors
        self.real_only = real_only

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.call(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<op {self.text}>"

    @cached_property
    def schema(self) -> Schema:
        return Schema.parse(self.text)

    @cached_property
    def array_forward(self) -> Callable[..., Any]:
        """The forward alone, which takes every parameter in order."""
        forward: Callable[..., Any]
        forward = self.forward.resolve() if isinstance(self.forward, Deferred) else on_arrays(self.forward)
        return forward

    @cached_property
    def on_arrays(self) -> Callable[..., Any]:
        from gradcli.ops import generate

        return generate.with_defaults(self)

    @cached_property
    def node_class(self) -> type[Node]:
        from gradcli.ops import nodes

        return nodes.node_class(self)

    @cached_property
    def call(self) -> Callable[..., Any]:
        from gradcli.ops import generate

        return generate.dispatch(self, inplace=False)

    @cached_property
    def inplace(self) -> Callable[..., Any]:
        from gradcli.ops import generate

        return generate.dispatch(self, inplace=True)

    @property
    def differentiable(self) -> list[Parameter]:
        """The parameters that have a gradient, in order: one edge each, a list one edge a tensor."""
        if self.joint is not None:
            return [p for p in self.schema.parameters if p.is_tensor and p.name not in self.constant]
        return [p for p in self.schema.parameters if p.name in self.formulas]


class Composite:
    """A user-level operation that torch, too, composes of others; the same interface as Op's."""

    grad_fn: ClassVar[None] = None

    def __init__(self, text: str, function: Callable[..., Any]) -> None:
        self.text = text
        self.name = text[: text.index("(")].partition(".")[0]
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.call(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<composite {self.text}>"

    @cached_property
    def schema(self) -> Schema:
        return Schema.parse(self.text)

    @cached_property
    def call(self) -> Callable[..., Any]:
        if "->" not in self.text:
            return self.function
        result = named_results(self.schema)
        return lambda *args, **kwargs: result(*self.function(*args, **kwargs))

    @cached_property
    def on_arrays(self) -> Callable[..., Any]:
        function: Callable[..., Any] = on_arrays(self.function)
        return function


def named_results(schema: Schema) -> type[tuple[Any, ...]]:
    """What several outputs are returned in; it prints as torch.return_types.max(values=..., indices=...)."""
    fields = [output.removesuffix("[]") for output in schema.outputs]
    return namedtuple(schema.name.lstrip("_").replace("::", "_"), fields)


TABLE: dict[str, list[Op | Composite]] = {}


def op(
    schema: str,
    grad_fn: str | None,
    forward: Any,
    /,
    *,
    promote: Promotion | None = None,
    operands: tuple[str, ...] = (),
    view: bool = False,
    mirror: bool = False,
    contiguous: bool = False,
    constant: tuple[str, ...] = (),
    check: Callable[..., None] | None = None,
    joint: Formula | None = None,
    host_scalars: int | None = None,
    draws: bool = False,
    real_part: bool = False,
    fits: tuple[str, ...] = (),
    factors: tuple[str, ...] = (),
    real_only: str = "",
    **formulas: Formula,
) -> Op:
    """Declare an operation: see the module's docstring.

    `promote` brings the tensors (or only `operands`) to their common dtype first: "same" torch's result type,
    "float" that with integers made the default float. `view`: outputs share the memory of the first input.
    `mirror`: so does the output, which is computed whenever it is read, by a forward that is its own inverse.
    `contiguous`: outputs are laid out row by row, where others keep the memory order of their inputs.
    `constant`: outputs without a gradient, and for `joint` inputs without one. `check` raises a UserError for
    tensors (given as arrays, or numbers, before their promotion) that torch refuses. `host_scalars` is how many 0-dim
    tensors of the host may stand among tensors of a device: one, where dtypes are promoted, as for torch's kernels.
    `draws`: the results are random. `real_part`: where only the result is complex, a real input's gradient is the real
    part of its formula; torch refuses other rows a derivative there. `fits`: numbers that the first tensor's dtype
    must be able to hold; `factors`: those that must be of no higher kind, too. `real_only`: torch's name for a row of
    which it records none with a complex result.
    """
    scalars = host_scalars if host_scalars is not None else int(promote is not None)
    row = Op(
        schema, grad_fn, forward, formulas, joint, promote, operands, view, mirror, contiguous, constant, check,
        scalars, draws, real_part, fits, factors, real_only,
    )  # fmt: skip
    TABLE.setdefault(row.name, []).append(row)
    return row


def composite(schema: str) -> Callable[[Callable[..., Any]], Composite]:
    """Declare the decorated function, of other operations, under `schema`; its defaults repeat the schema's."""

    def declare(function: Callable[..., Any]) -> Composite:
        row = Composite(schema, function)
        TABLE.setdefault(row.name, []).append(row)
        return row

    return declare


_on_arrays: dict[FunctionType, FunctionType] = {}


def on_arrays(function: Any) -> Any:
    """`function`, a formula or a helper of one, with each operation it names replaced by its forward on arrays.

    So a formula runs on arrays without looking at a single type. Functions of other packages stay as they are.
    """
    if not isinstance(function, FunctionType) or not function.__module__.startswith("gradcli.ops."):
        return function
    if function not in _on_arrays:
        names: dict[str, Any] = {"__builtins__": builtins, "__name__": function.__module__}
        cells = tuple([CellType() for _ in function.__closure__ or ()])
        copy = FunctionType(function.__code__, names, function.__name__, function.__defaults__, cells)
        copy.__kwdefaults__ = function.__kwdefaults__
        _on_arrays[function] = copy  # before the names are filled in: functions may name each other
        for name in names_used(function.__code__):
            if name in function.__globals__:
                names[name] = forward_of(function.__globals__[name])
        for cell, held in zip(cells, function.__closure__ or (), strict=True):
            cell.cell_contents = forward_of(held.cell_contents)
    return _on_arrays[function]


def forward_of(value: Any) -> Any:
    return value.on_arrays if isinstance(value, Op | Composite) else on_arrays(value)


def names_used(code: CodeType) -> set[str]:
    """The global names of `code` and of the functions inside it."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= names_used(constant)
    return names
