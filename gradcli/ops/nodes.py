"""A row's node class, as generated source: what a node saves, and its formulas on arrays and on Tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from gradcli.engine.device import beside, np
from gradcli.engine.mode import grad_mode
from gradcli.engine.node import Edge, Freed, Node
from gradcli.engine.tensor import Tensor
from gradcli.ops.define import Op, Parameter, on_arrays


def cloned(value: Any, edge: Edge | None) -> Tensor:
    """The clone that an in-place operation saves of what it overwrites: in the graph a clone, too."""
    from gradcli.ops.copies import clone

    tensor: Tensor = clone(Tensor(value, edge))
    return tensor


def output_edge(node: Node, output: int) -> Edge:
    extra = node.extra
    return (node, output) if extra is None or extra.output_edge is None else extra.output_edge


def rewrapped(
    node: Node, value: Any, edge: Edge | None, held: tuple[Tensor, int] | None, is_input: bool, grads: Any
) -> Any:
    """A saved array as the Tensor it was, on the same place of the graph and the same version list.

    A number that stood for a tensor becomes a 0-dim tensor, as it is one to torch.
    """
    if value is None:
        return None
    if not hasattr(value, "dtype"):
        if not grad_mode.enabled:
            return value
        like = next(grad.array for grad in grads if grad is not None)
        return Tensor(beside(like, np.asarray(value, node.metadata[0][1])))
    if held is None and is_input and edge is not None:
        return cloned(value, edge)
    if is_input and held is not None and (held[0].array is value or held[0].dtype != value.dtype):
        return held[0]  # torch saves what was given, before its promotion
    return Tensor(value, edge, None if held is None else held[0].version)


def compiled(name: str, lines: list[str], names: dict[str, Any]) -> Callable[..., Any]:
    namespace = dict(names)
    exec(compile("\n".join(lines), f"<gradcli {name}>", "exec"), namespace)
    function: Callable[..., Any] = namespace[name]
    return function


def at_first_call(name: str, lines: list[str], names: dict[str, Any]) -> Callable[..., Any]:
    """A method of a node class that is compiled when it is first called, which for most never happens."""

    def method(node: Node, *arguments: Any) -> Any:
        function = compiled(name, lines, names)
        setattr(type(node), name, function)
        return function(node, *arguments)

    return method


def parameters_of(formula: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a formula's parameters."""
    code = formula.__code__
    return code.co_varnames[: code.co_argcount]


class Saved:
    """What one node class saves: a name of the formulas, and how the value is taken and handed back."""

    def __init__(self, op: Op, name: str) -> None:
        self.op = op
        self.name = name
        self.parameter = next((p for p in op.schema.parameters if p.name == name), None)
        self.output = op.schema.outputs.index(name) if name in op.schema.outputs else None
        self.is_tensor = self.output is not None or (self.parameter is not None and self.parameter.is_tensor)
        # an input that only the gradient of one other input needs is saved only where that one has an edge; torch
        # does without this in the operations of its backwards
        takers = [p for p, formula in op.formulas.items() if name in parameters_of(formula)]
        guarded = op.joint is None and len(op.formulas) > 1 and len(takers) == 1 and "backward" not in op.name
        self.guard = takers[0] if guarded else None
        if self.output is not None or any(p.name == self.guard and p.is_list for p in op.schema.parameters):
            self.guard = None

    @property
    def is_list(self) -> bool:
        return self.parameter is not None and self.parameter.is_list

    def value(self, inplace: bool) -> str:
        if self.output is not None:
            return "self.array" if inplace else self.name
        if self.parameter is None:  # `self_shape`, `self_dtype`
            return self._attribute()
        if not self.is_tensor:
            return self.name
        value = f"{self.name}_array"
        if inplace and self.name == "self":
            value = "self.array.copy()"  # as it was, before any promotion
        return self._guarded(value)

    def _attribute(self) -> str:
        """`self_shape` as source: of one array, of each of a list, of an optional one."""
        tensor, _, attribute = self.name.rpartition("_")
        kind = next(p.type for p in self.op.schema.parameters if p.name == tensor)
        if kind.endswith("]"):
            return f"[tensor.{attribute} for tensor in {tensor}]"  # as given, before any promotion
        value = f"{tensor}_array.{attribute}"
        return f"(None if {tensor}_array is None else {value})" if kind.endswith("?") else value

    def version(self, inplace: bool) -> str:
        if self.output is not None:
            return "(self.alias(), self.version[0] + 1)" if inplace else f"({self.name}_alias, 0)"
        if inplace and self.name == "self":
            return "None"
        if self.is_list:
            return f"*[None if tensor is None else (tensor, tensor.version[0]) for tensor in {self.name}]"
        assert self.parameter is not None
        pair = f"({self.name}, {self.name}.version[0])"
        if self.parameter.type != "Tensor":
            pair = f"({pair} if {self.name}_is_tensor else None)"
        return self._guarded(pair)

    def _guarded(self, value: str) -> str:
        return value if self.guard is None else f"({value} if {self.guard}_edge is not None else None)"


@cache
def saved_by(op: Op) -> list[Saved]:
    """What the formulas name besides the gradients: inputs by name, then outputs by name, as torch unpacks them."""
    formulas = [op.joint] if op.joint is not None else list(op.formulas.values())
    names = {name for f in formulas for name in parameters_of(f)} - {"grad", "grads", "needs"}
    saved = [Saved(op, name) for name in sorted(names)]
    return sorted(saved, key=lambda item: item.output is not None)


def tensors_of(saved: list[Saved]) -> list[Saved]:
    """Those whose versions are watched, a list, which has several, behind the others."""
    return sorted((item for item in saved if item.is_tensor), key=lambda item: item.is_list)


def node_class(op: Op) -> type[Node]:
    """The class of the nodes that `op` records: its name, its formulas on arrays and on Tensors."""
    assert op.grad_fn is not None
    saved = saved_by(op)
    held = tensors_of(saved)
    edges = op.differentiable
    position = edge_positions(edges)
    edge_of = {
        item.name: position.get(item.name, "None")
        if item.output is None
        else "None"
        if item.name in op.constant
        else f"output_edge(node, {item.output})"
        for item in held
    }
    wraps = []
    for item in held:
        place, version = saved.index(item), held.index(item)
        if item.is_list:
            listed = f"zip(saved[{place}], node.versions[{version}:])"
            wrapped = f"[None if held is None else Tensor(array, None, held[0].version) for array, held in {listed}]"
        else:
            edge, held_version = edge_of[item.name], f"node.versions[{version}]"
            wrapped = f"rewrapped(node, saved[{place}], {edge}, {held_version}, {item.output is None}, grads)"
        wraps.append(f"    {item.name} = {wrapped}")
    unpack = [f"    {''.join(item.name + ', ' for item in saved)} = saved"] if saved else []
    body = formula_calls(op, edges)
    describe = "".join(f"{described(saved.index(item), item.is_list, edge_of[item.name])}, " for item in held)
    head = ["    saved = node.saved"] if saved else []
    raw: dict[str, Any] = {}
    recorded: dict[str, Any] = {"Tensor": Tensor, "rewrapped": rewrapped, "output_edge": output_edge}
    for name, formula in ({"joint": op.joint} if op.joint is not None else op.formulas).items():
        raw[f"{name}_formula"] = on_arrays(formula)
        recorded[f"{name}_formula"] = formula
    functions = {
        "apply": compiled("apply", ["def apply(node, grads, edges):", *head, *unpack, *body], raw),
        "apply_recorded": at_first_call(
            "apply_recorded", ["def apply_recorded(node, grads, edges):", *head, *unpack, *wraps, *body], recorded
        ),
    }
    if held:
        functions["saved_tensors"] = at_first_call(
            "saved_tensors",
            [
                "def saved_tensors(node):",
                "    saved = node.saved",
                f"    return () if isinstance(saved, Freed) else ({describe})",
            ],
            {"Freed": Freed, "output_edge": output_edge},
        )
        holds = " or ".join(f"saved[{saved.index(item)}] is not None" for item in held)
        functions["release"] = compiled(
            "release",
            ["def release(node, freed):", "    saved = node.saved", f"    if {holds}: node.saved = freed"],
            {},
        )
    members = {
        "__slots__": (), "name": op.grad_fn, "op": op, "at_once": op.grad_fn == "NotImplemented",
        "refuses_complex": not op.real_part,
    }  # fmt: skip
    return type(op.grad_fn, (Node,), {**members, **functions})


def described(place: int, is_list: bool, edge: str) -> str:
    """Array and edge of what is saved at `place`, or of each of a list, as source."""
    if is_list:
        return f"*[None if array is None else (array, None) for array in saved[{place}]]"
    return f"None if saved[{place}] is None else (saved[{place}], {edge})"


def edge_positions(edges: list[Parameter]) -> dict[str, str]:
    """Where in `node.next` the edge of each input is, as source; counted from the end behind a list."""
    found: dict[str, str] = {}
    behind = any(parameter.is_list for parameter in edges)
    after_list = False
    for place, parameter in enumerate(edges):
        after_list = after_list or parameter.is_list
        found[parameter.name] = f"node.next[{place - len(edges) if behind and after_list else place}]"
    return found


def formula_calls(op: Op, edges: list[Parameter]) -> list[str]:
    """The source that calls the formulas of the edges that are wanted, and returns the gradients."""
    lines = ["    grad = grads[0]"]
    if op.joint is not None:
        lines.append("    needs = [edge is not None for edge in edges]")
        lines.append(f"    return joint_formula({', '.join(parameters_of(op.joint))})")
        return lines
    if op.grad_fn == "NotImplemented":  # it fails whatever is asked of it
        return [*lines, f"    return {edges[0].name}_formula(grad)"]
    position = edge_positions(edges)
    calls = {}
    for parameter in edges:
        formula = op.formulas[parameter.name]
        called = f"{parameter.name}_formula({', '.join(parameters_of(formula))})"
        wanted = position[parameter.name].replace("node.next", "edges")
        calls[parameter.name] = called if parameter.is_list else f"{called} if {wanted} is not None else None"
    # torch computes them in the order of the names, as their nodes' order of creation shows
    for name in sorted(calls):
        lines.append(f"    {name}_grad = {calls[name]}")
    returned = "".join(f"*{p.name}_grad, " if p.is_list else f"{p.name}_grad, " for p in edges)
    return [*lines, f"    return ({returned})"]
