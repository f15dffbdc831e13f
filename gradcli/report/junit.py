"""A test run as JUnit XML, as Jenkins, GitLab and others read it."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from gradcli.report.model import Outcome, Suite
from gradcli.report.suite import failure_text, reason
from gradcli.spec.excerpt import visible


def render(suite: Suite) -> str:
    """The document: a `testcase` for each spec, with a `failure` if expectations failed, an `error` for all else."""
    counts = {
        "name": "gradcli",
        "tests": str(len(suite.outcomes)),
        "failures": str(sum(not outcome.errors for outcome in suite.failed)),
        "errors": str(sum(bool(outcome.errors) for outcome in suite.failed)),
        "time": _seconds(suite.seconds),
    }
    root = Element("testsuites", counts)
    group = SubElement(root, "testsuite", counts | {"skipped": "0"})
    for outcome in suite.outcomes:
        _add_case(group, outcome)
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'


def _add_case(group: Element, outcome: Outcome) -> None:
    name, file = (visible(text) for text in (outcome.source.name, outcome.source.file))
    case = SubElement(group, "testcase", {"classname": file, "name": name, "file": file})
    if outcome.place:
        case.set("line", str(outcome.place[0]))
    case.set("time", _seconds(outcome.seconds))
    if not outcome.ok:
        kind = outcome.errors[0].kind if outcome.errors else "expectation"
        tag = "error" if outcome.errors else "failure"
        why = SubElement(case, tag, {"message": visible(reason(outcome)), "type": kind})
        why.text = failure_text(outcome)


def _seconds(seconds: float) -> str:
    return f"{seconds:.6f}"
