"""A number or nested lists of numbers in JSON. What is not finite is written NaN, Infinity, or as text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, BinaryIO

from gradcli.files.content import MOST_DIMS, Choose, Unreadable, decoded, fitting, shown, whole

WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def read(file: BinaryIO, size: int, choose: Choose) -> Any:
    """The numbers in a file of `size` bytes."""
    try:
        value = json.loads(decoded(whole(file, size)))
    except RecursionError:
        raise Unreadable("it is nested too deep") from None
    except ValueError as error:
        raise Unreadable(f"it is no JSON ({error})") from None
    return numbers(value)


def numbers(value: Any, depth: int = MOST_DIMS) -> Any:
    """`value`, which JSON has made, if it is a number or nested lists of numbers; otherwise it is Unreadable."""
    if isinstance(value, list):
        if not depth:
            raise Unreadable(f"it is nested more than {MOST_DIMS} deep")
        return [numbers(item, depth - 1) for item in value]
    if isinstance(value, str) and value in WORDS:
        return WORDS[value]
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return fitting(value, "an integer")
    what = "a mapping" if isinstance(value, dict) else "null" if value is None else f"the text `{shown(value)}`"
    raise Unreadable(f"it has {what} where a number or a list of numbers belongs")


def write(file: BinaryIO, arrays: Mapping[str, Any]) -> None:
    """A mapping of names to nested lists, a line each. A complex number is written [real, imaginary]."""
    from gradcli.report.json_lines import dumps, plain

    lines = (f"{dumps(name)}: {dumps(plain(array))}" for name, array in arrays.items())
    file.write(("{\n" + ",\n".join(lines) + "\n}\n").encode())
