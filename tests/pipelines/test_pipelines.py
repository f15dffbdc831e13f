"""gradcli gives for random pipelines what torch gives: values, gradients, graphs, versions, errors."""

from __future__ import annotations

import collections
import json
import os
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from . import ours
from .compare import differences
from .pipeline import Answer, Pipeline, spec_text
from .shrink import shrunk

FROZEN: list[dict[str, Any]] = json.loads((Path(__file__).parent / "frozen.json").read_text())
SHOWN = 5  # mismatching pipelines in a report
LIVE = 2000


def mismatches(pipeline: Pipeline, expected: Answer) -> list[str]:
    """Where gradcli's answer is not `expected`; a crash of gradcli is a mismatch, too."""
    try:
        return differences(expected, ours.answer(pipeline))
    except Exception as error:
        return [f"crash: {type(error).__name__}: {error}"]


def report(pipeline: Pipeline, found: list[str]) -> str:
    """A pipeline to replay, and what is wrong with it."""
    probes = [f"# probe {index}: {statement}" for index, statement in enumerate(pipeline["probes"])]
    return "\n".join([spec_text(pipeline), *probes, *(f"#   {line}" for line in found[:12])])


@pytest.mark.parametrize("case", FROZEN, ids=[str(index) for index in range(len(FROZEN))])
def test_frozen_pipeline(case: dict[str, Any]) -> None:
    found = mismatches(case["pipeline"], case["answer"])
    assert not found, report(case["pipeline"], found)


@pytest.mark.torch
def test_live_pipelines() -> None:
    pytest.importorskip("torch")
    from .generate import is_well_conditioned, pipelines
    from .torch_oracle import answer

    seed = int(os.environ.get("GRADCLI_TEST_SEED") or random.SystemRandom().randrange(10**6))
    print(f"GRADCLI_TEST_SEED={seed}")
    wrong: list[tuple[Pipeline, list[str]]] = []
    for pipeline in pipelines(seed, LIVE):
        found = mismatches(pipeline, answer(pipeline))
        if found:
            wrong.append((pipeline, found))
    assert not wrong, summary(seed, wrong, answer, is_well_conditioned)


def summary(
    seed: int,
    wrong: list[tuple[Pipeline, list[str]]],
    expect: Callable[[Pipeline], Answer],
    fair: Callable[[Pipeline], bool],
) -> str:
    """How many pipelines differ and in what, and the first few of them as small as they can be made."""

    def shows(pipeline: Pipeline) -> bool:
        expected = expect(pipeline)
        return fair(pipeline) and not names_missing(pipeline, expected) and bool(mismatches(pipeline, expected))

    kinds = collections.Counter(kind(found[0]) for _, found in wrong)
    lines = [f"{len(wrong)} of {LIVE} pipelines differ (GRADCLI_TEST_SEED={seed}); the first difference of each:"]
    lines += [f"{count:5} {text}" for text, count in kinds.most_common(25)]
    for pipeline, _ in wrong[:SHOWN]:
        small = shrunk(pipeline, shows)
        lines += ["", report(small, mismatches(small, expect(small)))]
    return "\n".join(lines)


def names_missing(pipeline: Pipeline, answered: Answer) -> bool:
    """Whether a step names what is no longer bound, also in a hook that never fires."""
    hooks = [step["hook"] for step in pipeline["pipeline"] if isinstance(step, dict) and "hook" in step]
    named = {name for hook in hooks for name in re.findall(r"\b[a-z]\d*\b", hook.get("value", ""))}
    return not named <= {*answered["bindings"], "g"} or "is not defined" in json.dumps(answered)


def kind(difference: str) -> str:
    """A difference without the names and numbers of its pipeline, for counting."""
    place, told, values = difference.partition(": torch ")
    if not told:
        return difference[:100]
    where = re.sub(r"^[a-z]\d*(?=[.:\[]|$)|\d+", "_", place)
    return where if re.match(r"[-\d\[]", values) else f"{where}: torch {re.sub(r'[0-9]+', '_', values)[:100]}"
