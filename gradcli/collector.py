"""How often Python looks for garbage while specs run."""

from __future__ import annotations

import gc


def relax() -> None:
    """Turns the collector, which the program begins without, on again, to look for cycles now and then only."""
    if not gc.isenabled():
        # What is imported by now stays for good, and need not be looked at again.
        gc.freeze()
        # A graph is many small objects and no cycles: looking for cycles every 700 of them takes most of the time.
        gc.set_threshold(200_000, 50, 50)
        gc.enable()
