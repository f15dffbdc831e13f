"""A spec file as a script: what the steps begin with, and all of it together."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from gradcli.export.loads import loaded
from gradcli.export.python import INDENT, call, literal, method, name, quoted, source
from gradcli.export.script import Script
from gradcli.export.torch.functions import write_function
from gradcli.export.torch.steps import Steps, asks_for_gradient
from gradcli.export.torch.translation import HELPERS
from gradcli.ops import frontend
from gradcli.ops.define import Op
from gradcli.record import replace
from gradcli.spec import tree
from gradcli.spec.steps import Expression, Literal, Load, Spec, TensorEntry

IMPORTS = {"np": "import numpy as np", "torch": "import torch", "F": "import torch.nn.functional as F"}


def script(specs: Sequence[Spec]) -> str:
    """The script of all documents of a file. Raises UserError for what has no counterpart in torch."""
    made = Script(HELPERS)
    made.imports.add("torch")
    state = {"dtype": "torch.float32", "device": quoted("cpu")}
    for spec in specs:
        made.gap(2)
        if len(specs) > 1 and spec.title is not None:
            made.comment(spec.title)
        Document(spec, made).write(state)
    return made.text(IMPORTS, title=specs[0].title if len(specs) == 1 else None)


class Document(Steps):
    """One document of a file."""

    def write(self, state: dict[str, str]) -> None:
        """`state` are torch's default dtype and device, as this document finds and leaves them."""
        script, spec = self.script, self.spec
        header = {"dtype": f"torch.{spec.dtype}", "device": quoted(spec.device), "seed": str(spec.seed)}
        with ExitStack() as blocks:
            for varied, values in spec.matrix.items():
                own = self.names.values[varied]
                shown = [name(f"torch.{value}") if varied == "dtype" else literal(value, "torch") for value in values]
                blocks.enter_context(script.block(f"for {own} in [{', '.join(map(source, shown))}]:"))
                header[varied] = own
            script.line(f"torch.manual_seed({header['seed']})")
            for key in state:
                if header[key] != state[key] or key in spec.matrix:
                    script.line(f"torch.set_default_{key}({header[key]})")
                state[key] = "" if key in spec.matrix else header[key]
            script.gap()
            start = len(script.lines)
            self.declare()
            script.gap()
            self.write_steps(spec.pipeline)
            margin = " " * INDENT * script.depth
            constants = [f"{margin}{self.names.values[one]} = torch.{one}" for one in sorted(self.constants)]
            script.lines[start:start] = constants

    def declare(self) -> None:
        script, spec = self.script, self.spec
        self.kinds.update(dict.fromkeys([*spec.params, *spec.matrix], "plain"))
        for param, value in spec.params.items():
            if param not in spec.matrix:
                script.statement(f"{self.names.values[param]} = ", literal(value, "torch"))
        for entry in spec.functions:
            script.gap(2)
            self.comments(entry.span.line)
            write_function(self, entry)
        script.gap(2 if spec.functions else 1)
        for tensor in spec.tensors:
            self.comments(tensor.span.line)
            self.tensor(tensor)

    def tensor(self, entry: TensorEntry) -> None:
        """A leaf: evaluated outside the graph."""
        head = f"{self.names.values[entry.name]} = "
        value = self.leaf(entry)
        if isinstance(entry.data, Expression) and self.is_recorded(entry.data.tree):
            with self.script.block("with torch.no_grad():"):
                self.script.statement(head, value)
        else:
            self.script.statement(head, value)
        self.kinds[entry.name] = "tensor"

    def leaf(self, entry: TensorEntry) -> Any:
        """The data with its options: among the arguments of a call that makes a tensor, else behind it."""
        data = entry.data
        options: dict[str, Any] = {}
        if entry.dtype is not None:
            options["dtype"] = name(f"torch.{entry.dtype}")
        if entry.device is not None:
            options["device"] = entry.device
        if entry.requires_grad:
            options["requires_grad"] = True
        if isinstance(data, Load):
            value = loaded(data, self.spec, self.script, entry.dtype)
            options.pop("dtype", None)
        elif isinstance(data, Literal) or self.kind(data.tree) == "plain":
            return call("torch.tensor", self.value(data), **options)
        else:
            value = self.expression(data)
            if is_factory(data.tree) and not {word.name for word in value.keywords} & options.keys():
                return replace(value, keywords=(*value.keywords, *call("", **options).keywords))
            if is_shared(data.tree):
                value = method(value, "clone")
        moved = [options[key] for key in ("dtype", "device") if key in options]
        if moved:
            value = method(value, "to", *moved)
        if entry.requires_grad is not None:
            value = method(value, "requires_grad_", *([] if entry.requires_grad else [False]))
        return value

    def is_recorded(self, root: Any) -> bool:
        """Whether an expression, evaluated in a step, would have a place in the graph."""
        entries = {entry.name: entry for entry in self.spec.tensors}
        return any(
            (isinstance(node, tree.Name) and node.id in entries and asks_for_gradient(entries[node.id]))
            or (isinstance(node, tree.Keyword) and node.name == "requires_grad")
            or (isinstance(node, tree.Method) and node.name == "requires_grad_")
            for part in (root.args if is_factory(root) else (root,))
            for node in tree.walk(part)
        )


def is_factory(root: Any) -> bool:
    """Whether an expression calls what makes tensors of numbers, and takes `dtype` and `requires_grad`."""
    if not isinstance(root, tree.Call):
        return False
    rows = frontend.find(root.function) or ()
    return any("bool requires_grad" in row.text for row in rows)


def is_shared(root: Any) -> bool:
    """Whether the value of an expression may have its memory in common with another tensor."""
    while isinstance(root, tree.Method) and root.name == "requires_grad_":
        root = root.target
    if isinstance(root, tree.Operator):
        return False
    if isinstance(root, tree.Call | tree.Method):
        find = frontend.find if isinstance(root, tree.Call) else frontend.find_method
        rows = find(root.function if isinstance(root, tree.Call) else root.name) or ()
        return not is_factory(root) and not all(isinstance(row, Op) and not row.view for row in rows)
    return True
