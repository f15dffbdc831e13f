"""Every error that only a run can find, with its exact message: tests/cases/bad_run holds a spec and its text each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gradcli.cli import app

CASES = Path(__file__).parent / "cases" / "bad_run"


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_message(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    compared: Callable[[Path, str], None],
) -> None:
    monkeypatch.chdir(CASES)
    status = app.run(["run", path.name])
    captured = capsys.readouterr()
    compared(path.with_suffix(".txt"), f"{captured.out}{captured.err}")
    assert status == (1 if "expectations failed" in captured.err else 2)
