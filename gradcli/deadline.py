"""A limit on the time that something takes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from gradcli.errors import UserError

LONGEST = 10**6  # seconds; every timer can wait for so long
AGAIN = 1.0  # seconds until the next try: what is raised while an object is being deleted is lost


class Expired(BaseException):
    """Time is over. No `except Exception` and no `except UserError` on the way stops it."""

    def __init__(self, seconds: float) -> None:
        message = f"it runs longer than {seconds:g} seconds"
        super().__init__(message)
        self.error = UserError("limit", message, "`--timeout` allows more")


@contextmanager
def limited(seconds: float | None) -> Iterator[None]:
    """Raises Expired inside, in the main thread, after `seconds`; what NumPy has begun by then is done first."""
    if seconds is None:
        yield
        return
    armed = True
    due = time.monotonic() + seconds

    def expire(number: int, frame: FrameType | None) -> None:
        if time.monotonic() < due:  # the user interrupts
            if callable(before):
                before(number, frame)
        elif armed:
            raise Expired(seconds)

    set_timer, number = _timer()
    before = signal.signal(number, expire)
    stop = set_timer(min(seconds, LONGEST))

    def end() -> None:
        nonlocal armed
        armed = False
        stop()
        signal.signal(number, before)

    try:
        try:
            yield
        finally:
            end()
    finally:
        end()  # the alarm may have come when it was to be ended


def _timer() -> tuple[Callable[[float], Callable[[], object]], signal.Signals]:
    """What starts a timer, and gives what stops it; and the signal that comes at its end."""
    if hasattr(signal, "setitimer"):
        return _interval_timer, signal.SIGALRM
    return _thread_timer, signal.SIGINT


def _interval_timer(seconds: float) -> Callable[[], object]:
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    return lambda: signal.setitimer(signal.ITIMER_REAL, 0)


def _thread_timer(seconds: float) -> Callable[[], object]:
    """For systems that have no other."""
    import threading
    from _thread import interrupt_main

    stopped = threading.Event()

    def interrupt() -> None:
        wait = seconds
        while not stopped.wait(wait):
            interrupt_main()
            wait = AGAIN

    threading.Thread(target=interrupt, daemon=True).start()
    return stopped.set
