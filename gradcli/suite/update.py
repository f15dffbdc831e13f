"""`--update`: the values that a test run found take the place of those that were expected."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from gradcli.engine.device import np
from gradcli.record import Record, replace
from gradcli.report.model import Expectation, Outcome, Refusal, Update
from gradcli.spec.document import read_documents
from gradcli.spec.rewrite import Place, Rewriter, Unwritable
from gradcli.spec.source import Limits, Mapping, Source
from gradcli.spec.steps import Expect, ExpectItem, Literal, Load, Spec, Step
from gradcli.suite.recording import Unrecordable, Value, value_of
from gradcli.verify.expectations import check

Position: TypeAlias = tuple[int, int]
"""The line and the column in which an item of `expect` begins."""


class _Item(Record):
    """An item of `expect`, with the tolerances that count for it and the document that it is in."""

    item: ExpectItem
    rtol: float | None
    atol: float | None
    document: Spec

    @property
    def position(self) -> Position:
        return self.item.span.line, self.item.span.column

    def expects(self, value: Value) -> bool:
        """Whether `value`, and nothing else, is what is expected."""
        expected = self.item.expected.value if isinstance(self.item.expected, Literal) else None
        if value.read is None or isinstance(value.read, str):
            return self.item.recorded and expected == value.read
        numbers = np.asarray(value.read)
        return expected is not None and np.array_equal(np.asarray(expected, numbers.dtype), numbers, equal_nan=True)


Found: TypeAlias = list[tuple[Outcome, Expectation]]
"""What became of an item, every time that it was looked at."""


def update(outcomes: Iterable[Outcome], limits: Limits, *, only_new: bool) -> list[Update]:
    """What the files of `outcomes` are to say; with `only_new` values are recorded only where there are none."""
    by_file: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_file.setdefault(outcome.source.file, []).append(outcome)
    return [
        _File(own, limits).update(only_new=only_new)
        for own in by_file.values()
        if any(outcome.failures for outcome in own)
    ]


class _File:
    """The expectations in a file, and what became of them."""

    def __init__(self, outcomes: Sequence[Outcome], limits: Limits) -> None:
        self._outcomes = outcomes
        self._limits = limits
        self._source = Source(outcomes[0].source.file, outcomes[0].source.text)
        self._items = self._items_in(self._source)

    def update(self, *, only_new: bool) -> Update:
        values: dict[Position, Value] = {}
        why: dict[Position, str] = {}
        failed = self._failed()
        for item in self._items:
            position = item.position
            if position in failed and not (only_new and item.item.recorded):
                try:
                    values[position] = self._value(item, failed[position])
                except Unrecordable as error:
                    why[position] = str(error)
        text, left_out = self._written(values)
        why |= left_out
        new = self._items_in(replace(self._source, text=text))
        refusals = {
            old.position: Refusal(*new.position, old.item.expr.text, why[old.position])
            for old, new in zip(self._items, new, strict=True)
            if old.position in why
        }
        return Update(self._source, text, len(values.keys() - why.keys()), list(refusals.values()))

    def _items_in(self, source: Source) -> list[_Item]:
        read = read_documents(source, self._limits)
        return [item for _, document, _ in read if document for item in _items(document.pipeline, document)]

    def _failed(self) -> dict[Position, Found]:
        """All that was found of the items that failed at least once."""
        found: dict[Position, Found] = {}
        for outcome in self._outcomes:
            for step in outcome.report.steps if outcome.report else ():
                for one in step.items or ():
                    found.setdefault((one.line, one.column), []).append((outcome, one))
        return {position: all_ for position, all_ in found.items() if not all(one.ok for _, one in all_)}

    def _value(self, item: _Item, found: Found) -> Value:
        """The value for all that was found of an item."""
        expected = item.item.expected
        if isinstance(expected, Load):
            raise Unrecordable(f"its value is in the file `{expected.path}`")
        if expected is not None and not isinstance(expected, Literal):
            raise Unrecordable("its value is an expression")
        if expected is None and item.item.recorded and not item.item.is_none:
            raise Unrecordable("it checks something else than a value")
        self._check_runs(item.document)
        (_, judged), *others = found
        for outcome, other in found:
            if other.ok:
                raise Unrecordable(f"the value that it has is right{_for(outcome, found)}")
        is_number = expected is not None and isinstance(expected.value, bool | int | float | complex)
        value = value_of(judged.actual, item.rtol, item.atol, single=is_number)
        for outcome, other in others:
            if not value.is_right_for(other.actual):
                raise Unrecordable(f"it has another value{_for(outcome, found)}")
        broken = check(np.asarray(judged.actual), item.item.finite, item.item.nonzero, item.item.shape)
        if broken:
            raise Unrecordable(broken)
        return value

    def _check_runs(self, document: Spec) -> None:
        """Whether every combination of a document's matrix was run, to its end."""
        name = document.source.name
        runs = [one for one in self._outcomes if one.source.name == name or one.source.name.startswith(f"{name}[")]
        for outcome in runs:
            if outcome.errors:
                raise Unrecordable(f"`{outcome.source.name}` ended with an error")
        if len(runs) < math.prod(map(len, document.matrix.values())):
            raise Unrecordable(f"not every combination of the matrix of `{name}` was run")

    def _written(self, values: dict[Position, Value]) -> tuple[str, dict[Position, str]]:
        """The text with `values` in it, and why some are left out."""
        if not values:
            return self._source.text, {}
        rewriter = Rewriter(self._source, self._limits)
        left_out: dict[Position, str] = {}
        targets: dict[Position, Place] = {}
        for item in self._items:
            if item.position in values:
                try:
                    targets[item.position] = _target(rewriter, item.item)
                except Unwritable as error:
                    left_out[item.position] = str(error)
        text, unwritten = rewriter.write({place.key.span: values[at].written for at, place in targets.items()})
        left_out |= {at: unwritten[place.key.span] for at, place in targets.items() if place.key.span in unwritten}
        kept = {position: value for position, value in values.items() if position not in left_out}
        after = self._items_in(replace(self._source, text=text))
        read = len(after) == len(self._items) and all(
            new.expects(kept[old.position]) for old, new in zip(self._items, after, strict=True) if old.position in kept
        )
        if not read:
            return self._source.text, {**dict.fromkeys(kept, "it would be read as something else"), **left_out}
        return text, left_out


def _target(rewriter: Rewriter, item: ExpectItem) -> Place:
    """Where the value of an item is written: below its `equals` if it has options."""
    place = rewriter.own(item.span)
    return rewriter.own(place.node.key("equals").span) if isinstance(place.node, Mapping) else place


def _items(steps: Iterable[Step], document: Spec) -> Iterator[_Item]:
    """All items of `expect`, those inside of blocks and loops too."""
    for step in steps:
        if isinstance(step, Expect):
            for item in step.items:
                rtol = step.rtol if item.rtol is None else item.rtol
                atol = step.atol if item.atol is None else item.atol
                yield _Item(item, rtol, atol, document)
        yield from _items(getattr(step, "steps", ()), document)


def _for(outcome: Outcome, found: Found) -> str:
    """Which of all times is meant, where more than one run was seen."""
    runs = {id(run) for run, _ in found}
    return f" for `{outcome.source.name}`" if len(runs) > 1 else " at another time"
