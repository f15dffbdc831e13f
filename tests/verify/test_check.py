"""`gradcli check`: the verdicts, what is told of them, and what must never be called wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from gradcli.errors import UserError

from ..command_line import Ended, Terminal
from ..ops.samples import smooth
from ..pipelines.pipeline import spec_text
from ..pipelines.test_pipelines import FROZEN
from .trial import Taped

Golden = Callable[[str, str], None]
ROOT = Path(__file__).parents[2]
VERDICTS = {
    "correct": {"correct"},
    "frozen": {"correct"},
    "ill_conditioned": {"correct", "ill-conditioned"},
    "kink": {"kink"},
    "needs_float64": {"correct", "needs-float64"},
    "not_differentiable": {"correct", "not-differentiable"},
    "wrong": {"correct", "wrong"},
    "wrong_second_order": {"correct", "wrong"},
}
# all that may look strange in a gradient that is right: the tensors, then the steps
NEVER_WRONG = {
    "abs at 0": ("x: [0.0, 1.0]", "y: abs(x).sum()"),
    "kinks that cancel": ("x: [0.0, 1.0]", "y: (relu(x) - relu(-x)).sum()"),
    "max of equals": ("x: [2.0, 2.0, 1.0]", "y: x.max(0).values * 3"),
    "amax of equals": ("x: [2.0, 2.0, 1.0]", "y: x.amax()"),
    "mode of equals": ("x: [1.0, 3.0, 3.0, 0.0, 3.0]", "y: mode(x).values"),
    "sorted equals": ("x: [1.0, 3.0, 3.0]", "y: (sort(x).values * tensor([1.0, 2.0, 3.0])).sum()"),
    "clamp at its bound": ("x: [0.0, 1.0, 0.5]", "y: clamp(x, 0, 1).sum()"),
    "norm of zeros": ("x: [0.0, 0.0]", "y: linalg.norm(x)"),
    "root of a square": ("x: [0.0, 2.0]", "y: sqrt(x ** 2).sum()"),
    "hinge": ("x: [1.0, 2.0]", "y: relu(1 - x).sum()"),
    "a jump": ("x: [1.0, 1.5]", "y: (floor(x) * x).sum()"),
    "float32 noise": ("x: [1e-3, 1e3]", "y: (x ** 2).sum() * 1e3 + 1e6"),
    "cancellation": ("x: [1.0, 1.5]", "y: ((x + 1e8) - 1e8).sum()"),
    "total cancellation": ("x: {data: [1.0], dtype: float64, requires_grad: true}", "y: ((x + 1e16) - 1e16).sum()"),
    "saturation": ("x: [40.0, -200.0, 3.0]", "y: sigmoid(x).sum() + tanh(x).sum()"),
    "underflow": ("x: [-120.0, -110.0]", "y: exp(x).sum()"),
    "a constant sum": ("x: [1.0, 2.0, -1.0]", "y: softmax(x, 0).sum() + layer_norm(x, [3]).sum()"),
    "chaos": ("x: [0.3]", "y: x", "repeat: {times: 40, steps: [y: 3.9 * y * (1 - y)]}", "y: y.sum()"),
    "detach": ("x: [1.0, 2.0]", "y: (x * x.detach()).sum()"),
    "no_grad": ("x: [1.0, 2.0]", "no_grad: [c: exp(x)]", "y: (x * c).sum()"),
    "data": ("x: [1.0, 2.0]", "h: x * 3", "'h.data.mul_(2)'", "y: (h * h * x.data).sum()"),
    "a loop": ("x: [1.0, 2.0]", "h: x", "while: {condition: h.sum() < 9, at_most: 9, steps: [h: h * h]}", "y: h.sum()"),
    "hooks": ("x: [1.0, 2.0]", "h: x * x", "hook: {on: h, as: g, value: 7 * g}", "y: h.sum()"),
    "dropout": ("x: [1.0, 2.0, 3.0, 4.0]", "y: (dropout(x, 0.5) * x).sum()"),
    "a draw in place": ("x: [1.0, 2.0]", "h: x * 2", "'h.normal_()'", "y: (h * x).sum()"),
    "in place": ("x: [1.0, 2.0, 3.0]", "h: x * 2", "'h[1:] *= x[:2]'", "'h[0] = 5'", "'h.exp_()'", "y: (h * x).sum()"),
    "in place in a constant": ("x: [1.0, 2.0]", "h: ones(4)", "'h[1:3] += x'", "y: (h ** 2).sum()"),
    "views": (
        "x: {data: 'randn(2, 3)', requires_grad: true}",
        "h: x * 2", "v: h.t()[1]", "'h.mul_(3)'", "'v.exp_()'", "y: (h * v[0]).sum()",
    ),
    "a leaf that is updated": ("x: [1.0, 2.0]", "h: x + 3", "no_grad: ['x.mul_(2)']", "y: (h * x).sum()"),
    "complex": ("x: {data: 'randn(3, dtype=complex64)', requires_grad: true}", "y: (x * x.conj() * x).abs().sum()"),
    "half": ("x: {data: 'randn(3, dtype=float16)', requires_grad: true}", "y: (x.exp() * x).sum()"),
    "a draw by probability": ("x: [0.2, 0.8, 0.5, 0.1]", "y: (bernoulli(x) * x).sum()"),
    "a trap in where": ("x: [0.0, 4.0]", "y: where(x > 0, sqrt(x), 0 * x).sum()"),
    "a trap beyond the domain": ("x: [-1.0, 4.0]", "y: where(x > 0, sqrt(x), 0).sum()"),
    "a trap of overflow": ("x: [1000.0, 4.0]", "y: where(x < 100, exp(x), x).sum()"),
    "integers and masks": (
        "x: [1.0, -2.0, 3.0]", "i: tensor([0, 2, 2])", "y: (x[i] * i).sum() + x.masked_fill(x < 0, 3).prod()",
    ),
    "squares that underflow": (
        "x: {data: [1e-200, 1e-160], dtype: float64, requires_grad: true}", "y: (x ** 2).sum()",
    ),
    "squares that overflow": ("x: {data: [1e200, 1e150], dtype: float64, requires_grad: true}", "y: (x * 3).sum()"),
    "a root that is no number": ("x: [-1.0, 2.0]", "y: log(x).sum()"),
    "a root that overflows": ("x: [1000.0]", "y: exp(x).sum()"),
    "oscillation": ("x: {data: [1.0], dtype: float64, requires_grad: true}", "y: sin(1e6 * x).sum()"),
    "beside a kink": ("x: {data: [1e-9, 1e-5], dtype: float64, requires_grad: true}", "y: relu(x).sum()"),
    "a small kink in a steep function": ("x: [0.0, 1.0]", "y: (1e6 * x + abs(x)).sum()"),
    "quantization": ("x: [0.3, 1.2]", "q: x + (round(x) - x).detach()", "y: (q ** 2).sum()"),
    "no elements": ("x: {data: 'zeros(0)', requires_grad: true}", "y: x.sum()"),
    "a gradient of a gradient": (
        "x: [1.0, 2.0]", "g: 'grad((x ** 3).sum(), [x], create_graph=True)'", "y: (g[0] ** 2).sum()",
    ),
}  # fmt: skip

# functions with their own backward, an expression of `x`, which is [0.5, 1.0, -2.0], and the sentence if it is wrong
CLAIMED = {
    "right": ("f(x): {forward: x ** 3, backward: {x: grad * 3 * x ** 2}}", "f(x).mean()", None),
    "a factor": ("f(x): {forward: x ** 3, backward: {x: grad * x ** 2}}", "f(x[:2]).sum()", "a factor of 3 is missing"),
    "a sign": ("f(x): {forward: cos(x), backward: {x: grad * sin(x)}}", "f(x).sum()", "a sign is wrong"),
    "a mean": ("f(x): {forward: x.mean(), backward: {x: grad * ones(3)}}", "f(x * x)", "a division by 3 is"),
    "a sum": ("f(x): {forward: x.sum(), backward: {x: grad * ones(3) / 3}}", "f(x * x)", "1/3 of the numeric"),
    "a constant": ("f(x): {forward: exp(x), backward: {x: 1.0001 * grad * result}}", "f(x).sum()", "0.0001 of the num"),
    "a shift": ("f(x): {forward: x * x, backward: {x: grad * (2 * x + 1)}}", "f(x).sum()", "plus 1 everywhere"),
    "a branch": (
        "f(x): {forward: 'where(x > 0, x, 0.1 * x)', backward: {x: 'grad * where(x > 0, 1.0, 0.2)'}}", "f(x).sum()",
        "differ in 1 of 3 elements",
    ),
    "places": (
        "f(x): {forward: 'x.flip(0) * tensor([1.0, 2.0, 4.0])', backward: {x: 'grad * tensor([1.0, 2.0, 4.0])'}}",
        "f(x).sum()", "in other places",
    ),
    "nothing": ("f(x): {forward: x * x, backward: {x: 0 * grad}}", "f(x).sum()", "the analytic gradient is zero"),
    "straight through": ("f(x): {forward: round(3 * x + 0.1), backward: {x: grad}}", "f(x).sum()", "flat here"),
    "beside a kink": (
        "f(x): {forward: 2 * relu(x), backward: {x: grad * (x > 0)}}", "f(x - 0.5).sum()", "half the numeric",
    ),
    "a saturated sign": (
        "f(x): {forward: sigmoid(x), backward: {x: -grad * result * (1 - result)}}", "f(20 * x + 20).sum()", "is wrong",
    ),
    "no `grad`": ("f(x): {forward: x * x, backward: {x: 2 * x}}", "f(x).sum()", "right by chance"),
    "right at 1": ("f(x): {forward: x ** 3, backward: {x: grad * 3 * x}}", "f(x[1]).sum()", "right by chance"),
    "right at 0": ("f(x): {forward: sin(x), backward: {x: grad * (1 + x)}}", "f(x - x.detach()).sum()", "by chance"),
    "dropout": (
        "f(x): {forward: 'dropout(x, 0.5)', backward: {x: 'grad * where(result != 0, 2.0, 0.0)'}}",
        "(f(x) ** 2).sum()", None,
    ),
    "noise": ("f(x): {forward: x + randn(3), backward: {x: grad}}", "(f(x) ** 2).sum()", None),
    "single precision inside": (
        "f(x): {forward: (x.float() ** 2).double(), backward: {x: grad * 2 * x}}", "f(x).sum()", None,
    ),
    "right where it is used": (  # on vectors of length 1 only
        "f(x): {forward: x / linalg.norm(x), backward: {x: grad - result * (result * grad).sum()}}",
        "(f(x / linalg.norm(x)) * x.detach().exp()).sum()", None,
    ),
    "a kink": ("f(x): {forward: relu(x), backward: {x: grad * (x > 0)}}", "f(x - 0.5).sum()", None),
    "a pole": ("f(x): {forward: sqrt(x), backward: {x: grad / (2 * result)}}", "f(x - 0.5)[:2].sum()", None),
}  # fmt: skip

# in one of them an index that occurs twice is assigned to, whose gradient torch counts twice
PIPELINES = [case for case in range(len(FROZEN)) if case != 295]


@pytest.fixture
def gradcli(gradcli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Runs a command line in this process and in the project's folder."""
    monkeypatch.chdir(ROOT)
    return gradcli


def read(text: str) -> list[Any]:
    """The lines of JSON, as the schema says they are."""
    jsonschema = pytest.importorskip("jsonschema")
    rules = json.loads(files("gradcli.report").joinpath("schemas/check.json").read_text("utf-8"))
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        jsonschema.validate(line, rules, cls=jsonschema.Draft202012Validator)
    return lines


def without_rounding(text: str) -> str:
    """What a screen shows, but for numbers that are nothing but rounding."""
    text = re.sub(r"[\d.]+ digits", "N digits", re.sub(" +$", "", text, flags=re.MULTILINE))
    return re.sub(r"(ill-conditioned\n.*\n +numbers +)\S+(.*\n.* by up to )\S+", r"\1N\2N,", text)


def test_there_is_a_spec_for_each_verdict() -> None:
    assert {path.stem for path in (ROOT / "specs" / "checks").glob("*.yaml")} == set(VERDICTS)


@pytest.mark.parametrize("name", VERDICTS)
def test_a_verdict(name: str, gradcli: Callable[..., Ended], golden: Golden) -> None:
    status, out, err = gradcli("check", f"specs/checks/{name}.yaml")
    assert status == ("wrong" in VERDICTS[name]) and err == ""
    golden(f"check/{name}.txt", without_rounding(out))
    status, out, err = gradcli("check", "--json", f"specs/checks/{name}.yaml")
    assert {check["verdict"] for check in read(out)[0]["checks"]} == VERDICTS[name]
    strict, out, err = gradcli("check", "--strict", "--json", f"specs/checks/{name}.yaml")
    assert strict == (VERDICTS[name] != {"correct"}) and read(out)[0]["ok"] == (not strict)


@pytest.mark.parametrize("columns", [80, 120])
def test_the_screen(columns: int, gradcli: Callable[..., Ended], golden: Golden, monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    status, out, _ = gradcli("check", "specs/checks/wrong.yaml", "specs/checks/kink.yaml", stdout=terminal)
    assert status == 1
    golden(f"check/screen_{columns}.txt", without_rounding(out))


def test_quiet_tells_what_is_not_correct(gradcli: Callable[..., Ended]) -> None:
    assert gradcli("check", "--quiet", "specs/checks/correct.yaml") == (0, "", "")
    out = gradcli("check", "--quiet", "specs/checks/wrong.yaml")[1]
    assert out.count("✗") == 2 and "✓" not in out


def test_fast_comes_to_the_same_verdicts(gradcli: Callable[..., Ended]) -> None:
    for name in ("correct", "wrong", "wrong_second_order"):
        whole, fast = (
            read(gradcli("check", "--json", *options, f"specs/checks/{name}.yaml")[1]) for options in ([], ["--fast"])
        )
        assert [check["verdict"] for check in whole[0]["checks"]] == [check["verdict"] for check in fast[0]["checks"]]
        assert all(check["worst"]["index"] is None for check in fast[0]["checks"])


def test_the_wrong_tensor_is_named_with_element_and_sentence(gradcli: Callable[..., Ended]) -> None:
    checks = read(gradcli("check", "--json", "specs/checks/wrong.yaml")[1])[0]["checks"]
    wrong = [check for check in checks if check["verdict"] == "wrong" and check["order"] == 1]
    assert [(check["tensor"], check["root"], check["line"]) for check in wrong] == [("x", "loss", 10)]
    worst = wrong[0]["worst"]
    assert worst["numeric"] == pytest.approx(3 * worst["analytic"])
    assert "the backward of `wave` (line 9) is wrong" in wrong[0]["why"]
    assert wrong[0]["taylor"] == 1.0


def test_a_spec_with_a_mistake_is_an_error(gradcli: Callable[..., Ended]) -> None:
    status, out, err = gradcli("check", "-", "--json", stdin="pipeline: [y: nonsense + 1]")
    assert status == 2 and read(out)[0]["error"]["message"] == "unknown name `nonsense`" and "nonsense" in err
    status, out, err = gradcli("check", "-", stdin="tensors: {x: [1.0]}\npipeline: [y: x]")
    assert (status, out) == (0, "-: · no gradient was computed: nothing to check\n")


@pytest.mark.parametrize("name", NEVER_WRONG)
def test_what_is_right_is_never_called_wrong(name: str, gradcli: Callable[..., Ended]) -> None:
    tensor, *steps = NEVER_WRONG[name]
    if "data" not in tensor:
        tensor = re.sub(r"(\[.*)", r"{data: \1, requires_grad: true}", tensor)
    lines = ["tensors:", f"  {tensor}", "pipeline:", *(f"  - {step}" for step in steps), "  - backward: y"]
    status, out, err = gradcli("check", "--json", "-", stdin="\n".join(lines))
    assert err == "" and status == 0
    assert len(read(out)[0]["checks"]) >= 2


@pytest.mark.parametrize("name", CLAIMED)
def test_a_backward_by_hand(name: str, gradcli: Callable[..., Ended]) -> None:
    function, expression, sentence = CLAIMED[name]
    lines = [
        "functions:", f"  {function}",
        "tensors: {x: {data: [0.5, 1.0, -2.0], requires_grad: true}}",
        "pipeline:", f"  - backward: '{expression}'",
    ]  # fmt: skip
    _, out, err = gradcli("check", "--json", "-", "--dtype", "float64", stdin="\n".join(lines))
    wrong = [check["why"] for check in read(out)[0]["checks"] if check["verdict"] == "wrong" and check["order"] == 1]
    assert err == ""
    assert wrong == [] if sentence is None else len(wrong) == 1 and sentence in wrong[0]
    assert sentence is None or "the backward of `f` (line 5) is wrong" in wrong[0]


def test_a_loop_is_told_of_again_where_it_gets_worse(gradcli: Callable[..., Ended]) -> None:
    steps = "{times: 3, steps: [{backward: relu(x).sum()}, {no_grad: ['x -= 0.5']}]}"
    spec = f"tensors: {{x: {{data: [1.0], requires_grad: true}}}}\npipeline: [{{repeat: {steps}}}]"
    out = gradcli("check", "-", stdin=spec)[1]
    assert out.count("✓ relu(x).sum() by x  ") == 1 and out.count("relu(x).sum() by x  kink") == 1
    assert out.endswith("-: ✓ 2 kink\n")


def test_gradcheck_steps_are_told_of_too(gradcli: Callable[..., Ended]) -> None:
    spec = "tensors: {x: {data: [1.0], requires_grad: true}}\npipeline: [y: x ** 3, {gradcheck: {of: y, wrt: x}}]"
    assert re.fullmatch(r"-:2: ✓ y by x  [\d.]+ digits\n-: ✓ 1 correct\n", gradcli("check", "-", stdin=spec)[1])
    spec = spec.replace("pipeline", "  z: {data: [1.0], requires_grad: true}\npipeline").replace(
        "tensors: {x", "tensors:\n  x"
    )
    status, out, err = gradcli("check", "-", stdin=spec.replace("}}\n", "}\n", 1).replace("wrt: x", "wrt: z"))
    assert (status, out) == (2, "") and "not have been used in the graph" in err and "not computed from `z`" in err


def test_a_check_leaves_the_random_stream_alone(gradcli: Callable[..., Ended]) -> None:
    function = "functions:\n  f(x): {forward: x * randn(2), backward: {x: grad * randn(2)}}\n"
    steps = "pipeline: [y: f(x).sum(), STEP, {expect: {'rand(1)': 0}}]"
    spec = f"{function}tensors: {{x: {{data: [1.0, 2.0], requires_grad: true}}}}\n{steps}"
    drawn = set()
    for step in ("{gradcheck: {of: y, wrt: x, order: 2}}", "{print: 1}"):
        found = json.loads(gradcli("run", "--json", "-", stdin=spec.replace("STEP", step))[1])
        drawn.add(found["steps"][-1]["items"][0]["actual"][0])
    assert len(drawn) == 1


@pytest.mark.parametrize("part", range(4))
def test_the_formulas_of_the_table_are_correct(part: int) -> None:
    """Of operations that are smooth where they stand; all of them one after the other take minutes."""
    expressions = list(dict.fromkeys(text for _, text in smooth()))[part::80]
    for expression in expressions:
        try:
            taped = Taped(expression)
        except UserError:  # torch refuses a second derivative
            continue
        if taped.walked is not None:
            checks = [check for _, check in taped.trial(fast=True).checks(2)]
            assert {check.verdict for check in checks} == {"correct"}, expression


def test_a_gradcheck_step_is_an_expectation(gradcli: Callable[..., Ended]) -> None:
    spec = (ROOT / "specs" / "checks" / "wrong_second_order.yaml").read_text("utf-8")
    spec = spec.replace("  - backward: loss", "  - gradcheck: {of: loss, wrt: x, order: 2}")
    status, out, _ = gradcli("run", "-", stdin=spec.partition("  - expect")[0])
    assert status == 1
    assert out.splitlines()[:3] == [
        "-:11: ✗ loss by x, order 2",
        "      expected  -0.61433459 (the numbers)",
        "      actual    0 (the formulas)",
    ]
    assert "the backward of `sinh_bad` (line 10) is wrong" in out


def test_a_claim_is_held_against_the_numbers(gradcli: Callable[..., Ended]) -> None:
    spec = (ROOT / "specs" / "checks" / "wrong.yaml").read_text("utf-8").partition("  - expect")[0]
    claimed = {"x.grad: 3 * cos(3 * x) * y", "x.grad: cos(3 * x) * y", "y.grad: 2 * sin(3 * x)"}
    claims = "".join(f"  - claim: {{{claim}}}\n" for claim in sorted(claimed))
    lines = json.loads(gradcli("run", "--json", "-", stdin=spec + claims)[1])["steps"]
    out = gradcli("run", "-", stdin=spec + claims)[1]
    assert [item["ok"] for step in lines for item in step.get("items", [])] == [False, False, False]
    assert "the claim is 3 times the gradient; the numbers agree with the claim: " in out
    assert "the numbers agree with neither: " in out
    assert "the claim is 2 times the gradient; the numbers agree with autograd" in out


@pytest.mark.parametrize("case", PIPELINES[::10], ids=str)
def test_random_pipelines_are_not_called_wrong(case: int, gradcli: Callable[..., Ended]) -> None:
    """Views, changes in place, accumulation, second derivatives, mistakes: whatever the generator thought of."""
    status, out, _ = gradcli("check", "--json", "-", stdin=spec_text(FROZEN[case]["pipeline"]))
    assert [check for check in read(out)[0]["checks"] if check["verdict"] == "wrong"] == []
    assert (status == 2) == bool(read(out)[0]["error"])
