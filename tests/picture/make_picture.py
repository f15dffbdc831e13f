"""Draws the picture in README.md: what a terminal shows of a run.

Run from the repository root: `python -m tests.picture.make_picture`.
"""

from __future__ import annotations

import html
import io
import re
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI

from gradcli.report.console import Screen
from gradcli.runner import run
from gradcli.spec.document import load_specs
from gradcli.spec.source import read_source

ROOT = Path(__file__).parents[2]
SPEC = "specs/own_backward.yaml"
PICTURE = ROOT / "specs" / "screen.svg"
# without the fonts that rich would have a browser fetch
FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def drawn() -> str:
    """The picture, as SVG."""
    console = Console(
        record=True, width=84, force_terminal=True, color_system="truecolor", file=io.StringIO(), highlight=False,
        markup=False, emoji=False,
    )  # fmt: skip
    (spec,) = load_specs(read_source(str(ROOT / SPEC)))
    screen = Screen(console, verbose=False)
    screen.begin(SPEC, spec.title, spec.seed, spec.dtype, spec.device)
    screen.end(run(spec, screen.step))
    return console.export_svg(
        title=f"gradcli run {SPEC}", theme=DIMMED_MONOKAI, code_format=FORMAT, unique_id="gradcli"
    )


def text_of(svg: str) -> str:
    """The characters of a picture, without their places and colours."""
    pieces = re.findall(r"<text[^>]*>(.*?)</text>", svg)
    return "".join(html.unescape(piece).replace("\xa0", " ") for piece in pieces)


if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")
