"""Where the specs of a suite run: here, in `processes` or on a `cluster`, each a `concurrent.futures.Executor`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Died(Exception):
    """A call had a process of its own, which ended first: its exit code (minus the signal), and after how long."""

    def __init__(self, code: int, seconds: float) -> None:
        super().__init__(code, seconds)
        self.code = code
        self.seconds = seconds


class Serial(Executor):
    """Runs what it is given at once, in this process."""

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future
