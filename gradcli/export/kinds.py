"""What can be said of a value without computing it: whether it is a tensor, a node of the graph, or plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from gradcli.ops import frontend
from gradcli.ops.define import Op
from gradcli.spec import tree
from gradcli.spec.steps import FunctionEntry

Kind = Literal["tensor", "node", "plain", "unknown"]

_PLAIN_CALLS = frozenset({
    "item", "size", "numel", "nelement", "dim", "ndimension", "tolist", "stride", "storage_offset", "element_size",
    "is_contiguous", "is_complex", "is_floating_point", "is_signed", "is_nonzero", "is_tensor", "equal", "allclose",
    "can_cast", "promote_types", "result_type", "broadcast_shapes", "finfo", "iinfo", "is_conj", "is_neg",
})  # fmt: skip
NUMBERS = frozenset({"float", "int", "bool"})  # of plain data, Python's own
_PLAIN_ATTRIBUTES = frozenset({
    "shape", "ndim", "dtype", "device", "requires_grad", "is_leaf", "retains_grad", "_version", "name"
})  # fmt: skip
_NODE_ATTRIBUTES = frozenset({"grad_fn", "next_functions"})


def kind_of(root: Any, names: Mapping[str, Kind], functions: Mapping[str, FunctionEntry]) -> Kind:
    """The kind of an expression's value; names that are not among `names` are numbers and dtypes."""
    pending: list[tuple[Any, bool]] = [(root, False)]
    found: list[Kind] = []
    while pending:
        node, ready = pending.pop()
        children = node.children()
        if not ready:
            pending += [(node, True), *((child, False) for child in reversed(children))]
            continue
        below = found[len(found) - len(children) :]
        del found[len(found) - len(children) :]
        found.append(_kind(node, below, names, functions))
    return found[0]


def _kind(node: Any, below: list[Kind], names: Mapping[str, Kind], functions: Mapping[str, FunctionEntry]) -> Kind:
    if isinstance(node, tree.Name):
        return names.get(node.id, "plain")
    if isinstance(node, tree.Call):
        if node.function in functions:
            return _of_function(functions[node.function], node, below, functions)
        if node.function in NUMBERS and below == ["plain"]:
            return "plain"
        return _of_operation(node.function)
    if isinstance(node, tree.Method):
        return _of_operation(node.name)
    if isinstance(node, tree.Attribute):
        if node.name in _PLAIN_ATTRIBUTES or below == ["plain"]:
            return "plain"
        return "node" if node.name in _NODE_ATTRIBUTES else "tensor"
    if isinstance(node, tree.Keyword | tree.Subscript):
        return below[0]
    if isinstance(node, tree.Operator) and node.name in ("is_none", "is_not_none"):
        return "plain"
    if all(kind == "plain" for kind in below):
        return "plain"
    if isinstance(node, tree.Operator) and "tensor" in below:
        return "tensor"
    return "node" if "node" in below else "unknown"


def _of_function(
    function: FunctionEntry, node: tree.Call, below: list[Kind], functions: Mapping[str, FunctionEntry]
) -> Kind:
    if function.backward is not None:
        return "tensor"
    given = dict(zip(function.parameters, below[: len(node.args)], strict=False))
    given.update({word.name: kind for word, kind in zip(node.keywords, below[len(node.args) :], strict=True)})
    return kind_of(function.forward.tree, given, functions)


def _of_operation(name: str) -> Kind:
    if name.rpartition(".")[2] in _PLAIN_CALLS:
        return "plain"
    rows = frontend.find(name) or frontend.find_method(name) or ()
    single = all(isinstance(row, Op) and "->" not in row.text for row in rows)
    return "tensor" if rows and single else "unknown"
