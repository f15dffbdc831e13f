"""The specs that come with gradcli: they hold in gradcli, and torch prints the same and meets the same expectations."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from gradcli.report.model import Report
from gradcli.report.story import printed
from gradcli.runner import run
from gradcli.spec.document import expand, load_specs
from gradcli.spec.source import read_source
from gradcli.spec.steps import Spec

ROOT = Path(__file__).parents[2]
PATHS = sorted((ROOT / "specs").rglob("*.yaml"))


def specs_in(path: Path) -> list[Spec]:
    return [spec for document in load_specs(read_source(str(path))) for spec in expand(document, {})]


def lines_of(report: Report) -> list[str]:
    """What the run prints, hooks included."""
    return [printed(item) if step.kind != "hook" else f"{step.name}: {item.text}"
            for step in report.steps for item in step.printed or ()]  # fmt: skip


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_expectation_holds(path: Path) -> None:
    for spec in specs_in(path):
        report = run(spec)
        assert report.error is None and report.failures == []
        assert any(step.items for step in report.steps)


@pytest.mark.torch
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_torch_says_the_same(path: Path) -> None:
    pytest.importorskip("torch")
    from .torch_runner import TorchRun

    for spec in specs_in(path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            in_torch = TorchRun(spec)
        assert in_torch.failures == []
        assert lines_of(run(spec)) == in_torch.printed
