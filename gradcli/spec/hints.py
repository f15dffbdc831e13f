"""What to write instead of what Python, another language or a typeset formula has and an expression lacks."""

from __future__ import annotations

IN_EXPRESSION = {
    "if": "write `where(condition, a, b)`",
    "else": "write `where(condition, a, b)`",
    "for": "operate on whole tensors, or write the items out",
    "in": "compare with `==`, as in `(x == value).any()`",
    "lambda": "declare the function under `functions:`",
    "del": "write it as a step of its own",
}
"""The words of Python that may be met inside an expression."""

_FUNCTIONS = "declare the function under `functions:`"
_IMPORTS = "nothing needs importing: `torch.`, `F.` and `linalg.` are understood"
_LOOPS = "use `while: {condition: ..., at_most: n, steps: [...]}`"

IN_STEP = {
    "with": "use a block, `no_grad: [steps]` or `enable_grad: [steps]`",
    "for": "use `repeat: {times: n, as: i, steps: [...]}`",
    "while": _LOOPS,
    "break": _LOOPS,
    "continue": _LOOPS,
    "if": "choose inside an expression with `where(condition, a, b)`",
    "def": _FUNCTIONS,
    "class": _FUNCTIONS,
    "import": _IMPORTS,
    "from": _IMPORTS,
    "assert": "use an `expect:` step",
    "try": "use `expect_error: {steps: [...], match: ...}`",
    "raise": None,
    "return": None,
    "pass": None,
    "global": None,
    "nonlocal": None,
    "async": None,
}
"""The words that begin a statement which a step cannot be."""

OPERATORS = {
    "&&": "write `and`, or `&` for masks",
    "||": "write `or`, or `|` for masks",
    "!": "write `not`, or `~` for masks",
    "<>": "write `!=`",
    "=>": "write `>=`",
    "=<": "write `<=`",
    "===": "write `==`",
    ":=": "bind the name in a step of its own",
    "?": "write `where(condition, a, b)`",
    "->": None,
    "$": None,
    "`": None,
}
"""The operators of other languages."""

# Written as escapes where the character is easily taken for another.
_TYPESET = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),  # hyphens, dashes, minus
    **dict.fromkeys("\u00d7\u00b7\u2217\u2219\u22c5\u2299", "*"),  # times, dots, the circled dot
    **dict.fromkeys("\u00f7\u2044\u2215", "/"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\u201b", "'"),
    **dict.fromkeys("\u1d40\u22a4\u2032", ".T"),  # superscript T, down tack, prime
    "²": "**2",
    "³": "**3",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "¬": "~",
    "\u2227": "&",
    "\u2228": "|",
    "…": "...",
    "√": "sqrt(x)",
    "∑": "sum(x)",
    "∏": "prod(x)",
    "π": "pi",
    "∞": "inf",
}


def for_character(character: str) -> str | None:
    """What to write instead of a character that no expression contains."""
    if character in _TYPESET:
        return f"write `{_TYPESET[character]}`"
    if character.isspace():
        return "write an ordinary space"
    if not character.isprintable():
        return "delete it"
    import unicodedata  # its tables are worth loading only for this error

    plain = unicodedata.normalize("NFKC", character)
    if plain.isascii() and plain != character:  # full-width letters and the like
        return f"write `{plain}`"
    letter = unicodedata.name(character, "").partition(" LETTER ")[2]
    if letter.isascii() and letter.isalpha():  # alpha, sigma
        return f"names are ASCII: write `{letter.lower()}`"
    return None


def how_to_raise(name: str) -> str:
    """The hint for a limit that is reached."""
    return f"raise it with `--limit {name.replace('_', '-')}=NUMBER`"
