"""How two results differ, in words and as JSON; `schemas/diff.json` describes the latter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.report import story
from gradcli.report.json_lines import FORMAT, dumps, plain
from gradcli.report.model import Difference, TensorDifference


def lines(difference: Difference, *, failures_only: bool) -> list[story.Line]:
    """The two results and their tensors, or only those that differ."""
    first, second = difference.names
    head: story.Line = [(first or second or "", "strong")]
    if first is None or second is None:
        return [[("✗ ", "bad"), *head, (" has no counterpart", "plain")]]
    shown = [tensor for tensor in difference.tensors if not (failures_only and tensor.ok)]
    if failures_only and not shown:
        return []
    told = [head if first == second else [*head, (" and ", "plain"), (second, "strong")]]
    columns = story.aligned([(tensor.name, _both(tensor.shapes), _both(tensor.dtypes)) for tensor in shown])
    for tensor, column in zip(shown, columns, strict=True):
        told += _tensor(tensor, column)
    return told


def _tensor(tensor: TensorDifference, column: str) -> list[story.Line]:
    """A tensor that differs takes several lines where there are two values to show."""
    mark: tuple[str, story.Role] = ("✓ ", "good") if tensor.ok else ("✗ ", "bad")
    told = [story.text_of(line).strip() for line in story.distance(tensor)]
    if tensor.ok or tensor.index is None:
        how = told[0] if told else "identical"
        return [[mark, (column, "plain" if tensor.ok else "strong"), (f"  {how}", "faint" if tensor.ok else "plain")]]
    lines: list[story.Line] = [[mark, (column, "strong")]]
    for label, value in zip("AB", tensor.values, strict=True):
        lines.append([(f"{story.INDENT}{label}  ", "faint"), (str(value), "plain")])
    return lines + [[(story.INDENT + text, "plain")] for text in told]


def summary(differences: Sequence[Difference]) -> story.Line:
    """How many tensors differ, in one line."""
    tensors = [tensor for difference in differences for tensor in difference.tensors]
    differing = sum(not tensor.ok for tensor in tensors)
    alone = sum(None in difference.names for difference in differences)
    if not differing and not alone:
        return [("✓ ", "good"), (f"{story.count(len(tensors), 'tensor')} compared, none differs", "plain")]
    parts = [f"{differing} of {story.count(len(tensors), 'tensor')} differ"] if differing else []
    parts += [f"{story.count(alone, 'result')} without a counterpart"] if alone else []
    return [("✗ ", "bad"), (", ".join(parts), "plain")]


def line(difference: Difference) -> str:
    """The line of JSON about two results."""
    first, second = difference.names
    tensors = [_object(tensor) for tensor in difference.tensors]
    return dumps({"format": FORMAT, "a": first, "b": second, "ok": difference.ok, "tensors": tensors})


def _object(tensor: TensorDifference) -> dict[str, Any]:
    sides = zip(tensor.shapes, tensor.dtypes, tensor.values, strict=True)
    a, b = (
        None if shape is None else {"shape": list(shape), "dtype": dtype, "value": plain(value)}
        for shape, dtype, value in sides
    )
    return {
        "name": tensor.name,
        "ok": tensor.ok,
        "a": a,
        "b": b,
        "index": None if tensor.index is None else list(tensor.index),
        "abs": plain(tensor.abs),
        "rel": plain(tensor.rel),
        "ulp": tensor.ulp,
        "off": tensor.off,
        "why": tensor.why,
    }


def _both(told: tuple[Any, Any]) -> str:
    """A shape or a dtype of two tensors, once if it is that of both."""
    known = [str(list(one) if isinstance(one, tuple) else one) for one in told if one is not None]
    return " and ".join(dict.fromkeys(known))
