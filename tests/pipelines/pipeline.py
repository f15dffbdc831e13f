"""What a pipeline is, and its text as a spec."""

from __future__ import annotations

import json
from typing import Any, TypedDict

Step = str | dict[str, Any]


class Pipeline(TypedDict):
    """A spec as data, with `probes`: statements tried one after the other once the pipeline has ended.

    A probe that fails stops nothing, and the next one begins with the state as it was left.
    """

    seed: int
    tensors: dict[str, str]
    pipeline: list[Step]
    probes: list[str]


Answer = dict[str, Any]
"""What an engine says of a pipeline.

* `bindings`: for each name, in the order of first binding: a number, bool, text or None as it is; a tuple as
  `{"tuple": [...]}`; a tensor as `{"value", "shape", "dtype", "requires_grad", "is_leaf", "grad_fn", "graph",
  "version"}` and, for leaves and tensors that retain their gradient, `"grad"`: None or `{"value", "shape",
  "dtype", "grad_fn"}`. `graph` is `grad_fn` with three levels of `next_functions` as a text such as
  `AddBackward0(SplitBackward0(AccumulateGrad):1, None)`, which names outputs other than the first.
  `version` counts the in-place changes since the tensor was bound. Where reading `grad_fn` fails, it, `is_leaf`
  and `graph` are `error: ` and the opening words of the message.
* `error`: None, or `{"step": path, "opening": opening words of the message}`; the path is the index of the
  step, followed, in a block, by the index in the block.
* `probes`: for each probe the opening words of its error, or, if it went through,
  `{leaf: fingerprint of its grad}` for all bound leaves that have a gradient.
"""

OPENING = 40  # how much of an error's message must be the same


def spec_text(pipeline: Pipeline) -> str:
    """The pipeline as a YAML spec that can be run as it stands; the probes follow as comments."""
    lines = [f"seed: {pipeline['seed']}", "tensors:"]
    lines += [f"  {name}: {json.dumps(expression)}" for name, expression in pipeline["tensors"].items()]
    lines += ["pipeline:", *(f"  - {json.dumps(step)}" for step in pipeline["pipeline"])]
    return "\n".join(lines)


def fingerprint(values: Any) -> float:
    """One number for a nested list of numbers, to which each contributes with a weight of its own."""
    total, weight = 0.0, 0
    pending = [values]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending.extend(reversed(item))
        else:
            weight += 1
            total += weight * item
    return total
