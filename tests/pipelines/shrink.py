"""Smaller pipelines that still show what a larger one showed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import TypeVar

from .pipeline import Pipeline

T = TypeVar("T")


def shrunk(pipeline: Pipeline, shows: Callable[[Pipeline], bool]) -> Pipeline:
    """`pipeline` without the probes, steps and tensors that `shows` does not depend on."""
    found = True
    while found:
        found = False
        for smaller in reductions(pipeline):
            if shows(smaller):
                pipeline, found = smaller, True
                break
    return pipeline


def reductions(pipeline: Pipeline) -> Iterator[Pipeline]:
    """Pipelines with something left out, beginning with the most."""
    if pipeline["probes"]:
        yield {**pipeline, "probes": []}
    for index in reversed(range(len(pipeline["probes"]))):
        yield {**pipeline, "probes": without(pipeline["probes"], index)}
    for index in reversed(range(len(pipeline["pipeline"]))):
        yield {**pipeline, "pipeline": without(pipeline["pipeline"], index)}
    for index, step in enumerate(pipeline["pipeline"]):
        if isinstance(step, dict) and len(step.get("no_grad", ())) > 1:
            for inner in range(len(step["no_grad"])):
                smaller = copy.deepcopy(pipeline)
                smaller["pipeline"][index] = {"no_grad": without(step["no_grad"], inner)}
                yield smaller
    for name in pipeline["tensors"]:
        yield {**pipeline, "tensors": {key: text for key, text in pipeline["tensors"].items() if key != name}}


def without(items: list[T], index: int) -> list[T]:
    return items[:index] + items[index + 1 :]
