"""What a spec says, as plain data with places: expressions, literals, tensors, functions and steps.

Everything here is compared by identity and nothing here can run; `document.load_specs` makes these objects,
the runner reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, TypeAlias

from gradcli.errors import Span
from gradcli.record import Record, field
from gradcli.spec.source import Scalar, Source
from gradcli.spec.tree import Assign, AugmentedAssign, Call, Delete, Effect, Expr, Method, Node, Statement

Plain: TypeAlias = "int | float | complex | bool | str | list[Plain] | None"
"""A value that YAML can write."""


class Expression(Record):
    """An expression with the scalar that writes it; offsets of the tree's nodes count in `text`."""

    text: str
    tree: Expr
    scalar: Scalar

    def span(self, node: Node | None = None) -> Span:
        """Where the expression, or one node of its tree, is written in the file."""
        return self.scalar.span if node is None else self.scalar.span_of(node.start, node.end)


class Literal(Record):
    """A number, truth value, None, text or nested list that YAML itself writes."""

    value: Plain
    span: Span


Value: TypeAlias = Expression | Literal


class Load(Record):
    """A file to read; `key` names the array in an .npz or .safetensors file, if it is given."""

    path: str
    key: str | None
    span: Span


class TensorEntry(Record):
    """One entry of `tensors:`; options that are left out are None. `dtype` is a full name (`float64`)."""

    name: str
    span: Span
    data: Expression | Literal | Load
    requires_grad: bool | None = None
    dtype: str | None = None
    device: str | None = None


class FunctionEntry(Record):
    """One entry of `functions:`. Without `backward` it is a named composition.

    `backward` lacks the parameters that have no gradient; its expressions see the parameters, `grad` and
    `result`.
    """

    name: str
    parameters: tuple[str, ...]
    forward: Expression
    backward: dict[str, Expression] | None
    span: Span


class _Placed(Record):
    span: Span = field(kw_only=True)

    @property
    def line(self) -> int:
        """The line that the step begins in."""
        return self.span.line


class Bind(_Placed):
    """`name: value`."""

    kind: ClassVar[str] = "assign"
    name: str
    value: Value


class Line(_Placed):
    """A step written as a string. `expression` gives text and places; its tree is the statement's value."""

    statement: Statement
    expression: Expression

    @property
    def kind(self) -> str:
        """`assign`, `delete`, `print`, `backward`, or `call` for any other effect."""
        if isinstance(self.statement, Assign | AugmentedAssign):
            return "assign"
        if isinstance(self.statement, Delete):
            return "delete"
        called = called_name(self.statement)
        return called if called in ("print", "backward") else "call"


def called_name(statement: Effect) -> str:
    """The last word of what an expression standing alone calls; "" if it is no call."""
    called = statement.value
    if isinstance(called, Call):
        return called.function.rpartition(".")[2]
    return called.name if isinstance(called, Method) else ""


class Backward(_Placed):
    """`gradient` has one item for each of `of`, None where torch's default (one) holds."""

    kind: ClassVar[str] = "backward"
    of: list[Expression]
    gradient: list[Value | None]
    retain_graph: bool | None = None
    create_graph: bool = False
    inputs: list[Expression] | None = None


class ZeroGrad(_Placed):
    """`of` is None for `all`."""

    kind: ClassVar[str] = "zero_grad"
    of: list[Expression] | None
    set_to_none: bool = False


class Block(_Placed):
    """Steps under a grad mode; `kind` is `no_grad` or `enable_grad`."""

    kind: str
    steps: list[Step]


class RequiresGrad(_Placed):
    kind: ClassVar[str] = "requires_grad"
    flags: list[tuple[Expression, bool]]


class RetainGrad(_Placed):
    kind: ClassVar[str] = "retain_grad"
    of: list[Expression]


class Hook(_Placed):
    """`value` sees the gradient as `name`, and the bindings of that moment; None: it only prints."""

    kind: ClassVar[str] = "hook"
    on: Expression
    name: str
    value: Expression | None


class Repeat(_Placed):
    kind: ClassVar[str] = "repeat"
    times: Value
    name: str | None
    steps: list[Step]


class While(_Placed):
    kind: ClassVar[str] = "while"
    condition: Expression
    at_most: Value
    steps: list[Step]


class PrintItem(Record):
    label: str | None
    value: Expression


class Print(_Placed):
    kind: ClassVar[str] = "print"
    items: list[PrintItem]


class ExpectItem(Record):
    """One expectation: `expected`, if there is one, and every check that is set must hold.

    `expected` is None with `is_none` (the value must be None), with `recorded` false (`expr:` without a
    value), and where only the other checks count. Text in a `Literal` is the name of a grad_fn, without `<>`,
    of a dtype or of a device.
    """

    expr: Expression
    span: Span
    expected: Expression | Literal | Load | None = None
    recorded: bool = True
    is_none: bool = False
    rtol: float | None = None
    atol: float | None = None
    finite: bool = False
    nonzero: bool = False
    shape: list[int] | None = None


class Expect(_Placed):
    kind: ClassVar[str] = "expect"
    items: list[ExpectItem]
    rtol: float | None = None
    atol: float | None = None


class ExpectError(_Placed):
    kind: ClassVar[str] = "expect_error"
    steps: list[Step]
    match: str


class Claim(_Placed):
    """Pairs of a gradient and the formula that is claimed for it."""

    kind: ClassVar[str] = "claim"
    items: list[tuple[Expression, Expression]]


class Gradcheck(_Placed):
    kind: ClassVar[str] = "gradcheck"
    of: Expression
    wrt: list[Expression]
    order: int = 1


Step: TypeAlias = (
    Bind
    | Line
    | Backward
    | ZeroGrad
    | Block
    | RequiresGrad
    | RetainGrad
    | Hook
    | Repeat
    | While
    | Print
    | Expect
    | ExpectError
    | Claim
    | Gradcheck
)


class Spec(Record):
    """One document of a spec file, or one combination of its `matrix`; `source.name` is its name."""

    source: Source
    title: str | None = None
    seed: int = 0
    dtype: str = "float32"
    device: str = "cpu"
    params: dict[str, Plain] = field(default_factory=dict)
    tensors: list[TensorEntry] = field(default_factory=list)
    pipeline: list[Step] = field(default_factory=list)
    functions: list[FunctionEntry] = field(default_factory=list)
    matrix: dict[str, list[Plain]] = field(default_factory=dict)


def every(steps: list[Step]) -> Iterator[Step]:
    """All the steps, those inside blocks and loops too."""
    for step in steps:
        yield step
        yield from every(getattr(step, "steps", []))
