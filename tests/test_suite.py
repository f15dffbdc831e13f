"""`gradcli test`: which specs it finds, what it says of them, and how it ends."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from gradcli.cli import exits
from gradcli.errors import Span, UserError
from gradcli.record import replace
from gradcli.report import github, junit, tap
from gradcli.report.console import Screen, standard_output
from gradcli.report.json_lines import dumps, outcome_object
from gradcli.report.model import Outcome, Report, Suite
from gradcli.report.plain import Detail, print_lines
from gradcli.report.suite import SuiteText, duration
from gradcli.spec.source import Limits, Source
from gradcli.suite import testing
from gradcli.suite.discovery import find
from gradcli.suite.selection import choice
from tests.command_line import Ended, Terminal, timeless
from tests.test_json import read

GOOD = "tensors: {x: ones(3)}\npipeline: [{expect: {x.sum(): 3}}]\n"
FAILING = """\
tensors:
  x: [1.0, 2.0, 4.0]
pipeline:
  - expect: {x: [1, 2, 3], x.shape: [3]}
"""
STOPPED = "tensors: {x: ones(3)}\npipeline:\n  - expect: {x: 1}\n  - y: x @ ones(2)\n"
MISTAKEN = "tensors: {x: onse(3)}\npipeline: [{print: v}]\n"
LOOP = "pipeline:\n  - repeat: {times: 5, as: i, steps: [{expect: {i < 3: true}}]}\n"
ENDLESS = "params: {n: 1}\npipeline:\n  - while: {condition: n > 0, at_most: 1000000000, steps: [m: n + 1]}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes files, named by their paths, in a folder that is the current one."""
    monkeypatch.chdir(tmp_path)

    def write(**texts: str) -> None:
        for path, text in texts.items():
            file = Path(path.replace("__", "/") + ".yaml")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    return write


@pytest.fixture
def gradcli(gradcli: Callable[..., Ended]) -> Callable[..., Ended]:
    """Tests specs in this process; what a run takes is shown as 0 ms."""

    def run(*arguments: str, stdin: str = "") -> Ended:
        status, out, err = gradcli("test", *arguments, stdin=stdin)
        return status, timeless(out), err

    return run


def ticks(out: str) -> list[str]:
    """The names of the specs that were tested, with their ticks."""
    return [line.partition("  ")[0] for line in out.split("\n\n")[0].splitlines()]


def objects(out: str) -> list[Any]:
    return [read(line, "test") for line in out.splitlines()]


# which specs


def test_a_folder_is_searched_in_the_order_of_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.yml", "a/z.yaml", "a.yaml", "c/d/e.yaml", "a/.hidden/f.yaml", ".g.yaml", "h.json", "C.yaml"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    Path("dangling.yaml").symlink_to("nowhere")
    Path("c/round").symlink_to("..")
    assert find(["."]) == ["C.yaml", "a/z.yaml", "a.yaml", "b.yml", "c/d/e.yaml", "dangling.yaml"]
    assert find(["a", "b.yml"]) == ["a/z.yaml", "b.yml"]
    assert find(["*.y*ml"]) == ["C.yaml", "a.yaml", "b.yml", "dangling.yaml"]
    assert find([f"{tmp_path}/**/*.yaml"])[0] == f"{tmp_path}/C.yaml"
    assert find(["c", "c/d/../d/e.yaml", str(tmp_path / "c")]) == ["c/d/e.yaml", "c/d/../d/e.yaml"]
    assert find(["h.json", "-", "-"]) == ["h.json", "-"]
    Path("x[1].yaml").touch()
    assert find(["x[1].yaml"]) == ["x[1].yaml"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing", "there is no file or folder `missing`"),
        ("missing*.yaml", "nothing matches `missing*.yaml`"),
        ("empty", "there is no spec in the folder `empty`; specs are named *.yaml or *.yml"),
    ],
)
def test_no_spec_found(path: str, message: str, folder: Callable[..., None], gradcli: Callable[..., Ended]) -> None:
    folder(a=GOOD)
    Path("empty").mkdir()
    ended = gradcli("a.yaml", path)
    assert ended == (2, "", f"error: invalid value for PATH: {message}\n  see `gradcli test --help`\n")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("conv", ["conv.yaml", "slow/CONV.yaml"]),
        ("Conv and not slow", ["conv.yaml"]),
        ("n=2 or slow", ["m.yaml[n=2]", "slow/CONV.yaml"]),
        ("not (conv or n=1)", ["m.yaml[n=2]", "m.yaml#2"]),
        ("not not #2", ["m.yaml#2"]),
    ],
)
def test_specs_are_chosen_by_their_names(
    pattern: str, names: list[str], folder: Callable[..., None], gradcli: Callable[..., Ended]
) -> None:
    folder(conv=GOOD, slow__CONV=GOOD, m=f"matrix: {{n: [1, 2]}}\n{GOOD}---\n{GOOD}")
    assert gradcli(".", "-k", pattern, "--list") == (0, "".join(f"{name}\n" for name in names), "")
    assert ticks(gradcli(".", "-k", pattern)[1]) == [f"✓ {name}" for name in names]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("zzz", "no spec is named so: `zzz`"),
        ("", "``: a part of a name is missing at the end"),
        ("a and", "`a and`: a part of a name is missing at the end"),
        ("a b", "`a b`: `and` or `or` is missing before `b`"),
        ("(a or b", "`(a or b`: `)` is missing at the end"),
        ("a or ) b", "`a or ) b`: a part of a name is missing before `)`"),
    ],
)
def test_patterns_that_choose_nothing(
    pattern: str, message: str, folder: Callable[..., None], gradcli: Callable[..., Ended]
) -> None:
    folder(a=GOOD)
    expected = (2, "", f"error: invalid value for -k: {message}\n  see `gradcli test --help`\n")
    assert gradcli(".", "-k", pattern) == expected
    assert gradcli(".", "-k", pattern, "--list") == expected


def test_a_pattern_may_be_long_but_not_deep() -> None:
    assert choice(" or ".join(["x"] * 5000 + ["y"]))("Y.yaml")
    with pytest.raises(UserError, match="nested too deep"):
        choice("not " * 100_000 + "a")


# what becomes of them


def test_all_specs_pass(folder: Callable[..., None], gradcli: Callable[..., Ended]) -> None:
    folder(a=GOOD, b=GOOD)
    assert gradcli(".") == (0, "✓ a.yaml  0 ms\n✓ b.yaml  0 ms\n\n✓ 2 specs passed · 2 expectations · 0 ms\n", "")
    assert gradcli(".", "--quiet") == (0, "", "")


def test_every_way_to_fail(
    folder: Callable[..., None], gradcli: Callable[..., Ended], golden: Callable[[str, str], None]
) -> None:
    folder(failing=FAILING, good=GOOD, loop=LOOP, mistaken=MISTAKEN, stopped=STOPPED, wrong="tensors: {x: [1, 2}\n")
    status, out, err = gradcli("failing.yaml", "good.yaml", "loop.yaml", "mistaken.yaml", "stopped.yaml", "wrong.yaml")
    assert (status, err) == (1, "")
    golden("suite/failures.txt", out)
    status, quiet, err = gradcli(".", "--quiet")
    assert (status, err) == (1, "")
    assert f"\n\n{quiet}\n✗ 5 of 6" in out


def test_every_expectation_is_shown_if_asked_for(folder: Callable[..., None], gradcli: Callable[..., Ended]) -> None:
    folder(failing=FAILING)
    out = gradcli("failing.yaml", "--verbose", "--durations", "3")[1]
    assert out.startswith("✗ failing.yaml  0 ms  1 of 2 expectations failed\n   4  ✗ x\n   4  ✓ x.shape\n\n")
    assert re.search("\n\nslowest:\n +0 ms  failing.yaml\n\n✗ 1 of 1 spec failed", out)


def test_documents_and_combinations_are_specs_of_their_own(
    folder: Callable[..., None], gradcli: Callable[..., Ended]
) -> None:
    text = "matrix: {n: [3, 4]}\ntensors: {x: ones(n)}\npipeline: [{expect: {x.sum(): 3}}]\n"
    folder(a=f"{text}---\n{GOOD}")
    status, out, err = gradcli("a.yaml")
    assert (status, err) == (1, "")
    assert ticks(out) == ["✓ a.yaml[n=3]", "✗ a.yaml[n=4]", "✓ a.yaml#2"]
    assert "\na.yaml[n=4]:3:22: ✗ x.sum()\n    3 | pipeline: [{expect: {x.sum(): 3}}]\n" in out
    # a setting that one of the specs does not have is that spec's failure
    assert ticks(gradcli("a.yaml", "--set", "n=3")[1]) == ["✓ a.yaml", "✗ a.yaml#2"]


def test_the_options_of_run(folder: Callable[..., None], gradcli: Callable[..., Ended]) -> None:
    text = "matrix: {n: [3, 4]}\ntensors: {x: 'randn(3)'}\npipeline: [{expect: {x.dtype: float64, n: 5}}]\n"
    folder(a=text, endless=ENDLESS, load="tensors: {x: {load: ../data.csv}}\n", big="tensors: {x: 'ones(3, 10**9)'}\n")
    assert gradcli("a.yaml", "--set", "n=5", "--dtype", "float64", "--seed", "3")[0] == 0
    (line,) = objects(gradcli("a.yaml", "--set", "n=5", "--dtype", "float64", "--seed", "3", "--json")[1])
    assert (line["seed"], line["dtype"]) == (3, "float64")
    assert "endless.yaml:3:" in gradcli("endless.yaml", "--timeout", "0.05")[1]
    assert "lies outside the folder of the spec" in gradcli("load.yaml")[1]
    assert "there is no file `../data.csv`" in gradcli("load.yaml", "--allow-path", "..")[1]
    assert "all together may take 1.0 MiB" in gradcli("big.yaml", "--max-memory", "1MiB")[1]
    assert "`--limit yaml-nodes=" in gradcli("a.yaml", "--limit", "yaml-nodes=2")[1]
    for option in ("--set=n", "--dtype=int8", "--device=tpu", "--allow-path=none", "--max-memory=x", "--timeout=-1"):
        assert gradcli("a.yaml", option)[0] == 2


def test_the_first_failure_ends_it_if_asked_to(folder: Callable[..., None], gradcli: Callable[..., Ended]) -> None:
    folder(a=GOOD, b=STOPPED, c=GOOD, d=STOPPED)
    status, out, err = gradcli(".", "--fail-fast")
    assert (status, ticks(out), err) == (1, ["✓ a.yaml", "✗ b.yaml"], "")
    assert out.endswith(
        "✗ 1 of 2 specs failed (1 by an error) · 2 expectations · 0 ms · stopped at the first failure\n"
    )


def test_standard_input(gradcli: Callable[..., Ended]) -> None:
    assert gradcli("-", stdin=GOOD)[:2] == (0, "✓ -  0 ms\n\n✓ 1 spec passed · 1 expectation · 0 ms\n")


@pytest.mark.parametrize("place", ["gradcli.runner.run", "gradcli.suite.testing.read_documents"])
def test_a_bug_fails_the_spec_and_the_others_go_on(
    place: str, folder: Callable[..., None], gradcli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(a=GOOD, b=GOOD)
    testing._specs.cache_clear()
    module, _, name = place.rpartition(".")
    original = getattr(sys.modules[module], name)

    def failing(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(place, original)
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(place, failing)
    status, out, err = gradcli(".")
    assert (status, ticks(out), err) == (1, ["✗ a.yaml", "✓ b.yaml"], "")
    assert "\nerror: a.yaml: ZeroDivisionError: a bug\n  this is a bug in gradcli; please report it, with what" in out
    monkeypatch.setattr(place, failing)
    testing._specs.cache_clear()
    assert "please report it\n  Traceback (most recent call last):\n" in gradcli("a.yaml", "--verbose")[1]


def test_an_interruption_shows_what_is_known(
    folder: Callable[..., None], gradcli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(a=FAILING, b=GOOD)
    original = testing.perform

    def interrupted(task: testing.Task) -> testing.Ran:
        if task.text.name == "b.yaml":
            raise KeyboardInterrupt
        return original(task)

    monkeypatch.setattr(testing, "perform", interrupted)
    status, out, err = gradcli(".")
    assert (status, err) == (130, "interrupted\n")
    assert "actual    tensor([1., 2., 4.])" in out and out.endswith(" · interrupted\n")


# other forms


def test_json(folder: Callable[..., None], gradcli: Callable[..., Ended]) -> None:
    folder(failing=FAILING, good=GOOD, mistaken=MISTAKEN, stopped=STOPPED)
    status, out, err = gradcli(".", "--json")
    assert (status, err) == (1, "")
    failing, good, mistaken, stopped = objects(out)
    assert [line["ok"] for line in (failing, good, mistaken, stopped)] == [False, True, False, False]
    (failure,) = failing["failures"]
    assert failure == {
        "expr": "x", "ok": False, "expected": [1, 2, 3], "actual": [1, 2, 4], "index": [2], "abs": 1, "rel": 1 / 3,
        "ulp": 4194304, "line": 4, "column": 14, "off": 1 / 3, "why": None,
    }  # fmt: skip
    assert (failing["expectations"], failing["error"], failing["errors"]) == (2, None, [])
    assert [error["line"] for error in mistaken["errors"]] == [1, 2] and mistaken["error"] == mistaken["errors"][0]
    assert mistaken["seed"] is None and good["seed"] == 0
    assert stopped["error"]["line"] == 4 and stopped["expectations"] == 1


@pytest.fixture
def tried(troubled: Report, quickstart: Report, broken: Report) -> Suite:
    """A test run in which much is hard to show, in times that do not change."""
    text = "\n" * 14 + "".join(f"      {name}: 1\n" for name in ("w.grad", "v", "w.shape", '"w"'))
    trouble = Outcome(Source(troubled.spec, text), troubled, [], 62.7)
    stop = Outcome(
        Source(broken.spec, "\n" * 11 + "  - backward: loss\n"), broken, [broken.error or UserError("io", "")], 1.5
    )
    refused = UserError("name", "unknown name `v`", "did you mean `w`?", Span(1, 3, 1, 4))
    return Suite(
        [
            Outcome(Source(quickstart.spec, ""), quickstart, [], 0.0123),
            trouble,
            stop,
            Outcome(Source("specs/refused.yaml", "- v"), None, [refused, refused], 0.0),
        ],
        64.2,
    )


def show(reporter: SuiteText, run: Suite) -> None:
    for outcome in run.outcomes:
        reporter.begin(outcome.source)
        reporter.tested(outcome)
    reporter.end(run)


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("color", [False, True])
def test_the_screen(
    columns: int,
    color: bool,
    tried: Suite,
    golden: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    show(SuiteText(Screen(standard_output(color=color), verbose=False).write, "results", width=30, slowest=2), tried)
    text = terminal.getvalue()
    if color:
        assert re.search("\x1b\\[1?;?31m", text)
    golden("suite/screen.txt", re.sub(r"\x1b\[[0-9;]*m", "", text))


@pytest.mark.parametrize("detail", ["failures", "results", "everything"])
def test_plain_text(
    detail: Detail, tried: Suite, golden: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    show(SuiteText(print_lines, detail), tried)
    out, err = capsys.readouterr()
    golden(f"suite/plain_{detail}.txt", out)
    assert err == ""


def test_the_json_of_an_outcome(tried: Suite, golden: Callable[[str, str], None]) -> None:
    lines = [read(dumps(outcome_object(outcome)), "test") for outcome in tried.outcomes]
    golden("suite/lines.json", json.dumps(lines, indent=1) + "\n")


@pytest.mark.parametrize("kind", ["junit", "tap"])
def test_a_report(kind: str, tried: Suite, golden: Callable[[str, str], None]) -> None:
    tried.outcomes[0].source.name = "specs/a#b\\c&<d>.yaml"
    text = {"junit": junit, "tap": tap}[kind].render(tried)
    golden(f"suite/report.{kind}", text)
    assert "\x1b" not in text and text.endswith("\n")


def test_junit_counts_what_its_elements_say(tried: Suite) -> None:
    root = ElementTree.fromstring(junit.render(tried))
    (group,) = root
    assert root.attrib == {name: text for name, text in group.attrib.items() if name != "skipped"}
    assert (group.get("tests"), group.get("failures"), group.get("errors")) == ("4", "1", "2")
    assert [[why.tag for why in case] for case in group] == [[], ["failure"], ["error"], ["error"]]
    assert [case.get("line") for case in group] == [None, "16", "12", "1"]
    text = group[1][0].text or ""
    assert text.startswith("✗ specs/trouble\\x1b[31m.yaml") and "\n   16 |       v: 1\n" in text


def test_tap_tells_why_in_yaml(tried: Suite) -> None:
    lines = tap.render(replace(tried, stopped="interrupted")).splitlines()
    assert lines[:2] == ["TAP version 14", "1..4"] and lines[-1] == "Bail out! interrupted"
    blocks = "\n".join(lines).split("\n  ---\n")[1:]
    told = [yaml.safe_load(block.partition("\n  ...")[0]) for block in blocks]
    assert [why["severity"] for why in told] == ["fail", "error", "error"]
    assert told[0]["at"] == {"file": "specs/trouble\x1b[31m.yaml", "line": 16, "column": 7}
    assert told[2]["message"] == "unknown name `v`"
    assert "✗ w.shape\n   17 |" in told[0]["report"]


def test_github_is_told_the_places(
    tried: Suite, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    lines = [command for outcome in tried.failed for command in github.commands(outcome)]
    golden("suite/github.txt", "".join(f"{line}\n" for line in lines))
    assert all(line.isprintable() for line in lines)


def test_annotations_name_files_from_the_root_of_the_repository(
    folder: Callable[..., None], gradcli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder(
        sub__a="matrix: {n: [1], m: [2]}\ntensors: {x: 'ones(2, 2)'}\npipeline: [{expect: {'x[:, ::2]': 0}}]\n",
        b=FAILING,
    )
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.chdir("sub")
    status, out, err = gradcli("a.yaml", "../b.yaml", "--format", "github")
    assert (status, err) == (1, "")
    stop, *text, start, first, second = out.splitlines()
    token = stop.removeprefix("::stop-commands::")
    assert len(token) == 32 and start == f"::{token}::" and text[0].startswith("✗ a.yaml")
    assert first.startswith("::error file=sub/a.yaml,line=3,endLine=3,col=22,endColumn=33,title=a.yaml[n=1%2Cm=2]::x[")
    assert second.startswith("::error file=b.yaml,line=4,endLine=4,col=14,endColumn=15,title=../b.yaml::x is not")
    monkeypatch.setenv("GITHUB_WORKSPACE", "/elsewhere")
    assert "::error file=a.yaml,line=3," in gradcli("a.yaml", "--format", "github")[1]


def test_reports_are_written(folder: Callable[..., None], gradcli: Callable[..., Ended]) -> None:
    folder(a=GOOD, b=FAILING)
    Path("old.xml").write_text("old", encoding="utf-8")
    kinds = ("--report", "junit=old.xml", "--report", "tap=new.tap", "--report", "json=new.json")
    status, out, err = gradcli(".", *kinds)
    assert (status, ticks(out), err) == (1, ["✓ a.yaml", "✗ b.yaml"], "")
    assert len(ElementTree.parse("old.xml").getroot()[0]) == 2
    assert Path("new.tap").read_text(encoding="utf-8").startswith("TAP version 14\n1..2\nok 1 - a.yaml # time=")
    written = Path("new.json").read_text(encoding="utf-8")
    assert [line["ok"] for line in objects("\n".join(map(dumps, json.loads(written))))] == [True, False]
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["a.yaml", "b.yaml", "new.json", "new.tap", "old.xml"]


def test_reports_are_written_though_nobody_reads_the_output(
    folder: Callable[..., None], gradcli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(a=GOOD, b=GOOD)

    def closed(lines: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("gradcli.report.plain.print_lines", closed)
    assert gradcli(".", "--report", "tap=a.tap")[0] == exits.Status.CLOSED_PIPE
    assert "\n1..1\nok 1 - a.yaml # time=" in Path("a.tap").read_text(encoding="utf-8")
    assert "\nBail out! interrupted\n" in Path("a.tap").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--report", "html=a.html"], "--report: `html=a.html` is none of junit=FILE, tap=FILE, json=FILE"),
        (["--report", "junit"], "--report: `junit` is none of junit=FILE, tap=FILE, json=FILE"),
        (["--report", "tap=a", "--report", "json=a"], "--report: two reports would be written to `a`"),
        (["--report", "tap=no/a.tap"], "--report: there is no folder `{cwd}/no`"),
        (["--report", "tap=."], "--report: `.` is no regular file"),
        (["--quiet", "--verbose"], "--quiet: it cannot be combined with --verbose"),
        (["--json", "--format", "github"], "--json: it cannot be combined with --format"),
        (["--json", "--list"], "--json: it cannot be combined with --list"),
    ],
)
def test_a_command_line_that_cannot_be(
    arguments: list[str], message: str, folder: Callable[..., None], gradcli: Callable[..., Ended]
) -> None:
    folder(a=GOOD)
    expected = message.format(cwd=Path.cwd())
    assert gradcli("a.yaml", *arguments) == (
        2, "", f"error: invalid value for {expected}\n  see `gradcli test --help`\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.0123, "12 ms"),
        (0.9996, "1.00 s"),
        (59.9, "59.90 s"),
        (59.996, "1 min 0 s"),
        (3723, "62 min 3 s"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_only_what_failed_keeps_its_values(folder: Callable[..., None]) -> None:
    folder(a=FAILING)
    request = testing.Request((), Limits(), {})
    (item,) = testing.collect("a.yaml", request)
    assert item.task is not None
    report, seconds = testing.perform(item.task)
    assert seconds > 0 and report.bindings == []
    failed, held = report.steps[0].items or []
    assert failed.actual.tolist() == [1, 2, 4] and held.actual is None and held.actual_text == ""
