"""The steps that judge: what is expected, what is claimed, and gradients against the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcli.engine.device import np
from gradcli.engine.mode import set_grad_enabled
from gradcli.errors import Span, UserError
from gradcli.record import replace
from gradcli.report.model import Check, Expectation
from gradcli.spec import tree
from gradcli.spec.steps import Claim, Expect, ExpectError, ExpectItem, Expression, Gradcheck, Load
from gradcli.values import as_numbers, plain_value, same
from gradcli.verify.expectations import Verdict, check
from gradcli.verify.sentences import constant_factor

if TYPE_CHECKING:
    from gradcli.runner import Session


def expect(session: Session, step: Expect) -> None:
    session.tell("expect", items=[judge(session, item, step) for item in step.items])


def judge(session: Session, item: ExpectItem, step: Expect) -> Expectation:
    actual = session.value_of(item.expr)
    expected: Any = None
    if isinstance(item.expected, Load):
        expected = session.loaded(item.expected, np.dtype(np.float64))  # as exact as it is written
    elif item.expected is not None:
        expected = session.value_of(item.expected)
    rtol = step.rtol if item.rtol is None else item.rtol
    atol = step.atol if item.atol is None else item.atol
    if not item.recorded:
        verdict = Verdict(False, why="no value is recorded yet")
    elif item.is_none or item.expected is not None:
        verdict = same(actual, expected, rtol, atol)
    else:
        verdict = Verdict(True)
    if verdict.ok and (item.finite or item.nonzero or item.shape is not None):
        why = check(np.asarray(plain_value(actual)), item.finite, item.nonzero, item.shape)
        verdict = Verdict(why is None, why=why)
    return judged(session, item.expr, item.span, expected, actual, verdict)


def judged(session: Session, expr: Expression, span: Span, expected: Any, actual: Any, verdict: Verdict) -> Expectation:
    return Expectation(
        expr.text,
        verdict.ok,
        plain_value(expected),
        plain_value(actual),
        session.text_of(expected),
        session.text_of(actual),
        span.line,
        span.column,
        verdict.index,
        verdict.abs,
        verdict.rel,
        verdict.off,
        verdict.why,
        verdict.ulp,
    )


def expect_error(session: Session, step: ExpectError) -> None:
    path = session.path
    actual = None
    try:
        session.run_steps(step.steps, path)
    except UserError as error:
        actual = error.message
        if session.trials is not None:
            session.trials.tape.forget()
    session.path = path
    ok = actual is not None and step.match in actual
    why = None
    if actual is None:
        why = "the steps ran without an error"
    elif not ok:
        why = "the error is another one"
    shown = actual or "no error"
    item = Expectation("error", ok, step.match, actual, step.match, shown, step.line, step.span.column, why=why)
    session.tell("expect_error", items=[item])


def claim(session: Session, step: Claim) -> None:
    session.tell("claim", items=[grade(session, expr, formula) for expr, formula in step.items])


def grade(session: Session, expr: Expression, formula: Expression) -> Expectation:
    """How the formula that is claimed for a gradient compares with what autograd has found."""
    actual = session.value_of(expr)
    with set_grad_enabled(False):
        claimed = session.value_of(formula)
    verdict = same(actual, claimed, None, None)
    if verdict.index is not None:
        factor = constant_factor(as_numbers(actual), as_numbers(claimed))
        verdict = replace(verdict, why=None if factor is None else f"the claim is {factor:.4g} times the gradient")
    if verdict.ok or verdict.index is not None:
        verdict = with_numbers(session, expr, as_numbers(claimed), verdict)
    return judged(session, expr, expr.span(), claimed, actual, verdict)


def with_numbers(session: Session, expr: Expression, claimed: Any, verdict: Verdict) -> Verdict:
    """`verdict` on the claim for the gradient that `expr` names, with what difference quotients say of the two."""
    if not isinstance(expr.tree, tree.Attribute) or session.trials is None or claimed is None:
        return verdict
    opinion = session.trials.opinion(session.evaluate(expr, expr.tree.target), claimed)
    if opinion is None:
        return verdict
    check, is_borne_out = opinion
    why = verdict.why
    if check.verdict == "wrong":
        side = "the numbers agree with the claim" if is_borne_out else "the numbers agree with neither"
        why = f"{why}; {side}: {check.why}" if why else f"{side}: {check.why}"
    elif not verdict.ok and check.verdict == "correct":
        why = f"{why}; the numbers agree with autograd" if why else "the numbers agree with autograd"
    return replace(verdict, ok=verdict.ok and check.verdict != "wrong", why=why)


def gradcheck(session: Session, step: Gradcheck) -> None:
    root, tensors = session.tensor_of(step.of), [session.tensor_of(one) for one in step.wrt]
    for expression, one in zip([step.of, *step.wrt], [root, *tensors], strict=True):
        if not one.requires_grad:
            message = f"`{expression.text}` does not require grad: there is nothing to check"
            raise UserError("autograd", message, span=expression.span())
    assert session.trials is not None
    checks = session.trials.of(root, tensors, step.order, step.of.text, step.line)
    session.tell("gradcheck", items=[checked(step, check) for check in checks])


def checked(step: Gradcheck, check: Check) -> Expectation:
    """A check as an expectation: of the formulas, by the numbers."""
    second = ", order 2" if check.order == 2 else ""
    difference = None
    if check.analytic is not None and check.numeric is not None:
        difference = abs(check.analytic - check.numeric)
    return Expectation(
        f"{step.of.text} by {check.tensor}{second}",
        check.verdict != "wrong",
        check.numeric,
        check.analytic,
        "" if check.numeric is None else f"{check.numeric:.8g} (the numbers)",
        "" if check.analytic is None else f"{check.analytic:.8g} (the formulas)",
        step.line,
        step.span.column,
        check.index,
        difference,
        why=check.why,
    )
