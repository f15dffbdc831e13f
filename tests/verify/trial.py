"""A sample of the operations' table on trial."""

from __future__ import annotations

from gradcli.engine.mode import taped
from gradcli.engine.node import Edge, Node
from gradcli.engine.tape import Tape, Walked
from gradcli.engine.tensor import Tensor
from gradcli.ops.define import Op
from gradcli.verify.gradcheck import Trial
from gradcli.verify.replay import calls_behind

from ..ops.answers import bindings, evaluate, gradients, tensors_of
from ..ops.pool import SEED, pool

# `s` is -1 there: a formula that is changed to compare with 1 would be wrong in that one place, and nowhere else
POOL = {**pool(SEED), "s": pool(SEED + 1)["s"]}


class Taped:
    """The backward of a sample, its leaves by name, and the rows that its graph is made of."""

    def __init__(self, expression: str) -> None:
        self.tensors: dict[str, Tensor] = bindings(expression, POOL)
        tape = Tape()
        with taped(tape):
            result = evaluate(expression, self.tensors)
            outputs = [tensor for tensor in tensors_of(result) if tensor.requires_grad]
            leaves = [tensor for tensor in self.tensors.values() if tensor.requires_grad]
            self.walked: Walked | None = None
            if outputs and leaves:
                found = gradients(outputs, leaves, 0.0, create_graph=True)
                self.walked = tape.walks[0]
                again = [one for one in found if one is not None and one.requires_grad]
                tape.walked(again, [one.array for one in again], None)
        roots = [[use for use, _ in walked.roots] for walked in tape.walks]
        # by the order of the derivative that needs the formulas of these rows
        self.rows = [rows_of(calls_behind(uses)) for uses in roots]

    def trial(self, *, fast: bool = False) -> Trial:
        assert self.walked is not None
        return Trial(self.walked, lambda node: f"`{node.call.name}`", fast=fast)

    def name(self, edge: Edge) -> str:
        return next(name for name, tensor in self.tensors.items() if tensor.edge == edge)


def rows_of(nodes: list[Node]) -> list[Op]:
    return [node.call.function for node in nodes if isinstance(node.call.function, Op)]
