"""What holds for all operations at a time: whether they are recorded, and who hears their warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradcli.engine.tape import Tape


class GradMode:
    """The one switch; operations read `enabled` on every call, hence an attribute and no function."""

    __slots__ = ("anomaly", "data_replaced", "detached_in_place", "enabled", "last_change", "tape")

    def __init__(self) -> None:
        self.enabled = True
        self.anomaly = False
        # what few programs do, and backward looks for only then: a computed tensor left its graph by `detach_()`,
        # a tensor was given other memory by `x.data = y`
        self.detached_in_place = False
        self.data_replaced = False
        # takes down what each node is computed from, for a check of its gradients
        self.tape: Tape | None = None
        # the number, as of a node, of the last change in place of any tensor: a node made since has nothing to check
        self.last_change = 0


grad_mode = GradMode()


@contextmanager
def set_grad_enabled(enabled: bool) -> Iterator[None]:
    """torch.set_grad_enabled: record operations, or do not, inside the block."""
    before = grad_mode.enabled
    grad_mode.enabled = enabled
    try:
        yield
    finally:
        grad_mode.enabled = before


@contextmanager
def taped(tape: Tape | None) -> Iterator[None]:
    """Take down on `tape` what is recorded inside the block; nothing if it is None."""
    before = grad_mode.tape
    grad_mode.tape = tape
    try:
        yield
    finally:
        grad_mode.tape = before


Listener = Callable[[str], None]

_listeners: list[Listener] = []


def warn(message: str) -> None:
    """Say what torch warns of here; outside of a run nobody listens."""
    if _listeners:
        _listeners[-1](message)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Call `listener` with every warning inside the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.pop()
