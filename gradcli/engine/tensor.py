"""The tensor: an array, its place in the graph, and the count of its in-place changes."""

from __future__ import annotations

from typing import Any

from gradcli.engine.dtypes import C_NAMES, TYPE_NAMES, is_differentiable
from gradcli.engine.mode import grad_mode
from gradcli.engine.node import AccumulateGrad, Edge, Node, TensorHook, numbers
from gradcli.errors import UserError


class Tensor:
    """An array with autograd, as torch.Tensor.

    `array` is the NumPy (or CuPy) array; `edge` the graph node and output number that its gradient flows to, or
    None if it requires no gradient; `version`, shared by all tensors on the same memory, is the count of in-place
    changes and the number (as of a node) of the last; `holder` keeps `.grad` (for a leaf that requires grad it is
    `edge[0]`).
    """

    __slots__ = ("array", "edge", "holder", "version")

    edge: Edge | None
    mirror: Any = None  # the row that computes what is read from what is in the memory, where that is not the same

    def __init__(self, array: Any, edge: Edge | None = None, version: list[int] | None = None) -> None:
        self.array = array
        self.version = [0, 0] if version is None else version
        self.edge = edge
        self.holder: AccumulateGrad | None = None

    @property
    def memory(self) -> Any:
        """The array that in-place operations write to."""
        return self.array

    def show(self, array: Any) -> None:
        """Become a window on other memory."""
        self.array = array

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self.array.shape
        return shape

    @property
    def ndim(self) -> int:
        ndim: int = self.array.ndim
        return ndim

    @property
    def dtype(self) -> Any:
        return self.array.dtype

    @property
    def requires_grad(self) -> bool:
        return self.edge is not None

    @property
    def grad_fn(self) -> Node | None:
        edge = self.edge
        return None if edge is None or isinstance(edge[0], AccumulateGrad) else edge[0]

    @property
    def is_leaf(self) -> bool:
        return self.grad_fn is None

    @property
    def retains_grad(self) -> bool:
        return self.holder is not None and self.holder.retains_grad

    @property
    def grad(self) -> Tensor | None:
        return None if self.holder is None else self.holder.grad

    @grad.setter
    def grad(self, grad: Tensor | None) -> None:
        if grad is not None:
            if grad.dtype != self.dtype:
                raise UserError(
                    "autograd",
                    f"attempting to assign a gradient with dtype '{C_NAMES[grad.dtype.name]}' to a tensor with "
                    f"grad_dtype '{TYPE_NAMES[self.dtype.name]}'. The gradient must match the tensor's grad_dtype "
                    "(defaults to the tensor's dtype).",
                )
            if grad.shape != self.shape:
                raise UserError(
                    "autograd",
                    f"attempting to assign a gradient of size '{list(grad.shape)}' to a tensor of size "
                    f"'{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size",
                )
        self.hold().grad = grad

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Record operations on this leaf, or stop; a UserError for integers and for computed tensors."""
        if not requires_grad:
            if not self.is_leaf:
                raise UserError(
                    "autograd",
                    "you can only change requires_grad flags of leaf variables. If you want to use a computed variable "
                    "in a subgraph that doesn't require differentiation use var_no_grad = var.detach().",
                )
            if self.edge is not None:
                self.hold().requires_grad = False
                self.edge = None
        elif self.edge is None:
            if not is_differentiable(self.dtype):
                raise UserError("autograd", "only Tensors of floating point dtype can require gradients")
            holder = self.hold()
            holder.requires_grad = True
            self.edge = (holder, 0)
        return self

    def retain_grad(self) -> None:
        """Keep `.grad` of this non-leaf when a backward passes it."""
        edge = self.edge
        if edge is None:
            raise UserError("autograd", "can't retain_grad on Tensor that has requires_grad=False")
        if not isinstance(edge[0], AccumulateGrad):
            holder = self.hold()
            holder.retains_grad = True
            edge[0].extras().retained[edge[1]] = holder

    def register_hook(self, hook: TensorHook) -> None:
        """Call `hook` with every gradient of this tensor; what it returns, unless None, replaces the gradient."""
        edge = self.edge
        if edge is None:
            raise UserError("autograd", "cannot register a hook on a tensor that doesn't require gradient")
        edge[0].extras().hooks.append((edge[1], hook))

    def offset(self) -> int:
        """How many elements lie before it in the memory that it is a view of."""
        return 0

    def alias(self) -> Tensor:
        """The same memory and version count, without history or gradient: what stands for an output it is saved in."""
        return self.outside(self.version)

    def outside(self, version: list[int] | None) -> Tensor:
        """The same memory outside the graph, with that version count, or with one of its own."""
        return Tensor(self.array, None, version)

    def detach(self) -> Tensor:
        """The same memory, outside the graph."""
        return self.alias()

    def detach_(self) -> Tensor:
        """Leave the graph."""
        if self.edge is not None:
            self.hold().requires_grad = False
            grad_mode.detached_in_place = True
            grad_mode.last_change = next(numbers)
        self.edge = None
        return self

    @property
    def data(self) -> Tensor:
        """The same memory outside the graph, with a version count of its own: changes through it go unnoticed."""
        grad_mode.data_replaced = True
        return self.outside(None)

    @data.setter
    def data(self, other: Tensor) -> None:
        self.show(other.array)
        grad_mode.data_replaced = True
        grad_mode.last_change = next(numbers)
        if self.holder is not None:
            self.holder.metadata = ((other.shape, other.dtype),)

    def count_change(self) -> None:
        """Note that the memory has been changed in place."""
        grad_mode.last_change = next(numbers)
        self.version[:] = self.version[0] + 1, grad_mode.last_change

    def hold(self) -> AccumulateGrad:
        """The keeper of `.grad`, made when first needed."""
        if self.holder is None:
            self.holder = AccumulateGrad(self.array)
        return self.holder
