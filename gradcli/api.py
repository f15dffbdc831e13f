"""What programs use: `gradcli.run`, the Report it gives and the UserError it raises."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gradcli.errors import UserError
from gradcli.report.model import Report

if TYPE_CHECKING:
    from gradcli.spec.document import Spec
    from gradcli.spec.steps import Plain

__all__ = ["Report", "UserError", "run"]


def run(
    path: str | os.PathLike[str],
    *,
    spec: str | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
    dtype: str | None = None,
    device: str | None = None,
    timeout: float | None = None,
    max_memory: int | None = None,
    allow_path: Sequence[str | os.PathLike[str]] = (),
) -> Report:
    """Runs the spec in the file at `path` and gives its Report; nothing is printed.

    >>> report = gradcli.run("specs/quickstart.yaml", seed=1)
    >>> report.ok
    False
    >>> report.arrays["b.grad"].shape
    (3,)
    >>> [item.expr for item in report.failures]
    ['z', 'loss', 'w.grad', 'b.grad']

    `Report.arrays` holds the tensors and numbers at the end as NumPy arrays, gradients as `w.grad`;
    `Report.failures` the expectations that failed, each an `Expectation` with `line`, `expected`, `actual` and by how
    much they differ; `Report.steps` what each step did. What is wrong with the spec, or goes wrong while it runs, is
    `Report.error`, a UserError with `kind`, `message`, `hint` and `span`; of several mistakes it is the first, and
    `gradcli validate` shows all. `Report.ok` says that there is neither an error nor a failure.

    The options are those of `gradcli run`: `settings` gives parameters other values, as `--set` does; `seed`, `dtype`
    and `device` stand in for what the spec says; it may run for `timeout` seconds (in the main thread only) and take
    `max_memory` bytes, and may `load` from the folders of `allow_path` besides its own.

    Of a file with several documents, or a `matrix`, `spec` names the one to run, as reports name it: `a.yaml#2`, or
    `a.yaml[n=5]`; a matrix of one combination is left where `settings` fix its keys.

    Raises UserError for a file that cannot be read (kind `io`), for several specs of which none is named, and for
    options that the spec does not have or that make no sense. Runs share the state of the engine, as torch's default
    dtype and random stream: one at a time.
    """
    from gradcli.spec.loading import understand
    from gradcli.spec.source import DEFAULT_LIMITS, read_source

    name = os.fspath(path)
    given = {"seed": seed, "dtype": dtype, "device": device}
    replaced = {key: _plain(key, value) for key, value in (settings or {}).items()}
    replaced |= {key: value for key, value in given.items() if value is not None}
    _check_limits(timeout, max_memory)
    documents, errors = understand(read_source(name), DEFAULT_LIMITS)
    if errors:  # a spec that never runs
        return Report(name, 0, "float32", "cpu", error=errors[0])
    chosen = _choose(name, documents, spec, replaced)
    from gradcli import runner

    folders = [os.fspath(folder) for folder in allow_path]
    return runner.run(chosen, allow_path=folders, max_memory=max_memory, timeout=timeout)


def _plain(name: str, value: Any) -> Plain:
    """`value` as YAML could have written it; NumPy's numbers and arrays become Python's numbers and lists."""
    plain = value.tolist() if hasattr(value, "tolist") else list(value) if isinstance(value, tuple) else value
    if plain is None or isinstance(plain, bool | int | float | complex | str):
        return plain
    if isinstance(plain, list):
        return [_plain(name, item) for item in plain]
    what = type(value).__name__
    raise UserError("type", f"the setting `{name}` must be a number, a truth value, text or a list, not {what}")


def _check_limits(timeout: float | None, max_memory: int | None) -> None:
    for name, limit in (("timeout", timeout), ("max_memory", max_memory)):
        if limit is not None and not 0 < limit < math.inf:
            raise UserError("value", f"`{name}` must be a number above 0, not {limit}")
    if timeout is not None and threading.current_thread() is not threading.main_thread():
        raise UserError("value", "`timeout` works in the main thread only")


def _choose(path: str, documents: list[Spec], name: str | None, settings: Mapping[str, Plain]) -> Spec:
    """The spec called `name`; without a name the only one there is."""
    from gradcli.spec.document import expand

    if name is not None:
        named = [one for one in documents if name == one.source.name or name.startswith(f"{one.source.name}[")]
        documents = named or documents
    specs = [spec for document in documents for spec in expand(document, settings)]
    chosen = [spec for spec in specs if name in (None, spec.source.name)]
    if len(chosen) == 1:
        return chosen[0]
    shown = ", ".join(f"`{spec.source.name}`" for spec in specs[:10]) + (", ..." if len(specs) > 10 else "")
    if name is not None:
        raise UserError("spec", f"`{path}` has no spec `{name}`", f"it has {shown}")
    raise UserError("spec", f"`{path}` has {len(specs)} specs, and one is needed", f"`spec=` names one of {shown}")
