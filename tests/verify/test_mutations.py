"""Every change of a formula that changes a gradient is called wrong, and the right tensor is named.

`pytest -m mutations` tries all of them, the default suite a part.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any

import numpy as np
import pytest

from gradcli.errors import UserError
from gradcli.ops.define import Op
from gradcli.verify.level import Level

from ..ops.samples import smooth
from .mutations import Mutation, installed, mutations
from .trial import Taped

CHANGED = 1e-6
SHARE = 40  # one of so many is in the default suite
SAMPLES = 6  # how many samples of an operation are tried before a change is said to change nothing


@cache
def samples() -> dict[Op, list[tuple[int, str]]]:
    """The samples that need the formulas of each row, and for which derivative; those of few elements first."""
    found: dict[Op, list[tuple[int, int, str]]] = defaultdict(list)
    for expression in dict.fromkeys(text for _, text in smooth()):
        try:
            taped = Taped(expression)
        except UserError:
            continue
        size = sum(tensor.array.size for tensor in taped.tensors.values())
        for order, rows in enumerate(taped.rows, 1):
            for row in dict.fromkeys(rows):
                found[row].append((order, size, expression))
    return {row: [(order, text) for order, _, text in sorted(texts)] for row, texts in found.items()}


def derivatives(taped: Taped, order: int) -> dict[str, Any]:
    with np.errstate(all="ignore"):
        trial = taped.trial()
        level = Level(trial.replay, trial.targets, order)
    return {taped.name(edge): gradient for edge, gradient in level.analytic.items()}


def survives(mutation: Mutation) -> str | None:
    """What is wrong with what the check says of a mutation; None if it is found, or changes nothing."""
    tried = [sample for row in mutation.rows for sample in samples().get(row, [])[:SAMPLES]]
    for order, expression in tried[:SAMPLES]:
        right = derivatives(Taped(expression), order)
        with installed(mutation):
            try:
                taped = Taped(expression)
                changed = derivatives(taped, order)
            except Exception:  # no gradient at all
                return None
            off = {name for name in right if not np.allclose(right[name], changed[name], 0, CHANGED, equal_nan=True)}
            if not off:
                continue
            checks = [(taped.name(edge), check) for edge, check in taped.trial().checks(order) if check.order == order]
            wrong = {name for name, check in checks if check.verdict == "wrong"}
            return None if wrong == off else f"{expression}: {sorted(off)} changed, {sorted(wrong)} are called wrong"
    return None


ALL = list(mutations())


def found_wanting(tried: list[Mutation]) -> list[str]:
    said = [(mutation, survives(mutation)) for mutation in tried]
    return [f"{mutation.name}: {mutation.text}: {why}" for mutation, why in said if why]


def test_a_sample_of_changes_is_found() -> None:
    assert found_wanting(ALL[::SHARE]) == []


@pytest.mark.mutations
@pytest.mark.parametrize("part", range(SHARE))
def test_every_change_is_found(part: int) -> None:
    assert found_wanting(ALL[part::SHARE]) == []
