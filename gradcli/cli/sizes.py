"""Amounts of memory on the command line."""

from __future__ import annotations

import re

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def parse_size(text: str) -> int | None:
    """The bytes in `2GiB`, `1.5G` (the same unit), `500MB` or `4096`; None if it is no such text."""
    found = re.fullmatch(r"\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*([KMGT]?)(I?B)?\s*", text.upper())
    if not found:
        return None
    number, prefix, suffix = found[1], found[2], found[3] or ""
    unit = prefix + suffix if suffix == "B" and prefix else prefix
    return int(float(number) * _UNITS[unit])
