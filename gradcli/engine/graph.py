"""The backward walk: the only module that walks the graph.

Gradients are plain arrays; with `create_graph` they are Tensors, and the same formulas, run on Tensors, are
recorded. Un-broadcasting a gradient, and casting it to its tensor's dtype, happen here for all operations.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any

from gradcli.engine.device import as_array, np, to_host, zeros_beside
from gradcli.engine.dtypes import converted, dtype_kind, is_differentiable, summed
from gradcli.engine.mode import grad_mode, set_grad_enabled
from gradcli.engine.node import (
    DEAD_END,
    AccumulateGrad,
    Edge,
    EdgeToHost,
    Extras,
    Freed,
    Node,
    TensorHook,
    numbers,
    type_text,
)
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError

Ready = tuple[Node, list[Any]]  # and its gradients, one an output


def backward(
    tensors: Sequence[Tensor],
    gradients: Sequence[Tensor | None],
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | None = None,
) -> None:
    """torch.autograd.backward: add the gradients of `tensors` to `.grad` of the leaves (or of `inputs` only)."""
    if inputs is not None and not inputs:
        raise UserError("autograd", "`inputs` argument to `backward()` cannot be empty.")
    roots = make_roots(tensors, gradients, create_graph)
    wanted: list[Edge] | None = None
    if inputs is not None:
        for tensor in inputs:
            tensor.retain_grad()
        wanted = [tensor.edge for tensor in inputs if tensor.edge is not None]
    if grad_mode.tape is not None:
        grad_mode.tape.walked(tensors, [gradient for _, gradient in roots], wanted)
    Walk(create_graph if retain_graph is None else retain_graph, create_graph).run(roots, wanted, None)


def grad(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    grad_outputs: Sequence[Tensor | None],
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
    materialize_grads: bool = False,
) -> list[Tensor | None]:
    """torch.autograd.grad: the gradients of `outputs` with respect to `inputs`; `.grad` is left alone."""
    if not inputs:
        raise UserError("autograd", "`inputs` argument to `grad()` cannot be empty.")
    roots = make_roots(outputs, grad_outputs, create_graph)
    edges: list[Edge] = []
    for tensor in inputs:
        if tensor.edge is None:
            raise UserError("autograd", "One of the differentiated Tensors does not require grad")
        edges.append(tensor.edge)
    if grad_mode.tape is not None:
        grad_mode.tape.walked(outputs, [gradient for _, gradient in roots], edges)
    captured: dict[Edge, Any] = dict.fromkeys(edges)
    Walk(create_graph if retain_graph is None else retain_graph, create_graph).run(roots, edges, captured)
    grads: list[Tensor | None] = []
    for place, (tensor, edge) in enumerate(zip(inputs, edges, strict=True)):
        result = captured[edge]
        if result is None and materialize_grads:
            result = Tensor(zeros_beside(tensor.array, tensor.shape))
            if create_graph:
                result.requires_grad_()
        elif result is None and not allow_unused:
            raise UserError(
                "autograd",
                f"The differentiated Tensor at index {place} appears to not have been used in the graph. Set "
                "allow_unused=True if this is the desired behavior.",
            )
        grads.append(result if result is None or isinstance(result, Tensor) else Tensor(owned_copy(result)))
    return grads


def make_roots(
    tensors: Sequence[Tensor], gradients: Sequence[Tensor | None], create_graph: bool
) -> list[tuple[Edge, Any]]:
    """Where the walk begins: the edge of each root and the gradient it is given, ones for a scalar."""
    if len(tensors) != len(gradients):
        raise UserError("autograd", f"got {len(tensors)} tensors and {len(gradients)} gradients")
    for place, (tensor, gradient) in enumerate(zip(tensors, gradients, strict=True)):
        if gradient is not None:
            if gradient.shape != tensor.shape:
                raise UserError(
                    "autograd",
                    f"Mismatch in shape: grad_output[{place}] has a shape of torch.Size({list(gradient.shape)}) and "
                    f"output[{place}] has a shape of torch.Size({list(tensor.shape)}).",
                )
            if (dtype_kind(gradient.dtype) == "c") != (dtype_kind(tensor.dtype) == "c"):
                raise UserError(
                    "autograd",
                    "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in "
                    f"dtype: grad_output[{place}] has a dtype of torch.{gradient.dtype.name} and output[{place}] has a "
                    f"dtype of torch.{tensor.dtype.name}.",
                )
        elif tensor.requires_grad:
            if tensor.array.size != 1:
                raise UserError("autograd", "grad can be implicitly created only for scalar outputs")
            if dtype_kind(tensor.dtype) != "f":
                raise UserError(
                    "autograd",
                    f"grad can be implicitly created only for real scalar outputs but got torch.{tensor.dtype.name}",
                )
    roots = []
    for place, (tensor, gradient) in enumerate(zip(tensors, gradients, strict=True)):
        if tensor.edge is None or tensor.edge is DEAD_END:
            raise UserError("autograd", f"element {place} of tensors does not require grad and does not have a grad_fn")
        check_differentiable(tensor.dtype)
        seed = Tensor(np.ones_like(tensor.array)) if gradient is None else gradient
        roots.append((tensor.edge, seed if create_graph else seed.array))
    return roots


class Walk:
    """One pass over the graph, from the newest ready node to the oldest, without recursion.

    A node is ready when every node that gives it a gradient has run; among the ready ones the newest is next
    (a heap on the creation numbers), leaves before all others: the order in which torch runs nodes and hooks.
    """

    def __init__(self, keep_graph: bool, create_graph: bool) -> None:
        self.keep_graph = keep_graph
        self.create_graph = create_graph
        self.freed = Freed(next(numbers))
        self.waiting: dict[Node, int] = {}  # how many gradients each node still waits for
        self.buffers: dict[Node, list[Any]] = {}  # the gradients that have arrived, one place an output
        self.owned: set[Edge] = set()  # sums made here, which may be added to in place
        # nodes that are ready with all their gradients: the newest next, but before it those of `first`
        self.heap: list[tuple[int, Node, list[Any]]] = []
        self.first: list[Ready] = []
        self.needed: set[Node] | None = None  # the nodes that are to run; None: all
        self.reachable: set[Node] = set()  # where gradients are to go, if not to all nodes
        self.captured: dict[Edge, Any] = {}  # gradients that the caller is given
        self.capture_at: dict[Node, list[int]] = {}  # at which outputs of which nodes

    def run(
        self,
        roots: list[tuple[Edge, Any]],
        wanted: list[Edge] | None,
        captured: dict[Edge, Any] | None,
    ) -> None:
        """Walk from `roots`; with `wanted` only towards those edges, whose gradients `captured` takes if given."""
        self._count(roots)
        if wanted is not None:
            self._towards(wanted, captured is None)
        if captured is not None:
            self.captured = captured
            for node, output in captured:
                self.capture_at.setdefault(node, []).append(output)
        heap = self.heap
        with set_grad_enabled(self.create_graph):
            for edge, gradient in roots:
                if self.needed is None or len(roots) == 1 or edge[0] in self.reachable:
                    self._deliver((edge,), (gradient,), None)
            while True:
                if self.first:
                    ready = in_torch_order(self.first, len(heap))
                    self.first = []
                    for node, grads in ready:
                        self._visit(node, grads)
                elif heap:
                    _, node, grads = heappop(heap)
                    self._visit(node, grads)
                else:
                    break

    def _count(self, roots: list[tuple[Edge, Any]]) -> None:
        waiting = self.waiting
        stack = []
        for (node, _), _ in roots:
            if node not in waiting:
                stack.append(node)
            waiting[node] = waiting.get(node, 0) + 1
        while stack:
            for edge in stack.pop().next:
                if edge is not None:
                    node = edge[0]
                    count = waiting.get(node)
                    if count is None:
                        waiting[node] = 1
                        stack.append(node)
                    else:
                        waiting[node] = count + 1

    def _towards(self, wanted: list[Edge], run_wanted: bool) -> None:
        """Find the nodes that must run for gradients to reach `wanted`; the wanted ones themselves only if asked."""
        ends = {edge[0] for edge in wanted}
        needed = set(ends) if run_wanted else set()
        for node in sorted(self.waiting, key=lambda node: node.number):
            if any(edge is not None and (edge[0] in needed or edge[0] in ends) for edge in node.next):
                needed.add(node)
        self.needed, self.reachable = needed, needed | ends

    def _visit(self, node: Node, grads: list[Any]) -> None:
        """Run a node, once hooks have seen its gradients."""
        if (self.needed is not None or node.extra is not None) and not self._hand_out(node, grads):
            return
        if node.at_once and isinstance(node, AccumulateGrad):
            if grads[0] is not None:
                accumulate(node, grads[0], self.create_graph)
            return
        try:
            node.check_saved()
            edges = node.next
            if self.needed is not None:
                edges = tuple([edge if edge is not None and edge[0] in self.reachable else None for edge in edges])
            if grads[0] is None and all(gradient is None for gradient in grads):
                results: Sequence[Any] = (None,) * len(edges)
            elif self.create_graph:
                results = node.apply_recorded(grads, edges)
            else:
                results = node.apply(grads, edges)
            if not self.keep_graph:
                node.release(self.freed)
            if grad_mode.anomaly:
                check_nan(node, results)
            self._deliver(edges, results, node)
        except UserError as error:
            error.numbers.setdefault("node", node.number)
            raise

    def _deliver(self, edges: Sequence[Edge | None], gradients: Sequence[Any], giver: Node | None) -> None:
        """Add each gradient to what has arrived at its edge; nodes that wait for no more become ready."""
        for place, edge in enumerate(edges):
            if edge is None:
                continue
            node, output = edge
            grads = self.buffers.pop(node, None) if self.buffers else None
            if grads is None:
                grads = [None] * len(node.metadata)
            gradient = gradients[place]
            if gradient is not None:
                shape, dtype = node.metadata[output]
                if gradient.shape != shape or (gradient.dtype is not dtype and gradient.dtype != dtype):
                    gradient = fit(gradient, shape, dtype, giver, place)
                if type(edge) is EdgeToHost:
                    gradient = gradient.moved_to_host() if self.create_graph else to_host(gradient)
                held = grads[output]
                if held is None:
                    grads[output] = gradient
                elif edge in self.owned:
                    held += gradient
                    grads[output] = held
                else:
                    grads[output] = held + gradient
                    if not self.create_graph:
                        self.owned.add(edge)
            count = self.waiting[node]
            if count != 1:
                self.waiting[node] = count - 1
                self.buffers[node] = grads
            elif node.at_once:
                self.first.append((node, grads))
            else:
                heappush(self.heap, (-node.number, node, grads))

    def _hand_out(self, node: Node, grads: list[Any]) -> bool:
        """Give the gradients to the caller and to hooks, who may change them; whether the node is to run."""
        runs = self.needed is None or node in self.needed
        outputs = self.capture_at.get(node, ())
        # torch hands out the gradient before the hooks have seen it, if the node is to run as well
        if runs:
            self.captured.update({(node, output): grads[output] for output in outputs})
        if node.extra is not None:
            self._call_hooks(node.extra, grads)
        if not runs:
            self.captured.update({(node, output): grads[output] for output in outputs})
        return runs

    def _call_hooks(self, extra: Extras, grads: list[Any]) -> None:
        for output, hook in tuple(extra.hooks):
            grads[output] = call_hook(hook, grads[output], self.create_graph)
        for output, holder in extra.retained.items():
            gradient = grads[output]
            if gradient is not None:
                retain(holder, gradient, self.create_graph)


def call_hook(hook: TensorHook, gradient: Any, create_graph: bool) -> Any:
    """`gradient` as `hook` leaves it: an array, or a Tensor if `create_graph`."""
    if gradient is None:
        if hook(None) is not None:
            raise UserError("autograd", "can't replace a None gradient with a non-None value")
        return None
    given = gradient if create_graph else Tensor(owned_copy(gradient))
    result = hook(given)
    if result is None:
        return given if create_graph else given.array
    if result.dtype != given.dtype:
        raise UserError(
            "autograd",
            f"hook 'hook' has changed the type of value (was {type_text(given.array)} got {type_text(result.array)})",
        )
    if result.shape != given.shape:
        raise UserError("autograd", "hook 'hook' has changed the size of value")
    return result if create_graph else result.array


def accumulate(leaf: AccumulateGrad, gradient: Any, create_graph: bool) -> None:
    """Add `gradient` to the leaf's `.grad`: in place, unless the addition is to be recorded."""
    if leaf.moved_inside:
        raise UserError("autograd", "leaf variable has been moved into the graph interior")
    if not leaf.requires_grad:
        return
    held = leaf.grad
    if create_graph:
        if held is not None:
            leaf.grad = held + gradient
        else:
            leaf.grad = gradient.copied() if leaf.dense else gradient.cloned()
    elif held is None:
        leaf.grad = Tensor(owned_copy(gradient))
    else:
        held.array += gradient
        held.count_change()


def retain(holder: AccumulateGrad, gradient: Any, create_graph: bool) -> None:
    """Add `gradient` to the `.grad` that a non-leaf retains: always a new tensor, as in torch."""
    held = holder.grad
    if held is None:
        holder.grad = gradient.cloned() if create_graph else Tensor(owned_copy(gradient))
    elif create_graph:
        holder.grad = held + gradient
    else:
        holder.grad = Tensor(as_array(held.array + gradient))


def owned_copy(array: Any) -> Any:
    """A copy, since formulas hand one array to several takers, and views of it."""
    return as_array(array.copy())


def check_differentiable(dtype: Any) -> None:
    """A UserError for integers, which only an operation in place can have put in a graph."""
    if dtype_kind(dtype) not in "fc":
        raise UserError(
            "autograd",
            "isDifferentiableType(grad.scalar_type()) INTERNAL ASSERT FAILED",
            hint=f"there are no gradients of {dtype.name}: an operation in place has put it in the graph",
        )


def fit(gradient: Any, shape: tuple[int, ...], dtype: Any, giver: Node | None, place: int) -> Any:
    """`gradient` summed over what was broadcast, and cast to the dtype of its tensor (the real part of complex)."""
    recorded = isinstance(gradient, Tensor)
    if dtype_kind(gradient.dtype) == "c" and dtype_kind(dtype) != "c":
        if giver is not None and giver.refuses_complex:
            raise UserError(
                "autograd",
                "Expected isFloatingType(grad.scalar_type()) || (input_is_complex == grad_is_complex) to be true, but "
                "got false.",
                hint=f"torch has no derivative of {giver.short_name} by what is real where the result is complex",
            )
        gradient = gradient.real
    if gradient.shape != shape:
        stretched = stretched_dims(gradient.shape, shape)
        if stretched is None:
            name = "unknown" if giver is None else giver.name
            raise UserError(
                "autograd",
                f"Function {name} returned an invalid gradient at index {place} - got {list(gradient.shape)} but "
                f"expected shape compatible with {list(shape)}",
            )
        if recorded:
            gradient = gradient.sum_to_size(shape)
        else:
            if stretched:
                gradient = summed(gradient, stretched, True)
            if gradient.shape != shape:
                gradient = gradient.reshape(shape)
    check_differentiable(dtype)
    if gradient.dtype != dtype:
        gradient = gradient.astype(dtype) if recorded else converted(gradient, dtype)
    return gradient


@lru_cache(1024)
def stretched_dims(wide: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The dimensions that a tensor of `shape` got, or in which it was repeated, to become `wide`; None if it cannot."""
    new = len(wide) - len(shape)
    if new < 0:
        return None
    dims = [dim for dim in range(new) if wide[dim] != 1]
    for dim, length in enumerate(shape, new):
        if wide[dim] != length:
            if length != 1:
                return None
            dims.append(dim)
    return tuple(dims)


def check_nan(node: Node, results: Sequence[Any]) -> None:
    """torch's anomaly mode: a UserError that names the node which made a NaN."""
    for place, result in enumerate(results):
        array = result.array if isinstance(result, Tensor) else result
        if array is not None and is_differentiable(array.dtype) and np.isnan(array).any().item():
            raise UserError("autograd", f"Function '{node.name}' returned nan values in its {place}th output.")


def in_torch_order(leaves: list[Ready], below: int) -> list[Ready]:
    """The order in which torch runs leaves that became ready together, seen by their hooks.

    torch keeps them, all of equal rank, in the binary heap of the C++ library above `below` other nodes; for three
    or more the order of its pops is not that of the pushes.
    """
    if len(leaves) < 3:
        return list(leaves)
    heap: list[Ready | None] = [None] * below
    for leaf in leaves:
        heap.append(None)
        sift_up(heap, len(heap) - 1, leaf)
    order: list[Ready] = []
    while len(order) < len(leaves):
        top = heap[0]
        assert top is not None
        order.append(top)
        last = heap.pop()
        hole, child = 0, 2
        while child <= len(heap):
            if child == len(heap) or (heap[child] is None and heap[child - 1] is not None):
                child -= 1
            heap[hole] = heap[child]
            hole, child = child, 2 * child + 2
        if heap:
            sift_up(heap, hole, last)
    return order


def sift_up(heap: list[Ready | None], place: int, leaf: Ready | None) -> None:
    """Put `leaf` at `place`, or as far above as the places hold None, which ranks lower."""
    while leaf is not None and place and heap[(place - 1) // 2] is None:
        heap[place] = None
        place = (place - 1) // 2
    heap[place] = leaf
