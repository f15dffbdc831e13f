"""Specs side by side on this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from gradcli.suite.executors import Died
from gradcli.suite.worker import Worker

P = ParamSpec("P")
T = TypeVar("T")


class Processes(Executor):
    """Runs what it is given in `count` processes. One that ends takes only its own call along, which raises Died.

    A `ProcessPoolExecutor` breaks as a whole then; here a thread for each process waits for it, and starts another.
    """

    def __init__(self, count: int) -> None:
        self._threads = ThreadPoolExecutor(count)
        self._own = threading.local()
        self._workers: list[Worker] = []
        self._lock = threading.Lock()
        self._ended = False

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return self._threads.submit(self._call, function, *args, **kwargs)

    def _call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        worker = getattr(self._own, "worker", None) or self._new_worker()
        try:
            return worker.call(function, *args, **kwargs)
        except Died:
            self._own.worker = None
            raise

    def _new_worker(self) -> Worker:
        with self._lock:
            if self._ended:
                raise CancelledError
            worker = self._own.worker = Worker()
            self._workers.append(worker)
            return worker

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As any executor's, but `cancel_futures` ends also what is running."""
        self._threads.shutdown(wait=False, cancel_futures=cancel_futures)
        if cancel_futures:
            with self._lock:
                self._ended = True
                for worker in self._workers:
                    worker.kill()
        if wait:
            self._threads.shutdown(wait=True)
            for worker in self._workers:
                worker.end()
