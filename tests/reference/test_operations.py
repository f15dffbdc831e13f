"""The list of operations in specs/README.md is that of the table."""

from __future__ import annotations

from .make_operations import REFERENCE, with_operations


def test_the_reference_lists_every_operation() -> None:
    reference = REFERENCE.read_text(encoding="utf-8")
    assert reference == with_operations(reference), "python -m tests.reference.make_operations writes it anew"
