"""Loops of scripts, and what the rounds of a loop may not have: those are written one by one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gradcli.engine.tensor import Tensor
from gradcli.errors import Span, UserError
from gradcli.evaluate import truth
from gradcli.export.arrays.expressions import Expressions
from gradcli.export.arrays.items import Item
from gradcli.export.arrays.watch import Watch
from gradcli.export.names import bound_in, every
from gradcli.export.python import literal, source
from gradcli.export.script import Script
from gradcli.runner import still_holds
from gradcli.spec import steps
from gradcli.spec.steps import Expression, Literal, Spec, Step

Loop = steps.Repeat | steps.While
Key = tuple[str, int]
"""A variable, and how often it has been assigned: one of the values that it has had."""
LONGEST = 1000  # steps of loops that are written round by round


class InLoop(UserError):
    """What a loop cannot have, but its rounds can, written one by one."""

    loop: Loop


class Looping(Expressions):
    """A document with loops; those in `unrolled` are written round by round."""

    def __init__(self, spec: Spec, script: Script, watch: Watch, unrolled: set[int]) -> None:
        super().__init__(spec, script, watch)
        self.unrolled = unrolled
        self.loops: list[Loop] = []  # that are open
        self.stamps: dict[str, int] = {}  # how often each variable has been assigned
        self.live: set[Key] = set()  # the values of variables that are needed yet
        self.state: dict[str, str] = {}  # of each gradient: "none", "set", or "unknown" after a loop
        self.row = 0  # the line of the spec up to which its comments are written

    def unable_in_loop(self, what: str, span: Span | None = None, loop: Loop | None = None) -> UserError:
        error = InLoop("spec", self.unable(what).message, span=span or self.span)
        error.loop = loop or self.loops[-1]
        return error

    def stamp(self, variable: str) -> int:
        return self.stamps.get(variable, 0)

    def variable(self, wanted: str) -> str:
        """`wanted`, or a name like it, if what it has been so far is needed yet."""
        if self.varying or (wanted, self.stamp(wanted)) not in self.live:
            return wanted
        return self.names.another(wanted)

    @abstractmethod
    def write_steps(self, todo: Sequence[Step]) -> None: ...

    @abstractmethod
    def assign(self, target: str, item: Item) -> None: ...

    def repeat(self, step: steps.Repeat) -> None:
        shown = self.value(step.times)
        times = shown.value
        if times == 0 or id(step) in self.unrolled:
            self.rounds(step, times)
            return
        own = self.names.fresh("_") if step.name is None else self.names.values[step.name]
        if step.name is not None:
            self.bindings[step.name] = 0
        self.loop(step, f"for {own} in range({source(shown.tree)}):")
        self.again(step, ({} if step.name is None else {step.name: place} for place in range(1, times)))

    def while_(self, step: steps.While) -> None:
        at_most = self.value(step.at_most)
        rounds = 0
        if id(step) in self.unrolled or not self.holds(step):
            while self.holds(step):
                if rounds >= at_most.value:
                    raise still_holds(step, at_most.value)
                self.rounds(step, 1, rounds)
                rounds += 1
            return
        own = self.names.fresh("rounds")
        condition = self.flat(step.condition, lines=False).tree
        self.script.line(f"{own} = 0")
        head, first = f"while {source(condition)}:", f"assert {own} < {source(at_most.tree)}"
        self.loop(step, head, [first], [f"{own} += 1"])

        def more() -> Iterator[dict[str, Any]]:
            done = 1
            while self.holds(step):
                if done >= at_most.value:
                    raise still_holds(step, at_most.value)
                yield {}
                done += 1

        self.again(step, more())

    def value(self, given: Expression | Literal) -> Item:
        return Item(self.literal(given.value), given.value) if isinstance(given, Literal) else self.flat(given)

    def holds(self, step: steps.While) -> bool:
        return truth(self.session.value_of(step.condition))

    def rounds(self, step: Loop, times: int, first: int = 0) -> None:
        """The rounds of a loop one by one."""
        if times * len(step.steps) > LONGEST or first > LONGEST:
            raise self.unable("a loop of so many rounds that would have to be written one by one", step.span)
        for place in range(first, first + times):
            kind = (
                "while " + step.condition.text if isinstance(step, steps.While) else f"{step.name or 'round'} {place}"
            )
            self.script.comment(kind)
            if isinstance(step, steps.Repeat) and step.name is not None:
                self.assign(step.name, Item(literal(place), place))
            self.row = step.line
            self.write_steps(step.steps)

    def loop(self, step: Loop, head: str, first: Sequence[str] = (), last: Sequence[str] = ()) -> None:
        """A loop, of which the engine takes the first round while it is written."""
        if any(isinstance(one, steps.Backward | steps.ZeroGrad | steps.Line) for one in every(step.steps)):
            self.state = dict.fromkeys(self.state, "unknown")
        self.loops.append(step)
        changed = set(bound_in(step.steps)) | ({step.name} if isinstance(step, steps.Repeat) and step.name else set())
        self.varying.append(changed)
        with self.script.block(head):
            for text in first:
                self.script.line(text)
            self.write_steps(step.steps)
            for text in last:
                self.script.line(text)
        self.varying.pop()
        self.loops.pop()

    def again(self, step: Loop, rounds: Iterable[dict[str, Any]]) -> None:
        """The other rounds of a loop, in the engine alone."""
        before = self.shapes()
        for bound in rounds:
            self.bindings.update(bound)
            self.session.run_steps(step.steps)
            if self.shapes() != before:
                raise self.unable_in_loop("a loop in which shapes change", step.span, step)

    def shapes(self) -> dict[str, Any]:
        return {known: value.shape for known, value in self.bindings.items() if isinstance(value, Tensor)}
