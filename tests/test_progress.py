"""The line that a long run keeps on a terminal's standard error."""

from __future__ import annotations

import io
import sys
import time

import pytest

from gradcli.cli import progress
from gradcli.errors import UserError
from gradcli.report.model import Outcome, Printed, Report, StepReport, Suite
from gradcli.report.plain import Plain, print_lines
from gradcli.report.suite import SuiteText
from gradcli.spec.source import Source

CLEARED = "\r\x1b[2K"


def screen_of(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Both streams as one screen, in the order of their writing."""
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "REFRESH", 0.0)
    monkeypatch.setenv("COLUMNS", "40")
    return screen


def test_it_makes_room_for_what_is_printed_and_is_gone_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = screen_of(monkeypatch)
    shown = progress.Progress(Plain("results"))
    shown.begin("a.yaml", None, 0, "float32", "cpu")
    shown.step(StepReport(0, (0,), 7, "assign", name="y"))
    shown.step(StepReport(1, (1,), 8, "print", printed=[Printed("y", "tensor(1.)", 1.0)]))
    shown.end(Report("a.yaml", 0, "float32", "cpu"))
    text = terminal.getvalue()
    assert text.startswith(f"{CLEARED}a.yaml · line 7 · 1 steps · 0 s{CLEARED}tensor(1.)\n{CLEARED}a.yaml · line 8")
    assert text.partition("2 steps · 0 s")[2].startswith(CLEARED)
    assert text.endswith("ok · 0 steps\n")


def test_it_is_no_wider_than_the_terminal_and_shows_no_control_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = screen_of(monkeypatch)
    shown = progress.Progress(Plain("results"))
    shown.begin("\x1b[31m" + "a" * 100, None, 0, "float32", "cpu")
    shown.step(StepReport(0, (0,), 7, "assign", name="y"))
    line = terminal.getvalue().removeprefix(CLEARED)
    assert len(line) == 39 and "\x1b" not in line


def test_short_runs_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = screen_of(monkeypatch)
    monkeypatch.setattr(progress, "PATIENCE", 3600.0)
    shown = progress.Progress(Plain("results"))
    shown.begin("a.yaml", None, 0, "float32", "cpu")
    shown.step(StepReport(0, (0,), 7, "assign", name="y"))
    assert terminal.getvalue() == ""


def test_a_test_run_shows_how_far_it_is_and_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = screen_of(monkeypatch)
    monkeypatch.setenv("COLUMNS", "80")
    shown = progress.SuiteProgress(SuiteText(print_lines, "results"), ["a.yaml", "b\x1b.yaml"])
    shown.begin(Source("a.yaml", ""))
    outcome = Outcome(Source("a.yaml", ""), None, [UserError("io", "no")], 0.0)
    shown.tested(outcome)
    shown.begin(Source("b\x1b.yaml#2", "", "b\x1b.yaml"))
    line = f"{CLEARED}{'━' * 10}{'─' * 10} 1 of 2 · 1 failed · b\\x1b.yaml#2 · 0 s"
    while line not in terminal.getvalue():
        time.sleep(0.01)
    shown.end(Suite([outcome]))
    text = terminal.getvalue()
    assert "✗ a.yaml  0 ms" in text and text.rpartition(line)[2].startswith(f"{CLEARED}\n✗ a.yaml\n")


def test_a_terminal_without_unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(written, encoding="ascii"))
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    shown = progress.SuiteProgress(SuiteText(print_lines, "results"), ["a.yaml"])
    shown.begin(Source("a.yaml", ""))
    while not written.getvalue():
        time.sleep(0.01)
    shown.end(Suite([], stopped="interrupted"))
    assert f"{CLEARED}-------------------- 0 of 1 - a.yaml - 0 s{CLEARED}".encode() in written.getvalue()
