"""The nodes of the autograd graph."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from gradcli.engine.device import is_dense
from gradcli.engine.dtypes import TYPE_NAMES
from gradcli.engine.mode import grad_mode
from gradcli.errors import UserError

if TYPE_CHECKING:
    from gradcli.engine.tensor import Tensor

Metadata = tuple[tuple[int, ...], Any]  # shape and dtype of one output
Edge = tuple["Node", int]  # a node and the number of its output
TensorHook = Callable[["Tensor | None"], "Tensor | None"]

numbers = itertools.count()

SECOND_TIME = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors "
    "after calling backward."
)


class EdgeToHost(tuple["Node", int]):
    """The edge of a 0-dim tensor of the host, where it stands among tensors of a device: its gradient goes back."""

    __slots__ = ()


class Extras:
    """What few nodes have: hooks as (output number, function) in order, and holders of retained gradients."""

    __slots__ = ("hooks", "output_edge", "retained")

    def __init__(self) -> None:
        # where the node's own output, if saved, stands in the graph that is being recorded: for an in-place operation
        # on a view that is not the node itself
        self.output_edge: Edge | None = None
        self.hooks: list[tuple[int, TensorHook]] = []
        self.retained: dict[int, AccumulateGrad] = {}


class Freed:
    """Stands where tensors were saved: the walk `number` has freed them."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


class Node:
    """One recorded operation. Its class, made from the operation's row, has the formulas.

    `next` are the edges of its differentiable inputs (None: no gradient needed); `saved` what its formulas need
    (`Freed` after a walk that does not retain the graph); `versions` each saved input (of an output, an alias) with
    the version it had; `metadata` shape and dtype of each output; `number` grows with every node.
    """

    __slots__ = ("__weakref__", "call", "extra", "metadata", "next", "number", "saved", "versions")

    call: Any  # what it was computed from, as a tape has it; not set unless there is one

    name: ClassVar[str]
    at_once: ClassVar[bool] = False  # whether it runs before all others once it is ready, as leaves do
    refuses_complex: ClassVar[bool] = False  # whether no gradient of its may be complex that belongs to a real input
    claimed: ClassVar[bool] = False  # whether its formulas are a spec's own, taken at their word

    def __init__(
        self,
        saved: tuple[Any, ...],
        next_edges: tuple[Edge | None, ...],
        versions: tuple[tuple[Tensor, int] | None, ...],
        metadata: tuple[Metadata, ...],
    ) -> None:
        self.saved: tuple[Any, ...] | Freed = saved
        self.next = next_edges
        self.versions = versions
        self.metadata = metadata
        self.number = next(numbers)
        self.extra: Extras | None = None

    def apply(self, grads: Sequence[Any], edges: tuple[Edge | None, ...]) -> Sequence[Any]:
        """The gradients (arrays, or None) for those of `edges` that are not None, from those of the outputs.

        A node with no edges, where a walk ends, has none to give.
        """
        return ()

    def apply_recorded(self, grads: Sequence[Any], edges: tuple[Edge | None, ...]) -> Sequence[Any]:
        """As `apply`, on Tensors: the result can be differentiated again."""
        return ()

    def saved_tensors(self) -> Sequence[tuple[Any, Edge | None] | None]:
        """Array and edge of each saved input or output, in the order of `versions`; None where not saved."""
        return ()

    def release(self, freed: Freed) -> None:
        """Free what is saved, `freed` telling by which walk; a node that saved no tensor stays usable."""

    def check_saved(self) -> None:
        """A UserError if the saved tensors are freed, or were changed in place since they were saved."""
        if type(self.saved) is Freed:
            error = UserError("autograd", SECOND_TIME)
            error.numbers["freed"] = self.saved.number
            raise error
        if grad_mode.last_change > self.number:
            self._check_unchanged()

    def _check_unchanged(self) -> None:
        """What only needs a look if anything at all was changed since the node was made."""
        if grad_mode.data_replaced:
            self._follow_data()
        for place, held in enumerate(self.versions):
            if grad_mode.detached_in_place:
                self._check_attached(place)
            if held is not None and held[0].version[0] != held[1]:
                tensor, expected = held
                _ = tensor.edge  # torch looks at it first, and may find a view that it refuses to follow
                error = UserError("autograd", self._modified(place, tensor, expected))
                error.numbers["modified"] = tensor.version[1]
                raise error

    def _follow_data(self) -> None:
        """Where `.data` of a saved input was replaced or changed since, torch computes with the new data."""
        assert not isinstance(self.saved, Freed)
        for saved, held in zip(self.saved_tensors(), self.versions, strict=True):
            if held is None or saved is None or saved[0] is held[0].array:
                continue
            array, now = saved[0], held[0].array.astype(saved[0].dtype, copy=False)
            self.saved = tuple(now if value is array else value for value in self.saved)

    def _check_attached(self, place: int) -> None:
        """torch refuses a saved tensor that has left the graph by `detach_()` since."""
        held, saved = self.versions[place], self.saved_tensors()[place]
        edge = None if saved is None else saved[1]
        if held is None or edge is None or edge[0] is self or isinstance(edge[0], AccumulateGrad):
            return
        if held[0].grad_fn is None:
            raise UserError(
                "autograd",
                "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_().This is not "
                "supported, please use out-of-place `.detach()` instead",
            )

    def extras(self) -> Extras:
        if self.extra is None:
            self.extra = Extras()
        return self.extra

    def _modified(self, place: int, tensor: Tensor, expected: int) -> str:
        saved = self.saved_tensors()[place]
        assert saved is not None
        array, edge = saved
        edge = tensor.edge or edge  # of an input torch tells where it stands now, of an output where it came from
        origin = ""
        if edge is not None and not isinstance(edge[0], AccumulateGrad):
            origin = f", which is output {edge[1]} of {edge[0].short_name},"
        version = tensor.version[0]
        return (
            "one of the variables needed for gradient computation has been modified by an inplace operation: "
            f"[{type_text(array)} {list(array.shape)}]{origin} is at version {version}; expected version {expected} "
            "instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
            "torch.autograd.set_detect_anomaly(True, check_nan=False)."
        )

    def __repr__(self) -> str:
        """As torch prints it, but for the address."""
        return f"<{self.name}>"

    @property
    def short_name(self) -> str:
        """The name as torch's messages have it: `Add` for AddBackward0."""
        kind, _, number = self.name.partition("Backward")
        return kind + (number if number != "0" else "")

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        return tuple((None, 0) if edge is None else edge for edge in self.next)


class AccumulateGrad(Node):
    """Where the gradient of a leaf gathers. The same object keeps `.grad` of a non-leaf that retains it.

    It does not know its tensor, which would be a reference cycle: the tensor tells it what it must know.
    """

    __slots__ = ("dense", "grad", "moved_inside", "requires_grad", "retains_grad")

    name = "AccumulateGrad"
    at_once = True

    def __init__(self, array: Any) -> None:
        super().__init__((), (), (), ((array.shape, array.dtype),))
        self.dense = array.flags.c_contiguous or is_dense(array)  # else torch lays the gradient out row by row
        self.grad: Tensor | None = None
        self.requires_grad = False
        self.retains_grad = False  # retain_grad() was called on the non-leaf
        self.moved_inside = False  # an in-place operation has made the leaf a computed tensor


class DeadEnd(AccumulateGrad):
    """Where the gradient of a view made in no_grad mode goes: nowhere, though torch says that it requires one."""

    __slots__ = ()

    def __init__(self) -> None:
        Node.__init__(self, (), (), (), ())


# the edge of such a view: operations on it are recorded, but have no edge to it
DEAD_END: Edge = (DeadEnd(), 0)


def type_text(array: Any) -> str:
    """`torch.FloatTensor`, as tensor.type() says."""
    return f"torch.{TYPE_NAMES[array.dtype.name]}Tensor"
