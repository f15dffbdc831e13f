"""Write frozen.json: what torch answers to every sample, to every pair of dtypes, in float16 and bfloat16, and to
calls that it refuses.

Run from the repository root: `python -m tests.ops.make_frozen`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import errors, reduced, torch_rows
from .pool import SEED, pool
from .promotion import EXPRESSIONS
from .samples import kinked, smooth

FILE = Path(__file__).parent / "frozen.json"


def main() -> None:
    drawn = pool(SEED)
    samples = dict.fromkeys(expression for _, expression in (*smooth(), *kinked()))
    sections: dict[str, Any] = {
        "samples": {expression: torch_rows.answer(expression, drawn) for expression in samples},
        "dtypes": {expression: torch_rows.dtypes(expression) for expression in EXPRESSIONS},
        "reduced": {
            f"{dtype}: {expression}": torch_rows.rounded_answer(expression, dtype)
            for dtype, expression in reduced.cases()
        },
        "errors": {expression: torch_rows.refusal(expression, drawn) for expression in errors.EXPRESSIONS},
        "methods": {"in place": torch_rows.in_place_methods()},
    }
    # one line an entry, so that a difference can be read
    text = ",\n".join(
        f'"{name}": {{\n'
        + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in entries.items())
        + "\n}"
        for name, entries in sections.items()
    )
    FILE.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
