"""The expressions of a spec as those of its script."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradcli.errors import UserError
from gradcli.evaluate import CONSTANTS
from gradcli.export.kinds import NUMBERS, Kind, kind_of
from gradcli.export.names import Names
from gradcli.export.python import PLACE, call, changed, literal, name
from gradcli.export.script import STANDARD, Script, functions_in
from gradcli.export.torch.names import function_name
from gradcli.record import replace
from gradcli.spec import tree
from gradcli.spec.steps import Expression, FunctionEntry, Literal, Spec

HELPERS = Path(__file__).with_name("helpers.py")
OWN = ("torch", "F", "np", "ctx", *STANDARD, *functions_in(HELPERS))
DERIVATIVES = ("jacobian", "hessian", "vjp", "jvp", "hvp")


class Translation:
    """One document of a file, and the script that it is written to."""

    def __init__(self, spec: Spec, script: Script) -> None:
        self.spec = spec
        self.script = script
        self.names = Names(spec, OWN)
        self.functions = {entry.name: entry for entry in spec.functions}
        self.kinds: dict[str, Kind] = {}  # of what is bound where the script has come to
        self.constants: set[str] = set()  # read before a step binds their names

    def expression(self, expression: Expression, node: Any = None, local: Sequence[str] | None = None) -> Any:
        """An expression, or the part `node` of it; inside a function only the `local` names are bound."""

        def change(one: Any) -> Any:
            match one:
                case tree.Name():
                    return self.name(expression, one, local)
                case tree.Constant():
                    return literal(one.value, "torch")
                case tree.Keyword(name="self"):
                    return replace(one, name="input")
                case tree.Attribute(name="name"):  # what a node's own `name()` says may have a prefix
                    return tree.Attribute(call("type", one.target), "__name__", **PLACE)
                case tree.Call():
                    return self.call(expression, one)
            return one

        return changed(expression.tree if node is None else node, change)

    def name(self, expression: Expression, node: tree.Name, local: Sequence[str] | None) -> Any:
        known, bound = node.id, self.names.bound
        if local is not None and known not in local:
            if known in self.spec.params and known in bound:  # a function does not see what a step has called so
                return literal(self.spec.params[known], "torch")
            if known in self.spec.matrix and known in bound:
                raise self.unable(f"`{known}` is varied, and bound by a step, and used by a function", expression, node)
            if known in CONSTANTS and not self.is_param(known):
                return name(f"torch.{known}")
        elif known in CONSTANTS and known in bound and known not in self.kinds:
            self.constants.add(known)
        own = self.names.values.get(known)
        if own is None:
            own = known if known.startswith("torch.") else f"torch.{known}"
        return name(own)

    def is_param(self, known: str) -> bool:
        return known in self.spec.params or known in self.spec.matrix

    def call(self, expression: Expression, node: tree.Call) -> Any:
        declared = self.functions.get(node.function)
        if declared is not None:
            return self.call_declared(declared, node)
        bare = node.function.rpartition(".")[2]
        if bare in DERIVATIVES:
            self.script.need(bare)
            return replace(node, function=bare)
        function = function_name(node.function, len(node.args) + len(node.keywords))
        if function is None:
            raise self.unable(f"torch has no function `{bare}`", expression, node)
        if bare in NUMBERS and self.kind(node) == "plain":
            return replace(node, function=bare)
        if not function:
            named = [word.value for word in node.keywords if word.name == "input"]
            words = tuple([word for word in node.keywords if word.name != "input"])
            operands = (*named, *node.args)
            return tree.Method(operands[0], bare, operands[1:], words, 0, **PLACE)
        if function.startswith("F."):
            self.script.imports.add("F")
        return replace(node, function=function)

    def call_declared(self, declared: FunctionEntry, node: tree.Call) -> Any:
        function = self.names.functions[declared.name]
        if declared.backward is None:
            words = tuple(replace(word, name=self.names.values[word.name]) for word in node.keywords)
            return replace(node, function=function, keywords=words)
        given = {word.name: word.value for word in node.keywords}  # `apply` takes no names
        in_order = [given[parameter] for parameter in declared.parameters[len(node.args) :]]
        return tree.Call(function, (*node.args, *in_order), (), **PLACE)

    def kind(self, node: Any) -> Kind:
        return kind_of(node, self.kinds, self.functions)

    def value(self, value: Expression | Literal) -> Any:
        return literal(value.value, "torch") if isinstance(value, Literal) else self.expression(value)

    def unable(self, why: str, expression: Expression, node: Any = None) -> UserError:
        return UserError("spec", f"{why}, which cannot be exported", span=expression.span(node))
