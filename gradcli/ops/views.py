"""Views that share memory, and what an in-place operation does to the graph."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, Literal

from gradcli.engine.device import as_contiguous, empty_beside, is_dense, memory_address, np
from gradcli.engine.device import as_strided as window
from gradcli.engine.dtypes import TYPE_NAMES, can_cast, dtype_kind, is_reduced
from gradcli.engine.graph import fit
from gradcli.engine.mode import grad_mode
from gradcli.engine.node import DEAD_END, AccumulateGrad, Edge, Freed, Node, numbers
from gradcli.engine.tape import Use
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.copies import clone, copy, view_as_complex, view_as_real
from gradcli.ops.define import Op, op
from gradcli.ops.index import index_add, make_index
from gradcli.ops.reduce import sum_dim
from gradcli.ops.reduced import rounding
from gradcli.ops.shape import new_zeros, reshape, squeeze_dim

AMBIGUOUS = (
    " Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both "
    "the view and the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or "
    "both outside (if you want the inplace to be tracked)."
)
MULTIPLE_VIEWS = (
    " This view is the output of a function that returns multiple views. Such functions do not allow the output views "
    "to be modified inplace. You should replace the inplace operation by an out-of-place one."
)


SHARED_LOCATION = (
    "unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please "
    "clone() the tensor before performing the operation."
)
SHARED_ELEMENTS = (
    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
    "location. Please clone() the tensor before performing the operation."
)
CUSTOM_FUNCTION = (
    " This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic "
    "to handle view+inplace would override the custom backward associated with the custom Function, leading to "
    "incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function."
)
# "multiple": one of several views made by one operation; "function": by what torch has written as a custom Function
Creation = Literal["default", "multiple", "function", "no_grad"]


def element_strides(array: Any) -> tuple[int, ...]:
    return tuple(stride // array.itemsize for stride in array.strides)


def as_strided_forward(
    self: Any,
    base_shape: Sequence[int],
    base_strides: Sequence[int],
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int,
) -> Any:
    if storage_offset < 0:
        memory = storage_of(self)
        start = memory[offset_in(memory, self) + storage_offset :]
    else:
        start = window(self, (storage_offset + 1,), (self.itemsize,))[storage_offset:]
    return window(start, tuple(size), tuple(step * self.itemsize for step in stride))


# strides and offset count elements, from the first one of `self`, whose own shape and strides are the base's
as_strided = op(
    "_as_strided(Tensor self, int[] base_shape, int[] base_strides, int[] size, int[] stride, int storage_offset)",
    "AsStridedBackward0", as_strided_forward,
    view=True,
    self=lambda grad, base_shape, base_strides, size, stride, storage_offset: as_strided_backward(
        grad, base_shape, base_strides, size, stride, storage_offset
    ),
)  # fmt: skip


def is_folded(size: Sequence[int], stride: Sequence[int]) -> bool:
    """Whether several elements of a window lie at one place of the memory, as `expand` makes them."""
    return 0 not in size and any(step == 0 and length > 1 for step, length in zip(stride, size, strict=True))


def may_overlap(size: Sequence[int], stride: Sequence[int]) -> bool:
    """Whether a window may show an element of the memory twice, as torch sees it."""
    reach = 0
    for step, length in sorted((step, length) for step, length in zip(stride, size, strict=True) if length != 1):
        if step <= reach:
            return True
        reach += step * (length - 1)
    return False


def extent(size: Sequence[int], stride: Sequence[int], offset: int) -> int:
    """How many elements of memory a window needs."""
    if 0 in size:
        return 0
    return offset + 1 + sum(step * (length - 1) for step, length in zip(stride, size, strict=True))


def as_strided_backward(
    grad: Any, shape: tuple[int, ...], strides: tuple[int, ...], size: Sequence[int], stride: Sequence[int], offset: int
) -> Any:
    """Zeros in the layout of the base with `grad` where the window is; where it shows an element twice, the sum.

    Where the base shows an element twice, each gets an equal part of it.
    """
    if 0 in size or 0 in shape:
        return new_zeros(grad, shape)
    moving = [dim for dim in range(len(size)) if size[dim] != 1 and stride[dim] != 0]
    for dim in reversed(range(len(size))):
        if size[dim] == 1:
            grad = squeeze_dim(grad, dim)
        elif stride[dim] == 0:
            grad = sum_dim(grad, [dim], False)
    start = min(0, offset)
    base: tuple[Any, ...] = (shape, strides, -start)
    part: tuple[Any, ...] = ([size[dim] for dim in moving], [stride[dim] for dim in moving], offset - start)
    length = max(extent(*base), extent(*part))
    flat = ((length,), (1,))
    places = np.arange(length)
    if may_overlap(*part[:2]):
        seen = as_strided_forward(places, *flat, *part).reshape(-1)
        storage = index_add(new_zeros(grad, (length,)), 0, make_index(seen, grad), reshape(grad, (-1,)))
    elif isinstance(grad, Tensor):
        storage = new_zeros(grad, (length,))
        copy.inplace(as_strided(storage, *flat, *part), grad)
    else:
        storage = np.zeros_like(grad, shape=(length,))
        as_strided_forward(storage, *flat, *part)[...] = grad
    if may_overlap(shape, strides):
        count = np.bincount(as_strided_forward(places, *flat, *base).reshape(-1), minlength=length)
        storage = storage / make_index(count.astype(grad.dtype), grad)
    return as_strided(storage, *flat, *base)


def laid_out(make: Any, shape: tuple[int, ...], strides: tuple[int, ...], dtype: Any) -> Any:
    """`make(shape, dtype)`, dense, in the memory order that `strides` (in elements) tell."""
    order = sorted(range(len(shape)), key=lambda dim: (-strides[dim], dim))
    return in_order(lambda lengths: make(lengths, dtype), shape, order)


def in_layout(like: Any, shape: tuple[int, ...], strides: tuple[int, ...], dtype: Any) -> Any:
    """An array beside `like` for numbers to be written to, laid out as `laid_out` does it."""
    return laid_out(lambda lengths, dtype: empty_beside(like, lengths, dtype), shape, strides, dtype)


def in_order(make: Callable[[tuple[int, ...]], Any], shape: Sequence[int], order: Sequence[int]) -> Any:
    """`make(shape)`, filled in the order of dimensions `order`, from the outermost one inwards."""
    array = make(tuple(shape[dim] for dim in order))
    return array.transpose([order.index(dim) for dim in range(len(shape))])


def owner(array: Any) -> Any:
    """The array that has allocated the memory which `array` shows."""
    while getattr(array, "base", None) is not None:
        array = array.base
    return array


def storage_of(array: Any) -> Any:
    """All the memory that `array` shows a part of, as one row of elements of its dtype."""
    whole = owner(array)
    order = sorted(range(whole.ndim), key=lambda dim: (-whole.strides[dim], dim))
    return whole.transpose(order).reshape(-1).view(array.dtype)


def offset_in(memory: Any, array: Any) -> int:
    """At which element of `memory` the first one of `array` lies."""
    return (memory_address(array) - memory_address(memory)) // int(array.itemsize)


class View(Tensor):
    """A tensor that shares the memory of `base`, itself no view.

    When the memory has been changed in place, through whichever tensor, the view's place in the graph is derived
    anew from its base's at the next look at `edge`, as torch does. It is a window on `frame`: the base, or the last
    view on the way that pairs real numbers, shows complex ones by their parts, or mirrors them. `turn` is the row that
    does so here, if one does.
    """

    __slots__ = ("_edge", "base", "creation", "frame", "seen_version", "turn")

    def __init__(
        self, array: Any, edge: Edge | None, origin: Tensor, multiple: bool = False, turn: Op | None = None
    ) -> None:
        # all that Tensor's own would set, the edge without a look at the version: views are made often
        self.show(array)
        self.holder = None
        self.version = origin.version
        self._edge = edge
        self.seen_version = origin.version[0]
        self.creation: Creation = "no_grad" if not grad_mode.enabled else "multiple" if multiple else "default"
        if isinstance(origin, View):
            self.base: Tensor = origin.base
            if self.creation == "default":
                self.creation = origin.creation
        else:
            self.base = origin
        dtype, before = array.dtype, origin.dtype
        if dtype is not before and (dtype_kind(dtype) == "c") != (before.kind == "c"):
            turn = view_as_complex if dtype_kind(dtype) == "c" else view_as_real
        self.turn = turn
        self.frame = origin if turn is not None or not isinstance(origin, View) or origin.turn else origin.frame

    @property
    def edge(self) -> Edge | None:
        if self.seen_version != self.version[0]:
            self._follow_base()
        elif self._edge is None and self.base.edge is not None:
            # made in no_grad mode: torch lets such a view require gradients, and takes it for a leaf
            return DEAD_END
        return self._edge

    @edge.setter
    def edge(self, edge: Edge | None) -> None:
        self._edge = edge
        self.seen_version = self.version[0]

    @property
    def requires_grad(self) -> bool:
        return self._edge is not None or self.base.requires_grad

    def detach_(self) -> Tensor:
        raise UserError(
            "autograd",
            "Can't detach views in-place. Use detach() instead.",
        )

    def offset(self) -> int:
        return self._bytes_in(self.base.memory) // int(self.memory.itemsize)

    def _bytes_in(self, array: Any) -> int:
        start = memory_address(self.memory)
        bytes_in = start - memory_address(array)
        if not 0 <= start - memory_address(self.base.memory) <= self.base.memory.nbytes:
            # `.data` was replaced: the view stays where it was in the memory that the base had before
            bytes_in = start - memory_address(owner(self.memory))
        return bytes_in

    def check_modifiable(self, change: str) -> None:
        """A UserError if an in-place change of this view could not be recorded; `change` says whose it is."""
        if self.creation == "default":
            return
        if self._edge is None or isinstance(self._edge[0], AccumulateGrad):
            message = f"A view was created in no_grad mode and {change} modified inplace with grad mode enabled."
        else:
            node, output = self._edge
            kind = " of a view which was created in no_grad mode" if self.creation == "no_grad" else ""
            message = f"Output {output} of {node.short_name} is a view{kind} and {change} modified inplace."
        advice = {"multiple": MULTIPLE_VIEWS, "function": CUSTOM_FUNCTION, "no_grad": AMBIGUOUS}
        raise UserError("autograd", message + advice[self.creation])

    def _follow_base(self) -> None:
        base_edge = self.base.edge
        if base_edge is None and (self._edge is None or isinstance(self._edge[0], AccumulateGrad)):
            return
        self.check_modifiable("its base or another view of its base has been")
        move(self, follow(self.steps(), base_edge, self.base), self._edge)

    def steps(self) -> list[Step]:
        """The way from the base to here."""
        before = self.frame.steps() if isinstance(self.frame, View) else []
        frame, array = self.frame.memory, self.memory
        if self.turn is not None:
            return [*before, Step(self.turn, (), array)]
        offset = self._bytes_in(frame) // array.itemsize
        place = (frame.shape, element_strides(frame), array.shape, element_strides(array), offset)
        return [*before, Step(as_strided, place, array)]


class Step:
    """One operation, `op(..., *place)`, on the way from a base to its view."""

    __slots__ = ("metadata", "op", "place")

    def __init__(self, op: Op, place: tuple[Any, ...], array: Any) -> None:
        self.op = op
        self.place = place
        self.metadata = (array.shape, array.dtype)

    def node(self, edge: Edge | None) -> Node:
        """The node of its result on what has `edge`."""
        saved: tuple[Any, ...] = ()
        if self.place:  # in the order of the names
            shape, strides, size, stride, offset = self.place
            saved = (shape, strides, size, offset, stride)
        node_class = self.op.node_class
        recorder = rounding(node_class) if is_reduced(self.metadata[1]) else node_class
        return recorder(saved, (edge,), (), (self.metadata,))


def window_of(whole: Any, steps: Sequence[Step], on_arrays: bool) -> Any:
    """What `steps` show of `whole`; of an array the memory, which may have to be mirrored yet."""
    for step in steps:
        if not on_arrays:
            whole = step.op(whole, *step.place)
        elif not step.op.mirror:
            whole = step.op.on_arrays(whole, *step.place)
    return whole


def follow(steps: Sequence[Step], edge: Edge | None, base: Tensor | Use) -> Edge | None:
    """The edge of a view, by the steps from `base`, which has `edge`."""
    for count, step in enumerate(steps, 1):
        node = step.node(edge)
        if grad_mode.tape is not None:
            node.call = grad_mode.tape.call(step.op.name.lstrip("_"), seen_again, (base, steps[:count]))
        edge = node, 0
    return edge


def seen_again(base: Tensor, steps: Sequence[Step]) -> Any:
    """The view of `base` that these steps lead to, for a tape."""
    whole: Any = base
    for step in steps:
        if step.place and element_strides(whole.memory) != step.place[1]:
            array = in_layout(whole.array, step.place[0], step.place[1], whole.dtype)
            array[...] = whole.array
            whole = Tensor(array, clone(whole).edge)
        whole = step.op(whole, *step.place)
    return whole


def changed_again(base: Tensor, steps: Sequence[Step], change: Callable[..., Tensor], *arguments: Any) -> Any:
    """`base` once `change`, with its arguments, has changed the view that these steps lead to, for a tape."""
    result = clone(base)
    copy.inplace(seen_again(result, steps), change(*arguments))
    return result


class CopySlices(Node):
    """The in-place operation `node` on `view`, as the history of the view's base.

    The gradient of the base is that of the operation's input where the view is, and its own elsewhere.
    """

    __slots__ = ("layout", "mirror", "node", "steps", "view_node")

    name = "CopySlices"

    def __init__(self, node: Node, view: View) -> None:
        base = view.base
        super().__init__((), (base.edge, *node.next[1:]), (), ((base.shape, base.dtype),))
        self.node = node
        self.view_node: weakref.ref[Node] | None = None  # of the view after the operation; it leads back to here
        self.layout = base.shape, element_strides(base.array)
        self.steps = view.steps()
        self.mirror = view.mirror
        if grad_mode.tape is not None:
            given = base, self.steps, node.call.function, *node.call.arguments
            self.call = grad_mode.tape.call(node.call.name, changed_again, given, base.version[0])

    def release(self, freed: Freed) -> None:
        """torch frees the whole operation, whether it saved a tensor or not."""
        self.saved = freed

    def check_saved(self) -> None:
        super().check_saved()
        self.node.check_saved()
        if any(step.place and is_folded(*step.place[2:4]) for step in self.steps):
            raise UserError("autograd", SHARED_LOCATION)

    def apply(self, grads: Sequence[Any], edges: tuple[Edge | None, ...]) -> Sequence[Any]:
        result = self._empty(grads[0])
        result[...] = grads[0]
        part = window_of(result, self.steps, True)
        given, *others = self.node.apply([self._mirrored(part).copy()], edges)
        if given is None:
            return [None, *others]
        part[...] = self._mirrored(self._fitted(given))
        return [result, *others]

    def apply_recorded(self, grads: Sequence[Any], edges: tuple[Edge | None, ...]) -> Sequence[Any]:
        """By the very operations that torch records: a copy of the gradient, changed in place in the window."""
        result = Tensor(self._empty(grads[0].array))
        copy.inplace(result, grads[0])
        part = window_of(result, self.steps, False)
        extras = self.node.extras()
        seen = None if self.view_node is None else self.view_node()
        here: Edge = (self, 0)
        extras.output_edge = follow(self.steps, here, Use(here, None)) if seen is None else (seen, 0)
        given, *others = self.node.apply_recorded([clone(part)], edges)
        extras.output_edge = None  # it leads back to here: a reference cycle
        if given is None:
            return [None, *others]
        copy.inplace(part, self._fitted(given))
        return [result, *others]

    def _mirrored(self, part: Any) -> Any:
        return part if self.mirror is None else self.mirror.on_arrays(part)

    def _empty(self, grad: Any) -> Any:
        """Where the gradient of the whole base is written to."""
        return in_layout(grad, *self.layout, self.metadata[0][1])

    def _fitted(self, gradient: Any) -> Any:
        shape, dtype = self.node.metadata[0]
        # what copies it into the window casts it, too, but for taking the real part
        kept = gradient.dtype if dtype_kind(gradient.dtype) != "c" else dtype
        return fit(gradient, shape, kept, self.node, 0)


def before_inplace(self: Tensor, records: bool, others: Sequence[Any], fills: bool) -> None:
    """A UserError if torch forbids changing `self` in place.

    `records` tells whether that is to be recorded, `others` are the arrays read, `fills` that all elements become one
    value, which may be written twice.
    """
    array = self.memory
    if self.mirror is not None:
        others = ()  # have been computed
    if records and isinstance(self, View):
        self.check_modifiable("is being")
    onto_itself = len(others) == 1 and others[0] is array
    if not (fills or onto_itself) and is_folded(array.shape, array.strides):
        raise UserError("autograd", SHARED_LOCATION)
    for other in () if fills else others:
        if other is not array and overlaps_in_part(array, other):
            raise UserError("autograd", SHARED_ELEMENTS)


def check_recordable(self: Tensor) -> None:
    """A UserError if no graph could hold a change of `self`, which requires a gradient: a leaf, or a view of one."""
    if isinstance(self, View):
        self.check_modifiable("is being")
        if self.base.is_leaf:
            raise UserError(
                "autograd",
                "a view of a leaf Variable that requires grad is being used in an in-place operation.",
            )
    # a view whose place in the graph has not been looked at since its base changed passes for a leaf, in torch too
    edge = self._edge if isinstance(self, View) else self.edge
    if edge is None or isinstance(edge[0], AccumulateGrad):
        raise UserError("autograd", "a leaf Variable that requires grad is being used in an in-place operation.")


def overlaps(array: Any, other: Any) -> bool:
    """Whether two windows on memory share some of it; of windows that are not dense torch does not ask."""
    if not (is_dense(array) and is_dense(other)):
        return False
    start, other_start = memory_address(array), memory_address(other)
    return bool(start < other_start + other.nbytes and other_start < start + array.nbytes)


def overlaps_in_part(array: Any, other: Any) -> bool:
    """Whether two windows overlap without being the same window."""
    if not hasattr(other, "strides") or not overlaps(array, other):
        return False
    same_bytes = memory_address(array) == memory_address(other) and array.nbytes == other.nbytes
    return bool(not same_bytes or array.strides != other.strides)


def in_torch_layout(result: Any, operands: Sequence[Any]) -> Any:
    """`result` in the memory order that torch gives it."""
    order = memory_order(result.shape, operands)
    if order == list(range(result.ndim)):
        return result
    return in_order(lambda _: as_contiguous(result.transpose(order)), result.shape, order)


def memory_order(shape: Sequence[int], operands: Sequence[Any]) -> list[int]:
    """The dimensions of a result, outermost first, as torch lays it out: the first operand decides between any two.

    An operand that is broadcast in one of the two has no say, and among equal strides the larger dimension is the
    outer one.
    """
    strides = [broadcast_strides(operand, len(shape)) for operand in operands if hasattr(operand, "strides")]
    order = list(reversed(range(len(shape))))  # from the innermost dimension outwards
    for outer in range(1, len(order)):
        place = outer
        for inner in reversed(range(outer)):
            comparison = compare_dims(order[inner], order[place], shape, strides)
            if comparison < 0:
                break
            if comparison > 0:
                order[inner], order[place] = order[place], order[inner]
                place = inner
    return order[::-1]


def compare_dims(inner: int, outer: int, shape: Sequence[int], strides: Sequence[Sequence[int]]) -> int:
    """Positive if the two dimensions must change places, negative if they must not, 0 if nothing decides."""
    for steps in strides:
        if steps[inner] and steps[outer]:
            if steps[inner] != steps[outer]:
                return 1 if steps[inner] > steps[outer] else -1
            if shape[inner] > shape[outer]:
                return 1
    return 0


def broadcast_strides(array: Any, ndim: int) -> list[int]:
    """The strides of `array` broadcast to `ndim` dimensions, 0 where it has one element."""
    own = [stride if length != 1 else 0 for stride, length in zip(array.strides, array.shape, strict=True)]
    return [0] * (ndim - len(own)) + own


def write(self: Tensor, result: Any) -> None:
    """Store `result` in the memory of `self` and count its version up; a UserError where shape or dtype forbid."""
    array = self.memory
    if result.shape != array.shape:
        raise UserError(
            "shape",
            f"output with shape {list(array.shape)} doesn't match the broadcast shape {list(result.shape)}",
        )
    if not can_cast(result.dtype, array.dtype):
        raise UserError(
            "type",
            f"result type {TYPE_NAMES[result.dtype.name]} can't be cast to the desired output type "
            f"{TYPE_NAMES[array.dtype.name]}",
        )
    array[...] = result if self.mirror is None else self.mirror.on_arrays(result)
    self.count_change()


def rebase(self: Tensor, node: Node) -> None:
    """Make `node` the history of `self`, changed in place; of a view's base, with everything around the view."""
    grad_mode.last_change = next(numbers)  # of what the node has saved, too
    if isinstance(self, View):
        change = CopySlices(node, self)
        move(self.base, (change, 0), self.base.edge)
        edge = self.edge  # the view's own edge now follows the base's
        change.view_node = None if edge is None else weakref.ref(edge[0])
    else:
        move(self, (node, 0), self.edge)


def move(self: Tensor, edge: Edge | None, before: Edge | None) -> None:
    """Give `self` its new edge; a retained gradient is from now on that of the new value."""
    self.edge = edge
    holder = self.holder
    if holder is None or edge is None:
        return
    if before is None or isinstance(before[0], AccumulateGrad):
        holder.moved_inside = True
    elif before[0].extra is not None and before[0].extra.retained.pop(before[1], None) is not None:
        edge[0].extras().retained[edge[1]] = holder
