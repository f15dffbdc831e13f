"""The JSON Schema of the language, made from the words that the reader reads by.

Editors and programs get it as `schema.json`, which lies beside this module. It keeps to what drafts 7 and 2020-12
share, because editors lag behind. An empty value and `null` are one to JSON: where the reader takes either, so does
the schema. What an expression says is for the reader alone.
"""

from __future__ import annotations

import json
import keyword
from pathlib import Path
from typing import Any

from gradcli.engine.dtypes import ALIASES, TYPE_NAMES
from gradcli.spec.language import (
    ARCHIVES,
    CHECKS,
    DEVICE,
    EXPECTATION,
    FLOATING,
    FORMATS,
    FUNCTION,
    HEADER,
    KEYS,
    NAME,
    RESERVED,
    SIGNATURE,
    STEP_WORDS,
    STEPS,
    TENSOR,
    TOLERANCES,
    Option,
    Options,
    Word,
    required,
)

Schema = dict[str, Any]

FILE = Path(__file__).with_name("schema.json")
_ENDLESS = ["inf", "+inf", "-inf"]  # text to JSON, numbers to the reader
_TAKEN = {*RESERVED, *keyword.kwlist}
_SCALAR = ["string", "number", "boolean"]


def modeline() -> str:
    """The first line of a spec that tells editors where its schema is: a URI, because no path with a blank works."""
    return f"# yaml-language-server: $schema={FILE.as_uri()}"


def text() -> str:
    """The content of the schema file."""
    return json.dumps(spec_schema(), indent=2, ensure_ascii=False) + "\n"


def spec_schema() -> Schema:
    """The schema of one document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A gradcli spec",
        "description": "Tensors, and what to compute from them.",
        **_keys(KEYS),
        "$defs": dict(sorted(_definitions().items())),
    }


def _definitions() -> dict[str, Schema]:
    expression, value = _ref("expression"), _ref("value")
    item = _mapping_or(expression, _ref("labels"))  # of what is printed
    return {
        "boolean": {"type": "boolean"},
        "true": {"const": True},
        "integer": {"type": "integer"},
        "number": {"anyOf": [{"type": "number", "minimum": 0}, {"enum": _ENDLESS[:2]}]},
        "order": {"enum": [1, 2]},
        "count": {
            "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "not": {"enum": [*_ENDLESS, "nan"]}}]
        },
        "text": {"type": [*_SCALAR, "null"]},
        "name": {"type": ["string", "boolean", "null"], **_names(_TAKEN)},
        "dtype": {"enum": _dtypes(tuple(TYPE_NAMES))},
        "floating": {"enum": _dtypes(FLOATING)},
        "device": {"anyOf": [{"enum": ["cpu", "cuda"]}, {"type": "string", "pattern": f"^(?:{DEVICE})$"}]},
        "load": {"type": "string", "pattern": f"{_ending(FORMATS, '')}|{_ending(ARCHIVES, ':.+')}"},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "expression": {"type": [*_SCALAR, "array"], "items": value},
        "expressions": {"type": [*_SCALAR, "array"], "minItems": 1, "items": expression},
        "formula": {"type": _SCALAR},
        "data": {"type": [*_SCALAR, "array"], "items": _ref("data")},
        "value": {"type": [*_SCALAR, "null", "array"], "items": value},
        "params": _named(value),
        "matrix": {
            "type": ["object", "null"],
            "properties": {name: _several(_ref(KEYS[name].takes)) for name in HEADER},
            "additionalProperties": _several(value),
            "propertyNames": _names(_TAKEN),
        },
        "tensors": _named(_ref("tensor")),
        "tensor": _mapping_or(_ref("data"), _keys(TENSOR) | _one_of("data", "load")),
        "functions": {
            "type": ["object", "null"],
            "additionalProperties": _mapping_or(expression, _keys(FUNCTION)),
            "propertyNames": _pattern(SIGNATURE, "A function is written with its parameters: f(a, b)."),
        },
        "formulas": {"type": "object", "additionalProperties": {"anyOf": [expression, {"type": "null"}]}},
        "pipeline": {"type": ["array", "null"], "items": _ref("step")},
        "steps": _several(_ref("step")),
        "step": _mapping_or(
            {
                "type": "string",
                "description": "A line of PyTorch.",
                **_pattern(
                    rf"(?!\s*(?:{'|'.join(STEP_WORDS)})\s*$)[\s\S]*\S[\s\S]*",
                    "A step word needs a value, as in `print: x`.",
                ),
            },
            {
                "type": "object",
                "description": "`name: expression`, or one of the step words with its value.",
                "properties": {name: _word(word) for name, word in STEPS.items()},
                "additionalProperties": value,
                "propertyNames": _names(_TAKEN - set(STEP_WORDS)),
                "minProperties": 1,
                "maxProperties": 1,
            },
        ),
        "flags": _mapping(_ref("boolean")),
        "printed": _mapping_or({"type": [*_SCALAR, "array"], "minItems": 1, "items": item}, _ref("labels")),
        "labels": {"type": "object", "additionalProperties": expression},
        "claims": _mapping(expression),
        "expectations": {
            "type": "object",
            "properties": _properties({name: EXPECTATION[name] for name in TOLERANCES}),
            "additionalProperties": _mapping_or(value, _ref("expectation")),
            "not": {"propertyNames": {"enum": list(TOLERANCES)}},
        },
        "expectation": _keys(EXPECTATION)
        | {"anyOf": [{"required": [name]} for name in ("equals", "load", *CHECKS)]}
        | {"not": {"required": ["equals", "load"]}},
    }


def _word(word: Word) -> Schema:
    """What may stand after a step word."""
    about = f"{word.about}\n\nFor example `{word.example}`"
    if word.alone is None:
        return {"description": about, **_keys(word.options)}
    if not word.options:
        return {"description": about, **_ref(word.alone)}
    return {"description": about, **_mapping_or(_ref(word.alone), _keys(word.options))}


def _keys(options: Options) -> Schema:
    """A mapping with fixed keys."""
    needed = {"required": list(required(options))} if required(options) else {}
    return {"type": "object", "properties": _properties(options), **needed, "additionalProperties": False}


def _properties(options: Options) -> dict[str, Schema]:
    return {name: _option(option) for name, option in options.items()}


def _option(option: Option) -> Schema:
    return {"description": option.about, **_ref(option.takes)}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _several(item: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": item}


def _mapping(item: Schema) -> Schema:
    return {"type": "object", "minProperties": 1, "additionalProperties": item}


def _named(item: Schema) -> Schema:
    """A mapping with names that are bound, which may be left empty."""
    return {"type": ["object", "null"], "additionalProperties": item, "propertyNames": _names(_TAKEN)}


def _names(taken: set[str]) -> Schema:
    told = "A name is made of letters, digits and _, and is no word of the language or of Python."
    return _pattern(rf"(?!(?:{'|'.join(sorted(taken))})$){NAME}", told)


def _pattern(pattern: str, told: str) -> Schema:
    """What a whole text must match, and what editors tell of one that does not."""
    return {"pattern": f"^{pattern}$", "patternErrorMessage": told}


def _mapping_or(other: Schema, mapping: Schema) -> Schema:
    """One of two, told apart in a way that lets editors say what is wrong inside the one that is meant."""
    return {"if": {"type": "object"}, "then": mapping, "else": other}


def _one_of(*names: str) -> Schema:
    return {"oneOf": [{"required": [name]} for name in names]}


def _dtypes(names: tuple[str, ...]) -> list[str]:
    """Every way to write one of the dtypes."""
    words = [*names, *(alias for alias, name in ALIASES.items() if name in names)]
    return [*words, *(f"torch.{word}" for word in words)]


def _ending(formats: tuple[str, ...], key: str) -> str:
    """A pattern for paths, whose ending may be in capitals."""
    endings = ("".join(f"[{letter}{letter.upper()}]" for letter in ending) for ending in formats)
    return rf"^.+\.(?:{'|'.join(endings)}){key}$"
