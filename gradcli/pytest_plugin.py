"""The pytest plugin: specs named `*.grad.yaml` are tests, where `--gradcli` or the ini option `gradcli` asks for it.

It is loaded by every pytest run, and imports nothing but pytest until it has a spec to collect.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gradcli.report.model import Outcome
    from gradcli.suite.testing import Item

ENDINGS = (".grad.yaml", ".grad.yml")


def pytest_addoption(parser: pytest.Parser) -> None:
    about = "collect *.grad.yaml files: each spec in them is a test"
    parser.getgroup("gradcli").addoption("--gradcli", action="store_true", help=about)
    parser.addini("gradcli", about, type="bool", default=False)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SpecFile | None:
    config = parent.config
    if file_path.name.endswith(ENDINGS) and (config.getoption("--gradcli") or config.getini("gradcli")):
        return SpecFile.from_parent(parent, path=file_path)
    return None


class SpecFile(pytest.File):
    """A file of specs."""

    def collect(self) -> Iterator[SpecItem]:
        """A test for each document, and for each combination of its matrix."""
        from gradcli.spec.source import DEFAULT_LIMITS
        from gradcli.suite.testing import Request, collect

        path = _shown(self.path, self.config.invocation_params.dir)
        short = self.path.name[: -len(next(ending for ending in ENDINGS if self.path.name.endswith(ending)))]
        for spec in collect(path, Request((), DEFAULT_LIMITS, {})):
            yield SpecItem.from_parent(self, name=short + spec.source.name.removeprefix(path), spec=spec)


class SpecItem(pytest.Item):
    """A spec, which passes as it does for `gradcli test`: it runs to its end, and all it expects holds."""

    def __init__(self, *, spec: Item, **settings: Any) -> None:
        super().__init__(**settings)
        self._spec = spec

    def runtest(self) -> None:
        from gradcli.suite.executors import Serial
        from gradcli.suite.testing import Silent, test

        [outcome] = test([self._spec], Serial(), Silent()).outcomes
        if not outcome.ok:
            raise SpecFailed(outcome)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if not isinstance(excinfo.value, SpecFailed):
            return super().repr_failure(excinfo, style)
        from gradcli.report.story import text_of
        from gradcli.report.suite import failure

        _, *lines = failure(excinfo.value.outcome)  # the first is the name, which pytest has told
        return "\n".join(map(text_of, lines))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name


class SpecFailed(Exception):
    """A spec that did not pass."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(f"{outcome.source.name} failed")
        self.outcome = outcome


def _shown(path: Path, folder: Path) -> str:
    """The path as a user of `folder` writes it."""
    return str(path.relative_to(folder)) if path.is_relative_to(folder) and Path.cwd() == folder else str(path)
