"""How the program ends: the exit statuses, and the one place where what went wrong becomes one of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import NoReturn, TextIO

from gradcli.errors import describe


class Status(IntEnum):
    """Exit statuses; of several specs the highest of the first four counts."""

    OK = 0
    FAILED = 1
    USER_ERROR = 2
    INTERNAL_ERROR = 3
    INTERRUPTED = 130
    CLOSED_PIPE = 141  # as the shell reports a program ended by SIGPIPE


def guard(command: Callable[[], int], *, verbose: bool) -> int:
    """The exit status of `command`, whatever it raises; what the user must know goes to standard error."""
    _prepare_streams()
    try:
        return command()
    except KeyboardInterrupt:
        tell("interrupted")
        return Status.INTERRUPTED
    except BrokenPipeError:
        return Status.CLOSED_PIPE
    except OSError as error:
        # Reading turns these into errors with a place; what comes here went wrong while writing.
        if error.filename is None:
            sys.stdout = _nowhere()  # for what is still held back, which would only fail again
        tell(f"error: {_os_error(error)}")
        return Status.USER_ERROR
    except MemoryError:
        tell("error: out of memory")
        return Status.USER_ERROR
    except Exception as error:
        return internal_error(error, verbose=verbose)


def internal_error(error: Exception, *, verbose: bool) -> Status:
    """Tells the user about a bug of ours."""
    if verbose:
        import traceback

        tell("".join(traceback.format_exception(error)).rstrip())
    tell(f"internal error: {describe(error)}")
    further = "" if verbose else ", with what `--verbose` adds to this message"
    tell(f"  this is a bug in gradcli; please report it{further}")
    return Status.INTERNAL_ERROR


def tell(text: str) -> None:
    """Writes `text` to standard error, after what standard output still holds back."""
    with suppress(OSError):  # `leave` finds it again
        sys.stdout.flush()
    print(text, file=sys.stderr, flush=True)


def leave(status: int) -> NoReturn:
    """Ends the process at once.

    Everything is written and nothing else is left to do, so that taking the interpreter apart, module by
    module and array by array, would only cost time; it would also complain of a pipe that was closed.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = Status.CLOSED_PIPE
    except OSError as error:
        print(f"error: {_os_error(error)}", file=sys.stderr)
        status = max(status, Status.USER_ERROR)
    os._exit(status)


def _prepare_streams() -> None:
    """Makes sure that there is somewhere to write, and that every character of a spec can be written."""
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:
            setattr(sys, name, _nowhere())
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _nowhere() -> TextIO:
    return TextIOWrapper(BufferedWriter(FileIO(os.devnull, "w")), encoding="utf-8")


def _os_error(error: OSError) -> str:
    where = f"`{error.filename}`" if error.filename else "the output"
    return f"cannot write {where}: {error.strerror or error}"
