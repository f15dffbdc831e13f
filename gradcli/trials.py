"""The gradients of a run on trial: each backward's graph goes to `verify` as it is done, the findings to the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gradcli.engine.device import np, to_host
from gradcli.engine.mode import taped
from gradcli.engine.node import Edge, Node
from gradcli.engine.tape import Tape, Walked
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.create import default_generator
from gradcli.record import Record, replace
from gradcli.report.model import Check, Verdict
from gradcli.verify.gradcheck import Trial

# the worst first
SEVERITY: tuple[Verdict, ...] = (
    "wrong",
    "not-differentiable",
    "kink",
    "ill-conditioned",
    "needs-float64",
    "correct",
)
FEW = 100  # elements whose check is not worth an estimate of how long it takes
PATIENCE = 5.0  # seconds that a check may take without a word
MANY = 1000  # a claim about more elements than these is held against random directions
ROUGHLY = 1e-3  # how closely numbers must bear out a formula that was evaluated in the spec's own precision


class Checking(Record):
    """How every gradient of a run is to be checked: `fast` in a few random directions only.

    `on_check` hears of every check, `on_wait` of a root whose checks are going to take some seconds.
    """

    fast: bool
    on_check: Callable[[Check], None]
    on_wait: Callable[[str, int, float], None]


class Trials:
    """Keeps the tape of a run. `named` gives the tensors that have a name by now, `line_of` the line of a node."""

    def __init__(
        self,
        named: Callable[[], Sequence[tuple[str, Tensor]]],
        line_of: Callable[[int], int | None],
        checking: Checking | None,
    ) -> None:
        self.tape = Tape()
        self.checks: dict[tuple[str, str, int, int], Check] = {}  # of a backward in a loop the worst
        self._named = named
        self._line_of = line_of
        self._checking = checking
        self._last: dict[int, Walked] = {}  # the last backward of each line

    def after_step(self, root: str | None, line: int) -> None:
        """A step is done; `root` is what it went backward from, as the user wrote it, if it says so."""
        walks = list(self.tape.walks)
        self.tape.forget()
        for walked in walks:
            self._last.pop(line, None)
            self._last[line] = walked
            if self._checking is not None:
                self._check_all(walked, root or self._root_name(walked), line, self._checking)

    def of(self, root: Tensor, tensors: Sequence[Tensor], order: int, name: str, line: int) -> list[Check]:
        """What is found of the gradients of `root`, which the user calls so, by `tensors`."""
        weights = np.ones_like(to_host(root.array))
        if weights.size != 1:  # random ones, lest errors cancel each other
            weights = np.random.default_rng(0).uniform(0.5, 1.5, weights.shape).astype(weights.dtype)
        self.tape.walked([root], [weights], None)
        walked = self.tape.walks.pop()
        edges = [tensor.edge for tensor in tensors if tensor.edge is not None]
        with unseen():
            trial = Trial(walked, self._told, edges)
            for edge in edges:
                if edge not in trial.targets:
                    message = "One of the differentiated Tensors appears to not have been used in the graph"
                    raise UserError("autograd", message, f"`{name}` was not computed from `{self._name(edge)}`")
            found = [replace(one, tensor=self._name(edge), root=name, line=line) for edge, one in trial.checks(order)]
        for check in found:
            self._found(check)
        return found

    def opinion(self, tensor: Tensor, claimed: Any) -> tuple[Check, bool] | None:
        """What is found of the gradient that `tensor` got last, and whether the numbers bear out a claim for `.grad`.

        None where no backward is known that reached it.
        """
        edge, grad = tensor.edge, tensor.grad
        if edge is None or grad is None:
            return None
        for walked in reversed(self._last.values()):
            with unseen():
                trial = Trial(walked, self._told, [edge], fast=tensor.array.size > MANY)
                if not trial.targets:
                    continue
                check, probes, analytic = trial.evidence(edge)
            # what earlier backwards have left in `.grad` is not on trial
            own = claimed - (to_host(grad.array) - analytic)
            return check, all(probe.bears_out(own, ROUGHLY) for probe in probes)
        return None

    def _check_all(self, walked: Walked, root: str, line: int, checking: Checking) -> None:
        with unseen():
            try:
                trial = Trial(walked, self._told, fast=checking.fast)
            except UserError as error:
                self._found(Check("not-differentiable", 1, why=error.message, root=root, line=line))
                return
            if trial.size > FEW:
                seconds = trial.seconds(2)
                if seconds > PATIENCE:
                    checking.on_wait(root, trial.size, seconds)
            for edge, check in trial.checks(2):
                self._found(replace(check, tensor=self._name(edge), root=root, line=line))

    def _found(self, check: Check) -> None:
        """Keep a check, and tell of it; of one that has been told before only if it is worse now."""
        key = check.tensor, check.root, check.line, check.order
        known = self.checks.get(key)
        if known is None or SEVERITY.index(check.verdict) < SEVERITY.index(known.verdict):
            self.checks[key] = check
            if self._checking is not None:
                self._checking.on_check(check)

    def _root_name(self, walked: Walked) -> str:
        return ", ".join(self._name(use.edge) for use, _ in walked.roots if use.edge is not None)

    def _name(self, edge: Edge) -> str:
        for name, tensor in self._named():
            if edge_of(tensor) == edge:
                return name
        node = edge[0]
        return self._told(node) if hasattr(node, "call") else f"an unnamed tensor{self._at(node)}"

    def _told(self, node: Node) -> str:
        name = node.call.name.lstrip("_").replace("::", ".")
        return f"`{name}`{self._at(node)}"

    def _at(self, node: Node) -> str:
        line = self._line_of(node.number)
        return "" if line is None else f" (line {line})"


@contextmanager
def unseen() -> Iterator[None]:
    """What is computed inside is not recorded on a tape, and draws nothing from the random stream of the run."""
    with taped(None), default_generator.aside():
        yield


def edge_of(tensor: Tensor) -> Edge | None:
    try:
        return tensor.edge
    except UserError:  # of a view that torch refuses to follow
        return None
