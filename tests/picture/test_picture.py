"""The picture in README.md is of the program as it is."""

from __future__ import annotations

from .make_picture import PICTURE, ROOT, drawn, text_of


def test_the_picture_shows_the_screen_of_today() -> None:
    assert f"]({PICTURE.relative_to(ROOT)})" in (ROOT / "README.md").read_text(encoding="utf-8")
    shown = text_of(PICTURE.read_text(encoding="utf-8"))
    assert shown == text_of(drawn()), "python -m tests.picture.make_picture draws it anew"
