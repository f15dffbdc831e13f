"""The schema of the language says what the reader says, of everything that is not inside an expression."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradcli.errors import UserError, UserErrors
from gradcli.spec import schema
from gradcli.spec.document import load_specs
from gradcli.spec.language import EXPECTATION, FUNCTION, KEYS, RESERVED, STEPS, TENSOR
from gradcli.spec.source import Mapping, Node, Scalar, Source, parse_documents
from gradcli.spec.syntax import ExpressionError

jsonschema: Any = pytest.importorskip("jsonschema")
ROOT = Path(__file__).parents[1]
RULES = schema.spec_schema()
VALIDATOR = jsonschema.Draft202012Validator(RULES)
EXAMPLES = [
    *(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("specs/*.yaml"))),
    *(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("gradcli/spec/templates/*.yaml"))),
    *(
        text
        for name in ("README.md", "specs/README.md")
        for text in re.findall(r"^```yaml\n(.*?)^```$", (ROOT / name).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    ),
]
BAD = sorted((ROOT / "tests" / "cases" / "bad").glob("*.yaml"))
# Mistakes that no schema can see: in a line of PyTorch, in how two entries go together, in an empty value.
UNSEEN = {
    "backward_gradient_no_list", "backward_gradient_too_short", "binding_without_value", "function_backward_lacks_one",
    "function_backward_unknown_parameter", "function_calls_itself", "function_name_reserved", "function_parameter_grad",
    "function_parameter_twice", "function_twice", "line_assigns_misspelt_attribute", "line_assigns_other_attribute",
    "line_assigns_reserved", "line_is_a_pure_call", "line_print_option", "line_without_effect", "matrix_misspelt",
    "param_is_an_expression", "param_without_value", "step_misspelt",
}  # fmt: skip
RELATIONS = re.compile("has no effect|`backward` needs `w`")
# A bare number fails to fail, which only a run can tell; the schema need not wait for it.
STRICTER = {("steps of expect_error", "list")}
# What may stand where a value may stand, each with a name for the test.
VALUES = {
    "true": "true", "false": "false", "integer": "3", "negative": "-1", "fraction": "1.5", "inf": "inf", "name": "w",
    "dtype": "float64", "device": "cuda:1", "file": "a.NPY", "key": "a.npz:k", "no key": "a.csv:k", "null": "null",
    "nothing": "", "empty list": "[]", "list": "[1, 2]", "names": "[w, w]", "nested": "[[1, 2], [w, 3]]",
    "holes": "[1, null]", "steps": "[print: w]", "line": "['w.grad = None']", "empty mapping": "{}",
    "mapping": "{w: 1}", "flags": "{w: true}", "labels": "{w: w}", "quoted": "'3'", "text": "'w + 1'",
}  # fmt: skip


def plain(node: Node) -> Any:
    """A node as other programs read it."""
    if isinstance(node, Mapping):
        return {key.text: plain(value) for key, value in node.entries}
    if isinstance(node, Scalar):
        if node.plain and not node.text:
            return None
        try:
            value = node.value
        except UserError:  # a number to some programs, and text to others
            return node.text
        return node.text if isinstance(value, complex) else value
    return [plain(item) for item in node.items]


def flaws(text: str) -> list[str]:
    """What the schema says against the documents of a text."""
    return [flaw.message for node in parse_documents(Source("", text)) for flaw in VALIDATOR.iter_errors(plain(node))]


def errors(text: str) -> list[UserError]:
    """What the reader says against a text."""
    try:
        load_specs(Source("spec.yaml", text))
    except UserErrors as several:
        return several.errors
    return []


def is_structural(error: UserError) -> bool:
    """Whether a mistake is no matter of names and syntax, which are inside expressions."""
    return error.kind == "spec" and not isinstance(error, ExpressionError)


def test_the_schema_in_the_package_is_that_of_the_code() -> None:
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(), (
        f"refresh it: python -m gradcli schema > {schema.FILE.relative_to(ROOT)}"
    )


def test_it_is_a_schema_also_for_editors_that_know_draft_7_only() -> None:
    jsonschema.Draft202012Validator.check_schema(RULES)
    jsonschema.Draft7Validator.check_schema(RULES)


def test_what_no_schema_can_see_is_tried() -> None:
    assert {case.stem for case in BAD} >= UNSEEN


def test_every_definition_is_used_and_every_key_explained() -> None:
    whole = json.dumps(RULES)
    assert {name for name in RULES["$defs"] if f'"#/$defs/{name}"' not in whole} == set()
    for options in (KEYS, TENSOR, FUNCTION, EXPECTATION, *(word.options for word in STEPS.values())):
        assert all(re.fullmatch(r"[A-Z].+\.", option.about, re.DOTALL) for option in options.values())
    assert all(word.example.startswith(f"{name}: ") for name, word in STEPS.items())


@pytest.mark.parametrize("text", EXAMPLES)
def test_what_can_be_run_is_valid(text: str) -> None:
    assert flaws(text) == []
    assert not list(jsonschema.Draft7Validator(RULES).iter_errors(plain(parse_documents(Source("", text))[0])))


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.stem)
def test_bad_specs_are_invalid_unless_it_is_a_matter_of_expressions(case: Path) -> None:
    text = case.read_text(encoding="utf-8")
    structural = [error.message for error in errors(text) if is_structural(error)]
    assert bool(flaws(text)) == (bool(structural) and case.stem not in UNSEEN), structural


def places() -> Iterator[tuple[str, str]]:
    """A spec for every place of the language where a value stands, with `VALUE` there."""
    for key in KEYS:
        yield key, f"{key}: VALUE\n"
    yield "an entry of params", "params: {n: VALUE}\n"
    yield "an entry of tensors", "tensors: {n: VALUE}\n"
    for key in ("seed", "dtype", "device", "n"):
        yield f"{key} in matrix", f"matrix: {{{key}: VALUE}}\n"
        yield f"an item of {key} in matrix", f"matrix: {{{key}: [VALUE]}}\n"
    for name in TENSOR:
        data = "" if name in ("data", "load") else "data: 1.0, "
        yield f"{name} of a tensor", f"tensors: {{n: {{{data}{name}: VALUE}}}}\n"
    yield "a function", "functions: {f(w): VALUE}\n"
    yield "forward", "functions: {f(w): {forward: VALUE}}\n"
    yield "backward of a function", "functions: {f(w): {forward: w, backward: VALUE}}\n"
    yield "a formula", "functions: {f(w): {forward: w, backward: {w: VALUE}}}\n"
    begin = "tensors: {w: 'ones(3, requires_grad=True)'}\npipeline:\n"
    yield "a step", f"{begin}  - VALUE\n"
    yield "a binding", f"{begin}  - z: VALUE\n"
    yield "an expectation", f"{begin}  - expect: {{w: VALUE}}\n"
    for name in EXPECTATION:
        other = "" if name in ("equals", "load") else "equals: 1, "
        yield f"{name} of an expectation", f"{begin}  - expect: {{w: {{{other}{name}: VALUE}}}}\n"
    yield "tolerance", f"{begin}  - expect: {{w: 1, rtol: VALUE}}\n"
    for word, step in STEPS.items():
        yield word, f"{begin}  - {word}: VALUE\n"
        for name in step.options:
            others = ", ".join(
                f"{key}: {SAMPLES.get(key, 'w')}"
                for key, option in step.options.items()
                if option.required and key != name
            )
            yield f"{name} of {word}", f"{begin}  - {word}: {{{others}{', ' if others else ''}{name}: VALUE}}\n"


SAMPLES = {"times": "3", "at_most": "3", "steps": "[print: w]", "match": "text"}


@pytest.mark.parametrize(("place", "spec"), [pytest.param(*both, id=both[0]) for both in places()])
def test_the_schema_and_the_reader_agree(place: str, spec: str) -> None:
    wrong = []
    for name, value in VALUES.items():
        # an empty value and null are one to JSON
        texts = [spec.replace("VALUE", written) for written in (("", "null") if value in ("", "null") else (value,))]
        told = [errors(text) for text in texts]
        refused = all(flaws(text) for text in texts)
        if refused and not all(told) and (place, name) not in STRICTER:
            wrong.append(f"{name}: the schema refuses what can be run")
        against = [[error for error in found if is_structural(error)] for found in told]
        if not refused and all(against) and not any(RELATIONS.search(str(found)) for found in against[0]):
            wrong.append(f"{name}: the schema takes it, the reader says: {against[0][0]}")
    assert wrong == []


@pytest.mark.parametrize("name", ["w1", "_", "1w", "é", "a b", "True", "lambda", *RESERVED])
@pytest.mark.parametrize("place", ["params: {NAME: 1}", "tensors: {NAME: 1}", "pipeline: [{NAME: 1}]"])
def test_they_agree_on_names(name: str, place: str) -> None:
    text = place.replace("NAME", name)
    assert bool(errors(text)) == bool(flaws(text))
