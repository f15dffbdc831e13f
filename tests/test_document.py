"""A spec file becomes dataclasses that say what was written and where, or the list of all that is wrong."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gradcli.errors import Span, UserError, UserErrors
from gradcli.spec import steps
from gradcli.spec.document import Spec, expand, load_specs
from gradcli.spec.excerpt import render_error
from gradcli.spec.source import Source
from gradcli.spec.steps import Expression, Literal, Load

BAD = sorted((Path(__file__).parent / "cases" / "bad").glob("*.yaml"))
TENSORS = "tensors: {w: 'ones(3, requires_grad=True)', b: ones(3), x: ones(3)}\n"
CONTRACT = """\
title: The quickstart of automatic differentiation     # optional
seed: 0
dtype: float32
device: cpu
params: {n: 5}
tensors:
  x: ones(n)
  y: [0, 0, 0.5]
  w: {data: "randn(n, 3)", requires_grad: true}
  b: randn(3, requires_grad=True)
  a: {load: data/a.npy, dtype: float64}
pipeline:
  - z: x @ w + b
  - loss: binary_cross_entropy_with_logits(z, y)
  - print: [z.grad_fn, loss.grad_fn]
  - backward: loss
  - print: [w.grad, b.grad]
"""


class AnyOperation:
    """A table that knows every operation but those whose name begins with `no_`, and takes two arguments."""

    def find(self, name: str) -> Any | None:
        return None if name.startswith("no_") or name in ("print", "f") else name

    def find_method(self, name: str) -> Any | None:
        return self.find(name)

    def suggest(self, name: str, methods: bool) -> list[str]:
        return ["method_like_it" if methods else "function_like_it"]

    def check_arguments(self, found: Any, count: int, keywords: list[str], method: bool) -> str | None:
        return f"{found} takes no {keywords[0]}" if keywords == ["extra"] else None


def load(text: str) -> Spec:
    (spec,) = load_specs(Source("spec.yaml", text), operations=AnyOperation())
    return spec


def refused(text: str) -> list[UserError]:
    with pytest.raises(UserErrors) as caught:
        load(text)
    return caught.value.errors


def pipeline(text: str) -> list[steps.Step]:
    """The steps of a pipeline, for which w, b, x and loss are bound."""
    lines = "".join(f"  {line}\n" for line in text.splitlines())
    found = load(f"{TENSORS}pipeline:\n  - loss: (w * x).sum()\n{lines}").pipeline
    return found[1:]


def step(text: str) -> Any:
    (found,) = pipeline(f"- {text}")
    return found


def texts(expressions: list[Expression] | None) -> list[str] | None:
    return None if expressions is None else [expression.text for expression in expressions]


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.stem)
def test_bad_specs_are_explained(case: Path) -> None:
    source = Source(case.name, case.read_text(encoding="utf-8"))
    with pytest.raises(UserErrors) as caught:
        load_specs(source)
    told = "".join(f"{render_error(error, source)}\n" for error in caught.value.errors)
    assert told == case.with_suffix(".txt").read_text(encoding="utf-8")


def test_the_example_of_the_contract() -> None:
    spec = load(CONTRACT)
    assert (spec.title, spec.seed, spec.dtype, spec.device) == (
        "The quickstart of automatic differentiation",
        0,
        "float32",
        "cpu",
    )
    assert spec.params == {"n": 5}
    assert [entry.name for entry in spec.tensors] == ["x", "y", "w", "b", "a"]
    x, y, w, _, a = spec.tensors
    assert isinstance(x.data, Expression)
    assert x.data.text == "ones(n)"
    assert x.data.span() == Span(7, 6, 7, 13)
    assert isinstance(y.data, Literal)
    assert y.data.value == [0, 0, 0.5]
    assert isinstance(w.data, Expression)
    assert (w.data.text, w.requires_grad, w.dtype, w.device) == ("randn(n, 3)", True, None, None)
    assert isinstance(a.data, Load)
    assert (a.data.path, a.data.key, a.dtype) == ("data/a.npy", None, "float64")
    assert [(found.kind, found.line) for found in spec.pipeline] == [
        ("assign", 13),
        ("assign", 14),
        ("print", 15),
        ("backward", 16),
        ("print", 17),
    ]


def test_what_is_left_out() -> None:
    spec = load("tensors:\n")
    assert (spec.title, spec.seed, spec.dtype, spec.device) == (None, 0, "float32", "cpu")
    assert (spec.params, spec.tensors, spec.pipeline, spec.functions, spec.matrix) == ({}, [], [], [], {})


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("3", 3),
        ("-1.5", -1.5),
        ("1e-3", 0.001),
        ("0x1F", 31),
        ("true", True),
        ("1+2j", 1 + 2j),
        ("inf", math.inf),
        ("-.inf", -math.inf),
        ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("[1, inf, true]", [1, math.inf, True]),
        ("[]", []),
        ("\n    - [1]\n    - [2]", [[1], [2]]),
    ],
)
def test_literals(written: str, value: object) -> None:
    (entry,) = load(f"tensors:\n  x: {written}\n").tensors
    assert isinstance(entry.data, Literal)
    assert entry.data.value == value
    assert type(entry.data.value) is type(value)


def test_nan_is_a_number_in_a_literal() -> None:
    (entry,) = load("tensors: {x: [nan, .nan]}").tensors
    assert isinstance(entry.data, Literal)
    assert isinstance(entry.data.value, list)
    assert all(isinstance(item, float) and math.isnan(item) for item in entry.data.value)


def test_a_bound_name_shadows_inf() -> None:
    entries = load("tensors: {inf: ones(3), y: inf}").tensors
    assert isinstance(entries[1].data, Expression)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("[1, x]", "[1, x]"),
        ("\n      - 1.5\n      - [w, .nan]", "[1.5, [w, nan]]"),
        ("['x, w', 2]", "[(x, w), 2]"),
        ('["x # first", true]', "[x # first\n, True]"),
    ],
)
def test_a_list_with_expressions_is_one_expression(written: str, text: str) -> None:
    value = step(f"v: {written}").value
    assert isinstance(value, Expression)
    assert value.text == text


def test_places_within_a_list_of_expressions() -> None:
    value = step("v: [1, 'x +  w', [b]]").value
    items = value.tree.items
    assert value.span(items[1]) == Span(4, 13, 4, 19)
    assert value.span(items[1].operands[1]) == Span(4, 18, 4, 19)
    assert value.span(items[2].items[0]) == Span(4, 23, 4, 24)


@pytest.mark.parametrize(
    ("written", "path", "key"),
    [
        ("a.npy", "a.npy", None),
        ("a.npz:w", "a.npz", "w"),
        ("'C:\\data\\a.safetensors:layer.0:w'", "C:\\data\\a.safetensors", "layer.0:w"),
        ("a b.csv", "a b.csv", None),
        ("dir/a.json", "dir/a.json", None),
    ],
)
def test_files_of_tensors(written: str, path: str, key: str | None) -> None:
    (entry,) = load(f"tensors:\n  x: {{load: {written}}}\n").tensors
    assert isinstance(entry.data, Load)
    assert (entry.data.path, entry.data.key) == (path, key)


def test_options_of_tensors() -> None:
    (entry,) = load("tensors: {x: {data: 1, requires_grad: false, dtype: torch.double, device: 'cuda:1'}}").tensors
    assert (entry.requires_grad, entry.dtype, entry.device) == (False, "float64", "cuda:1")


def test_params() -> None:
    params = load("params: {n: 5, lr: 1e-3, on: true, mode: mean, dims: [0, 1], none: null}").params
    assert params == {"n": 5, "lr": 0.001, "on": True, "mode": "mean", "dims": [0, 1], "none": None}


def test_binding() -> None:
    assert step("z: w * x").value.text == "w * x"
    assert step("z: 3").value.value == 3
    assert step("z: null").value.value is None
    assert step("z: [1, 2]").value.value == [1, 2]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("u, s, vh = linalg.svd(w)", "assign"),
        ("w -= 0.1 * w.grad", "assign"),
        ("w[0] = 3", "assign"),
        ("w[0] *= 3", "assign"),
        ("w.grad = None", "assign"),
        ("w.data -= x", "assign"),
        ("x.requires_grad = True", "assign"),
        ("loss.backward(retain_graph=True)", "backward"),
        ("torch.autograd.backward(loss)", "backward"),
        ("w.grad.zero_()", "call"),
        ("torch.manual_seed(1)", "call"),
        ("w.retain_grad()", "call"),
        ("del x, b", "delete"),
        ("print(w.grad)", "print"),
        ("print(w, x)", "print"),
    ],
)
def test_lines_of_pytorch(line: str, kind: str) -> None:
    found = step(f'"{line}"')
    assert isinstance(found, steps.Line)
    assert found.kind == kind
    assert found.expression.text == line


def test_names_that_lines_bind() -> None:
    bound = '- "u, s = linalg.eigh(w)"\n- v = u + s\n- print: [u, s, v]'
    assert len(pipeline(bound)) == 3
    assert [error.message for error in refused(f"{TENSORS}pipeline:\n- del w\n- print: w")] == [
        "`w` is deleted in line 3"
    ]
    assert len(pipeline("- del w\n- w: x * 2\n- print: w")) == 3


def test_backward() -> None:
    found = step("backward: loss")
    assert (texts(found.of), found.gradient, found.retain_graph, found.create_graph, found.inputs) == (
        ["loss"],
        [None],
        None,
        False,
        None,
    )
    assert texts(step("backward: [loss, w]").of) == ["loss", "w"]
    found = step("backward: {of: w, gradient: ones_like(w), retain_graph: true, create_graph: true, inputs: [w, b]}")
    assert [value.text for value in found.gradient] == ["ones_like(w)"]
    assert (found.retain_graph, found.create_graph, texts(found.inputs)) == (True, True, ["w", "b"])
    assert step("backward: {of: w, gradient: [1, 0.5, 2]}").gradient[0].value == [1, 0.5, 2]
    found = step("backward: {of: [w, loss], gradient: [x, null]}")
    assert found.gradient[0].text == "x"
    assert found.gradient[1] is None


def test_zero_grad() -> None:
    assert step("zero_grad: all").of is None
    assert texts(step("zero_grad: [w, b]").of) == ["w", "b"]
    assert texts(step("zero_grad: w").of) == ["w"]
    found = step("zero_grad: {of: [w], set_to_none: true}")
    assert (texts(found.of), found.set_to_none) == (["w"], True)
    assert step("zero_grad: {of: all}").set_to_none is False


@pytest.mark.parametrize("kind", ["no_grad", "enable_grad"])
def test_blocks(kind: str) -> None:
    found = step(f"{kind}:\n    - w -= 0.1 * w.grad\n    - y: w * 2")
    assert found.kind == kind
    assert [inner.kind for inner in found.steps] == ["assign", "assign"]
    assert [inner.line for inner in found.steps] == [5, 6]


def test_flags() -> None:
    flags = step("requires_grad: {w: false, x: true}").flags
    assert [(expression.text, flag) for expression, flag in flags] == [("w", False), ("x", True)]
    assert texts(step("retain_grad: [loss]").of) == ["loss"]
    assert texts(step("retain_grad: loss").of) == ["loss"]


def test_hooks() -> None:
    found = step("hook: {on: w, as: g, value: 2 * g}")
    assert (found.on.text, found.name, found.value.text) == ("w", "g", "2 * g")
    found = step("hook: {on: w}")
    assert (found.name, found.value) == ("grad", None)
    later, _ = pipeline("- hook: {on: w, value: grad * scale}\n- scale: x.sum()")
    assert isinstance(later, steps.Hook)


def test_loops() -> None:
    found = step("repeat: {times: 100, as: i, steps: [w = w * i, del b]}")
    assert (found.times.value, found.name, len(found.steps)) == (100, "i", 2)
    assert step("repeat: {times: w.numel(), steps: [print: w]}").times.text == "w.numel()"
    found = step("while: {condition: norm(w) < 1000, at_most: 100, steps: ['w *= 2']}")
    assert (found.condition.text, found.at_most.value, len(found.steps)) == ("norm(w) < 1000", 100, 1)
    assert len(pipeline("- repeat: {times: 2, steps: [del b, y: w]}\n- print: [b, y]")) == 2


def test_print() -> None:
    assert [(item.label, item.value.text) for item in step("print: w.grad").items] == [(None, "w.grad")]
    assert [item.value.text for item in step("print: [w, 'x[0, 1]', 3]").items] == ["w", "x[0, 1]", "3"]
    labels = [(item.label, item.value.text) for item in step("print: {of w: w.grad, sum: w + x}").items]
    assert labels == [("of w", "w.grad"), ("sum", "w + x")]


def expected(written: str) -> steps.ExpectItem:
    (item,) = step(f"expect:\n      w.grad: {written}\n      rtol: 1e-5").items
    assert isinstance(item, steps.ExpectItem)
    assert item.expr.text == "w.grad"
    return item


def test_expectations() -> None:
    found = step("expect: {w.grad: 3, 'w[0, 1]': x, rtol: 1e-5, atol: 1e-8}")
    assert [item.expr.text for item in found.items] == ["w.grad", "w[0, 1]"]
    assert (found.rtol, found.atol) == (1e-5, 1e-8)
    assert found.items[1].span == Span(4, 25, 4, 34)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("3", 3),
        ("nan", math.nan),
        ("true", True),
        ("[[1, 2], 3]", [[1, 2], 3]),
        ("AddBackward0", "AddBackward0"),
        ("'<AddBackward0>'", "AddBackward0"),
        ("<AccumulateGrad>", "AccumulateGrad"),
        ("float32", "float32"),
        ("torch.float64", "float64"),
        ("cuda:0", "cuda:0"),
    ],
)
def test_expected_literals(written: str, value: object) -> None:
    item = expected(written)
    assert isinstance(item.expected, Literal)
    assert item.expected.value == value or item.expected.value != item.expected.value
    assert (item.recorded, item.is_none) == (True, False)


@pytest.mark.parametrize("written", ["2 * x", "x", "'[x, w]'", "[x, 1.0]"])
def test_expected_expressions(written: str) -> None:
    assert isinstance(expected(written).expected, Expression)


def test_nothing_expected_is_not_none_expected() -> None:
    not_recorded = expected("")
    assert (not_recorded.expected, not_recorded.recorded, not_recorded.is_none) == (None, False, False)
    for written in ("null", "~", "None", "{equals: null}"):
        item = expected(written)
        assert (item.expected, item.recorded, item.is_none) == (None, True, True)
    assert expected("{equals: , rtol: 1}").recorded is False


def test_checks_of_an_expectation() -> None:
    item = expected("{equals: 2 * x, rtol: 1e-3, atol: 0, finite: true, nonzero: true, shape: [5, 3]}")
    assert isinstance(item.expected, Expression)
    assert (item.rtol, item.atol, item.finite, item.nonzero, item.shape) == (1e-3, 0, True, True, [5, 3])
    item = expected("{shape: []}")
    assert (item.expected, item.recorded, item.is_none, item.shape) == (None, True, False, [])
    item = expected("{load: 'a.npz:w'}")
    assert isinstance(item.expected, Load)
    assert (item.finite, item.nonzero, item.shape) == (False, False, None)


def test_expected_errors() -> None:
    found = step('expect_error: {steps: [w @ b, "relu(x, extra=3)", y: x], match: second time}')
    assert found.match == "second time"
    assert [inner.kind for inner in found.steps] == ["call", "call", "assign"]
    assert len(pipeline("- expect_error: {steps: [y: x, del w], match: a}\n- print: [y, w]")) == 2


def test_claims_and_gradchecks() -> None:
    items = step("claim: {w.grad: 2 * x, b.grad: [1, x]}").items
    assert [(left.text, right.text) for left, right in items] == [("w.grad", "2 * x"), ("b.grad", "[1, x]")]
    found = step("gradcheck: {of: loss, wrt: [w, b], order: 2}")
    assert (found.of.text, texts(found.wrt), found.order) == ("loss", ["w", "b"], 2)
    assert step("gradcheck: {of: loss, wrt: w}").order == 1


def test_functions() -> None:
    spec = load(
        'functions:\n  f(a, b): {forward: "g(a) * b * n", backward: {a: grad * b, b: null}}\n'
        "  g(a): sin(a)\n  one(): n\nparams: {n: 2}\n"
        "tensors: {x: 'f(ones(3), b=one())'}\n"
    )
    f, g, one = spec.functions
    assert (f.name, f.parameters, f.forward.text) == ("f", ("a", "b"), "g(a) * b * n")
    assert f.backward is not None
    assert {name: formula.text for name, formula in f.backward.items()} == {"a": "grad * b"}
    assert (g.forward.text, g.backward, one.parameters) == ("sin(a)", None, ())


def test_names_that_are_known() -> None:
    known = "[pi, e, inf, nan, float64, torch.float64, torch.double, torch.pi, w.T.grad_fn.next_functions]"
    assert len(pipeline(f'- "print{known.replace("[", "(").replace("]", ")")}"')) == 1
    assert load("tensors: {F: ones(3), y: F.sum()}").tensors[1].name == "y"


def test_what_the_table_says_of_calls() -> None:
    steps_written = "- y: relu(x, extra=1) + x.relu(extra=1)\n- z: no_such(y) + y.no_such()\n- print: z\n"
    errors = refused(f"{TENSORS}pipeline:\n{steps_written}")
    assert [(error.kind, error.message, error.hint) for error in errors] == [
        ("type", "relu takes no extra", None),
        ("type", "relu takes no extra", None),
        ("name", "unknown operation `no_such`", "did you mean `function_like_it`?"),
        ("name", "a tensor has no method `no_such`", "did you mean `method_like_it`?"),
    ]
    assert [error.span and error.span.column for error in errors] == [6, 27, 6, 21]


def test_all_documents_are_read() -> None:
    specs = load_specs(Source("a.yaml", "seed: 1\n---\nseed: 2\n"), operations=AnyOperation())
    assert [(spec.source.name, spec.seed) for spec in specs] == [("a.yaml", 1), ("a.yaml#2", 2)]
    with pytest.raises(UserErrors) as caught:
        load_specs(Source("a.yaml", "seed: a\n---\nseed: b\n"), operations=AnyOperation())
    assert [error.span and error.span.line for error in caught.value.errors] == [1, 3]


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(CONTRACT)
    (spec,) = load_specs(str(path), operations=AnyOperation())
    assert spec.source.name == str(path)
    with pytest.raises(UserError, match="cannot read"):
        load_specs(str(tmp_path / "none.yaml"))


def test_anchors() -> None:
    spec = load("tensors:\n  x: &ones ones(3)\n  y: *ones\npipeline:\n  - &step {z: x}\n  - *step\n  - print: z\n")
    assert [entry.name for entry in spec.tensors] == ["x", "y"]
    assert [found.line for found in spec.pipeline] == [5, 5, 7]


def test_the_matrix() -> None:
    spec = load("params: {n: 3, m: 4}\nmatrix: {n: [1, 5], dtype: [float32, double], seed: [7]}\n")
    specs = expand(spec)
    assert [(one.source.name, one.params, one.dtype, one.seed) for one in specs] == [
        ("spec.yaml[n=1,dtype=float32,seed=7]", {"n": 1, "m": 4}, "float32", 7),
        ("spec.yaml[n=1,dtype=float64,seed=7]", {"n": 1, "m": 4}, "float64", 7),
        ("spec.yaml[n=5,dtype=float32,seed=7]", {"n": 5, "m": 4}, "float32", 7),
        ("spec.yaml[n=5,dtype=float64,seed=7]", {"n": 5, "m": 4}, "float64", 7),
    ]
    fixed = expand(spec, {"n": 9, "dtype": "float16"})
    assert [(one.source.name, one.params["n"], one.dtype) for one in fixed] == [("spec.yaml[seed=7]", 9, "float16")]


def test_settings_without_a_matrix() -> None:
    spec = load("params: {n: 3}")
    (same,) = expand(spec)
    assert (same.source.name, same.params) == ("spec.yaml", {"n": 3})
    (changed,) = expand(spec, {"n": 4, "seed": 5, "device": "cuda"})
    assert (changed.params, changed.seed, changed.device) == ({"n": 4}, 5, "cuda")


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ({"nn": 4}, "`spec.yaml` has no param `nn`", "did you mean `n`?"),
        ({"seed": 1.5}, "`seed` must be an integer, not `1.5`", None),
        (
            {"dtype": "int64"},
            "`dtype` must be a floating dtype, not `int64`",
            "one of `float16`, `bfloat16`, `float32` and `float64`",
        ),
        ({"device": "gpu"}, "`device` must be `cpu`, `cuda` or `cuda:N`, not `gpu`", None),
    ],
)
def test_settings_that_a_spec_cannot_take(settings: dict[str, Any], message: str, hint: str | None) -> None:
    with pytest.raises(UserError) as caught:
        expand(load("params: {n: 3}"), settings)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_long_expressions_and_deep_lists() -> None:
    assert load(f"tensors:\n  x: {' + '.join(['1.0'] * 1000)}\n").tensors[0].name == "x"
    assert load(f"tensors:\n  x: {'[' * 60}1{']' * 60}\n").tensors[0].name == "x"


def test_reading_a_spec_needs_neither_numpy_nor_rich() -> None:
    program = (
        "import sys, gradcli.spec.document as document; from gradcli.spec.source import Source;"
        "document.load_specs(Source('a', 'tensors: {x: ones(3)}\\npipeline: [print: x.sum()]'));"
        "sys.exit(not {'numpy', 'rich'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
