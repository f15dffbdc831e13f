"""A process of its own for calls that may end it: whoever waits for the answer is told, and goes on."""

from __future__ import annotations

import gc
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO, ParamSpec, TypeVar

from gradcli.suite.executors import Died

P = ParamSpec("P")
T = TypeVar("T")

_LENGTH = 8  # bytes that say how long a message is
# The modules are found where they are found here: neither the current folder nor the environment has a say.
_PROGRAM = "import sys; sys.path[:] = {path!r}; from gradcli.suite.worker import serve; serve()"


class Worker:
    """The process, in `folder` if there is one; functions and values travel as pickle does, between our own ends."""

    def __init__(self, folder: str | None = None) -> None:
        command = [sys.executable, "-c", _PROGRAM.format(path=sys.path)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function returns or raises there. Raises Died if there will be no answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        question = pickle.dumps((function, args, kwargs))
        began = time.monotonic()
        try:
            _write(self._process.stdin, question)
            answer = _read(self._process.stdout)
        except (OSError, EOFError):
            self.end()
            raise Died(self._process.returncode, time.monotonic() - began) from None
        value: T
        error, value = pickle.loads(answer)
        if error is not None:
            raise error
        return value

    def kill(self) -> None:
        """Ends the process, whatever it does; a call that waits for it learns of it."""
        self._process.kill()

    def end(self) -> None:
        """The same, and lets go of it."""
        self.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # for what could not be sent any more
                if stream is not None:
                    stream.close()


def serve() -> None:
    """Answers the calls that come by standard input, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interruption is for the one who waits, who ends this process
    gc.disable()  # as in the program itself
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed by mistake must not get between the answers
    questions: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(questions,), daemon=True).start()
    while True:
        function, args, kwargs = pickle.loads(questions.get())
        try:
            answer = pickle.dumps((None, function(*args, **kwargs)))
        except Exception as error:  # also that of an answer that cannot be sent
            answer = pickle.dumps((error, None))
        _write(answers, answer)


def _listen(questions: queue.SimpleQueue[bytes]) -> None:
    """Hears at once when nobody waits any more, even during a call that never returns."""
    while True:
        try:
            questions.put(_read(sys.stdin.buffer))
        except EOFError:
            os._exit(0)


def _write(stream: IO[bytes], message: bytes) -> None:
    stream.write(len(message).to_bytes(_LENGTH, "big"))
    stream.write(message)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes:
    length = int.from_bytes(_exactly(stream, _LENGTH), "big")
    return _exactly(stream, length)


def _exactly(stream: IO[bytes], length: int) -> bytes:
    read = stream.read(length)
    if len(read) < length:
        raise EOFError
    return read
