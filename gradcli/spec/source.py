"""Reads a spec file and turns its YAML into nodes that know where they stand.

Nodes are built from the parser's events, so that nothing of YAML's object language (tags, merge keys,
constructors) exists here, and limits hold while the text is read, not after.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Iterable
from typing import NoReturn, Protocol

import yaml

from gradcli.errors import Span, UserError
from gradcli.record import Record, ValueRecord, field, replace
from gradcli.spec import hints, yaml_errors
from gradcli.spec.positions import TextMap, span_between
from gradcli.spec.scalars import Value, resolve, resolve_literal

# The C parser is thirty times faster; not every build of PyYAML has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# What YAML does not allow in a text, and the three line breaks that only YAML 1.1 took for line breaks.
# Patterns are compiled when they are needed: a range beyond ASCII alone takes 0.3 ms.
_FORBIDDEN_ASCII = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
_FORBIDDEN = rf"{_FORBIDDEN_ASCII}\x80-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff"
_REST_OF_LINE = re.compile(r"[^\r\n]*")
_SURROGATE = r"[\ud800-\udfff]"
_ANCHOR = r"&[^\s,\[\]{}]+(?:[ \t\r\n]+|(?<=\s)#[^\r\n]*)*"
_BINARY_OPERATOR = r"(?:[-+*/%@^|&<>=!]|\*\*|//|[<>=!]=)\s"


class Limits(ValueRecord):
    """How much a spec may ask for before anything is computed; `--limit name=number` changes each."""

    file_bytes: int = 64 * 2**20
    yaml_depth: int = 64
    yaml_nodes: int = 1_000_000
    nodes: int = 200_000
    expression_bytes: int = 256 * 2**10
    open_brackets: int = 64

    def exceeded(self, name: str, what: str, span: Span | None = None) -> UserError:
        """The error for reaching the limit called `name`; `what` names that which there is too much of."""
        return UserError("limit", f"{what}: the limit is {getattr(self, name):,}", hints.how_to_raise(name), span)


DEFAULT_LIMITS = Limits()


class Mark(Protocol):
    """A place in the text as the parser counts it: everything from 0."""

    index: int
    line: int
    column: int


class _Event(Protocol):
    """What is read of the parser's events; which of it an event has depends on its class."""

    start_mark: Mark
    end_mark: Mark
    anchor: str | None
    tag: str | None
    value: str
    style: str | None
    flow_style: bool | None


class Source(ValueRecord):
    """A spec's text, and the name by which errors call it: `file.yaml`, `file.yaml#2`, or `-`.

    `path` is where it was read, if that is not its name.
    """

    name: str
    text: str
    path: str | None = None

    @property
    def file(self) -> str:
        return self.name if self.path is None else self.path

    def document(self, index: int) -> Source:
        """The same text under the name of its document number `index`, counted from 0."""
        return self if index == 0 else replace(self, name=f"{self.name}#{index + 1}", path=self.file)

    def span(self, start: int, stop: int) -> Span:
        """The span of `text[start:stop]`."""
        return span_between(self.text, start, stop)


class Scalar(Record):
    """One piece of text. `style` is "" for a plain scalar, else the ' " | or > it was written with."""

    text: str
    style: str
    start: Mark
    end: Mark
    source: Source
    _map: TextMap | None = None

    @property
    def plain(self) -> bool:
        """Whether it was written without quotes, so that it may be a number."""
        return not self.style

    @property
    def value(self) -> Value:
        """What YAML 1.2 makes of it, found anew each time: text if quoted; UserError if it is ambiguous."""
        return self._resolved(resolve)

    @property
    def literal(self) -> Value:
        """`value` as it counts in a tensor literal, where a plain nan, inf, +inf or -inf is a number."""
        return self._resolved(resolve_literal)

    @property
    def span(self) -> Span:
        """Where it is written, quotes included."""
        return _span(self.start, self.end)

    def span_of(self, start: int, end: int) -> Span:
        """Where the characters `text[start:end]` of the content are written in the file."""
        if self._map is None:
            raw = self.source.text[self.start.index : self.end.index]
            self._map = TextMap(raw, self.style, self.text, self.start.line + 1, self.start.column + 1)
        return self._map.span(start, end)

    def _resolved(self, resolver: Callable[[str], Value]) -> Value:
        if self.style:
            return self.text
        try:
            return resolver(self.text)
        except UserError as error:
            raise error.at(self.span) from None


class Sequence(Record):
    """A list."""

    items: list[Node]
    start: Mark
    end: Mark

    @property
    def span(self) -> Span:
        """From its first `-` or `[` to the end of its last item or `]`."""
        return _span(self.start, self.end)


class Mapping(Record):
    """Keys with their values, in the order written; no key comes twice."""

    entries: list[tuple[Scalar, Node]]
    start: Mark
    end: Mark
    _index: dict[str, int] = field(default_factory=dict)

    @property
    def span(self) -> Span:
        """From its first key or `{` to the end of its last value or `}`."""
        return _span(self.start, self.end)

    def __contains__(self, key: str) -> bool:
        return key in self._index

    def get(self, key: str) -> Node | None:
        """The value of `key`, or None if there is no such key (an empty value is a Scalar)."""
        return self.entries[self._index[key]][1] if key in self._index else None

    def key(self, key: str) -> Scalar:
        """The scalar that writes `key`, which must be there: for its place."""
        return self.entries[self._index[key]][0]


Node = Scalar | Sequence | Mapping


def read_source(path: str, limits: Limits = DEFAULT_LIMITS) -> Source:
    """The UTF-8 text of the regular file at `path`, or of standard input for "-", less its byte order mark.

    Raises UserError: "io" for what cannot be read or is no UTF-8, "limit" for what is too long.
    """
    try:
        content = _read_standard_input(limits) if path == "-" else _read_file(path, limits)
    except OSError as error:
        raise UserError("io", f"cannot read `{path}`: {error.strerror or error}") from None
    except ValueError:
        raise UserError("io", f"cannot read `{path}`: no file can have this name") from None
    if len(content) > limits.file_bytes:
        raise limits.exceeded("file_bytes", f"`{path}` is too long")
    return Source(path, _decoded(content, path))


def _read_standard_input(limits: Limits) -> bytes:
    if sys.stdin is None:
        raise UserError("io", "standard input is closed")
    return sys.stdin.buffer.read(limits.file_bytes + 1)


def _read_file(path: str, limits: Limits) -> bytes:
    # Opening a FIFO would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise UserError("io", f"cannot read `{path}`: it is {what}", "`-` reads standard input")
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limits.file_bytes + 1)


def _decoded(content: bytes, path: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"cannot read `{path}`: byte 0x{content[error.start]:02x} in line {line} is no UTF-8"
        raise UserError("io", message, "save the file as UTF-8") from None


def parse_documents(source: Source, limits: Limits = DEFAULT_LIMITS) -> list[Node]:
    """One node for each YAML document in `source`; at least one, and none of them empty.

    An alias gives the very node of its anchor. Raises UserError with its span: "yaml" for what is wrong,
    "limit" for what is too deep or too much, counted with every alias expanded.
    """
    forbidden = re.search(f"[{_FORBIDDEN_ASCII if source.text.isascii() else _FORBIDDEN}]", source.text)
    if forbidden:
        message = f"the character U+{ord(forbidden.group()):04X} cannot stand in YAML"
        hint = "remove it, or write it as an escape in double quotes"
        raise UserError("yaml", message, hint, source.span(*forbidden.span()))
    builder = _Builder(source, limits)
    try:
        builder.build(yaml.parse(source.text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        if "nesting depth" in (error.problem or ""):
            raise limits.exceeded("yaml_depth", "YAML is nested too deep", builder.reached()) from None
        raise yaml_errors.translate(source.text, error, builder.surroundings()) from None
    except (yaml.YAMLError, ValueError, OverflowError):
        # The pure parser converts escapes and version numbers without looking whether they can be converted.
        raise UserError("yaml", "this is no valid YAML", None, builder.reached()) from None
    if not builder.documents:
        raise UserError("yaml", "the file is empty", "a spec needs `tensors:` and a `pipeline:`")
    return builder.documents


class _Open(Record):
    """A collection that is being read: `height` is the depth of what it holds so far."""

    node: Sequence | Mapping
    flow: bool
    anchor: str | None
    nodes_before: int
    key: Scalar | None = None
    height: int = 1


class _Anchored(Record):
    """What an alias stands for, and how much that is when it is written out."""

    node: Node
    size: int
    height: int


class _Builder:
    """Takes the parser's events in order and makes `documents` of them."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self.documents: list[Node] = []
        self._source = source
        self._limits = limits
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchored | None] = {}
        self._nodes = 0
        self._last: Scalar | None = None
        self._takers: dict[type, Callable[..., None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.SequenceStartEvent: self._sequence,
            yaml.MappingStartEvent: self._mapping,
            yaml.SequenceEndEvent: self._close,
            yaml.MappingEndEvent: self._close,
            yaml.DocumentStartEvent: self._document,
        }

    def build(self, events: Iterable[object]) -> None:
        """Takes all `events`; those of the stream itself say nothing."""
        takers = self._takers
        for event in events:
            taker = takers.get(type(event))
            if taker:
                taker(event)

    def surroundings(self) -> yaml_errors.Surroundings:
        """Where the parser stopped."""
        if self._last is None:
            return yaml_errors.Surroundings(self._bracket())
        written = (self._last.start.index, self._last.end.index)
        return yaml_errors.Surroundings(self._bracket(), written, self._last.style)

    def reached(self) -> Span:
        """The last place that was read."""
        return self._last.span if self._last else self._source.span(0, 1)

    def _bracket(self) -> int | None:
        """Where the innermost `[` or `{` that is open stands, if what is being read is inside of one."""
        begins = (entry.node.start.index for entry in reversed(self._open) if entry.flow)
        return next((begin for begin in begins if self._source.text[begin] in "[{"), None)

    def _document(self, event: _Event) -> None:
        self._anchors.clear()

    def _scalar(self, event: _Event) -> None:
        if event.tag is not None:
            self._refuse_tag(event)
        start, end = event.start_mark, event.end_mark
        if event.anchor is not None:
            start = self._start(event)
        elif start.index == len(self._source.text):
            # Beyond the text the parser counts a line that is not there.
            place = self._source.span(start.index, start.index)
            start = end = yaml.Mark(self._source.name, start.index, place.line - 1, place.column - 1, None, 0)
        style = event.style or ""
        if style in ("|", ">"):
            # The parser's mark stands after the blank lines that follow.
            content = start.index + len(self._source.text[start.index : end.index].rstrip())
            line_end = _REST_OF_LINE.match(self._source.text, content, end.index)
            end = self._further(start, line_end.end() if line_end else content)
        scalar = Scalar(event.value, style, start, end, self._source)
        self._last = scalar
        self._count(scalar)
        if style == '"' and not event.value.isascii() and re.search(_SURROGATE, event.value):
            raise UserError("yaml", "an escape in this text stands for half a character", None, scalar.span)
        if event.anchor is not None:
            if not style and re.match(_BINARY_OPERATOR, event.value):
                begin = event.start_mark.index
                message = f"`&{event.anchor}` at the start of a value means an anchor in YAML"
                hint = yaml_errors.quote_value(self._source.text, begin, self._bracket())
                raise UserError("yaml", message, hint, self._source.span(begin, event.end_mark.index))
            self._anchors[event.anchor] = _Anchored(scalar, 1, 0)
        if self._open and not style:
            self._refuse_cut(scalar, self._open[-1])
        self._place(scalar, end)

    def _further(self, mark: Mark, index: int) -> Mark:
        """The place of `index`, counted on from `mark`."""
        passed = self._source.text[mark.index : index]
        end = span_between(passed, len(passed), len(passed))
        column = end.column - 1 + (mark.column if end.line == 1 else 0)
        return yaml.Mark(self._source.name, index, mark.line + end.line - 1, column, None, 0)

    def _start(self, event: _Event) -> Mark:
        """Where the node itself begins: the parser's mark stands at the `&` before it, if there is one."""
        if event.anchor is None:
            return event.start_mark
        anchor = re.compile(_ANCHOR).match(self._source.text, event.start_mark.index)
        if not anchor:
            return event.start_mark
        return self._further(event.start_mark, min(anchor.end(), event.end_mark.index))

    def _alias(self, event: _Event) -> None:
        span = _span(event.start_mark, event.end_mark)
        if event.anchor not in self._anchors:
            message = f"`*{event.anchor}` is an alias in YAML, and no anchor `&{event.anchor}` stands before it"
            hint = yaml_errors.quote_value(self._source.text, event.start_mark.index, self._bracket())
            raise UserError("yaml", message, hint, span)
        anchored = self._anchors[event.anchor]
        if anchored is None:
            raise UserError("yaml", f"the anchor `&{event.anchor}` would contain itself", None, span)
        self._nodes += anchored.size
        if self._nodes > self._limits.yaml_nodes:
            raise self._limits.exceeded("yaml_nodes", "too many values, with aliases written out", span)
        if len(self._open) + anchored.height > self._limits.yaml_depth:
            raise self._limits.exceeded("yaml_depth", "YAML is nested too deep, with aliases written out", span)
        if self._open:
            self._open[-1].height = max(self._open[-1].height, anchored.height + 1)
        self._place(anchored.node, event.end_mark)

    def _sequence(self, event: _Event) -> None:
        self._begin(event, Sequence([], self._start(event), event.end_mark))

    def _mapping(self, event: _Event) -> None:
        self._begin(event, Mapping([], self._start(event), event.end_mark))

    def _begin(self, event: _Event, node: Sequence | Mapping) -> None:
        if event.tag is not None:
            self._refuse_tag(event)
        if self._open and isinstance(self._open[-1].node, Mapping) and self._open[-1].key is None:
            self._refuse_key(node)
        nodes_before = self._nodes
        self._count(node)
        self._open.append(_Open(node, bool(event.flow_style), event.anchor, nodes_before))
        if len(self._open) > self._limits.yaml_depth:
            raise self._limits.exceeded(
                "yaml_depth", "YAML is nested too deep", _span(event.start_mark, event.end_mark)
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = None

    def _close(self, event: _Event) -> None:
        closed = self._open.pop()
        # In `[a: 1]` the mapping has no bracket of its own to end with.
        if closed.flow and self._source.text[closed.node.start.index] in "[{":
            closed.node.end = event.end_mark
        if closed.anchor is not None:
            size = self._nodes - closed.nodes_before
            self._anchors[closed.anchor] = _Anchored(closed.node, size, closed.height)
        if self._open:
            outer = self._open[-1]
            outer.height = max(outer.height, closed.height + 1)
            if isinstance(outer.node, Sequence) and isinstance(closed.node, Sequence) and not closed.flow:
                self._refuse_minus(closed.node)
        self._place(closed.node, closed.node.end)

    def _place(self, node: Node, end: Mark) -> None:
        """Puts `node`, written up to `end`, where it belongs."""
        if not self._open:
            if isinstance(node, Scalar) and not node.text and node.plain:
                raise UserError("yaml", "this document is empty", "remove its `---`", node.span)
            self.documents.append(node)
            return
        outer = self._open[-1]
        collection = outer.node
        collection.end = end
        if isinstance(collection, Sequence):
            collection.items.append(node)
        elif outer.key is None:
            outer.key = self._new_key(collection, node)
        else:
            collection._index[outer.key.text] = len(collection.entries)
            collection.entries.append((outer.key, node))
            outer.key = None

    def _new_key(self, mapping: Mapping, node: Node) -> Scalar:
        if not isinstance(node, Scalar):
            self._refuse_key(node)
        if node.plain and node.text == "<<":
            raise UserError("yaml", "merge keys (`<<`) have no meaning in a spec", "write the keys out", node.span)
        if node.plain and not node.text:
            raise UserError("yaml", "a key is missing before this colon", None, node.span)
        if node.text in mapping:
            first = mapping.key(node.text).span.line
            message = f"the key `{yaml_errors.short(node.text)}` comes twice, first in line {first}"
            raise UserError("yaml", message, "remove one, or rename it", node.span)
        return node

    def _count(self, node: Node) -> None:
        self._nodes += 1
        if self._nodes > self._limits.yaml_nodes:
            raise self._limits.exceeded("yaml_nodes", "too many values", node.span)

    def _refuse_tag(self, event: _Event) -> NoReturn:
        text = self._source.text
        begin = text.find("!", event.start_mark.index, event.end_mark.index + 1)
        span = self._source.span(begin, begin + 1)
        raise UserError("yaml", *yaml_errors.TAGS_REFUSED, span)

    def _refuse_key(self, node: Node) -> NoReturn:
        what = "mapping" if isinstance(node, Mapping) else "list"
        raise UserError("yaml", f"a key is a name, not a {what}", "quote it if it is an expression", node.span)

    def _refuse_cut(self, scalar: Scalar, outer: _Open) -> None:
        """Refuses the pieces that YAML's commas and colons make of an expression that should be quoted."""
        key = outer.key is None and isinstance(outer.node, Mapping)
        if not (outer.flow or key) or yaml_errors.is_balanced(scalar.text):
            return
        start, stop = scalar.start.index, scalar.end.index
        if outer.flow:
            raise yaml_errors.cut_entry(self._source.text, start, stop, key=key)
        message = f"YAML ends the key `{yaml_errors.short(scalar.text)}` at the colon, within an open bracket"
        raise UserError("yaml", message, yaml_errors.quote_line(self._source.text, start), scalar.span)

    def _refuse_minus(self, inner: Sequence) -> None:
        """Refuses `- - x`: a negated x was meant, a list in a list was written."""
        item = inner.items[0]
        if len(inner.items) > 1 or not isinstance(item, Scalar) or item.style or item.start.line != inner.start.line:
            return
        mark = inner.start
        line = self._source.text[mark.index - mark.column : mark.index]
        if line.rstrip().endswith("-") and isinstance(item.literal, str):
            hint = yaml_errors.quote_line(self._source.text, mark.index)
            raise UserError("yaml", "`- -` begins a list inside a list", hint, inner.span)


def _span(start: Mark, end: Mark) -> Span:
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)
