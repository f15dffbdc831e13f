"""Plain scalars as YAML 1.2 reads them; numbers that YAML 1.1 reads otherwise are refused."""

from __future__ import annotations

import math
import re

from gradcli.errors import UserError

Value = str | int | float | complex | bool | None

_WORDS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_LITERAL_WORDS = {"nan": math.nan, "inf": math.inf, "+inf": math.inf, "-inf": -math.inf}

_UNSIGNED = r"(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
_INTEGER = re.compile(r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(rf"[-+]?{_UNSIGNED}")
_COMPLEX = rf"[-+]?(?:{_UNSIGNED}[-+])?{_UNSIGNED}[jJ]"
_LEADING_ZERO = r"[-+]?0[0-9]+"
_SEXAGESIMAL = r"[-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?"
_BINARY = r"[-+]?0[bB][01_]+"
_UNDERSCORED = r"[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|(?:[0-9][0-9_]*)(?:\.[0-9_]*)?(?:[eE][-+]?[0-9_]+)?)"
# More digits than any int64 needs in base 8; Python refuses to convert thousands of them.
_LONGEST_INTEGER = 24


def resolve(text: str) -> Value:
    """The value of a plain scalar: a number, truth value or None of YAML 1.2's core schema, a complex number
    written `1+2j`, or else `text` itself.

    Raises UserError (without a place) for `010`, `1:30`, `1_000`, `0b11` and integers outside int64.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if re.fullmatch(_COMPLEX, text):
        return complex(text)
    _refuse_yaml_1_1(text)
    return text


def resolve_literal(text: str) -> Value:
    """As `resolve`, where the names nan, inf, +inf and -inf are numbers too."""
    return _LITERAL_WORDS[text] if text in _LITERAL_WORDS else resolve(text)


def _integer(text: str) -> int:
    if re.fullmatch(_LEADING_ZERO, text):
        sign, digits = text[: text.index("0")], text.lstrip("+-")
        plain = f"{sign}{_shown(digits.lstrip('0') or '0')}"
        octal = f", or `0o{_shown(digits[1:])}` for base 8" if not sign and not re.search("[89]", digits) else ""
        raise UserError(
            "yaml", f"`{_shown(text)}`: YAML versions disagree on a leading zero", f"write `{plain}`{octal}"
        )
    if len(text) <= _LONGEST_INTEGER:
        number = int(text, 16 if text.startswith("0x") else 8 if text.startswith("0o") else 10)
        if -(2**63) <= number < 2**63:
            return number
    raise UserError(
        "value",
        f"`{_shown(text)}` does not fit into a 64-bit integer",
        "write a floating-point number, with a point or an exponent: `1e30`",
    )


def _refuse_yaml_1_1(text: str) -> None:
    if re.fullmatch(_SEXAGESIMAL, text):
        raise UserError(
            "yaml",
            f"`{_shown(text)}`: some YAML versions read this as a number in base 60",
            "write the number itself, or quote it if it is text",
        )
    if re.fullmatch(_BINARY, text):
        digits = text.replace("_", "")
        fits = len(digits) < 64 and digits[-1] in "01"
        raise UserError(
            "yaml",
            f"`{_shown(text)}`: YAML 1.2 has no binary numbers",
            f"write `{int(digits, 2)}`" if fits else "write it in base 10 or base 16 (`0x1F`)",
        )
    if "_" in text and re.fullmatch(_UNDERSCORED, text):
        raise UserError(
            "yaml",
            f"`{_shown(text)}`: YAML 1.2 has no underscores in numbers",
            f"write `{_shown(text.replace('_', ''))}`",
        )


def _shown(text: str) -> str:
    """`text`, its middle left out when it is long."""
    return text if len(text) <= 40 else f"{text[:16]}...{text[-8:]}"
