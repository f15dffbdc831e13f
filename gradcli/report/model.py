"""What a run found, as plain data: the runner fills it in, every report reads it.

Values are what a pipeline can hold, without the engine: NumPy arrays, numbers, strings, bools, None, and
lists and tuples of those. `text` is always exactly what torch's `print` would show.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

from gradcli.errors import UserError
from gradcli.record import Record, field
from gradcli.spec.source import Source

Verdict = Literal["correct", "wrong", "kink", "ill-conditioned", "needs-float64", "not-differentiable"]


class TensorState(Record):
    """A tensor at the end of the run; `value` and `grad` are arrays on the host."""

    value: Any
    dtype: str
    device: str
    requires_grad: bool
    is_leaf: bool
    grad_fn: str | None
    grad: Any | None
    text: str

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self.value.shape
        return shape


class Binding(Record):
    """A name at the end of the run: one tensor, a tuple of states (`parts`), or any other value."""

    name: str
    state: TensorState | None = None
    parts: tuple[Binding, ...] | None = None
    value: Any = None
    text: str = ""


class Gradient(Record):
    """The gradient a backward left in a leaf (or a tensor that retains its own), as of that step."""

    value: Any
    dtype: str
    text: str


class Printed(Record):
    """One printed line: the expression as the user wrote it, or the label given to it."""

    expr: str
    text: str
    value: Any
    label: str | None = None


class Expectation(Record):
    """One judged item of an `expect` step; what `expected` and `actual` are is shown by their texts.

    `index` is that of the worst element, `abs` and `rel` its differences, `off` the share of elements outside
    the tolerance, `ulp` the worst difference in numbers of the dtype; `why` says in a sentence what is wrong where
    there are no numbers to compare.
    """

    expr: str
    ok: bool
    expected: Any
    actual: Any
    expected_text: str
    actual_text: str
    line: int
    column: int
    index: tuple[int, ...] | None = None
    abs: float | None = None
    rel: float | None = None
    off: float | None = None
    why: str | None = None
    ulp: int | None = None


class Check(Record):
    """What became of one gradient on trial: of `tensor`, in the backward from `root` at `line`.

    `order` is that of the derivative; `digits` the digits that agree in the worst element; `index` the element that
    the verdict is about (None: a random direction), where the formulas give `analytic` and the numbers `numeric`;
    `taylor` the power of a step by which Taylor's remainder falls, 2 for a right gradient, None where none is seen.
    """

    verdict: Verdict
    order: int
    digits: float | None = None
    index: tuple[int, ...] | None = None
    analytic: float | None = None
    numeric: float | None = None
    why: str | None = None
    taylor: float | None = None
    tensor: str = ""
    root: str = ""
    line: int = 0


class StepReport(Record):
    """One executed step; `path` is its place inside blocks and loops, `kind` the word of its table row."""

    index: int
    path: tuple[int, ...]
    line: int
    kind: str
    name: str | None = None
    grads: dict[str, Gradient | None] | None = None
    printed: list[Printed] | None = None
    items: list[Expectation] | None = None


class Warned(Record):
    """A warning torch would give."""

    message: str
    line: int


class Report(Record):
    """A whole run. `error` ended it early; `ok` is False also when an expectation failed.

    `got` are the values of the expressions that were asked for of the final bindings.
    """

    spec: str
    seed: int
    dtype: str
    device: str
    title: str | None = None
    bindings: list[Binding] = field(default_factory=list)
    steps: list[StepReport] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    got: list[Printed] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    error: UserError | None = None

    @property
    def failures(self) -> list[Expectation]:
        return [item for step in self.steps for item in step.items or () if not item.ok]

    @property
    def arrays(self) -> dict[str, Any]:
        """The tensors and numbers at the end by name, gradients as `w.grad`: what `--save` saves."""
        from gradcli.report.arrays import arrays_of

        return arrays_of(self.bindings)[0]

    @property
    def ok(self) -> bool:
        return self.error is None and not self.failures


class TensorDifference(Record):
    """A tensor of two results: `shapes`, `dtypes` and, at the worst `index`, `values` of the first and the second.

    Those of a result that does not have it are None. `abs`, `rel` and `ulp` are the worst difference, also where it is
    within the tolerances; `off` is the share of elements outside of them; `why` says what cannot be compared.
    """

    name: str
    ok: bool
    shapes: tuple[tuple[int, ...] | None, tuple[int, ...] | None]
    dtypes: tuple[str | None, str | None]
    values: tuple[Any, Any] = (None, None)
    index: tuple[int, ...] | None = None
    abs: float | None = None
    rel: float | None = None
    ulp: int | None = None
    off: float | None = None
    why: str | None = None


class Difference(Record):
    """How two results differ; the name of one that has no counterpart stands beside None."""

    names: tuple[str | None, str | None]
    tensors: list[TensorDifference]

    @property
    def ok(self) -> bool:
        return None not in self.names and all(tensor.ok for tensor in self.tensors)


class Reporter(Protocol):
    """Writes runs to standard output, each while it goes on or at its end."""

    def begin(self, name: str, title: str | None, seed: int, dtype: str, device: str) -> None: ...

    def step(self, step: StepReport) -> None: ...

    def end(self, report: Report) -> None: ...

    def refuse(self, name: str, error: UserError) -> None:
        """Reports a spec that could not run, or did not come to its end."""


class Outcome(Record):
    """What became of one spec of a suite: it is ok if it ran and everything that it expects holds.

    `report` has no bindings, steps only where something was expected, and values only of what failed; it is None
    if the spec did not run. `errors` are what ended the run, or everything for which it could not begin.
    """

    source: Source
    report: Report | None
    errors: list[UserError]
    seconds: float

    @property
    def failures(self) -> list[Expectation]:
        return self.report.failures if self.report else []

    @property
    def ok(self) -> bool:
        return not self.errors and not self.failures

    @property
    def place(self) -> tuple[int, int] | None:
        """The line and the column of the first thing that failed."""
        if self.failures:
            return self.failures[0].line, self.failures[0].column
        span = self.errors[0].span if self.errors else None
        return (span.line, span.column) if span else None

    @property
    def expectations(self) -> int:
        return sum(len(step.items or ()) for step in self.report.steps) if self.report else 0


class Suite(Record):
    """A test run; `stopped` says why it ended early."""

    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0
    stopped: str | None = None

    @property
    def failed(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if not outcome.ok]

    @property
    def ok(self) -> bool:
        return not self.failed


class Refusal(Record):
    """An expectation that failed and keeps its value, and why."""

    line: int
    column: int
    expr: str
    why: str


class Update(Record):
    """A file and the `text` that it is to have, with new values for `recorded` expectations."""

    source: Source
    text: str
    recorded: int
    refusals: list[Refusal]


class SuiteReporter(Protocol):
    """Writes a test run to standard output."""

    def begin(self, source: Source) -> None:
        """Hears which spec is waited for."""

    def tested(self, outcome: Outcome) -> None: ...

    def end(self, suite: Suite) -> None: ...
