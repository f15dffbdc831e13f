"""`functions:` as Python's functions, and as torch's own kind of custom functions."""

from __future__ import annotations

from typing import Any

from gradcli.export.kinds import Kind, kind_of
from gradcli.export.names import every, trees_in
from gradcli.export.python import literal, name
from gradcli.export.torch.translation import Translation
from gradcli.spec import steps, tree
from gradcli.spec.steps import Expression, FunctionEntry


def write_function(made: Translation, entry: FunctionEntry) -> None:
    script = made.script
    own = made.names.functions[entry.name]
    parameters = [made.names.values[parameter] for parameter in entry.parameters]
    if entry.backward is None:
        with script.block(f"def {own}({', '.join(parameters)}):"):
            script.statement("return ", made.expression(entry.forward, local=entry.parameters))
        return
    used = {named.id for formula in entry.backward.values() for named in tree.names_in(formula.tree)}
    numbers = numbers_given(made, entry)
    saved = [made.names.values[one] for one in (*entry.parameters, "result") if one in used and one not in numbers]
    kept = [made.names.values[one] for one in entry.parameters if one in used and one in numbers]
    class_name = class_of(entry)
    with script.block(f"class {class_name}(torch.autograd.Function):"):
        script.line("@staticmethod")
        with script.block(f"def forward({', '.join(['ctx', *parameters])}):"):
            for number in kept:
                script.line(f"ctx.{number} = {number}")
            forward = made.expression(entry.forward, local=entry.parameters)
            if "result" in used:
                result = made.names.values["result"]
                script.statement(f"{result} = ", forward)
                forward = name(result)
            if saved:
                script.line(f"ctx.save_for_backward({', '.join(saved)})")
            script.statement("return ", forward)
        script.gap()
        script.line("@staticmethod")
        with script.block(f"def backward(ctx, {made.names.values['grad']}):"):
            for number in kept:
                script.line(f"{number} = ctx.{number}")
            if saved:
                names = f"({saved[0]},)" if len(saved) == 1 else ", ".join(saved)
                script.line(f"{names} = ctx.saved_tensors")
            script.returned(gradients(made, entry, entry.backward, numbers))
    script.gap(2)
    script.line(f"{own} = {class_name}.apply")


def class_of(entry: FunctionEntry) -> str:
    """The name of a function's class, which gives its node a name."""
    return "".join(word[:1].upper() + word[1:] for word in entry.name.split("_"))


def gradients(made: Translation, entry: FunctionEntry, formulas: dict[str, Expression], numbers: set[str]) -> list[Any]:
    local = (*entry.parameters, "grad", "result")
    return [
        made.expression(formulas[one], local=local) if one in formulas and one not in numbers else literal(None)
        for one in entry.parameters
    ]


def numbers_given(made: Translation, entry: FunctionEntry) -> set[str]:
    """The parameters that every call gives a number, and no tensor. An error for those that are given both."""
    spec = made.spec
    names = surveyed(made)
    given: dict[str, set[bool]] = {}
    for root in trees_in([spec.tensors, spec.pipeline, spec.functions]):
        for node in tree.walk(root):
            if isinstance(node, tree.Call) and node.function == entry.name:
                values = dict(zip(entry.parameters, node.args, strict=False))
                values.update({word.name: word.value for word in node.keywords})
                for parameter, value in values.items():
                    is_number = kind_of(value, names, made.functions) == "plain"
                    given.setdefault(parameter, set()).add(is_number)
    for parameter, kinds in given.items():
        if len(kinds) > 1:
            why = f"`{entry.name}` is called with a tensor and with a number for `{parameter}`"
            raise made.unable(why, entry.forward)
    return {parameter for parameter, kinds in given.items() if kinds == {True}}


def surveyed(made: Translation) -> dict[str, Kind]:
    """The kinds of all names, those that functions see included."""
    spec = made.spec
    inner = [name for entry in spec.functions for name in (*entry.parameters, "grad", "result")]
    kinds: dict[str, Kind] = dict.fromkeys(inner, "tensor")
    kinds.update(dict.fromkeys(made.names.bound, "unknown"))
    kinds.update({entry.name: "tensor" for entry in spec.tensors})
    for step in every(spec.pipeline):
        if isinstance(step, steps.Bind):
            value = step.value
            kinds[step.name] = "plain"
            if isinstance(value, Expression):
                kinds[step.name] = kind_of(value.tree, kinds, made.functions)
        elif isinstance(step, steps.Repeat) and step.name is not None:
            kinds[step.name] = "plain"
    return kinds
