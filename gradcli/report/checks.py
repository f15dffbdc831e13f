"""What a check of gradients tells its reader: a line for each gradient, the verdict, and what speaks for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gradcli.errors import UserError
from gradcli.report import story
from gradcli.report.json_lines import FORMAT, dumps, error_object, plain
from gradcli.report.model import Check, Report, StepReport, Verdict

ORDER: tuple[Verdict, ...] = ("wrong", "not-differentiable", "kink", "ill-conditioned", "needs-float64", "correct")

Write = Callable[[Iterable[story.Line]], None]


class Checks:
    """Writes checks by `write`, each as soon as it is done; under a header for each spec, or with the spec's name.

    `failures_only` leaves out what is correct, and the outcome.
    """

    def __init__(self, write: Write, *, headed: bool, failures_only: bool) -> None:
        self._write = write
        self._headed = headed
        self._failures_only = failures_only
        self._begun = False
        self._name = ""

    def begin(self, name: str, title: str | None, seed: int, dtype: str, device: str) -> None:
        self._name = name
        if self._headed and not self._failures_only:
            self._write([*([[]] if self._begun else []), *story.header(name, title, seed, dtype, device), []])
        self._begun = True

    def step(self, step: StepReport) -> None:
        pass

    def checked(self, check: Check) -> None:
        if not (self._failures_only and check.verdict == "correct"):
            place = "" if self._headed else f"{self._name}:"
            self._write(told(check, place))

    def end(self, report: Report) -> None:
        if not self._failures_only and (report.checks or report.error is None):
            name: story.Line = [] if self._headed else [(f"{self._name}: ", "plain")]
            self._write([*([[]] if self._headed else []), [*name, *outcome(report.checks)]])

    def refuse(self, name: str, error: UserError) -> None:
        pass


class JsonChecks:
    """Writes a line of JSON for each spec; `strict` is whether only what is correct will do."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict

    def begin(self, name: str, title: str | None, seed: int, dtype: str, device: str) -> None:
        pass

    def step(self, step: StepReport) -> None:
        pass

    def checked(self, check: Check) -> None:
        pass

    def end(self, report: Report) -> None:
        self._print(report.spec, report.error, report.checks)

    def refuse(self, name: str, error: UserError) -> None:
        self._print(name, error, [])

    def _print(self, spec: str, error: UserError | None, checks: Sequence[Check]) -> None:
        line = {
            "format": FORMAT,
            "spec": spec,
            "ok": error is None and passes(checks, strict=self._strict),
            "checks": [as_object(check) for check in checks],
            "error": None if error is None else error_object(error),
        }
        print(dumps(line), flush=True)


def passes(checks: Iterable[Check], *, strict: bool) -> bool:
    """Whether no gradient is wrong, or, if `strict`, whether every one is correct."""
    return all(check.verdict == "correct" if strict else check.verdict != "wrong" for check in checks)


def told(check: Check, place: str = "") -> list[story.Line]:
    """A check as lines; `place` is the file it stands in, where no header has said so."""
    role: story.Role = "good" if check.verdict == "correct" else "bad" if check.verdict == "wrong" else "warn"
    sign = {"correct": "✓ ", "wrong": "✗ "}.get(check.verdict, "· ")
    gutter = f"{place}{check.line}: " if place else f"{check.line:>4}  "
    second = ", order 2" if check.order == 2 else ""
    what: story.Line = [(gutter, "faint"), (sign, role), (f"{check.root} by {check.tensor}{second}", "plain")]
    if check.verdict == "correct":
        digits = f"  {check.digits:.1f} digits" if check.digits is not None else ""
        note = f", {check.why}" if check.why else ""
        return [[*what, (digits + note, "faint")]]
    lines: list[story.Line] = [[*what, (f"  {check.verdict}", role)]]
    for label, value in (("formulas", check.analytic), ("numbers", check.numeric)):
        if value is not None and not (check.verdict == "kink" and label == "numbers"):  # `why` tells both slopes
            lines.append([(f"{story.INDENT}{label:<8}  ", "faint"), (f"{value:.8g}{_at(check)}", "plain")])
    return lines + ([[(story.INDENT + check.why, "plain")]] if check.why else [])


def _at(check: Check) -> str:
    if check.index is None:
        return " in a random direction"
    return f" at {list(check.index)}" if check.index else ""


def outcome(checks: Sequence[Check]) -> story.Line:
    """How the checks of a spec came out, in one line."""
    counts = Counter(check.verdict for check in checks)
    if not checks:
        return [("· ", "warn"), ("no gradient was computed: nothing to check", "plain")]
    told = " · ".join(f"{counts[verdict]} {verdict}" for verdict in ORDER if counts[verdict])
    if counts["wrong"]:
        return [("✗ ", "bad"), (told, "plain")]
    return [("✓ ", "good"), (told, "plain")]


def as_object(check: Check) -> dict[str, Any]:
    """A check as JSON has it."""
    worst = None
    if check.analytic is not None or check.numeric is not None:
        index = None if check.index is None else list(check.index)
        worst = {"index": index, "analytic": plain(check.analytic), "numeric": plain(check.numeric)}
    return {
        "tensor": check.tensor,
        "root": check.root,
        "line": check.line,
        "order": check.order,
        "verdict": check.verdict,
        "digits": None if check.digits is None else round(check.digits, 1),
        "worst": worst,
        "taylor": None if check.taylor is None else round(check.taylor, 1),
        "why": check.why,
    }
