"""Writes values into the text of a spec, in place: what is not written anew stays as it is, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

from gradcli.errors import Span, UserError
from gradcli.record import Record
from gradcli.spec.scalars import Value, resolve_literal
from gradcli.spec.source import Limits, Mapping, Node, Scalar, Sequence, Source, parse_documents

WIDTH = 100  # columns that a line of new text may have, where it can be broken
_HANGING = 4  # columns by which it is indented where its first line begins too far to the right

Written: TypeAlias = "str | list[Written]"
"""A value as YAML writes it: the text of a number or a name, or a list of such."""


class Place(Record):
    """Where the value of `key` stands or, if there is none yet, belongs."""

    mapping: Mapping
    key: Scalar
    node: Node


class Unwritable(Exception):
    """Why a value cannot be written in its place."""


class Edit(Record):
    """`text[start:end]` becomes `value`, after `before`."""

    start: int
    end: int
    value: Written = ""
    before: str = ""


class Rewriter:
    """Writes values into the text of `source`, in the places of the values that keys have; spans are those of keys."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._documents = parse_documents(source, limits)
        self._places = _places(self._documents)

    def own(self, span: Span) -> Place:
        """The place of a value that is written there for itself; otherwise it is Unwritable."""
        place = self._places[span]
        text, key_end, begin = self._source.text, place.key.end.index, place.node.start.index
        if begin < key_end:
            raise Unwritable("its value is an alias")
        before = re.sub(r"(?<!\S)#.*", "", text[key_end:begin])
        if re.search(r"(?<!\S)&\S", before) or re.compile(r"[ \t]*:[ \t]+&").match(text, key_end):
            raise Unwritable("its value has an anchor, and its aliases would change, too")
        return place

    def write(self, values: dict[Span, Written]) -> tuple[str, dict[Span, str]]:
        """The text with each of `values` in its place, and why those that are left out cannot be written there."""
        edits: dict[Span, list[Edit]] = {}
        left_out: dict[Span, str] = {}
        for span, value in values.items():
            try:
                edits[span] = _edits(self._source.text, self.own(span), value)
            except Unwritable as error:
                left_out[span] = str(error)
        if not self._changes_only(edits):
            alone = [span for span in edits if not self._changes_only({span: edits[span]})]
            left_out |= dict.fromkeys(alone or edits, "something else would change with it")
        return _applied(
            self._source.text, [edit for span in edits if span not in left_out for edit in edits[span]]
        ), left_out

    def _changes_only(self, edits: dict[Span, list[Edit]]) -> bool:
        """Whether nothing but the values of these places is another one when the edits are made."""
        text = _applied(self._source.text, [edit for some in edits.values() for edit in some])
        try:
            after = parse_documents(Source(self._source.name, text), self._limits)
        except UserError:
            return False
        edited = {(id(self._places[span].mapping), self._places[span].key.text) for span in edits}
        return len(after) == len(self._documents) and all(map(_Comparison(edited).same, self._documents, after))


class _Comparison:
    """Compares nodes, but for the values of `edited`: keys of mappings."""

    def __init__(self, edited: set[tuple[int, str]]) -> None:
        self._edited = edited
        self._seen: set[tuple[int, int]] = set()

    def same(self, one: Node, other: Node) -> bool:
        pair = id(one), id(other)
        if pair in self._seen:
            return True
        self._seen.add(pair)
        if isinstance(one, Scalar) and isinstance(other, Scalar):
            return (one.text, one.style) == (other.text, other.style)
        if isinstance(one, Sequence) and isinstance(other, Sequence):
            return len(one.items) == len(other.items) and all(map(self.same, one.items, other.items))
        if isinstance(one, Mapping) and isinstance(other, Mapping) and len(one.entries) == len(other.entries):
            return all(
                self.same(key, new_key) and ((id(one), key.text) in self._edited or self.same(value, new_value))
                for (key, value), (new_key, new_value) in zip(one.entries, other.entries, strict=True)
            )
        return False


def _places(documents: list[Node]) -> dict[Span, Place]:
    found: dict[Span, Place] = {}
    pending = list(documents)
    seen: set[int] = set()
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Sequence):
            pending += node.items
        elif isinstance(node, Mapping):
            pending += [value for _, value in node.entries]
            found |= {key.span: Place(node, key, value) for key, value in node.entries}
    return found


def _applied(text: str, edits: list[Edit]) -> str:
    pieces = []
    newline = "\r\n" if "\r\n" in text else "\n"
    at = 0
    line = ""  # what the last line of the new text has so far
    for edit in sorted(edits, key=lambda edit: edit.start):
        kept = text[at : edit.start] + edit.before
        line = _last_line(line + kept)
        new = newline.join(_laid_out(edit.value, len(line), _indentation(line)))
        line = _last_line(line + new)
        pieces += [kept, new]
        at = edit.end
    return "".join([*pieces, text[at:]])


def _last_line(text: str) -> str:
    return text[max(text.rfind("\n"), text.rfind("\r")) + 1 :]


def _indentation(line: str) -> int:
    """How far the lines are indented that follow when a value begins behind `line`."""
    return len(line) if len(line) <= WIDTH // 2 else len(line) - len(line.lstrip(" -")) + _HANGING


def _edits(text: str, place: Place, value: Written) -> list[Edit]:
    """What makes `value` the value of a place."""
    node = place.node
    if isinstance(node, Scalar) and node.plain and not node.text:
        return [_insertion(text, place, value)]
    return list(_in_place(node, value)) if _is_alike(node, value) else _anew(text, place, value)


def _is_alike(node: Node, value: Written) -> bool:
    """Whether `node` has the lists that `value` has, so that only their items need to be written."""
    if isinstance(node, Sequence) and isinstance(value, list):
        return len(node.items) == len(value) and all(map(_is_alike, node.items, value))
    return isinstance(node, Scalar) and isinstance(value, str)


def _in_place(node: Node, value: Written) -> Iterator[Edit]:
    """Each item that has another value now."""
    if isinstance(node, Sequence):
        for item, inner in zip(node.items, value, strict=True):
            yield from _in_place(item, inner)
    elif isinstance(node, Scalar) and isinstance(value, str) and not _is_same(node, resolve_literal(value)):
        quote = node.style if isinstance(resolve_literal(value), str) and node.style in ("'", '"') else ""
        yield Edit(node.start.index, node.end.index, f"{quote}{value}{quote}")


def _is_same(node: Scalar, value: Value) -> bool:
    old = node.literal
    return isinstance(old, bool) is isinstance(value, bool) and (old == value or (old != old and value != value))


def _anew(text: str, place: Place, value: Written) -> list[Edit]:
    """The whole value, as a scalar or a list in brackets."""
    node = place.node
    start, end = node.start.index, node.end.index
    if re.search(r"(?<!\S)#", text[start:end]):
        raise Unwritable("there are comments in its value, which has another shape now")
    if not isinstance(node, Sequence) or text[start] == "[":
        return [Edit(start, end, value)]
    # a list of dashes: what takes its place stands behind the colon, and its lines are left out
    begin = len(text[:start].rstrip(" ").removesuffix("\n").removesuffix("\r"))
    return [_insertion(text, place, value), Edit(begin, end)]


def _insertion(text: str, place: Place, value: Written) -> Edit:
    """The value behind a colon that has none."""
    end = place.key.end.index
    colon = re.compile(r"[ \t]*:").match(text, end)
    if colon:
        spaces = re.compile(r"[ \t]*(?=[,}\]])").match(text, colon.end())
        return Edit(colon.end(), spaces.end() if spaces else colon.end(), value, " ")
    if text[place.mapping.start.index] in "[{":
        return Edit(end, end, value, ": ")
    raise Unwritable(f"there is no colon behind `{place.key.text}`")


def _laid_out(value: Written, column: int, indent: int) -> list[str]:
    """The lines of a value that begins at `column`; all but the first are indented by one more than `indent`."""
    whole = _on_one_line(value)
    if isinstance(value, str) or not value or column + len(whole) <= WIDTH:
        return [whole]
    margin = " " * (indent + 1)
    lines: list[str] = []
    for place, item in enumerate(value):
        mark = "]" if place == len(value) - 1 else ","
        if isinstance(item, str) and lines and _end(lines, column) + len(f" {item}{mark}") <= WIDTH:
            lines[-1] += f" {item}{mark}"
            continue
        first, *others = _laid_out(item, indent + 1 if lines else column + 1, indent + 1)
        lines += [(margin if lines else "[") + first, *others]
        lines[-1] += mark
    return lines


def _end(lines: list[str], column: int) -> int:
    """The column after the last of `lines`, the first of which begins at `column`."""
    return len(lines[-1]) + (column if len(lines) == 1 else 0)


def _on_one_line(value: Written) -> str:
    return value if isinstance(value, str) else f"[{', '.join(map(_on_one_line, value))}]"
