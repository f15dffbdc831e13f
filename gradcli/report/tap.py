"""A test run in the Test Anything Protocol, version 14."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gradcli.report.json_lines import dumps
from gradcli.report.model import Outcome, Suite
from gradcli.report.suite import failure_text, reason
from gradcli.spec.excerpt import visible


def render(suite: Suite) -> str:
    """The text: a test point for each spec, with a YAML block that tells why it failed."""
    lines = ["TAP version 14", f"1..{len(suite.outcomes)}"]
    for number, outcome in enumerate(suite.outcomes, 1):
        name = re.sub(r"[\\#]", r"\\\g<0>", visible(outcome.source.name))
        ok = "ok" if outcome.ok else "not ok"
        lines.append(f"{ok} {number} - {name} # time={1000 * outcome.seconds:.3f}ms")
        if not outcome.ok:
            lines += _diagnosis(outcome)
    if suite.stopped:
        lines.append(f"Bail out! {suite.stopped}")
    return "".join(f"{line}\n" for line in lines)


def _diagnosis(outcome: Outcome) -> Iterator[str]:
    yield "  ---"
    yield f"  message: {dumps(reason(outcome))}"
    yield f"  severity: {'error' if outcome.errors else 'fail'}"
    yield "  at:"
    yield f"    file: {dumps(outcome.source.file)}"
    if outcome.place:
        line, column = outcome.place
        yield f"    line: {line}"
        yield f"    column: {column}"
    yield "  report: |"
    yield from (f"    {line}".rstrip() for line in failure_text(outcome).split("\n"))
    yield "  ..."
