"""Spec text becomes nodes that know their place, and whatever is wrong with it one error that says where."""

from __future__ import annotations

import io
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gradcli.errors import Span, UserError
from gradcli.spec import source as source_module
from gradcli.spec.excerpt import render_error
from gradcli.spec.source import Limits, Mapping, Node, Scalar, Sequence, Source, parse_documents, read_source

BAD_YAML = sorted((Path(__file__).parent / "cases" / "bad_yaml").glob("*.yaml"))
LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])]


def parse(text: str, **limits: int) -> Node:
    (node,) = parse_documents(Source("spec.yaml", text), Limits(**limits))
    return node


def mapping(text: str) -> Mapping:
    node = parse(text)
    assert isinstance(node, Mapping)
    return node


def scalar(text: str) -> Scalar:
    """The value of the only key in `text`."""
    ((_, node),) = mapping(text).entries
    assert isinstance(node, Scalar)
    return node


def refused(text: str, **limits: int) -> UserError:
    with pytest.raises(UserError) as caught:
        parse(text, **limits)
    return caught.value


def covered(text: str, span: Span) -> str:
    """The stretch of `text` that `span` names, found line by line as an editor would."""
    starts = [0, *(found.end() for found in re.finditer(r"\r\n?|\n", text))]
    return text[starts[span.line - 1] + span.column - 1 : starts[span.end_line - 1] + span.end_column - 1]


def scalars(node: Node) -> list[Scalar]:
    if isinstance(node, Scalar):
        return [node]
    inner = node.items if isinstance(node, Sequence) else [part for entry in node.entries for part in entry]
    return [found for part in inner for found in scalars(part)]


@pytest.mark.parametrize("loader", LOADERS, ids=lambda loader: loader.__name__)
@pytest.mark.parametrize("case", BAD_YAML, ids=lambda case: case.stem)
def test_bad_yaml_is_explained(case: Path, loader: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "_LOADER", loader)
    source = Source(case.name, case.read_bytes().decode())
    with pytest.raises(UserError) as caught:
        parse_documents(source)
    assert render_error(caught.value, source) + "\n" == case.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text", ["a: {data: randn(n, 3)}", "- [f(a, b)]", "- x[1: 2] = 3", "y: @x", "y: > 0", "y: [1, 2] + x"]
)
def test_the_suggested_quoting_is_accepted(text: str) -> None:
    hint = refused(text).hint or ""
    suggested = hint.removeprefix("quote the expression: ")
    expression = suggested[1:-1]
    assert expression in text
    assert scalars(parse(text.replace(expression, suggested)))[-1].text == expression


@pytest.mark.parametrize("char", ["\0", "\x07", "\x85", "\u2028", "\ufeff", "\ufffe", "\ud800", "\udfff"])
def test_characters_that_yaml_forbids(char: str) -> None:
    error = refused(f"a: 1\nb: x{char}y\n")
    assert f"U+{ord(char):04X}" in error.message
    assert error.span == Span(2, 5, 2, 6)


def test_a_key_that_is_too_long() -> None:
    assert "1,024 characters" in refused("x" * 1025 + ": 1").message


def test_half_a_character_from_an_escape() -> None:
    assert refused('a: "\\ud800"').kind == "yaml"


@pytest.mark.parametrize("text", ['"\\U00110000"', "%YAML " + "9" * 5000 + ".1\n---\na"])
def test_numbers_that_the_parsers_choke_on(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for loader in LOADERS:
        monkeypatch.setattr(source_module, "_LOADER", loader)
        assert refused(text).kind == "yaml"


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "- " * 100_000, "{a: " * 100_000, "".join(" " * i + "a:\n" for i in range(1000))],
    ids=["lists", "dashes", "mappings", "block"],
)
def test_deep_nesting_is_a_limit(text: str) -> None:
    error = refused(text)
    assert error.kind == "limit"
    assert "--limit yaml-depth=NUMBER" in (error.hint or "")


def test_nesting_up_to_the_limit() -> None:
    assert isinstance(parse("[" * 64 + "]" * 64), Sequence)
    assert refused("[" * 65 + "]" * 65).kind == "limit"
    assert isinstance(parse("[" * 100 + "]" * 100, yaml_depth=100), Sequence)


def test_nesting_by_aliases_counts() -> None:
    chain = "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 70))
    assert "--limit yaml-depth=NUMBER" in (refused(chain).hint or "")


def test_alias_bomb_is_a_limit() -> None:
    bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 30))
    error = refused(bomb)
    assert error.kind == "limit"
    assert "--limit yaml-nodes=NUMBER" in (error.hint or "")


def test_number_of_values_is_limited() -> None:
    assert isinstance(parse("[1, 2, 3]", yaml_nodes=4), Sequence)
    error = refused("[1, 2, 3, 4]", yaml_nodes=4)
    assert error.kind == "limit"
    assert error.span == Span(1, 11, 1, 12)
    assert refused("[[], [], []]", yaml_nodes=3).kind == "limit"


def test_places_of_nodes() -> None:
    text = "tensors:\n  w: &w {data: 'ones(3)', flag: true}\n  # why\n  x: [1,\n    2]\nlast: |\n  a\n  b\n\n"
    spec = mapping(text)
    tensors = spec.get("tensors")
    assert isinstance(tensors, Mapping)
    w, x, last = tensors.get("w"), tensors.get("x"), spec.get("last")
    assert w and x and last
    assert covered(text, w.span) == "{data: 'ones(3)', flag: true}"
    assert covered(text, x.span) == "[1,\n    2]"
    assert covered(text, last.span) == "|\n  a\n  b"
    assert covered(text, tensors.key("x").span) == "x"
    assert covered(text, spec.span) == text.rstrip()
    assert spec.get("none") is None
    assert "none" not in spec


def test_an_alias_is_the_node_of_its_anchor() -> None:
    spec = mapping("a: &a [1, 2]\nb: *a\nc: [*a, &n x + 1, *n]\n")
    c = spec.get("c")
    assert isinstance(c, Sequence)
    assert spec.get("a") is spec.get("b") is c.items[0]
    assert c.items[1] is c.items[2]
    assert c.items[1].span == Span(3, 12, 3, 17)


def test_several_documents_keep_the_lines_of_the_file() -> None:
    source = Source("file.yaml", "a: &x 1\n---\nb: 2\n---\n- c\n")
    first, second, third = parse_documents(source)
    assert [node.span.line for node in (first, second, third)] == [1, 3, 5]
    assert [source.document(i).name for i in range(3)] == ["file.yaml", "file.yaml#2", "file.yaml#3"]


def test_anchors_end_with_their_document() -> None:
    assert "*x" in refused("a: &x 1\n---\nb: *x\n").message


def test_a_missing_value_is_null() -> None:
    key, value, other, nothing = scalars(parse("{w.grad: , b.grad}"))
    assert (key.text, other.text) == ("w.grad", "b.grad")
    assert value.value is None
    assert nothing.value is None


@pytest.mark.parametrize("text", ["- - 1\n  - 2", "- - nan", "- - .5", "- - a\n  - b", "- - 'x'", "- [x]", "-\n  - x"])
def test_lists_in_lists_stay_possible(text: str) -> None:
    assert isinstance(parse(text), Sequence)


@pytest.mark.parametrize(
    "text", ["f(a, b): {forward: 'a'}", "title: 'hi :('", "title: hi :(", "x: '(' ", 'y: {a: f(")")}']
)
def test_balanced_and_quoted_brackets_are_left_alone(text: str) -> None:
    assert isinstance(parse(text), Mapping)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100_000.0),
        ("1.0e3", 1000.0),
        (".5", 0.5),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("+12", 12),
        ("-0", 0),
        ("0x1F", 31),
        ("0o17", 15),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("1e999", math.inf),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("+.INF", math.inf),
        ("1+2j", 1 + 2j),
        ("2j", 2j),
        ("-1.5e3-.5j", -1500 - 0.5j),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("off", "off"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("-inf", "-inf"),
        ("x + 1", "x + 1"),
        ("-x", "-x"),
        ("1 + 2", "1 + 2"),
        ("2020-01-02", "2020-01-02"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("''", ""),
        ("\n  1.5", 1.5),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    node = scalar(f"x: {text}\n")
    assert node.value == value
    assert type(node.value) is type(value)


def test_nan_and_inf_are_numbers_in_literals_only() -> None:
    assert math.isnan(float(str(scalar("x: .nan").value)))
    literal = scalar("x: nan").literal
    assert isinstance(literal, float)
    assert math.isnan(literal)
    assert [scalar(f"x: {text}").literal for text in ("inf", "+inf", "-inf")] == [
        math.inf,
        math.inf,
        -math.inf,
    ]
    assert scalar("x: 'nan'").literal == "nan"
    assert scalar("x: y").literal == "y"


@pytest.mark.parametrize(
    ("text", "kind", "fix"),
    [
        ("010", "yaml", "`10`, or `0o10`"),
        ("-08", "yaml", "`-8`"),
        ("1:30", "yaml", "the number itself"),
        ("1:30:00.5", "yaml", "the number itself"),
        ("1_000", "yaml", "`1000`"),
        ("1_0.5e1_0", "yaml", "`10.5e10`"),
        ("0x_1F", "yaml", "`0x1F`"),
        ("0b11", "yaml", "`3`"),
        ("-0b1_0", "yaml", "`-2`"),
        ("0b" + "1" * 5000, "yaml", "base 16"),
        ("9223372036854775808", "value", "floating-point"),
        ("-9223372036854775809", "value", "floating-point"),
        ("0xffffffffffffffff", "value", "floating-point"),
        ("1" * 5000, "value", "floating-point"),
        ("0x" + "f" * 100_000, "value", "floating-point"),
    ],
)
def test_ambiguous_and_too_large_numbers_are_refused(text: str, kind: str, fix: str) -> None:
    node = scalar(f"x: {text}\n")
    with pytest.raises(UserError) as caught:
        assert node.value
    assert caught.value.kind == kind
    assert fix in (caught.value.hint or "")
    assert caught.value.span == Span(1, 4, 1, 4 + len(text))
    assert len(caught.value.message) < 200
    assert node.text == text


@pytest.mark.parametrize(
    "text",
    [
        "y: x + WW\n",
        "y: x +\n  y +\n\n  WW * z\n",
        "y: &a x + WW\n",
        "y: &a  # why\n  x + WW\n",
        "y: 'it''s + WW'\n",
        "y: 'x\n\n   it''s  \n  + WW'\n",
        'y: "x \\x41 \\u00e9 \\U0001F600 \\" WW"\n',
        'y: "x \\\n   + y\n\n  \\  + WW"\n',
        'y: "  x\\\n\n  WW"\n',
        "y: |\n  x +\n    y\n\n  + WW\n",
        "y: |2-  # why\n    x\n  WW\n",
        "y: |\n\n\n  WW",
        "y: |\n  WW  \n \n",
        "y: |\n  x WW\n\n   ",
        "y: >\n  x +\n  y\n\n  z\n    deeper\n\n  + WW\n\n",
        "y: >+\n  x\n   y\n  WW\n\n",
        "y: 日本 + WW\n",
        "y: x +\r\n  WW\r\n",
        "y: 'x\r\n\r\n  WW'\r\n",
        "y: >\r\n  x\r\n  WW\r\n",
        "y: {a: [x, WW]}\n",
    ],
)
def test_span_of_finds_the_written_place(text: str) -> None:
    node = scalars(parse(text))[-1]
    at = node.text.index("WW")
    assert covered(text, node.span_of(at, at + 2)) == "WW"
    assert covered(text, node.span_of(at + 1, at + 1)) == ""


def test_span_of_an_escape_covers_it() -> None:
    text = 'y: "a\\x41b"\n'
    assert covered(text, scalar(text).span_of(1, 2)) == "\\x41"
    assert covered("y: 'a''b'", scalar("y: 'a''b'").span_of(1, 2)) == "''"


def test_span_of_stays_inside_the_scalar() -> None:
    assert covered("y: abc", scalar("y: abc").span_of(1, 99)) == "bc"
    assert covered("y: abc", scalar("y: abc").span_of(7, 9)) == ""


@settings(max_examples=150, deadline=None)
@given(
    content=st.lists(st.text(alphabet="abcXYZ019()+*.' \"\\\n", max_size=12), max_size=8).map(" ".join),
    style=st.sampled_from(["", "'", '"', "|", ">"]),
    width=st.integers(5, 40),
)
@example(content="a\n b\n\nc", style=">", width=10)
def test_span_of_holds_for_what_another_writer_wrote(content: str, style: str, width: int) -> None:
    text = yaml.safe_dump({"key": content}, default_style=style or None, width=width, allow_unicode=True)
    node = mapping(text).entries[0][1]
    assert isinstance(node, Scalar)
    # The writer's folded style does not keep every blank.
    assert node.text == content or style == ">"
    for at, char in enumerate(node.text):
        written = covered(text, node.span_of(at, at + 1))
        assert char in " \n" or written == char or written in ("''", f"\\{char}")


FRAGMENTS = [
    *(
        "a: ",
        "b: ",
        "- ",
        "  ",
        "\n",
        "\n  ",
        "\r\n",
        "\r",
        "[",
        "]",
        "{",
        "}",
        ", ",
        ": ",
        "? ",
        "&x ",
        "*x",
        "!t ",
    ),
    *(
        "'",
        '"',
        "''",
        "\\n",
        "\\x41",
        "\\\n",
        "|",
        "> ",
        ">-",
        "|2",
        "\n\n",
        "# c",
        "#",
        "x",
        "w.grad",
        "1e-3",
        "<<",
    ),
    *(
        "f(a, b)",
        "x[1: 2]",
        "日",
        "\t",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "@",
        "`",
        "- - ",
        "~",
        "010",
        "(",
        ")",
        "\0",
    ),
]


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.lists(st.sampled_from(FRAGMENTS), max_size=15).map("".join),
        st.text(max_size=40),
        st.text(
            alphabet=st.characters(codec=None, categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Ps", "Po"]),
            max_size=20,
        ),
    )
)
def test_any_text_gives_nodes_or_a_user_error(text: str) -> None:
    source = Source("fuzz.yaml", text)
    try:
        documents = parse_documents(source)
    except UserError as error:
        rendered = render_error(error, source)
        assert "\n".join(rendered.split("\n")).replace("\n", "").isprintable()
        return
    for node in (found for document in documents for found in scalars(document)):
        assume(node.style != "" or node.text)
        assert covered(text, node.span)
        assert covered(text, node.span_of(0, len(node.text))) or not node.text


def test_read_source_reads_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes("\ufeffx: 日\r\n".encode())
    assert read_source(str(path)) == Source(str(path), "x: 日\r\n")


def test_read_source_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("x: é".encode()), encoding="ascii"))
    assert read_source("-") == Source("-", "x: é")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UserError, match="standard input is closed"):
        read_source("-")


def test_read_source_refuses_what_is_no_text_file(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"a: 1\nb: \xe9\n")
    paths = {
        str(tmp_path): "folder",
        str(tmp_path / "none"): "No such file",
        "a\0b": "name",
        "a\ud800": "name",
    }
    paths[str(latin)] = "byte 0xe9 in line 2 is no UTF-8"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo")
        paths[str(tmp_path / "fifo")] = paths[os.devnull] = "no regular file"
    for path, reason in paths.items():
        with pytest.raises(UserError, match=reason) as caught:
            read_source(path)
        assert caught.value.kind == "io"


def test_read_source_limits_the_size(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text("x: 12345", encoding="utf-8")
    assert read_source(str(path), Limits(file_bytes=8)).text == "x: 12345"
    with pytest.raises(UserError, match="too long") as caught:
        read_source(str(path), Limits(file_bytes=7))
    assert caught.value.kind == "limit"
    assert "--limit file-bytes=NUMBER" in (caught.value.hint or "")


def test_excerpt_of_a_name() -> None:
    text = "a: 1\npipeline:\n  - z: x @ ww + b\n"
    error = UserError("name", "unknown name `ww`", "did you mean `w`?", Span(3, 12, 3, 14))
    assert render_error(error, Source("specs/a.yaml", text)) == (
        "error: specs/a.yaml:3:12: unknown name `ww`\n"
        "    3 |   - z: x @ ww + b\n"
        "      |            ^^\n"
        "  did you mean `w`?"
    )


def test_excerpt_shows_control_and_bidi_characters() -> None:
    shown = render_error(UserError("yaml", "a\x1bb", "c\u202ed", Span(1, 3, 1, 4)), Source("n\x07", "\u202e\x1bx\n"))
    assert shown.splitlines() == [
        r"error: n\x07:1:3: a\x1bb",
        r"    1 | \u202e\x1bx",
        r"      |           ^",
        r"  c\u202ed",
    ]


@pytest.mark.parametrize(("before", "columns"), [("日本", 4), ("\t", 4), ("e\u0301", 1), ("ab", 2)])
def test_caret_stands_under_what_it_means(before: str, columns: int) -> None:
    at = len(before) + 1
    shown = render_error(UserError("name", "m", None, Span(1, at, 1, at + 2)), Source("n", f"{before}ww + b"))
    assert shown.splitlines()[2] == "      | " + " " * columns + "^^"


@pytest.mark.parametrize("at", [0, 1, 50, 99, 100, 250, 480, 497])
@pytest.mark.parametrize("filler", ["x", "日", "\t"])
def test_long_lines_are_windowed(at: int, filler: str) -> None:
    line = filler * at + "WWW" + filler * (497 - at)
    shown = render_error(UserError("name", "m", None, Span(1, at + 1, 1, at + 4)), Source("n", line))
    _, excerpt, carets = (part.rstrip("\n") for part in shown.split("\n"))
    assert "WWW" in excerpt
    width = sum(2 if char == "日" else 1 for char in excerpt) - len("    1 | ")
    assert width <= 100
    before = excerpt[: excerpt.index("WWW")]
    assert carets.index("^") == len(before) + before.count("日")
    assert carets.count("^") == 3


def test_excerpt_beyond_the_end_of_the_text() -> None:
    error = UserError("yaml", "m", None, Span(7, 1, 7, 2))
    assert render_error(error, Source("n", "a: 1")) == "error: n:7:1: m\n    7 |\n      | ^"


def test_excerpt_of_several_lines_marks_the_first() -> None:
    error = UserError("yaml", "m", None, Span(1, 4, 3, 2))
    assert render_error(error, Source("n", "a: [x,\n y\n]")).splitlines()[2] == "      |    ^^^"


def test_reading_a_spec_needs_no_numpy_and_no_rich() -> None:
    code = "import sys, gradcli.spec.source; sys.exit(bool({'numpy', 'rich', 'typer'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
