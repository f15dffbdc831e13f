"""The specs that come with gradcli hold; tests/export has torch run them, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradcli.runner import run
from gradcli.spec.document import expand, load_specs
from gradcli.spec.source import read_source
from gradcli.spec.steps import Spec

ROOT = Path(__file__).parents[2]
PATHS = sorted((ROOT / "specs").rglob("*.yaml"))


def specs_in(path: Path) -> list[Spec]:
    return [spec for document in load_specs(read_source(str(path))) for spec in expand(document, {})]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_expectation_holds(path: Path) -> None:
    for spec in specs_in(path):
        report = run(spec)
        assert report.error is None and report.failures == []
        assert any(step.items for step in report.steps)
