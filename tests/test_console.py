"""What a run looks like on a terminal, and as plain text."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable

import numpy as np
import pytest

from gradcli.record import replace
from gradcli.report import story
from gradcli.report.console import Screen, standard_output
from gradcli.report.model import Expectation, Report, StepReport
from gradcli.report.plain import Detail, Plain, Values
from tests.command_line import Terminal

Golden = Callable[[str, str], None]
REPORTS = ("quickstart", "troubled", "broken")


def show(reporter: Screen | Plain | Values, *reports: Report) -> None:
    for report in reports:
        reporter.begin(report.spec, report.title, report.seed, report.dtype, report.device)
        for step in report.steps:
            reporter.step(step)
        reporter.end(report)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What a terminal shows of reports."""

    def shown(*reports: Report, columns: int = 80, color: bool = False, verbose: bool = False) -> str:
        terminal = Terminal()
        monkeypatch.setattr(sys, "stdout", terminal)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", str(columns))
        show(Screen(standard_output(color=color), verbose=verbose), *reports)
        return re.sub(" +$", "", terminal.getvalue(), flags=re.MULTILINE)

    return shown


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", REPORTS)
def test_the_screen(
    name: str, columns: int, reports: dict[str, Report], screen: Callable[..., str], golden: Golden
) -> None:
    text = screen(reports[name], columns=columns)
    golden(f"screens/{name}_{columns}.txt", text)
    assert max(map(len, text.splitlines())) <= columns


@pytest.mark.parametrize("name", REPORTS)
def test_the_verbose_screen(name: str, reports: dict[str, Report], screen: Callable[..., str], golden: Golden) -> None:
    golden(f"screens/{name}_verbose.txt", screen(reports[name], verbose=True))


@pytest.mark.parametrize("detail", ["failures", "results", "everything"])
@pytest.mark.parametrize("name", REPORTS)
def test_plain_text(
    name: str,
    detail: Detail,
    reports: dict[str, Report],
    golden: Golden,
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(Plain(detail), reports[name])
    out, err = capsys.readouterr()
    golden(f"screens/{name}_{detail}.txt", f"{out}--- standard error\n{err}")


def test_plain_text_holds_what_torch_prints_and_nothing_else(
    quickstart: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    show(Plain("results"), quickstart)
    grad = "tensor([0.2661, 0.1179, 0.0027])"
    rows = ["[0.2661, 0.1179, 0.0027]"] * 5
    assert capsys.readouterr().out == (
        "<AddBackward0>\n<BinaryCrossEntropyWithLogitsBackward0>\n"
        f"tensor([{(',' + chr(10) + ' ' * 8).join(rows)}])\n"
        f"b's: {grad}\n"
    )


def test_values_are_their_texts(quickstart: Report, capsys: pytest.CaptureFixture[str]) -> None:
    printed = quickstart.steps[2].printed
    assert printed is not None
    show(Values(), replace(quickstart, got=printed))
    assert capsys.readouterr() == ("<AddBackward0>\n<BinaryCrossEntropyWithLogitsBackward0>\n", "")


def test_colour_changes_nothing_but_the_colour(troubled: Report, screen: Callable[..., str]) -> None:
    coloured = screen(troubled, color=True)
    assert re.search(r"\x1b\[31m", coloured)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in plain.splitlines()] == screen(troubled).splitlines()


@pytest.mark.parametrize("color", [True, False])
def test_what_a_terminal_would_act_upon_is_escaped(troubled: Report, color: bool, screen: Callable[..., str]) -> None:
    text = screen(troubled, color=color)
    assert r"\x1b[31mred" in text and r"\u202e" in text and "\u202e" not in text
    assert "[nan] :x: w[i] f[/]" in text and "[bold]no markup[/] :x:" in text


@pytest.mark.parametrize(
    "make", [lambda: Screen(standard_output(color=False), verbose=True), lambda: Plain("everything")]
)
def test_a_terminal_without_unicode(
    make: Callable[[], Screen | Plain],
    quickstart: Report,
    troubled: Report,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    show(make(), quickstart, replace(troubled, title=None))
    stream.flush()
    text = written.getvalue()
    assert b"+ b.grad" in text and b"x v" in text and b"seed 0 - float32 - cpu" in text


def test_off_a_terminal_a_coloured_screen_is_not_cut(
    quickstart: Report, troubled: Report, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    show(Screen(standard_output(color=True), verbose=False), quickstart, troubled)
    out = capsys.readouterr().out
    assert "…" not in out.replace("0 … ", "").replace("0.002687 … ", "").replace("-1 … ", "")
    assert "BinaryCrossEntropyWithLogitsBackward0 " in out
    assert "a Tensor that is not a leaf Tensor is being accessed." in out


def test_specs_are_set_apart(quickstart: Report, screen: Callable[..., str]) -> None:
    assert "2 expectations met\n\nspecs/quickstart.yaml  The" in screen(quickstart, quickstart)


def test_a_loop_shows_a_backward_three_times_and_every_failure(troubled: Report, screen: Callable[..., str]) -> None:
    failed = Expectation("v", False, 1.0, 2.0, "1.0", "2.0", 15, 7, (), 1.0, 1.0, 1.0)
    turns = [StepReport(turn, (0, turn, 0), 14, "expect", items=[failed]) for turn in range(9)]
    text = screen(replace(troubled, steps=[*troubled.steps[:8], *turns]))
    assert text.count("backward loss") == 3
    assert text.count("✗ v\n") == 9
    assert "off" not in text


def test_a_long_table_ends_early(quickstart: Report, screen: Callable[..., str]) -> None:
    x = quickstart.bindings[0]
    many = replace(quickstart, bindings=[replace(x, name=f"x{index}") for index in range(1000)])
    assert "and 950 more; --verbose shows them" in screen(many)
    assert "x999  [5]    float32" in screen(many, verbose=True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2"),
        ([], "[]"),
        ([0.1, 1e-30, -3e9], "[0.1, 1e-30, -3e+09]"),
        ([1 + 2j], "[1+2j]"),
        ([3 + 4j] * 5, "|z| all 5"),
        ([7] * 5, "all 7"),
        ([[0, 1], [2, 3]], "0 … 3"),
        ([True, False] * 3, "False … True"),
        ([np.nan] * 5, "5 nan"),
        ([np.inf, -np.inf, np.nan, 1.5, -1], "-1 … 1.5, 1 nan, 2 inf"),
        (np.zeros((2, 0)), "empty"),
    ],
)
def test_a_summary_of_an_array(value: object, text: str) -> None:
    assert story.summary(np.array(value)) == text
