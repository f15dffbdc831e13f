"""Writes the list of operations in specs/README.md, from the table.

Run from the repository root: `python -m tests.reference.make_operations`.
"""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

from gradcli.ops.describe import FOLDER, everything
from gradcli.ops.frontend import ALIAS_NAMES

REFERENCE = Path(__file__).parents[2] / "specs" / "README.md"
HEADING = "\n## Operations\n"
INTRODUCTION = """
With PyTorch's signatures, which `gradcli ops` prints, with what is computed, how it is differentiated, and an example
to run. Where PyTorch has a method of that name there is one here, too, and most have a form in place, with `_` behind
the name.

Some functions of `torch.special` need SciPy, `pip install 'gradcli[special]'`: `igamma`, `igammac`, `airy_ai`, those
named `bessel_`, `modified_bessel_k` and its scaled form. Around 5 the functions `bessel_`, and below -2.09 `airy_ai`,
are right to the last digits, where PyTorch 2.13 is wrong in the sixth decimal.
"""


def operations() -> str:
    """The section: the names by family, each under the words with which its module begins, and other names."""
    families: dict[str, list[str]] = {}
    for found in everything():
        families.setdefault(found.family, []).append(found.name.rpartition(".")[2])
    lines = [filled(f"- {title_of(family)}: {quoted(names)}") for family, names in families.items()]
    others = ", ".join(f"`{alias}` (`{name}`)" for alias, name in sorted(ALIAS_NAMES.items()))
    return "\n".join([HEADING + INTRODUCTION, *lines, "", "Other names of the same:", "", filled(f"- {others}"), ""])


def title_of(family: str) -> str:
    """The first line of a module's docstring, as the heading of a list."""
    module = ast.parse((FOLDER / f"{family}.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(module) or family).partition("\n")[0].partition(":")[0].rstrip(".")


def quoted(names: list[str]) -> str:
    return " ".join(f"`{name}`" for name in dict.fromkeys(names))


def filled(text: str) -> str:
    return textwrap.fill(text, 120, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def with_operations(reference: str) -> str:
    return reference.partition(HEADING)[0] + operations()


if __name__ == "__main__":
    REFERENCE.write_text(with_operations(REFERENCE.read_text(encoding="utf-8")), encoding="utf-8")
