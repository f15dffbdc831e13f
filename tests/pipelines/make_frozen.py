"""Write frozen.json: pipelines with torch's answers.

Run from the repository root: `python -m tests.pipelines.make_frozen`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from .generate import pipelines
from .pipeline import Answer, Pipeline
from .torch_oracle import answer

SEED = 213
DRAWN = 1500
KEPT = 300
FILE = Path(__file__).parent / "frozen.json"


def features(pipeline: Pipeline, answered: Answer) -> set[str]:
    """What a pipeline shows: the graph nodes, the functions and methods, the words of its errors."""
    errors = [answered["error"]["opening"]] if answered["error"] else []
    errors += [probe for probe in answered["probes"] if isinstance(probe, str)]
    nodes = re.findall(r"\w+Backward\w*|CopySlices", json.dumps(answered["bindings"]))
    calls = re.findall(r"(\w+)\(|(\W=)|\"(\w+)\":", json.dumps(pipeline["pipeline"]))
    return {*errors, *nodes, *("".join(call) for call in calls)}


def compact(case: dict[str, Any]) -> str:
    return json.dumps(case, separators=(",", ":"))


def main() -> None:
    drawn = [(pipeline, answer(pipeline)) for pipeline in pipelines(SEED, DRAWN, elements=12)]
    seen: set[str] = set()
    telling: list[int] = []
    for index, (pipeline, answered) in enumerate(drawn):
        shown = features(pipeline, answered)
        if not shown <= seen:
            telling.append(index)
            seen |= shown
    others = [index for index in range(DRAWN) if index not in telling]
    kept = sorted((telling + others)[:KEPT])
    lines = [compact({"pipeline": drawn[index][0], "answer": drawn[index][1]}) for index in kept]
    FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
