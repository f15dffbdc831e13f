"""A run, or a test of a spec, as one line of JSON; `schemas/run.json` and `schemas/test.json` describe them."""

from __future__ import annotations

import json
from typing import Any

from gradcli.errors import UserError
from gradcli.report.model import (
    Binding,
    Expectation,
    Gradient,
    Outcome,
    Printed,
    Report,
    StepReport,
    Suite,
    TensorState,
    Warned,
)
from gradcli.spec.source import Source

FORMAT = 1
LARGEST_VALUE = 100_000

Object = dict[str, Any]


class JsonLines:
    """Writes a line for each run; `full` also gives the values of tensors of more than 100,000 elements."""

    def __init__(self, *, full: bool) -> None:
        self._full = full

    def begin(self, name: str, title: str | None, seed: int, dtype: str, device: str) -> None:
        pass

    def step(self, step: StepReport) -> None:
        pass

    def end(self, report: Report) -> None:
        _write(run_line(report, full=self._full))

    def refuse(self, name: str, error: UserError) -> None:
        _write(refused_line(name, error))


class JsonValues(JsonLines):
    """Writes the values that were asked for, a line each, however large they are."""

    def __init__(self) -> None:
        super().__init__(full=True)

    def end(self, report: Report) -> None:
        for item in report.got:
            _write(dumps(plain(item.value)))

    def refuse(self, name: str, error: UserError) -> None:
        pass


class JsonSuite:
    """Writes a line for each spec of a test run."""

    def begin(self, source: Source) -> None:
        pass

    def tested(self, outcome: Outcome) -> None:
        _write(dumps(outcome_object(outcome)))

    def end(self, suite: Suite) -> None:
        pass


def _write(line: str) -> None:
    print(line, flush=True)


def run_line(report: Report, *, full: bool = False) -> str:
    """The line of a run."""
    writer = _Writer(full)
    return _line(
        report.spec,
        ok=report.ok,
        seed=report.seed,
        device=report.device,
        tensors={binding.name: writer.binding(binding) for binding in report.bindings},
        steps=[writer.step(step) for step in report.steps],
        warnings=_warnings(report.warnings),
        error=report.error,
    )


def refused_line(name: str, error: UserError) -> str:
    """The line of a spec that never ran: it has no seed and no device, and nothing was bound."""
    return _line(name, ok=False, seed=None, device=None, tensors={}, steps=[], warnings=[], error=error)


def _line(
    spec: str,
    *,
    ok: bool,
    seed: int | None,
    device: str | None,
    tensors: Object,
    steps: list[Object],
    warnings: list[Object],
    error: UserError | None,
) -> str:
    return dumps(
        {
            "format": FORMAT,
            "spec": spec,
            "ok": ok,
            "seed": seed,
            "device": device,
            "tensors": tensors,
            "steps": steps,
            "warnings": warnings,
            "error": None if error is None else error_object(error),
        }
    )


def render(suite: Suite) -> str:
    """A test run as a list of what `JsonSuite` writes."""
    return "[\n" + ",\n".join(dumps(outcome_object(outcome)) for outcome in suite.outcomes) + "\n]\n"


def outcome_object(outcome: Outcome) -> Object:
    """What became of a spec of a suite: the expectations that failed, and every error."""
    report, errors = outcome.report, outcome.errors
    writer = _Writer(full=False)
    return {
        "format": FORMAT,
        "spec": outcome.source.name,
        "file": outcome.source.file,
        "ok": outcome.ok,
        "seconds": outcome.seconds,
        "seed": report.seed if report else None,
        "dtype": report.dtype if report else None,
        "device": report.device if report else None,
        "expectations": outcome.expectations,
        "failures": [writer.failure(item) for item in outcome.failures],
        "warnings": _warnings(report.warnings if report else []),
        "error": error_object(errors[0]) if errors else None,
        "errors": [error_object(error) for error in errors],
    }


def _warnings(warnings: list[Warned]) -> list[Object]:
    return [{"message": warned.message, "line": warned.line} for warned in warnings]


def validation_line(name: str, errors: list[UserError]) -> str:
    """The line of a spec that was read and checked, but not run."""
    return dumps(
        {
            "format": FORMAT,
            "spec": name,
            "ok": not errors,
            "errors": [error_object(error) for error in errors],
        }
    )


def error_object(error: UserError) -> Object:
    """What is wrong, and where: `line` and `column` count from 1 and are null where there is no place."""
    return {
        "kind": error.kind,
        "message": error.message,
        "line": error.span.line if error.span else None,
        "column": error.span.column if error.span else None,
        "hint": error.hint,
    }


def dumps(value: object) -> str:
    """`value` on one line. Pure ASCII, so that it is the same JSON whatever the encoding of the output."""
    return json.dumps(value, allow_nan=False)


class _Writer:
    def __init__(self, full: bool) -> None:
        self._full = full

    def binding(self, binding: Binding) -> Any:
        if binding.parts is not None:
            return {"tuple": [self.binding(part) for part in binding.parts]}
        return plain(binding.value) if binding.state is None else self._tensor(binding.state)

    def step(self, step: StepReport) -> Object:
        line: Object = {"index": step.index, "path": list(step.path), "line": step.line, "kind": step.kind}
        if step.name is not None:
            line["name"] = step.name
        if step.grads is not None:
            line["grads"] = {name: self._gradient(gradient) for name, gradient in step.grads.items()}
        if step.printed is not None:
            line["printed"] = [self._printed(item) for item in step.printed]
        if step.items is not None:
            line["items"] = [self._expectation(item) for item in step.items]
        return line

    def _tensor(self, state: TensorState) -> Object:
        omitted = self._omits(state.value)
        tensor: Object = {
            "value": None if omitted else plain(state.value),
            "shape": list(state.shape),
            "dtype": state.dtype,
            "device": state.device,
            "requires_grad": state.requires_grad,
            "is_leaf": state.is_leaf,
            "grad_fn": state.grad_fn,
            "grad": None if omitted or state.grad is None else plain(state.grad),
        }
        return tensor | {"omitted": True} if omitted else tensor

    def _gradient(self, gradient: Gradient | None) -> Object | None:
        if gradient is None:
            return None
        shape = list(gradient.value.shape)
        return self._valued({"value": gradient.value, "shape": shape, "dtype": gradient.dtype})

    def _printed(self, item: Printed) -> Object:
        label = {} if item.label is None else {"label": item.label}
        return self._valued({"expr": item.expr, **label, "text": item.text, "value": item.value})

    def _expectation(self, item: Expectation) -> Object:
        shown: Object = {"expr": item.expr, "ok": item.ok}
        omitted = self._omits(item.expected) or self._omits(item.actual)
        shown["expected"] = None if omitted else plain(item.expected)
        shown["actual"] = None if omitted else plain(item.actual)
        shown["index"] = None if item.index is None else list(item.index)
        shown |= {"abs": plain(item.abs), "rel": plain(item.rel), "ulp": item.ulp}
        return shown | {"omitted": True} if omitted else shown

    def failure(self, item: Expectation) -> Object:
        """An expectation that failed, with its place, and what is said of it."""
        place = {"line": item.line, "column": item.column}
        return self._expectation(item) | place | {"off": item.off, "why": item.why}

    def _valued(self, shown: Object) -> Object:
        if self._omits(shown["value"]):
            return shown | {"value": None, "omitted": True}
        return shown | {"value": plain(shown["value"])}

    def _omits(self, value: Any) -> bool:
        return not self._full and _elements(value) > LARGEST_VALUE


def _elements(value: Any) -> int:
    if isinstance(value, (list, tuple)):
        return sum(map(_elements, value))
    size = getattr(value, "size", 1)
    return size if isinstance(size, int) else 1


def plain(value: Any) -> Any:
    """`value` in JSON's own types: arrays as nested lists, a complex number as [real, imaginary]."""
    if isinstance(value, float):
        return value if value - value == 0 else _not_finite(value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, complex):
        return [plain(value.real), plain(value.imag)]
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return _array(value)


def _array(array: Any) -> Any:
    import numpy as np

    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag], axis=-1)
    if array.dtype.kind not in "biu" and not np.isfinite(array).all():
        return plain(array.tolist())
    return array.tolist()


def _not_finite(value: float) -> str:
    return "nan" if value != value else "inf" if value > 0 else "-inf"
