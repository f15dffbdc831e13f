"""Views that are computed whenever they are read: torch's lazy conjugates and negatives.

Views of them are mirrored again, in-place operations write through them, and whatever else is computed of them sees
plain numbers.
"""

from __future__ import annotations

from typing import Any

from gradcli.engine.device import as_array
from gradcli.engine.mode import grad_mode, taped
from gradcli.engine.node import DEAD_END, Edge
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.define import Op
from gradcli.ops.views import Step, View

UNRESOLVED = {
    "_conj": "{name} doesn't work on unresolved conjugated tensors.  To resolve the conjugate tensor so you can view "
    "it as real, use self.resolve_conj(); however, be warned that the resulting tensor will NOT alias the original.",
    "_neg_view": "{name} doesn't work on tensors with the negative bit set; use self.resolve_neg()",
}


class Mirror(View):
    """A view of numbers that are computed whenever it is read: the conjugates, or the negatives, of its memory's.

    `mirror`, the row that computes them, is its own inverse; so that is what is written.
    """

    __slots__ = ("_memory", "mirror")

    def __init__(
        self, memory: Any, edge: Edge | None, origin: Tensor, mirror: Op, multiple: bool = False, turn: Op | None = None
    ) -> None:
        super().__init__(memory, edge, origin, multiple, turn)
        self.mirror = mirror

    def show(self, array: Any) -> None:
        self._memory = array

    @property
    def memory(self) -> Any:
        return self._memory

    @property
    def array(self) -> Any:
        return as_array(self.mirror.on_arrays(self._memory))

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self.memory.shape
        return shape

    @property
    def ndim(self) -> int:
        ndim: int = self.memory.ndim
        return ndim

    @property
    def dtype(self) -> Any:
        return self.memory.dtype

    def outside(self, version: list[int] | None) -> Tensor:
        return Mirror(self.memory, None, Tensor(self.memory, None, version), self.mirror)


def reflected(op: Op, self: Tensor) -> View:
    """What `op`, a row that mirrors, shows of the memory of `self`; of what it has mirrored, the memory itself."""
    edge = self.edge if grad_mode.enabled else None
    if edge is DEAD_END:
        edge = None
    if edge is not None:
        node = Step(op, (), self.memory).node(edge)
        if grad_mode.tape is not None:
            node.call = grad_mode.tape.call(op.name, op, (self,))
        edge = node, 0
    if self.mirror is op:
        return View(self.memory, edge, self, turn=op)
    return Mirror(self.memory, edge, self, op, turn=op)


def mirrored(op: Op, self: Tensor, *arguments: Any) -> Any:
    """What `op`, a view, shows of the memory of `self`, mirrored as `self` is."""
    if op.schema.name in ("view_as_real", "view_as_complex"):
        raise UserError("type", UNRESOLVED[self.mirror.name].format(name=op.name))
    with taped(None):
        shown = op.call(Tensor(self.memory, self.edge, self.version), *arguments)
    several = isinstance(shown, tuple)
    for one in shown[:1] if several else [shown]:
        if grad_mode.tape is not None and one.edge is not None:
            one.edge[0].call = grad_mode.tape.call(op.name, op, (self, *arguments))
    if not several:
        return Mirror(shown.memory, shown.edge, self, self.mirror)
    return tuple([Mirror(one.memory, one.edge, self, self.mirror, True) for one in shown])
