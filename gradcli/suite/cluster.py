"""Specs on many machines."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from gradcli.errors import UserError, describe
from gradcli.suite.worker import Worker

P = ParamSpec("P")
T = TypeVar("T")

_PATIENCE = 10  # seconds for a scheduler to answer


class Dask(Executor):
    """Runs what it is given on the workers of a Dask cluster, each call in a process of its own.

    Its worker runs several tasks side by side in one process, where they would share a random stream, a time limit
    and, if the memory is used up, their end. Raises UserError if Dask is missing or no scheduler answers at `address`.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise UserError("io", "Dask is not installed", "install `gradcli[dask]`") from None
        try:
            self._client = Client(address, timeout=_PATIENCE, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise UserError("io", f"no scheduler answers at `{address}`: {describe(error)}") from None
        self._executor = self._client.get_executor(pure=False)
        self._folder = str(Path.cwd())

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = self._executor.submit(_apart, self._folder, function, args, kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._executor.shutdown(wait=wait and not cancel_futures)
        self._client.close()


def _apart(folder: str, function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    """Calls `function` in a process of its own, in `folder` if this machine has it."""
    worker = Worker(folder if Path(folder).is_dir() else None)
    try:
        return worker.call(function, *args, **kwargs)
    finally:
        worker.end()
