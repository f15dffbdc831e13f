"""What gradcli says of a pipeline: the only module here that knows gradcli's API."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.engine.graph import backward
from gradcli.engine.mode import set_grad_enabled
from gradcli.engine.node import Node
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.evaluate import Program, Scope, set_attribute, set_item
from gradcli.ops import frontend
from gradcli.ops.create import default_generator
from gradcli.spec import tree
from gradcli.spec.expression import parse_expression, parse_statement

from .pipeline import OPENING, Answer, Pipeline, Step, fingerprint

DEPTH = 3


def answer(pipeline: Pipeline) -> Answer:
    """Run `pipeline` in gradcli and say the same things as `torch_oracle.answer`."""
    with np.errstate(all="ignore"):
        session = Session(pipeline)
        error = session.run_all(pipeline["pipeline"])
        bindings = {name: described(value, session.changes) for name, value in session.scope.bindings.items()}
        probes = [session.probe(statement) for statement in pipeline["probes"]]
    return {"bindings": bindings, "error": error, "probes": probes}


class Session:
    def __init__(self, pipeline: Pipeline) -> None:
        self.scope = Scope()
        self.first_seen: dict[int, tuple[Tensor, int]] = {}
        default_generator.manual_seed(pipeline["seed"])
        with set_grad_enabled(False):
            for name, expression in pipeline["tensors"].items():
                self.scope.bindings[name] = self.evaluate(expression)
        self.see()

    def see(self) -> None:
        for value in self.scope.bindings.values():
            if isinstance(value, Tensor) and id(value) not in self.first_seen:
                self.first_seen[id(value)] = (value, value.version[0])

    def changes(self, tensor: Tensor) -> int:
        return tensor.version[0] - self.first_seen.get(id(tensor), (tensor, tensor.version[0]))[1]

    def evaluate(self, text: str, **extra: Any) -> Any:
        scope = Scope(self.scope.params, {**self.scope.bindings, **extra}) if extra else self.scope
        return Program(parse_expression(text, bound=scope.bindings)).run(scope)

    def run(self, step: Step) -> None:
        if isinstance(step, str):
            self.statement(step)
            return
        ((word, body),) = step.items()
        {**MAPPINGS}.get(word, lambda session, body: session.bind(word, body))(self, body)

    def bind(self, name: str, text: str) -> None:
        self.scope.bindings[name] = self.evaluate(text)

    def statement(self, text: str) -> None:
        statement = parse_statement(text, bound=self.scope.bindings)
        run = lambda expr: Program(expr).run(self.scope)  # noqa: E731
        if isinstance(statement, tree.Effect):
            run(statement.value)
        elif isinstance(statement, tree.Assign):
            value = run(statement.value)
            values = list(value) if statement.unpack else [value]
            for target, item in zip(statement.targets, values, strict=True):
                self.assign(target, item)
        elif isinstance(statement, tree.AugmentedAssign):
            target = statement.target
            value = frontend.inplace(statement.operator, run(target), run(statement.value))
            self.assign(target, value)
        elif isinstance(statement, tree.Delete):
            for name in statement.names:
                del self.scope.bindings[name.id]

    def assign(self, target: tree.Target, value: Any) -> None:
        run = lambda expr: Program(expr).run(self.scope)  # noqa: E731
        if isinstance(target, tree.Name):
            self.scope.bindings[target.id] = value
        elif isinstance(target, tree.Attribute):
            set_attribute(run(target.target), target.name, value)
        else:
            set_item(run(target.target), run(target.index), value)

    def run_all(self, steps: list[Step], path: tuple[int, ...] = ()) -> dict[str, Any] | None:
        for index, step in enumerate(steps):
            here = (*path, index)
            try:
                if isinstance(step, dict) and "no_grad" in step:
                    with set_grad_enabled(False):
                        error = self.run_all(step["no_grad"], here)
                    if error is not None:
                        return error
                else:
                    self.run(step)
                    self.see()
            except UserError as error:
                return {"step": list(here), "opening": error.message[:OPENING]}
        return None

    def probe(self, statement: str) -> str | dict[str, float]:
        try:
            self.statement(statement)
        except UserError as error:
            return error.message[:OPENING]
        return {
            name: rounded(fingerprint(value.grad.array.tolist()), np.dtype("float32"))
            for name, value in self.scope.bindings.items()
            if isinstance(value, Tensor)
            and holds_grad(value)
            and value.is_leaf
            and value.grad is not None
        }

    def _backward(self, body: Any) -> None:
        options = body if isinstance(body, dict) else {"of": body}
        of = options["of"] if isinstance(options["of"], list) else [options["of"]]
        gradient = options.get("gradient")
        gradients = gradient if isinstance(gradient, list) else [gradient] * len(of)
        backward(
            [self.evaluate(root) for root in of],
            [item if item is None else self.evaluate(item) for item in gradients],
            options.get("retain_graph"),
            options.get("create_graph", False),
            [self.evaluate(name) for name in options["inputs"]] if "inputs" in options else None,
        )

    def _retain_grad(self, names: list[str]) -> None:
        for name in names:
            self.evaluate(name).retain_grad()

    def _requires_grad(self, flags: dict[str, bool]) -> None:
        for name, flag in flags.items():
            self.evaluate(name).requires_grad_(flag)

    def _zero_grad(self, body: Any) -> None:
        options = body if isinstance(body, dict) else {"of": body}
        for tensor in [self.evaluate(name) for name in options["of"]]:
            if options.get("set_to_none"):
                tensor.grad = None
            elif tensor.grad is not None:
                frontend.call(frontend.find_method("zero_"), (tensor.grad,), {}, True)

    def _hook(self, body: dict[str, str]) -> None:
        def hook(gradient: Any) -> Any:
            return self.evaluate(body["value"], **{body["as"]: gradient}) if "value" in body else None

        self.evaluate(body["on"]).register_hook(hook)


MAPPINGS: dict[str, Callable[[Session, Any], None]] = {
    "backward": Session._backward,
    "retain_grad": Session._retain_grad,
    "requires_grad": Session._requires_grad,
    "zero_grad": Session._zero_grad,
    "hook": Session._hook,
}


def described(value: Any, changes: Callable[[Tensor], int]) -> Any:
    if isinstance(value, Tensor):
        told = {
            **numbers(value),
            "requires_grad": value.requires_grad,
            "is_leaf": or_error(lambda: value.is_leaf),
            "grad_fn": or_error(lambda: name_of(value.grad_fn)),
            "graph": or_error(lambda: graph_text(value.grad_fn, DEPTH)),
            "version": changes(value),
        }
        if holds_grad(value):
            grad = value.grad
            told["grad"] = None if grad is None else {**numbers(grad), "grad_fn": name_of(grad.grad_fn)}
        return told
    if isinstance(value, tuple | list):
        return {"tuple": [described(item, changes) for item in value]}
    return value


def holds_grad(tensor: Tensor) -> bool:
    return bool(or_error(lambda: tensor.is_leaf or tensor.retains_grad) is True)


def numbers(tensor: Tensor) -> dict[str, Any]:
    value = tensor.array.tolist()
    return {
        "value": rounded(value, tensor.dtype) if tensor.dtype.kind == "f" else value,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype.name,
    }


def rounded(value: Any, dtype: Any) -> Any:
    if isinstance(value, list):
        return [rounded(item, dtype) for item in value]
    if not math.isfinite(value):
        return value
    return float(f"{value:.8g}" if dtype == np.float32 else f"{value:.13g}")


def name_of(node: Node | None) -> str | None:
    return None if node is None else node.name


def graph_text(node: Node | None, depth: int) -> str | None:
    if node is None or depth < 0:
        return name_of(node)
    edges = [
        f"{graph_text(following, depth - 1)}{f':{output}' if output else ''}"
        for following, output in node.next_functions
    ]
    return str(name_of(node)) if depth == 0 else f"{name_of(node)}({', '.join(edges)})"


def or_error(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except UserError as error:
        return f"error: {error.message[:OPENING]}"
