"""`--update`: what is written into specs, what is left alone, and that nothing else changes."""

from __future__ import annotations

import io
import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcli.report.model import Outcome, Update
from gradcli.spec.source import DEFAULT_LIMITS
from gradcli.suite import testing
from gradcli.suite.executors import Serial
from gradcli.suite.update import update
from tests.command_line import Ended, Terminal, timeless

BEGIN = """\
params: {nan: 1}   # a name that is a number elsewhere
tensors:
  x: {data: [1.0, 2.5], requires_grad: true}
  m: "arange(6.0).reshape(2, 3) / 10"
  odd: [.nan, inf, -inf]
  n: [1, -2]
  mask: [true, false]
  c: [1+2j, -0.1j]
  d: {data: 0.1, dtype: float64}
  one: full((2, 2), 0.3)
  none: zeros(0, 3)
pipeline:
  - y: (x * 2).sum()
  - backward: y
"""


def outcomes_of(file: Path) -> list[Outcome]:
    request = testing.Request((), DEFAULT_LIMITS, {})
    return testing.test(testing.select([str(file)], request), Serial(), testing.Silent()).outcomes


@pytest.fixture
def updated(tmp_path: Path) -> Callable[..., Update]:
    """What becomes of a text; the expectations that get a value hold when it is run again."""
    file = tmp_path / "a.yaml"

    def run(text: str, *, only_new: bool = False) -> Update:
        file.write_bytes(text.encode())
        [one] = update(outcomes_of(file), DEFAULT_LIMITS, only_new=only_new)
        file.write_bytes(one.text.encode())
        failed = {(item.line, item.expr) for outcome in outcomes_of(file) for item in outcome.failures}
        assert only_new or failed == {(refusal.line, refusal.expr) for refusal in one.refusals}
        return one

    return run


# what `expect` says, and what it says then
EXAMPLES = [
    ("{y: }", "{y: 7.0}"),
    ("{y: , x.grad: }", "{y: 7.0, x.grad: [2.0, 2.0]}"),
    ("{y}", "{y: 7.0}"),
    ('{"y":}', '{"y": 7.0}'),
    ("{y: 1, x.grad: [2, 2]}", "{y: 7.0, x.grad: [2, 2]}"),
    ("{y: [1, 2, 3]}", "{y: 7.0}"),
    ("{y: null}", "{y: 7.0}"),
    ("{y: None, rtol: 1e-5}", "{y: 7.0, rtol: 1e-5}"),
    ("{y: {equals: 6.5, rtol: 1e-3, finite: true}}", "{y: {equals: 7.0, rtol: 1e-3, finite: true}}"),
    ("{y: {equals: }}", "{y: {equals: 7.0}}"),
    ("{x.grad: [ 2.0,  3.0 ]}", "{x.grad: [ 2.0,  2.0 ]}"),
    ("{x.grad: 3}", "{x.grad: 2.0}"),
    ("{x: 3}", "{x: [1.0, 2.5]}"),
    ("{x: [1, 2.5000000001, 3]}", "{x: [1.0, 2.5]}"),
    ("{m: [[0, 0.1, 0.2], [0.3, 0.4, 0.55]]}", "{m: [[0, 0.1, 0.2], [0.3, 0.4, 0.5]]}"),
    ("{m: }", "{m: [[0.0, 0.1, 0.2], [0.3, 0.4, 0.5]]}"),
    ("{x / 3: , rtol: 0, atol: 0}", "{x / 3: [0.3333333432674408, 0.8333333134651184], rtol: 0, atol: 0}"),
    ("{odd: }", "{odd: [.nan, .inf, -.inf]}"),
    ("{odd: [.nan, inf, 1]}", "{odd: [.nan, inf, -.inf]}"),
    ("{n: }", "{n: [1, -2]}"),
    ("{n: [1, 2]}", "{n: [1, -2]}"),
    ("{mask: }", "{mask: [true, false]}"),
    ("{mask: [true, true]}", "{mask: [true, false]}"),
    ("{c: }", "{c: [1+2j, -0.1j]}"),
    ("{d: }", "{d: 0.1}"),
    ("{one: 0.2}", "{one: 0.3}"),
    ("{one: }", "{one: [[0.3, 0.3], [0.3, 0.3]]}"),
    ("{y.grad_fn: }", "{y.grad_fn: SumBackward0}"),
    ("{y.grad_fn: MulBackward0}", "{y.grad_fn: SumBackward0}"),
    ("{y.grad_fn: 'MulBackward0'}", "{y.grad_fn: 'SumBackward0'}"),
    ('{y.grad_fn: "MulBackward0"}', '{y.grad_fn: "SumBackward0"}'),
    ("{x.grad_fn: MulBackward0, m.grad: 0}", "{x.grad_fn: null, m.grad: null}"),
    ("{y.dtype: float64}", "{y.dtype: float32}"),
    ("{x.device: }", "{x.device: cpu}"),
    ("{x.shape: [3]}", "{x.shape: [2]}"),
    ("{x.tolist(): }", "{x.tolist(): [1.0, 2.5]}"),
    ("{y.item(): 0}", "{y.item(): 7.0}"),
    ("{x.numel(): 0, x.requires_grad: }", "{x.numel(): 2, x.requires_grad: true}"),
    ("\n      y:\n      x.grad:", "\n      y: 7.0\n      x.grad: [2.0, 2.0]"),
    ("\n      y:   # not known yet\n      x: 3 # old", "\n      y: 7.0   # not known yet\n      x: [1.0, 2.5] # old"),
    (
        "\n      y:\n        7.5\n      x.grad:\n        # two\n        3",
        "\n      y:\n        7.0\n      x.grad:\n        # two\n        2.0",
    ),
    (
        "\n      x:\n        - 1   # the first\n        - 3.0 # the second",
        "\n      x:\n        - 1   # the first\n        - 2.5 # the second",
    ),
    (
        "\n      x:  # three\n      # dashes\n      - 1\n      - 2\n      - 3  # end\n      y: 7",
        "\n      x: [1.0, 2.5]  # three\n      # dashes  # end\n      y: 7",
    ),
    (
        "\n      m:\n      - [0, 0.1, 0.2]\n      - - 0.3\n        - 5\n        - 0.5",
        "\n      m:\n      - [0, 0.1, 0.2]\n      - - 0.3\n        - 0.4\n        - 0.5",
    ),
    ("\n      ? y\n      : 3\n      'x' : [1, 2]", "\n      ? y\n      : 7.0\n      'x' : [1, 2.5]"),
    ("\n      x: [1,\n          # between\n          9]", "\n      x: [1,\n          # between\n          2.5]"),
]


@pytest.mark.parametrize(("old", "new"), EXAMPLES, ids=[old for old, _ in EXAMPLES])
def test_what_is_written(old: str, new: str, updated: Callable[..., Update]) -> None:
    one = updated(f"{BEGIN}  - expect: {old}\n  - print: y  # the end\n")
    assert one.text == f"{BEGIN}  - expect: {new}\n  - print: y  # the end\n"
    assert one.refusals == []


@pytest.mark.parametrize(
    ("old", "why"),
    [
        ("{y: 2 * y}", "its value is an expression"),
        ("{y: '8'}", "its value is an expression"),
        ("{y: [7, 8 + 0]}", "its value is an expression"),
        ("{x: {load: b.json}}", "its value is in the file `b.json`"),
        ("{x: {equals: 2, shape: [3]}}", "its shape is [2], expected [3]"),
        ("{m.grad: {equals: 2, finite: true}}", "it is no tensor and no number"),
        ("{y: {shape: [3]}}", "it checks something else than a value"),
        ("{none: [1]}", "no list has the shape [0, 3]"),
        ("{c / 0: }", "YAML cannot write complex numbers that are not finite"),
        ("{'(y, y)': }", "only numbers, lists of numbers, names and null can be recorded"),
        ("{y.grad_fn.name: , 'zeros(10001)': }", "it has 10,001 elements, which `load:` can read from a file"),
        ("\n      ? y", "there is no colon behind `y`"),
        ("\n      x: [1, # one\n          2, 3]", "there are comments in its value, which has another shape now"),
        (
            "\n      x:\n      - 1 # one\n      - 2\n      - 3",
            "there are comments in its value, which has another shape now",
        ),
        ("{y: &v 3}\n  - z: *v", "its value has an anchor, and its aliases would change, too"),
        ("{y: &v }\n  - print: y", "its value has an anchor, and its aliases would change, too"),
        ("{x.numel(): &v 2, y: *v}", "its value is an alias"),
        ("{x.grad: [&v 3, 2]}\n  - z: *v", "something else would change with it"),
        (
            "{x.grad: &v {equals: 3}}\n  - expect: {x.grad.sum(): *v}",
            "its value has an anchor, and its aliases would change, too",
        ),
    ],
)
def test_what_is_left_alone(old: str, why: str, updated: Callable[..., Update], tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text("[3, 4]")
    text = f"{BEGIN}  - expect: {old}\n  - print: y  # the end\n"
    one = updated(text)
    assert why in [refusal.why for refusal in one.refusals]


def test_only_new_values(updated: Callable[..., Update]) -> None:
    one = updated(f"{BEGIN}  - expect: {{y: 3, x: , x.grad: 2 * x, n: {{equals: , atol: 1}}}}\n", only_new=True)
    assert one.text.endswith("  - expect: {y: 3, x: [1.0, 2.5], x.grad: 2 * x, n: {equals: [1, -2], atol: 1}}\n")
    assert (one.recorded, one.refusals) == (2, [])


def test_several_documents(updated: Callable[..., Update]) -> None:
    document = "tensors: {{x: ones({0})}}\npipeline: [{{expect: {{x: {1}}}}}] # {0}\n"
    old = "---\n".join([document.format(2, 0), document.format(3, "[1, 0, 1]"), document.format(1, "")])
    new = "---\n".join([document.format(2, "1.0"), document.format(3, "[1, 1.0, 1]"), document.format(1, "[1.0]")])
    assert updated(old).text == new


MATRIX = (
    "matrix: {{n: [1, 2], s: [3.0, 4.0]}}\npipeline:\n  - expect: {{n: , s + 0 * n: {}, s > 0: , n ** 2 - n ** 2: 3}}\n"
)


def test_a_value_that_depends_on_the_matrix_is_left_out(updated: Callable[..., Update]) -> None:
    one = updated(MATRIX.format(""))
    assert one.text == MATRIX.format("").replace("s > 0: ", "s > 0: true").replace("n ** 2: 3", "n ** 2: 0")
    assert [(refusal.expr, refusal.line, refusal.why) for refusal in one.refusals] == [
        ("n", 3, f"it has another value for `{one.source.name}[n=2,s=3.0]`"),
        ("s + 0 * n", 3, f"it has another value for `{one.source.name}[n=1,s=4.0]`"),
    ]
    assert [refusal.why for refusal in updated(MATRIX.format("3.0")).refusals][1] == (
        f"the value that it has is right for `{one.source.name}[n=1,s=3.0]`"
    )


def test_a_part_of_a_matrix_is_not_enough(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("matrix: {n: [1, 2]}\npipeline: [{expect: {n: }}]\n")
    [one] = update(outcomes_of(file)[:1], DEFAULT_LIMITS, only_new=False)
    assert [refusal.why for refusal in one.refusals] == [f"not every combination of the matrix of `{file}` was run"]


def test_a_value_that_changes_in_a_loop_is_left_out(updated: Callable[..., Update]) -> None:
    one = updated("pipeline:\n  - repeat: {times: 3, as: i, steps: [{expect: {i: , i * 0: , i < 1: true}}]}\n")
    assert one.text == "pipeline:\n  - repeat: {times: 3, as: i, steps: [{expect: {i: , i * 0: 0, i < 1: true}}]}\n"
    assert [(refusal.expr, refusal.why) for refusal in one.refusals] == [
        ("i", "it has another value at another time"),
        ("i < 1", "the value that it has is right at another time"),
    ]


def test_steps_that_an_alias_repeats(updated: Callable[..., Update]) -> None:
    text = "tensors: {{x: ones(1)}}\npipeline:\n  - &e {{expect: {{x: {}}}}}\n  - {}\n  - *e\n"
    assert updated(text.format("", "y: x")).text == text.format("[1.0]", "y: x")
    one = updated(text.format("", '"x += 1"'))
    assert [refusal.why for refusal in one.refusals] == ["it has another value at another time"]


def test_a_run_that_ends_with_an_error_records_nothing(updated: Callable[..., Update]) -> None:
    one = updated(
        "tensors: {x: ones(2)}\npipeline:\n  - expect: {x: }\n  - y: x @ ones(3)\n---\npipeline: [{expect: {1: }}]\n"
    )
    assert one.text.endswith("pipeline: [{expect: {1: 1}}]\n") and one.recorded == 1
    assert [refusal.why for refusal in one.refusals] == [f"`{one.source.name}` ended with an error"]


def test_other_steps_record_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"{BEGIN}  - claim: {{x.grad: x.detach()}}\n  - expect_error: {{steps: [z: y], match: no}}\n")
    [one] = update(outcomes_of(file), DEFAULT_LIMITS, only_new=False)
    assert (one.text, one.recorded, one.refusals) == (file.read_text(), 0, [])


def test_a_long_value_is_broken_into_lines(updated: Callable[..., Update]) -> None:
    begin = 'tensors: {x: "arange(60.0).reshape(2, 3, 10) / 7"}\npipeline:\n'
    key = "x" + " " * 60 + "* 1"
    one = updated(f"{begin}  - expect:\n      x:  # all\n      {key}:\n  - expect: {{x: , x.shape: }}\r\n")
    assert max(map(len, one.text.splitlines())) <= 100
    assert "\r\n" in one.text.partition("- expect: {")[2][:-2]
    first = one.text.splitlines()[3]
    assert first.startswith("      x: [[[0.0, 0.14285715, ") and one.text.splitlines()[4].startswith(" " * 12)
    assert "  # all\n" in one.text and one.text.endswith("x.shape: [2, 3, 10]}\r\n")


numbers = st.one_of(st.floats(width=32), st.integers(-5, 5).map(float))
arrays = st.integers(0, 3).flatmap(
    lambda rows: st.one_of(
        numbers,
        st.lists(numbers, min_size=rows, max_size=rows),
        st.integers(1, 3).flatmap(
            lambda columns: st.lists(st.lists(numbers, min_size=columns, max_size=columns), min_size=1, max_size=3)
        ),
    )
)
comments = st.sampled_from(["", "", "  # why", " # {a: [1, 2]}", "  #: &x *y"])
forms = st.sampled_from(["flow", "block", "dashes", "equals", "missing", "quoted", "null"])
tolerances = st.sampled_from(["", "rtol: 0", "rtol: 1e-3"])


def written(value: Any) -> str:
    """A value as a person writes it."""
    return f"[{', '.join(map(written, value))}]" if isinstance(value, list) else repr(value).replace("n", "n")


def dashes(value: Any, indent: int) -> str:
    if not isinstance(value, list) or not value:
        return f" {written(value)}"
    return "".join(f"\n{' ' * indent}-{dashes(item, indent + 2)}" for item in value)


@st.composite
def items(draw: st.DrawFn) -> tuple[str, str, str, str]:
    """A tensor, and an expectation of it in three pieces: what stands before its value, the value, and after it."""
    tensor, old = draw(arrays), draw(arrays)
    form, comment = draw(forms), draw(comments)
    if draw(st.booleans()):
        old = tensor
    key = draw(st.sampled_from(["T", "T * 1", "'T + 0 * 1'", '"T"']))
    before, after = f"      {key}:", f"{comment}\n"
    if form == "missing":
        return written(tensor), before, "", after
    if form == "dashes" and isinstance(old, list) and old and not isinstance(old[0], list):
        return written(tensor), before, dashes(old, 8), after
    if form == "equals":
        return written(tensor), f"{before} {{equals:", f" {written(old)}", f", atol: 0.0}}{after}"
    if form == "block":
        return written(tensor), f"{before}{comment}\n        ", written(old), after
    return written(tensor), before, " null" if form == "null" else f" {written(old)}", after


@given(
    drawn=st.lists(items(), min_size=1, max_size=4),
    newline=st.sampled_from(["\n", "\r\n"]),
    tolerance=tolerances,
    only_new=st.booleans(),
)
def test_only_values_change_and_then_the_spec_passes(
    drawn: list[tuple[str, str, str, str]],
    newline: str,
    tolerance: str,
    only_new: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    tensors = "".join(f"  T{place}: {tensor}\n" for place, (tensor, _, _, _) in enumerate(drawn))
    pieces = [f"# a spec\ntensors:\n{tensors}pipeline:\n  - expect:  # these\n"]
    old = pieces[0]
    for place, (_, before, value, after) in enumerate(drawn):
        before = before.replace("T", f"T{place}")
        old += before + value + after
        pieces[-1] += before
        pieces.append(after)
    end = f"      {tolerance}\n  - print: T0  # the end\n" if tolerance else "  - print: T0  # the end\n"
    old, pieces[-1] = (old + end).replace("\n", newline), pieces[-1] + end
    file = tmp_path_factory.mktemp("specs") / "a.yaml"
    file.write_bytes(old.encode())
    outcomes = outcomes_of(file)
    if outcomes[0].ok:
        return
    [one] = update(outcomes, DEFAULT_LIMITS, only_new=only_new)
    file.write_bytes(one.text.encode())
    [again] = outcomes_of(file)
    assert len(again.failures) == len(outcomes[0].failures) - one.recorded
    assert only_new or len(again.failures) == len(one.refusals)
    pattern = r"[\s\S]*?".join(re.escape(piece.replace("\n", newline)) for piece in pieces)
    assert re.fullmatch(pattern, one.text)
    assert one.text == old or one.recorded


# the command

WRONG = """\
# kept
tensors: {x: {data: [1.0, 2.0], requires_grad: true}}
pipeline:
  - y: x ** 2
  - backward: y.sum()
  - expect:
      x.grad: [2, 5]  # the second is wrong
      y:
      y.sum(): 3 + 3
"""
RIGHT = WRONG.replace("[2, 5]", "[2, 4.0]").replace("y:\n      y", "y: [1.0, 4.0]\n      y").replace("3 + 3", "5.0")


@pytest.fixture
def gradcli(gradcli: Callable[..., Ended]) -> Callable[..., Ended]:
    """Runs a command line in a folder with `a.yaml`; what a run takes is shown as 0 ms."""
    Path("a.yaml").write_text(WRONG)

    def run(*arguments: str, stdout: io.StringIO | None = None) -> Ended:
        status, out, err = gradcli(*arguments, stdout=stdout)
        return status, timeless(out), err

    return run


def test_what_is_shown(gradcli: Callable[..., Ended], golden: Callable[[str, str], None]) -> None:
    status, out, err = gradcli("test", "--update", "a.yaml")
    assert (status, err) == (1, "")
    golden("update/plain.txt", out)
    Path("a.yaml").write_text(WRONG)
    assert gradcli("test", "--update", "a.yaml", "--color", "always", stdout=Terminal())[0] == 1


def test_what_is_recorded_passes(gradcli: Callable[..., Ended]) -> None:
    Path("a.yaml").write_text(WRONG.replace("3 + 3", "6"))
    status, out, err = gradcli("test", "--update", ".")
    assert (status, err) == (0, "") and out.endswith("✓ 1 spec passed · 3 expectations · 0 ms\n")
    assert Path("a.yaml").read_text() == RIGHT
    status, out, _ = gradcli("test", "--update", "a.yaml")
    assert (status, out.splitlines()[0]) == (0, "nothing to record")


def test_only_what_is_new(gradcli: Callable[..., Ended]) -> None:
    for option in ("--update=new", "--update-new"):
        Path("a.yaml").write_text(WRONG)
        status, out, _ = gradcli("test", option, "a.yaml")
        assert status == 1 and "recorded 1 value in 1 file" in out
        assert Path("a.yaml").read_text() == WRONG.replace("y:\n      y", "y: [1.0, 4.0]\n      y")


def test_json_has_the_specs_as_they_are_then(gradcli: Callable[..., Ended]) -> None:
    status, out, err = gradcli("test", "--update", "a.yaml", "--json", "--report", "json=report.json")
    [line] = map(json.loads, out.splitlines())
    assert status == 1 and "-      x.grad: [2, 5]" in err and "recorded 2 values in 1 file" in err
    assert [failure["expr"] for failure in line["failures"]] == ["y.sum()"]
    assert [spec["failures"] for spec in json.loads(Path("report.json").read_text())] == [line["failures"]]


@pytest.mark.parametrize("option", ["--update", "--update=new"])
def test_it_is_refused_in_ci(option: str, gradcli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    message = "error: `--update` changes specs, and is refused where the variable CI is set\n"
    assert gradcli("test", option, "a.yaml") == (2, "", message)
    assert Path("a.yaml").read_text() == WRONG


@pytest.mark.parametrize(
    "arguments", [("--set", "n=1"), ("--seed", "1"), ("--dtype", "float64"), ("--list",), ("--fail-fast",), ("-",)]
)
def test_what_it_cannot_go_with(arguments: tuple[str, ...], gradcli: Callable[..., Ended]) -> None:
    status, out, err = gradcli("test", "--update", "a.yaml", *arguments)
    assert (status, out) == (2, "") and "it cannot be combined with" in err
    assert Path("a.yaml").read_text() == WRONG


def test_a_file_keeps_its_mode_its_links_and_its_mark(gradcli: Callable[..., Ended]) -> None:
    Path("real").mkdir()
    real = Path("real") / "b.yaml"
    real.write_bytes(b"\xef\xbb\xbf" + WRONG.replace("3 + 3", "5").replace("\n", "\r\n").encode())
    real.chmod(0o640)
    Path("a.yaml").unlink()
    Path("a.yaml").symlink_to(real)
    assert gradcli("test", "--update", "a.yaml")[0] == 0
    assert Path("a.yaml").is_symlink() and stat.S_IMODE(real.stat().st_mode) == 0o640
    assert real.read_bytes() == b"\xef\xbb\xbf" + RIGHT.replace("5.0", "5").replace("\n", "\r\n").encode()
    assert sorted(path.name for path in Path("real").iterdir()) == ["b.yaml"]


def test_a_file_that_changes_meanwhile_is_left_alone(
    gradcli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(outcomes: Any, *arguments: Any, **options: Any) -> list[Update]:
        Path("a.yaml").write_text(WRONG + "# one more line\n")
        return update(outcomes, *arguments, **options)

    monkeypatch.setattr("gradcli.suite.update.update", change)
    status, _, err = gradcli("test", "--update", "a.yaml")
    assert (status, err) == (2, "error: cannot write `a.yaml`: it was changed while its specs ran\n")
    assert Path("a.yaml").read_text() == WRONG + "# one more line\n"


def test_side_by_side(gradcli: Callable[..., Ended]) -> None:
    for name in ("b.yaml", "c.yaml"):
        Path(name).write_text(WRONG)
    status, out, _ = gradcli("test", "--update", "-j", "2", "-k", "a.yaml or c.yaml", ".")
    assert status == 1 and "recorded 4 values in 2 files" in out
    assert [Path(name).read_text() == WRONG for name in ("a.yaml", "b.yaml", "c.yaml")] == [False, True, False]
