"""What `--update` changes in files, as a diff, and what it leaves as it is."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from gradcli.report import story
from gradcli.report.model import Update

_ROLES: dict[str, story.Role] = {"-": "bad", "+": "good", "@": "faint"}


def lines(update: Update) -> Iterator[story.Line]:
    """The diff of a file, and the expectations in it that keep their values."""
    name, text = update.source.file, update.source.text
    if update.recorded:
        compared = difflib.unified_diff(_lines(text), _lines(update.text), name, name, lineterm="")
        head, *rest = [line for line in compared if not line.startswith("+++ ")]
        yield [(head.removeprefix("--- "), "strong")]
        yield from ([(line, _ROLES.get(line[:1], "plain"))] for line in rest)
    for refusal in update.refusals:
        place = f"{name}:{refusal.line}:{refusal.column}: "
        yield [(place, "plain"), (refusal.expr, "strong"), (f" is not updated: {refusal.why}", "plain")]


def summary(updates: Sequence[Update]) -> story.Line:
    """How many values were recorded, in one line."""
    changed = [update for update in updates if update.recorded]
    values = story.count(sum(update.recorded for update in changed), "value")
    return [(f"recorded {values} in {story.count(len(changed), 'file')}" if changed else "nothing to record", "strong")]


def _lines(text: str) -> list[str]:
    return [line.rstrip("\r") for line in text.removesuffix("\n").split("\n")]
