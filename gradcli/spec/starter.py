"""Specs to begin with, one a topic, in `templates`."""

from __future__ import annotations

from pathlib import Path

from gradcli.spec.schema import modeline

FIRST = "fit"
_FOLDER = Path(__file__).with_name("templates")
_ABOUT_THE_MODELINE = "# The line above lets editors complete, explain and check this file."


def topics() -> dict[str, str]:
    """The topics, each with the title of its spec."""
    names = sorted((file.stem for file in _FOLDER.glob("*.yaml")), key=lambda name: (name != FIRST, name))
    return {name: _content(name).partition("\n")[0].removeprefix("title: ") for name in names}


def starter(topic: str) -> str:
    """The spec for a topic, which begins with what editors must know."""
    return f"{modeline()}\n{_ABOUT_THE_MODELINE}\n{_content(topic)}"


def _content(topic: str) -> str:
    return (_FOLDER / f"{topic}.yaml").read_text(encoding="utf-8")
