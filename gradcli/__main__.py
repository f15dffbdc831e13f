"""The program: `gradcli` and `python -m gradcli`."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line and ends the process with its exit status."""
    # What an import makes stays for good, so that collecting garbage meanwhile is for nothing; a command that
    # computes turns the collector on again.
    gc.disable()
    # OpenBLAS starts its threads when NumPy is imported, and they cost more time than small tensors take.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from gradcli.cli import exits

    exits.leave(exits.guard(_command_line, verbose="--verbose" in sys.argv))


def _command_line() -> int:
    if sys.argv[1:] == ["--version"]:
        # Answered before typer is imported: scripts ask it to find out what they have.
        from gradcli import __version__

        print(f"gradcli {__version__}")
        return 0
    from gradcli.cli import app

    return app.run(sys.argv[1:])


if __name__ == "__main__":
    main()
