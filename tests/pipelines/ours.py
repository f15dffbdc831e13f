"""What gradcli says of a pipeline: the only module here that knows gradcli's API."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.engine.mode import set_grad_enabled
from gradcli.engine.node import Node
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.report.model import Report
from gradcli.runner import Session
from gradcli.spec.document import load_specs
from gradcli.spec.source import Source
from gradcli.spec.steps import Spec, Step

from .pipeline import OPENING, Answer, Pipeline, fingerprint, spec_text

DEPTH = 3


def answer(pipeline: Pipeline) -> Answer:
    """Run `pipeline` in gradcli, from its text, and say the same things as `torch_oracle.answer`."""
    # the probes are read with the spec, as further steps, and run one by one
    text = spec_text({**pipeline, "pipeline": [*pipeline["pipeline"], *pipeline["probes"]]})
    (spec,) = load_specs(Source("pipeline.yaml", text))
    steps, probes = spec.pipeline[: len(pipeline["pipeline"])], spec.pipeline[len(pipeline["pipeline"]) :]
    del spec.pipeline[:]
    watched = Watched(spec)
    with np.errstate(all="ignore"):
        watched.session.run()
        watched.see()
        error = watched.run_all(steps)
        bindings = {name: described(value, watched.changes) for name, value in watched.bindings.items()}
        said = [watched.probe(step) for step in probes]
    return {"bindings": bindings, "error": error, "probes": said}


class Watched:
    """A session, and the versions that tensors had when they were bound."""

    def __init__(self, spec: Spec) -> None:
        report = Report(spec.source.name, spec.seed, spec.dtype, spec.device)
        self.session = Session(spec, report, lambda step: self.see())
        self.bindings = self.session.scope.bindings
        self.first_seen: dict[int, tuple[Tensor, int]] = {}

    def see(self) -> None:
        for value in self.bindings.values():
            if isinstance(value, Tensor) and id(value) not in self.first_seen:
                self.first_seen[id(value)] = (value, value.version[0])

    def changes(self, tensor: Tensor) -> int:
        return tensor.version[0] - self.first_seen.get(id(tensor), (tensor, tensor.version[0]))[1]

    def run_all(self, steps: Sequence[Step]) -> dict[str, Any] | None:
        for place, step in enumerate(steps):
            try:
                with set_grad_enabled(True):
                    self.session.run_step(step, (place,))
            except UserError as error:
                return {"step": list(self.session.path), "opening": error.message[:OPENING]}
        return None

    def probe(self, step: Step) -> str | dict[str, float]:
        try:
            self.session.run_step(step, ())
        except UserError as error:
            return error.message[:OPENING]
        return {
            name: rounded(fingerprint(value.grad.array.tolist()), np.dtype("float32"))
            for name, value in self.bindings.items()
            if isinstance(value, Tensor) and holds_grad(value) and value.is_leaf and value.grad is not None
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
