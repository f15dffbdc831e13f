"""How much memory a run may take.

Large tensors are refused by `check` before they are made. Everything else that takes memory is held back by the
kernel, where it can (`RLIMIT_AS`): it refuses to hand out more, and NumPy raises a MemoryError, which `exceeded`
makes an error of ours. Nothing is counted while the run goes on.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gradcli.engine.device import np
from gradcli.errors import UserError

# for modules that are imported, threads and buffers while a run goes on
RESERVE = 64 * 2**20
HINT = "`--max-memory` allows more"


class Budget:
    """How many bytes all tensors together may take; None where no run has set it."""

    __slots__ = ("bytes",)

    def __init__(self) -> None:
        self.bytes: int | None = None


budget = Budget()


def check(shape: Sequence[int], dtype: Any) -> None:
    """A UserError if a tensor alone needs more memory than there is for all."""
    if budget.bytes is not None and math.prod(shape) * dtype.itemsize > budget.bytes:
        raise too_large(shape, dtype)


def check_bytes(needed: int, what: str) -> None:
    """The same for anything else that is about to be read into memory."""
    if budget.bytes is not None and needed > budget.bytes:
        raise UserError("limit", f"{what} needs {shown(needed)}, {allowance()}", HINT)


def exceeded(error: MemoryError) -> UserError:
    """The error for memory that was asked for and not given."""
    shape, dtype = getattr(error, "shape", None), getattr(error, "dtype", None)  # NumPy's own says what it was for
    if shape is None or dtype is None:
        return UserError("limit", f"there is not enough memory for this{_and_allowance()}", HINT)
    return too_large(shape, dtype)


def too_large(shape: Sequence[int], dtype: Any) -> UserError:
    needed = shown(math.prod(shape) * dtype.itemsize)
    what = f"a tensor of shape {list(shape)} of {dtype.name} needs {needed}"
    return UserError("limit", f"{what}{_and_allowance()}", HINT)


def allowance() -> str:
    return f"and all together may take {shown(budget.bytes or 0)}"


def _and_allowance() -> str:
    return "" if budget.bytes is None else f", {allowance()}"


def shown(size: int) -> str:
    """`3.6 TiB`"""
    unit = min(max(size.bit_length() - 1, 0) // 10, 6)
    name = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")[unit]
    if not unit:
        return f"{size} {name}"
    number = size / 1024**unit
    return f"{number:.{1 if number < 100 else 0}f} {name}" if number < 10_000 else f"{number:.1e} {name}"


@contextmanager
def limited(allowed: int | None) -> Iterator[None]:
    """Inside, all that is added to the process may take `allowed` bytes; None: half of what is available."""
    before = budget.bytes
    budget.bytes = available() // 2 if allowed is None else allowed
    try:
        with _address_space(budget.bytes + RESERVE):
            yield
    finally:
        budget.bytes = before


@contextmanager
def _address_space(added: int) -> Iterator[None]:
    """Inside, the kernel gives the process no more than `added` bytes beyond what it has."""
    try:
        import resource

        present = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):  # another system: `check` alone has to do
        yield
        return
    soft, hard = limits = resource.getrlimit(resource.RLIMIT_AS)
    # OpenBLAS takes its buffer for the first matrix product, and ends the process if it does not get it
    ones = np.ones((2, 2))
    ones @ ones.T
    bound = min([present + added] + [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY])
    resource.setrlimit(resource.RLIMIT_AS, (bound, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def available(root: Path = Path("/")) -> int:
    """The bytes that the system and the control groups of this process would still give it."""
    bounds = list(_group_bounds(root))
    try:
        text = (root / "proc/meminfo").read_text()
        bounds.append(int(text.partition("MemAvailable:")[2].split(maxsplit=1)[0]) * 1024)
    except (OSError, ValueError, IndexError):
        bounds.append(_physical())
    return max(min(bounds), 0)


def _physical() -> int:
    """The memory of a machine that does not say how much of it is free; where it says nothing, 8 GiB."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 8 * 2**30


def _group_bounds(root: Path) -> Iterator[int]:
    """What each control group around this process has left, in version 1 or 2."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            names = ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            names = ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        mount, limit, usage, reclaimable = names
        # in a container the path may be that of the host, and only the mount's own group is to be seen
        group = (root / mount).joinpath(*path.split("/"))
        while group.is_relative_to(root / mount):
            left = _group_left(group, limit, usage, reclaimable)
            if left is not None:
                yield left
            group = group.parent


def _group_left(group: Path, limit: str, usage: str, reclaimable: str) -> int | None:
    """What one group has left: files that only wait to be read again give way. None if it has no limit."""
    try:
        bound = int((group / limit).read_text())
        used = int((group / usage).read_text())
        statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no such group, or `max`
        return None
    return bound - max(used - int(statistics.get(reclaimable, 0)), 0)
