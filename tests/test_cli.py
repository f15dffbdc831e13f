"""The command line: what goes where, how it ends, and what it says of mistakes in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import gradcli as gradcli_package
from gradcli import __version__
from gradcli.cli import app, terminal
from gradcli.errors import Span, UserError
from gradcli.report.model import Expectation, Printed, Report, StepReport
from gradcli.spec.document import Spec
from tests.command_line import Ended

REPOSITORY = Path(__file__).parents[1]
GOOD = "tensors: {x: ones(3)}\npipeline: [{print: x}]\n"
UNREADABLE = "tensors: {x: [1, 2}\n"
MISTAKEN = "tensors: {x: onse(3)}\npipeline: [{print: v}, {print: w}]\n"
PRINTED = StepReport(0, (0,), 2, "print", printed=[Printed("x", "tensor([1., 1., 1.])", [1.0] * 3)])


def judged(*, ok: bool) -> StepReport:
    item = Expectation("x.sum()", ok, 3.0, 3.0 if ok else 4.0, "3.0", "3.0" if ok else "4.0", 3, 5)
    return StepReport(1, (1,), 3, "expect", items=[item])


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a spec into the current folder, in which processes find the package under test too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(gradcli_package.__file__).parents[1]))

    def write(text: str = GOOD, name: str = "spec.yaml") -> str:
        Path(name).write_text(text, encoding="utf-8")
        return name

    return write


class Runner:
    """Stands in for the runner. `outcome` tells by the spec's name: steps, an error, or what to raise."""

    def __init__(self) -> None:
        self.specs: list[Spec] = []
        self.options: dict[str, Any] = {}
        self.outcome: dict[str, list[StepReport] | BaseException] = {}

    def run(self, spec: Spec, on_step: Callable[[StepReport], None], **options: Any) -> Report:
        self.specs.append(spec)
        self.options = options
        outcome = self.outcome.get(spec.source.name, [PRINTED])
        report = Report(spec.source.name, spec.seed, spec.dtype, spec.device, spec.title)
        if isinstance(outcome, UserError):
            report.error = outcome
            outcome = [PRINTED]
        elif isinstance(outcome, BaseException):
            raise outcome
        for step in outcome:
            report.steps.append(step)
            on_step(step)
        report.got = [Printed(expr, f"<{expr}>", expr) for expr in options["get"]]
        return report


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Runner:
    stand_in = Runner()
    module = ModuleType("gradcli.runner")
    module.__dict__["run"] = stand_in.run
    monkeypatch.setitem(sys.modules, "gradcli.runner", module)
    return stand_in


def process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs a command line in a process of its own."""
    command = [sys.executable, "-m", "gradcli", *arguments]
    return subprocess.run(command, text=True, capture_output=True, timeout=60, **options)


def test_the_version() -> None:
    ended = process("--version")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"gradcli {__version__}\n", "")


@pytest.mark.parametrize("command", [(), *((name,) for name in app.COMMANDS)])
def test_help(command: tuple[str, ...], gradcli: Callable[..., Ended]) -> None:
    status, out, err = gradcli(*command, "--help")
    assert (status, err) == (0, "")
    assert gradcli(*command, "-h") == (0, out, "")
    assert re.search(r"Examples?:\n    gradcli \w", out), "help without an example to run"
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("command", app.COMMANDS)
def test_the_examples_in_help_run(
    command: str, gradcli: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(REPOSITORY / "specs", tmp_path / "specs")
    monkeypatch.chdir(tmp_path)
    for line in re.findall(r"^    gradcli (.+)$", gradcli(command, "--help")[1], re.MULTILINE):
        words = line.replace("specs/*.yaml", "specs/quickstart.yaml").split()
        status, out, err = gradcli(*words)
        assert status == 0 and (out or err), err


def test_the_quickstart(spec: Callable[..., str]) -> None:
    ended = process("run", str(REPOSITORY / "specs" / "quickstart.yaml"))
    assert ended.returncode == 0
    assert "\ntensor([0.2661, 0.1179, 0.0027])\n" in ended.stdout
    assert ended.stderr.endswith("expectations met\n") and ended.stderr.count("\n") == 1


def test_without_a_command_the_help_is_shown(gradcli: Callable[..., Ended]) -> None:
    status, out, err = gradcli()
    assert (status, out) == (2, "") and "Commands:" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rnu"], "no such command: rnu; did you mean `run`?"),
        (["zzz"], "no such command: zzz"),
        (["--jsn"], "no such option: --jsn"),
        (["run"], "missing argument"),
        (["run", "--jsno", "a"], "no such option: --jsno; did you mean `--json`?"),
        (["run", "--seed", "x", "a"], "'x' is not a valid int"),
        (["run", "--seed"], "requires an argument"),
        (["run", "--set", "n", "a"], "`n` is not NAME=VALUE"),
        (["run", "--set", "1=2", "a"], "`1=2` is not NAME=VALUE"),
        (["run", "--set", "n=010", "a"], "leading zero; write `10`"),
        (["run", "--dtype", "int64", "a"], "`int64` is none of float16, bfloat16, float32, float64"),
        (["run", "--device", "gpu", "a"], "`gpu` is not cpu, cuda or cuda:N"),
        (["run", "--color", "blue", "a"], "'blue'"),
        (["run", "--quiet", "--verbose", "a"], "cannot be combined with --verbose"),
        (["run", "--full", "a"], "it goes with --json"),
        (["run", "--save", "a.txt", "a"], "`a.txt` has none of the endings .npz, .safetensors, .json"),
        (["run", "--save", "no/a.npz", "a"], "there is no folder `"),
        (["run", "--save", "specs.json/", "a"], "none of the endings"),
        (["run", "--allow-path", "no", "a"], "`no` is no folder"),
        (["run", "--max-memory", "much", "a"], "`much` is no size such as 500MB or 2GiB"),
        (["run", "--max-memory", "0", "a"], "`0` is no size"),
        (["run", "--timeout", "0", "a"], "`0` is no time in seconds"),
        (["run", "--timeout", "nan", "a"], "`nan` is no time in seconds"),
        (["run", "--timeout", "soon", "a"], "'soon' is not a valid float"),
        (["validate"], "missing argument"),
    ],
)
def test_mistakes_on_the_command_line(arguments: list[str], message: str, gradcli: Callable[..., Ended]) -> None:
    status, out, err = gradcli(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("error: ") and message in err
    assert (
        err.splitlines()[1:] == [f"  see `{' '.join(['gradcli', *arguments[:1]])} --help`"]
        or "see `gradcli --help`" in err
    )


def test_standard_output_gets_what_is_printed(
    spec: Callable[..., str], runner: Runner, gradcli: Callable[..., Ended]
) -> None:
    assert gradcli("run", spec()) == (0, "tensor([1., 1., 1.])\n", "spec.yaml: ✓ ok · 1 step\n")


def test_quiet_prints_failures_only(spec: Callable[..., str], runner: Runner, gradcli: Callable[..., Ended]) -> None:
    runner.outcome["bad.yaml"] = [PRINTED, judged(ok=True), judged(ok=False)]
    status, out, err = gradcli("run", "--quiet", spec(), spec(name="bad.yaml"))
    assert (status, err) == (1, "")
    assert out == "bad.yaml:3: ✗ x.sum()\n      expected  3.0\n      actual    4.0\n"


def test_verbose_prints_everything(spec: Callable[..., str], runner: Runner, gradcli: Callable[..., Ended]) -> None:
    runner.outcome["spec.yaml"] = [PRINTED, judged(ok=True)]
    _, out, err = gradcli("run", "--verbose", spec())
    assert out == "spec.yaml\nseed 0 · float32 · cpu\n\ntensor([1., 1., 1.])\n   3  ✓ x.sum()\n"
    assert err == "spec.yaml: ✓ ok · 2 steps · 1 expectation met\n"


def test_get_prints_values_only(spec: Callable[..., str], runner: Runner, gradcli: Callable[..., Ended]) -> None:
    runner.outcome["spec.yaml"] = [PRINTED, judged(ok=False)]
    status, out, err = gradcli("run", spec(), "--get", "w.grad", "--get", "b")
    assert (status, out) == (1, "<w.grad>\n<b>\n")
    assert err.startswith("spec.yaml:3: ✗ x.sum()\n")
    assert gradcli("run", spec(), "--json", "--get", "w.grad") == (1, '"w.grad"\n', "")


def test_json_is_a_line_for_each_spec_whatever_becomes_of_it(
    spec: Callable[..., str], runner: Runner, gradcli: Callable[..., Ended]
) -> None:
    runner.outcome["wrong.yaml"] = UserError("value", "no", "yes", Span(2, 3, 2, 4))
    runner.outcome["bug.yaml"] = ZeroDivisionError("in the engine")
    paths = [
        spec(),
        spec(UNREADABLE, "bad.yaml"),
        spec(name="wrong.yaml"),
        "none.yaml",
        spec(name="bug.yaml"),
        spec(),
    ]
    status, out, err = gradcli("run", "--json", *paths)
    lines = [json.loads(line) for line in out.splitlines()]
    assert status == 3
    assert [line["spec"] for line in lines] == paths
    assert [line["error"] and line["error"]["kind"] for line in lines] == [
        None, "yaml", "value", "io", "internal", None,
    ]  # fmt: skip
    assert "error: bad.yaml:1:" in err and "error: wrong.yaml:2:3: no" in err and "Traceback" not in err


def test_documents_are_specs_of_their_own(
    spec: Callable[..., str], runner: Runner, gradcli: Callable[..., Ended]
) -> None:
    runner.outcome["spec.yaml#2"] = [judged(ok=False)]
    status, out, _ = gradcli("run", "--json", spec(f"{GOOD}---\n{GOOD}---\n{GOOD}"))
    assert status == 1
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["spec"] for line in lines] == ["spec.yaml", "spec.yaml#2", "spec.yaml#3"]
    assert [line["ok"] for line in lines] == [True, False, True]


def test_a_matrix_is_a_spec_for_each_combination(
    spec: Callable[..., str], runner: Runner, gradcli: Callable[..., Ended]
) -> None:
    path = spec(f"params: {{n: 1}}\nmatrix: {{n: [1, 5], dtype: [float32, float64]}}\n{GOOD}")
    assert gradcli("run", "--quiet", path)[0] == 0
    assert [(one.params["n"], one.dtype) for one in runner.specs] == [
        (1, "float32"), (1, "float64"), (5, "float32"), (5, "float64"),
    ]  # fmt: skip
    runner.specs.clear()
    gradcli("run", "--quiet", path, "--set", "n=7")
    assert [one.source.name for one in runner.specs] == [
        "spec.yaml[dtype=float32]",
        "spec.yaml[dtype=float64]",
    ]
    assert {one.params["n"] for one in runner.specs} == {7}


def test_options_replace_what_the_spec_says(
    spec: Callable[..., str], runner: Runner, gradcli: Callable[..., Ended]
) -> None:
    path = spec(f"params: {{n: 1, name: a}}\n{GOOD}")
    options = ["--seed", "3", "--dtype", "torch.double", "--device", "cuda:1", "--detect-anomaly"]
    assert gradcli("run", path, *options, "--set", "n=1e-3", "--set", "name=b")[0] == 0
    [one] = runner.specs
    assert (one.seed, one.dtype, one.device, one.params) == (3, "float64", "cuda:1", {"n": 1e-3, "name": "b"})
    assert runner.options["detect_anomaly"] is True


def test_limits_and_folders_are_the_runners(
    spec: Callable[..., str], runner: Runner, gradcli: Callable[..., Ended], tmp_path: Path
) -> None:
    gradcli("run", spec(), "--max-memory", "2GiB", "--timeout", "1.5", "--allow-path", ".", "--allow-path", "/")
    assert runner.options == {
        "detect_anomaly": False, "get": [], "allow_path": [".", "/"], "max_memory": 2**31, "timeout": 1.5,
    }  # fmt: skip
    gradcli("run", spec())
    assert (runner.options["allow_path"], runner.options["max_memory"], runner.options["timeout"]) == ([], None, None)


SAVED = "matrix: {n: [1, 2]}\ntensors: {w: {data: [1.0], requires_grad: true}}\npipeline: [backward: (n * w).sum()]\n"


def test_save(spec: Callable[..., str], gradcli: Callable[..., Ended], tmp_path: Path) -> None:
    text = f"{SAVED}---\n{SAVED.partition('pipeline')[0]}pipeline: [shape: w.shape]\n"
    Path("out").mkdir()
    status, out, err = gradcli("run", spec(text), "--save", "out/{name}.json")
    assert (status, out) == (0, "")
    assert {path.name: json.loads(path.read_text()) for path in Path("out").iterdir()} == {
        "spec_n=1.json": {"w": [1.0], "w.grad": [1.0]},
        "spec_n=2.json": {"w": [1.0], "w.grad": [2.0]},
        "spec_2_n=1.json": {"w": [1.0]},
        "spec_2_n=2.json": {"w": [1.0]},
    }
    note = "note: spec.yaml#2[n=1]: not in `out/spec_2_n=1.json`, neither tensors nor numbers: `shape`"
    assert note in err.splitlines()


def test_a_spec_from_standard_input_is_saved_and_loads_from_the_current_folder(spec: Callable[..., str]) -> None:
    Path("a.json").write_text("[1, 2]")
    ended = process("run", "-", "--save", "{name}.json", input="tensors: {a: {load: a.json}}\n")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(Path("stdin.json").read_text()) == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("save", "paths", "message"),
    [
        ("o.npz", ["spec.yaml"], "several specs would be saved to `o.npz`; write {name} into it"),
        ("{name}.npz", ["spec.yaml", "spec.yaml"], "to `spec_n=1.npz`; two specs have this name"),
        ("{name}.npz", ["spec.yaml", "other/spec.yaml"], "to `spec_n=1.npz`; two specs have this name"),
    ],
)
def test_no_two_specs_are_saved_to_one_file(
    save: str, paths: list[str], message: str, spec: Callable[..., str], runner: Runner, gradcli: Callable[..., Ended]
) -> None:
    Path("other").mkdir()
    spec(SAVED)
    spec(SAVED, "other/spec.yaml")
    status, out, err = gradcli("run", *paths, "--save", save)
    assert (status, out, runner.specs) == (2, "", []) and message in err
    assert gradcli("run", "spec.yaml", "--save", "o.npz", "--set", "n=3")[0] == 0


def test_what_ends_with_an_error_is_not_saved(spec: Callable[..., str], gradcli: Callable[..., Ended]) -> None:
    Path("out.json").write_text("before")
    text = "tensors: {x: ones(3)}\npipeline: [{y: 'x.reshape(2)'}]\n"
    assert gradcli("run", spec(text), "--save", "out.json")[0] == 2
    assert gradcli("run", spec(UNREADABLE), "--save", "out.json")[0] == 2
    assert gradcli("run", spec(), "--set", "m=1", "--save", "out.json")[0] == 2
    assert Path("out.json").read_text() == "before"
    assert gradcli("run", spec("tensors: {x: 1}\npipeline: [expect: {x: 2}]\n"), "--save", "out.json")[0] == 1
    assert json.loads(Path("out.json").read_text()) == {"x": 1}


def test_a_view_that_is_too_large_is_not_saved(spec: Callable[..., str], gradcli: Callable[..., Ended]) -> None:
    path = spec("tensors: {x: ones(1)}\npipeline: [{y: 'x.expand(10**9)'}]\n")
    status, _, err = gradcli("run", path, "--save", "out.npz", "--max-memory", "1GiB")
    assert status == 2 and "`out.npz` needs 3.7 GiB, and all together may take 1.0 GiB" in err
    assert not Path("out.npz").exists()


def test_a_save_that_fails_is_an_error_of_the_run(
    spec: Callable[..., str], gradcli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    status, out, err = gradcli("run", "--json", spec(), "--save", "out.json")
    assert (status, err) == (2, "error: spec.yaml: cannot write `out.json`: No space left on device\n")
    line = json.loads(out)
    assert (line["ok"], line["error"]["kind"]) == (False, "io")
    assert sorted(path.name for path in Path().iterdir()) == ["spec.yaml"]


def test_an_unknown_parameter(spec: Callable[..., str], runner: Runner, gradcli: Callable[..., Ended]) -> None:
    status, out, err = gradcli("run", "--json", spec(), "--set", "m=1")
    assert status == 2 and "has no param `m`" in err
    assert json.loads(out)["error"]["kind"] == "spec"


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ([None], 0),
        ([None, [judged(ok=False)], None], 1),
        ([[judged(ok=False)], UserError("value", "no"), None], 2),
        ([UserError("value", "no"), ValueError("bug"), [judged(ok=False)]], 3),
        ([MemoryError(), None], 2),
        ([RecursionError(), None], 3),
    ],
)
def test_the_worst_spec_decides_and_all_are_run(
    outcomes: list[Any], status: int, spec: Callable[..., str], runner: Runner, gradcli: Callable[..., Ended]
) -> None:
    paths = [spec(name=f"{index}.yaml") for index in range(len(outcomes))]
    runner.outcome = {path: outcome for path, outcome in zip(paths, outcomes, strict=True) if outcome}
    assert gradcli("run", *paths)[0] == status
    assert [one.source.name for one in runner.specs] == paths


def test_an_error_comes_after_what_was_printed(
    spec: Callable[..., str], runner: Runner, gradcli: Callable[..., Ended]
) -> None:
    runner.outcome["spec.yaml"] = UserError("value", "it went wrong", "mend it", Span(2, 12, 2, 17))
    status, out, err = gradcli("run", spec())
    assert (status, out) == (2, "tensor([1., 1., 1.])\n")
    assert err == (
        "error: spec.yaml:2:12: it went wrong\n    2 | pipeline: [{print: x}]\n      |            ^^^^^\n  mend it\n"
    )


def test_an_internal_error(spec: Callable[..., str], runner: Runner, gradcli: Callable[..., Ended]) -> None:
    runner.outcome["spec.yaml"] = ZeroDivisionError("in the\nengine")
    status, out, err = gradcli("run", spec())
    assert (status, out) == (3, "")
    assert err.startswith("internal error: ZeroDivisionError: in the engine\n")
    assert "report" in err and "--verbose" in err and "Traceback" not in err
    assert "Traceback" in gradcli("run", "--verbose", spec())[2]


def test_an_interruption(spec: Callable[..., str], runner: Runner, gradcli: Callable[..., Ended]) -> None:
    runner.outcome["spec.yaml"] = KeyboardInterrupt()
    assert gradcli("run", spec(), spec(name="other.yaml")) == (130, "", "interrupted\n")


def test_validate(spec: Callable[..., str], gradcli: Callable[..., Ended]) -> None:
    paths = [spec(f"{GOOD}---\n{GOOD}"), spec(MISTAKEN, "mistaken.yaml"), spec(name="last.yaml")]
    status, out, err = gradcli("validate", *paths)
    assert (status, out) == (2, "spec.yaml: ok\nspec.yaml#2: ok\nlast.yaml: ok\n")
    assert re.findall("^error: (.*?): ", err, re.MULTILINE) == [
        "mistaken.yaml:1:14", "mistaken.yaml:2:20", "mistaken.yaml:2:32",
    ]  # fmt: skip


def test_validate_in_json(spec: Callable[..., str], gradcli: Callable[..., Ended]) -> None:
    status, out, _ = gradcli("validate", "--json", spec(), spec(MISTAKEN, "mistaken.yaml"), "none.yaml")
    lines = [json.loads(line) for line in out.splitlines()]
    assert status == 2
    assert [line["spec"] for line in lines] == ["spec.yaml", "mistaken.yaml", "none.yaml"]
    assert [line["ok"] for line in lines] == [True, False, False]
    assert [error["kind"] for error in lines[1]["errors"]] == ["name"] * 3


def test_standard_input(spec: Callable[..., str]) -> None:
    ended = process("validate", "-", input=GOOD)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "-: ok\n", "")
    ended = process("validate", "-", input=UNREADABLE)
    assert ended.returncode == 2 and "tensors: {x: [1, 2}" in ended.stderr


@pytest.mark.parametrize("json_option", [[], ["--json"]])
def test_a_closed_pipe_ends_quietly(json_option: list[str], spec: Callable[..., str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [sys.executable, "-m", "gradcli", "validate", *json_option, spec()]
        ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=60)
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [["validate"], ["validate", "--json"], ["--version"], ["--help"]])
def test_a_full_disk_is_told(arguments: list[str], spec: Callable[..., str]) -> None:
    path = [spec()] if "validate" in arguments else []
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "gradcli", *arguments, *path]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr == "error: cannot write the output: No space left on device\n"


@pytest.mark.skipif(os.name == "nt", reason="closes descriptors with a POSIX shell")
def test_closed_streams(spec: Callable[..., str]) -> None:
    command = f"'{sys.executable}' -m gradcli validate {spec()} >&- 2>&-"
    assert subprocess.run(["sh", "-c", command], timeout=60).returncode == 0


def test_an_output_that_cannot_hold_every_character(spec: Callable[..., str]) -> None:
    name = spec(name="é✓.yaml")
    ended = process("validate", name, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (ended.returncode, ended.stdout) == (0, "\\xe9\\u2713.yaml: ok\n")


@pytest.mark.parametrize(
    ("choice", "variables", "is_terminal", "coloured"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("auto", {"FORCE_COLOR": "0"}, True, True),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ("auto", {"FORCE_COLOR": "1", "TERM": "dumb"}, False, True),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_who_decides_about_colour(
    choice: terminal.Color,
    variables: dict[str, str],
    is_terminal: bool,
    coloured: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm", **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    assert terminal.is_coloured(choice) is coloured


def test_colour_always_is_the_screen(spec: Callable[..., str], runner: Runner, gradcli: Callable[..., Ended]) -> None:
    assert gradcli("run", spec(), "--color", "always")[1].startswith("\x1b[1mspec.yaml\x1b[0m\n")
    assert "\x1b" not in gradcli("run", spec(), "--color", "never")[1]


@pytest.mark.parametrize("command", app.COMMANDS)
def test_a_command_is_a_module_with_a_function_of_its_name(command: str) -> None:
    assert callable(getattr(import_module(f"gradcli.cli.{command}"), command))


def test_a_limit_can_be_raised_as_its_error_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deep = tmp_path / "deep.yaml"
    deep.write_text(f'pipeline: [print: "{"(" * 70}1{")" * 70}"]\n', encoding="utf-8")
    assert app.run(["run", str(deep)]) == 2
    assert "raise it with `--limit open-brackets=NUMBER`" in capsys.readouterr().err
    assert app.run(["run", str(deep), "--limit", "open-brackets=80"]) == 0
    assert app.run(["validate", str(deep), "--limit", "open-brackets=80"]) == 0
    for wrong in ("open-brackets", "brackets=80", "open-brackets=many"):
        assert app.run(["run", str(deep), "--limit", wrong]) == 2
        assert "error: invalid value for --limit: " in capsys.readouterr().err
