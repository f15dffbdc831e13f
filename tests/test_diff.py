"""`gradcli diff`: what counts as a difference, what is told of it, and what can be compared at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.command_line import Ended, Terminal

Golden = Callable[[str, str], None]
FORMATS = ["a.yaml", "a.npz", "a.safetensors", "a.json", "a.jsonl"]
SPEC = """\
tensors:
  w: {data: "randn(2, 3)", requires_grad: true}
  empty: zeros(0, 3)
  c: {data: [1+2j, 3-1j], requires_grad: true}
  half: tensor([0.1, inf, nan], dtype=float16)
  mask: tensor([True, False])
  n: tensor([1, 9007199254740993])
pipeline:
  - loss: (w ** 2).sum() + (c * c.conj()).real.sum()
  - backward: loss
  - usv: (w.detach(), (loss.item(), -inf))
  - fn: loss.grad_fn
  - sizes: w.shape
"""
NAMES = ["w", "w.grad", "empty", "c", "c.grad", "half", "mask", "n", "loss", "usv[0]", "usv[1][0]", "usv[1][1]"]


@pytest.fixture
def saved(gradcli: Callable[..., Ended]) -> None:
    """The same result in each form."""
    Path("a.yaml").write_text(SPEC, encoding="utf-8")
    for name in FORMATS[1:4]:
        assert gradcli("run", "--quiet", "a.yaml", "--save", name)[0] == 0
    Path("a.jsonl").write_text(gradcli("run", "--json", "a.yaml")[1], encoding="utf-8")


def read(text: str) -> list[Any]:
    """The lines of JSON, as the schema says they are."""
    jsonschema = pytest.importorskip("jsonschema")
    rules = json.loads(files("gradcli.report").joinpath("schemas/diff.json").read_text("utf-8"))
    lines = [
        json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is not JSON")) for line in text.splitlines()
    ]
    for line in lines:
        jsonschema.validate(line, rules, cls=jsonschema.Draft202012Validator)
    return lines


@pytest.mark.parametrize("second", FORMATS)
@pytest.mark.parametrize("first", FORMATS)
def test_the_same_result_in_two_forms_is_the_same(
    first: str, second: str, saved: None, gradcli: Callable[..., Ended]
) -> None:
    status, out, err = gradcli("diff", first, second, "--json", "--rtol", "0", "--atol", "0")
    [line] = read(out)
    assert (status, err, line["ok"]) == (0, "", True)
    assert [tensor["name"] for tensor in line["tensors"]] == NAMES
    assert all(tensor["index"] is None and tensor["off"] == 0 for tensor in line["tensors"])


@pytest.mark.parametrize("first", FORMATS)
def test_what_differs_differs_in_every_form(first: str, saved: None, gradcli: Callable[..., Ended]) -> None:
    assert gradcli("run", "--quiet", "a.yaml", "--seed", "1", "--save", "b.npz")[0] == 0
    status, out, _ = gradcli("diff", first, "b.npz", "--json")
    assert status == 1
    differing = [tensor["name"] for tensor in read(out)[0]["tensors"] if not tensor["ok"]]
    assert differing == ["w", "w.grad", "loss", "usv[0]", "usv[1][0]"]


def two(first: dict[str, Any], second: dict[str, Any]) -> None:
    np.savez("a.npz", **first)
    np.savez("b.npz", **second)


def differing() -> None:
    """Two results with all that is told of tensors."""
    one = np.linspace(0, 1, 15, dtype="float32").reshape(5, 3)
    other, close = one.copy(), one.copy()
    other[[1, 4], [2, 0]] += np.array([0.25, 0.5], "float32")
    close[1, 2] = np.nextafter(close[1, 2], np.float32(1))
    two(
        {"same": one, "close": one, "w.grad": one, "shape": one, "dtype": one, "flag": np.array([True, False]),
         "odd": np.array([1.0, np.nan, np.inf]), "z": np.array(1 + 2j, "complex64"), "n": np.array([1, 2]), "x": one},
        {"same": one, "close": close, "w.grad": other, "shape": one.T, "dtype": one.astype("float64"),
         "flag": np.array([True, True]), "odd": np.array([1.0, 0.0, -np.inf]), "z": np.array(1 + 2.5j, "complex64"),
         "n": np.array([1, 5]), "y": one[0]},
    )  # fmt: skip


@pytest.mark.parametrize("detail", ["all", "quiet"])
def test_plain_text(detail: str, gradcli: Callable[..., Ended], golden: Golden) -> None:
    differing()
    status, out, err = gradcli("diff", "a.npz", "b.npz", *(["--quiet"] if detail == "quiet" else []))
    assert (status, err) == (1, "")
    golden(f"diff/plain_{detail}.txt", out)


@pytest.mark.parametrize("color", ["auto", "never"])
def test_the_screen(color: str, gradcli: Callable[..., Ended], golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    differing()
    terminal = Terminal()
    assert gradcli("diff", "a.npz", "b.npz", "--color", color, stdout=terminal)[0] == 1
    golden(f"diff/screen_{color}.txt", terminal.getvalue())


def test_what_is_told_in_json(gradcli: Callable[..., Ended], golden: Golden) -> None:
    differing()
    status, out, err = gradcli("diff", "a.npz", "b.npz", "--json")
    [line] = read(out)
    assert (status, err) == (1, "")
    golden("diff/all.json", json.dumps(line, indent=1) + "\n")


def test_the_tolerances(gradcli: Callable[..., Ended]) -> None:
    two({"x": np.array([1.0, 2.0], "float32")}, {"x": np.array([1.0, 2.0001], "float32")})
    assert gradcli("diff", "a.npz", "b.npz")[0] == 1
    assert gradcli("diff", "a.npz", "b.npz", "--rtol", "1e-3")[0] == 0
    assert gradcli("diff", "a.npz", "b.npz", "--rtol", "0", "--atol", "1e-3")[0] == 0
    assert gradcli("diff", "a.npz", "b.npz", "--rtol", "1e-6", "--atol", "1e-6")[0] == 1


def test_what_is_within_the_tolerance_is_told_too(gradcli: Callable[..., Ended]) -> None:
    two({"x": np.array([1.0, 2.0], "float32")}, {"x": np.array([1.0, 2.0000002], "float32")})
    status, out, _ = gradcli("diff", "a.npz", "b.npz")
    assert status == 0
    assert out.splitlines()[1] == "✓ x  [2]  float32  worst at [1]: absolute 2.384e-07, relative 1.192e-07, 1 ULP"


def test_dtypes(gradcli: Callable[..., Ended]) -> None:
    two({"x": np.array([0.5, 1.0], "float32")}, {"x": np.array([0.5, 1.0], "float64")})
    status, out, _ = gradcli("diff", "a.npz", "b.npz", "--quiet")
    assert (status, out) == (1, "a.npz and b.npz\n✗ x  [2]  float32 and float64  the dtypes differ\n")
    assert gradcli("diff", "a.npz", "b.npz", "--any-dtype")[0] == 0


def test_only_what_both_have(gradcli: Callable[..., Ended]) -> None:
    two({"x": np.ones(1), "y": np.ones(1)}, {"y": np.ones(1), "z": np.ones(1)})
    assert gradcli("diff", "a.npz", "b.npz")[0] == 1
    status, out, _ = gradcli("diff", "a.npz", "b.npz", "--common")
    assert (status, out.splitlines()[1:]) == (
        0,
        ["✓ y  [1]  float64  identical", "✓ 1 tensor compared, none differs"],
    )
    np.savez("c.npz", w=np.ones(1))
    status, out, err = gradcli("diff", "a.npz", "c.npz", "--common")
    assert (status, out) == (2, "") and err == "error: `a.npz` and `c.npz` have no tensors in common\n"
    Path("d.json").write_text("{}")
    assert gradcli("diff", "d.json", "d.json") == (2, "", "error: `d.json` and `d.json` have no tensors to compare\n")


def test_the_tolerance_of_two_dtypes_is_that_of_the_wider(gradcli: Callable[..., Ended]) -> None:
    two({"x": np.array([1.0], "float64")}, {"x": np.array([1.000005], "float32")})
    assert gradcli("diff", "a.npz", "b.npz", "--any-dtype")[0] == 0
    assert gradcli("diff", "b.npz", "a.npz", "--any-dtype")[0] == 0


def test_a_file_without_dtypes_takes_those_of_the_other(gradcli: Callable[..., Ended]) -> None:
    for name, value in {
        "a": '{"x": [1, 2.5], "n": [1, 2], "z": [[1, 2]], "e": []}',
        "b": '{"x": [1.0, 2.5], "n": [1, 2], "z": [[1, 2]], "e": []}',
    }.items():
        Path(f"{name}.json").write_text(value)
    dump: dict[str, Any] = {
        "x": np.array([1, 2.5], "float16"),
        "n": np.array([1, 2]),
        "z": np.array([1 + 2j]),
        "e": np.zeros((0, 4)),
    }
    np.savez("c.npz", **dump)
    assert [gradcli("diff", *pair)[0] for pair in (("a.json", "c.npz"), ("c.npz", "a.json"), ("a.json", "b.json"))] == [
        0
    ] * 3
    np.savez("d.npz", **{**dump, "n": np.array([1, 3]), "z": np.array([1 + 3j])})
    _, out, _ = gradcli("diff", "a.json", "d.npz", "--json")
    assert [(tensor["name"], tensor["abs"]) for tensor in read(out)[0]["tensors"] if not tensor["ok"]] == [
        ("n", 1),
        ("z", 1),
    ]


def results(**errors: str | None) -> str:
    """What `run --json` prints of specs of these names."""
    return "".join(
        json.dumps(
            {"format": 1, "spec": name, "tensors": {"n": 1}, "error": None if error is None else {"message": error}}
        )
        + "\n"
        for name, error in errors.items()
    )


def test_specs_are_compared_by_their_names(gradcli: Callable[..., Ended]) -> None:
    Path("a").write_text(results(one=None, two=None, three=None))
    status, out, _ = gradcli("diff", "a", "-", "--json", stdin=results(three=None, four=None, one=None))
    assert status == 1
    assert [(line["a"], line["b"]) for line in read(out)] == [
        ("one", "one"), ("two", None), ("three", "three"), (None, "four"),
    ]  # fmt: skip
    status, out, _ = gradcli("diff", "a", "-", stdin=results(three=None, one=None))
    assert (status, out.splitlines()[-3:]) == (
        1,
        ["three", "✓ n  []  int64  identical", "✗ 1 result without a counterpart"],
    )
    assert "✗ two has no counterpart" in out


def test_specs_without_a_common_name_are_compared_in_their_order(gradcli: Callable[..., Ended]) -> None:
    Path("a").write_text(results(one=None, two=None))
    status, out, _ = gradcli("diff", "a", "-", "--json", stdin=results(three=None, four=None, five=None))
    assert status == 1
    assert [(line["a"], line["b"]) for line in read(out)] == [("one", "three"), ("two", "four"), (None, "five")]


def test_a_spec_of_several_documents(gradcli: Callable[..., Ended]) -> None:
    Path("a.yaml").write_text("matrix: {n: [1, 2]}\ntensors: {x: ones(n)}\n---\ntensors: {y: ones(1)}\n")
    Path("b.yaml").write_text("tensors: {x: ones(1)}\n---\ntensors: {x: ones(2)}\n---\ntensors: {y: ones(1)}\n")
    status, out, err = gradcli("diff", "a.yaml", "b.yaml", "--json")
    assert (status, err, len(read(out))) == (0, "", 3)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.npz", None, "there is no file `none.npz`"),
        (".", None, "cannot read `.`: Is a directory"),
        ("b.npz", b"PK", "cannot read `b.npz`: it is no .npz file in order"),
        ("b.safetensors", b"", "cannot read `b.safetensors`: it does not begin as a .safetensors file does"),
        ("b.json", b"", "cannot read `b.json`: it is no JSON (Expecting value"),
        ("b.json", b"[1]", "cannot read `b.json`: it is no mapping of names to tensors\n  `gradcli run --save` writes"),
        ("b.json", b'{"x": ["a"]}', "it has the text `a` where a number or a list of numbers belongs, in `x`"),
        ("b.json", b'{"x": [[1], [1, 2]]}', "the rows of `x` have different lengths"),
        ("b.json", b'{"x": ' + b"[" * 100_000, "it is nested too deep"),
        ("b.json", b'{"x": "\xff"}', "byte 0xff in line 1 is no UTF-8"),
        ("b.jsonl", b'{"format": 1, "tensors": {}}', "line 1 is no result of `gradcli run --json`"),
        ("b.jsonl", results(a=None).encode() + b"\n[]\n", "line 3 is no result of `gradcli run --json`"),
        ("b.jsonl", results(a="no such thing").encode(), "the run of `a` ended with an error: no such thing"),
        ("b.yaml", b"tensors: {x: onse(3)}\n", "unknown operation `onse`"),
        ("b.yaml", b"tensors: {x: ones(3)}\npipeline:\n  - y: x @ ones(2)\n", "b.yaml:3:8: inconsistent tensor size"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared(name: str, content: bytes | None, message: str, gradcli: Callable[..., Ended]) -> None:
    if content is not None:
        Path(name).write_bytes(content)
    Path("a.json").write_text('{"x": 1}')
    for pair in ((name, "a.json"), ("a.json", name)):
        status, out, err = gradcli("diff", *pair)
        assert (status, out) == (2, "") and err.startswith("error: ") and message in err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"omitted": True, "value": None}, "it was written without the values of `x`\n  `run --json --full` writes"),
        ({"dtype": "float128"}, "its dtype is float128"),
        ({"shape": [3]}, "line 1 is no result of `gradcli run --json`"),
        ({"value": None}, "line 1 is no result of `gradcli run --json`"),
    ],
)  # fmt: skip
def test_a_result_that_is_not_in_order(change: dict[str, Any], message: str, gradcli: Callable[..., Ended]) -> None:
    tensor = {"value": [1.0, 2.0], "shape": [2], "dtype": "float32", "grad": None, **change}
    line = {"format": 1, "spec": "a", "tensors": {"x": tensor}, "error": None}
    Path("b.json").write_text('{"x": [1, 2]}')
    status, out, err = gradcli("diff", "-", "b.json", stdin=json.dumps(line))
    assert (status, out) == (2, "") and message in err


def test_standard_input_can_be_read_once(gradcli: Callable[..., Ended]) -> None:
    status, out, err = gradcli("diff", "-", "-")
    assert (status, out) == (2, "") and "standard input can be only one of the two" in err
