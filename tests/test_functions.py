"""`functions:` and `claim:`: compositions, claimed backwards as torch's custom Functions behave, and their grades."""

from __future__ import annotations

import textwrap

import pytest

from gradcli.report.model import Report
from gradcli.runner import run
from gradcli.spec.document import load_specs
from gradcli.spec.source import Source

SINE = "my_sin(a): {forward: sin(a), backward: {a: grad * cos(a)}}"


def ran(*, functions: tuple[str, ...] = (), tensors: tuple[str, ...] = (), pipeline: tuple[str, ...]) -> Report:
    parts = {"functions": functions, "tensors": tensors, "pipeline": [f"- {step}" for step in pipeline]}
    text = "\n".join(f"{key}:\n{textwrap.indent(chr(10).join(lines), '  ')}" for key, lines in parts.items() if lines)
    (spec,) = load_specs(Source("spec.yaml", text + "\n"))
    return run(spec)


def printed(report: Report) -> list[str]:
    assert report.error is None, report.error
    return [item.text for step in report.steps for item in step.printed or ()]


X = "x: {data: [0.0, 1.0], requires_grad: true}"


def test_a_composition_is_recorded_as_what_it_is_made_of() -> None:
    report = ran(
        functions=("half(a): a / 2", "quarter(a): half(half(a))"),
        tensors=(X,),
        pipeline=("y: quarter(x)", "backward: y.sum()", "print: [y, x.grad]"),
    )
    assert printed(report) == ["tensor([0.0000, 0.2500], grad_fn=<DivBackward0>)", "tensor([0.2500, 0.2500])"]


def test_a_claimed_backward_is_used_and_named_as_in_torch() -> None:
    report = ran(
        functions=("double_it(a): {forward: 2 * a, backward: {a: 5 * grad}}",),
        tensors=(X,),
        pipeline=("y: double_it(x)", "backward: y.sum()", "print: [y, x.grad, y.grad_fn.next_functions]"),
    )
    assert printed(report) == [
        "tensor([0., 2.], grad_fn=<DoubleItBackward>)",
        "tensor([5., 5.])",
        "((<AccumulateGrad>, 0),)",
    ]


def test_a_claimed_backward_can_be_differentiated_again() -> None:
    report = ran(
        functions=(SINE, "my_exp(x): {forward: exp(x), backward: {x: grad * result}}"),
        tensors=(X,),
        pipeline=(
            '"(g,) = grad(my_sin(x).sum(), x, create_graph=True)"',
            '"(h,) = grad(g.sum(), x)"',
            '"(e,) = grad(my_exp(x).sum(), x, create_graph=True)"',
            '"(f,) = grad(e.sum(), x, create_graph=True)"',
            "print: [g, h, f]",
        ),
    )
    assert printed(report) == [
        "tensor([1.0000, 0.5403], grad_fn=<MulBackward0>)",
        "tensor([-0.0000, -0.8415])",
        "tensor([1.0000, 2.7183], grad_fn=<MulBackward0>)",
    ]


def test_gradients_are_summed_to_the_shapes_of_the_arguments_and_numbers_have_none() -> None:
    report = ran(
        functions=("scale(a, b, n): {forward: a * b * n, backward: {a: grad * b * n, b: grad * a * n, n: null}}",),
        tensors=(X, "w: {data: [[1.0], [2.0]], requires_grad: true}"),
        pipeline=("y: scale(x, n=3, b=w)", "backward: y.sum()", "print: [x.grad, w.grad]"),
    )
    assert printed(report) == ["tensor([9., 9.])", "tensor([[3.],\n        [3.]])"]


def test_a_parameter_without_a_formula_gets_no_gradient() -> None:
    report = ran(
        functions=("f(a, b): {forward: a * b, backward: {a: grad * b, b: null}}",),
        tensors=(X, "w: {data: [3.0, 4.0], requires_grad: true}"),
        pipeline=("backward: f(x, w).sum()", "print: [x.grad, w.grad]"),
    )
    assert printed(report) == ["tensor([3., 4.])", "None"]


def test_nothing_is_recorded_where_nothing_requires_a_gradient() -> None:
    report = ran(
        functions=(SINE,),
        tensors=(X,),
        pipeline=("no_grad: [y: my_sin(x)]", "z: my_sin(x.detach())", "print: [y.requires_grad, z.requires_grad]"),
    )
    assert printed(report) == ["False", "False"]


REFUSED = {
    "second time": (SINE, ("y: my_sin(x).sum()", "backward: y", "backward: y"), "Trying to backward through the graph"),
    "modified": (
        SINE,
        ("z: x * 1", "y: my_sin(z).sum()", "z += 1", "backward: y"),
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        "[torch.FloatTensor [2]], which is output 0 of Add, is at version 1; expected version 0",
    ),
    "wrong shape": (
        "f(a): {forward: 2 * a, backward: {a: 'grad[:1].expand(3)'}}",
        ("backward: f(x).sum()",),
        "Function FBackward returned an invalid gradient at index 0 - got [3] but expected shape compatible with [2]",
    ),
    "no tensor": ("f(a): {forward: 1 + 1, backward: {a: grad}}", ("y: f(x)",), "`f` has a backward and must give a"),
    "number": ("f(a): {forward: 2 * a, backward: {a: 2}}", ("backward: f(x).sum()",), "a gradient must be a tensor"),
    "inside": ("f(a): {forward: a @ a @ a, backward: {a: grad}}", ("y: f(x)",), "both arguments to matmul need"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_goes_wrong_has_its_place(name: str) -> None:
    function, pipeline, message = REFUSED[name]
    error = ran(functions=(function,), tensors=(X,), pipeline=pipeline).error
    assert error is not None and error.message.startswith(message)
    assert error.span is not None


def test_a_gradient_that_saves_nothing_serves_twice() -> None:
    report = ran(
        functions=("f(a): {forward: 2 * a, backward: {a: 2 * grad}}",),
        tensors=(X,),
        pipeline=("y: f(x).sum()", "backward: y", "backward: y", "print: x.grad"),
    )
    assert printed(report) == ["tensor([4., 4.])"]


def test_claims_are_graded() -> None:
    report = ran(
        tensors=(X, "y: [3.0, 4.0]"),
        pipeline=(
            "loss: (x * x * y).sum()",
            "backward: loss",
            "claim: {x.grad: 2 * x * y}",
            "claim: {x.grad: x * y, loss: '(y * x) @ x'}",
            "claim: {x.grad: 8 * x ** 2 + 1}",
            "claim: {x.grad: y.sum()}",
        ),
    )
    grades = [item for step in report.steps if step.kind == "claim" for item in step.items or ()]
    assert report.error is None and not report.ok
    assert [grade.ok for grade in grades] == [True, False, True, False, False]
    assert grades[1].why == "the claim is 0.5 times the gradient; the numbers agree with autograd"
    assert grades[3].index == (0,) and grades[3].why == "the numbers agree with autograd"
