"""Every function of torch, its tensors and its namespaces: it is here, or there is a reason why it is not."""

from __future__ import annotations

import pytest

from gradcli.ops import frontend

from .torch_names import FILE, REASONS, is_known, names, table

NAMES = names()


def test_what_torch_has_is_here_or_has_a_reason() -> None:
    for space, known in NAMES.items():
        assert [name for name in known if not is_known(space, name) and name not in REASONS] == []


def test_no_reason_is_given_for_what_is_here() -> None:
    missing = {name for space, known in NAMES.items() for name in known if not is_known(space, name)}
    assert sorted(set(REASONS) - missing) == []


def test_the_table_says_what_is_here() -> None:
    assert FILE.read_text(encoding="utf-8") == table(NAMES), "run `python -m tests.ops.make_torch_names`"


def test_the_methods_that_torch_has_no_functions_of_are_known() -> None:
    functions = {name for space in set(NAMES) - {"torch.Tensor", "attributes"} for name in NAMES[space]}
    methods = {name for name in NAMES["torch.Tensor"] if frontend.rows_of(name)}
    assert methods - functions == frontend.ONLY_METHODS


@pytest.mark.torch
def test_the_names_are_torchs() -> None:
    pytest.importorskip("torch")
    from .make_torch_names import all_names

    assert all_names() == NAMES
