"""Every sample in the forms of `variants` against torch itself, on inputs drawn from a seed chosen now."""

from __future__ import annotations

import pytest

from gradcli.engine.dtypes import BAREBONES

from . import variants
from .answers import derivatives
from .asking import as_it_is
from .compare import differences, tolerance_of
from .pool import pool
from .samples import TORCH_FAILS, kinked, smooth
from .test_live import CHOSEN
from .test_sweep import numbers


@pytest.mark.torch
@pytest.mark.parametrize("variant", [*variants.INPUTS, *variants.LAYOUTS, "dims from the end"])
def test_torch_says_the_same(variant: str) -> None:
    pytest.importorskip("torch")
    from . import torch_rows

    print(f"GRADCLI_TEST_SEED={CHOSEN}")
    drawn = pool(CHOSEN)
    laid = variants.LAYOUTS.get(variant, as_it_is)
    left_out = variants.LEFT_OUT.get(variant, {})
    wrong = []
    for name, sample in dict.fromkeys((*smooth(), *kinked())):
        expression = variants.from_the_end(sample, drawn) if variant == "dims from the end" else sample
        if expression is None or sample in TORCH_FAILS or {name, sample} & set(left_out):
            continue
        given = variants.INPUTS[variant](sample, drawn) if variant in variants.INPUTS else drawn
        expected, actual = (engine(expression, given, laid=laid) for engine in (torch_rows.derivatives, derivatives))
        if variant == "without elements":  # where graphs go by strides, which are not torch's in memory of no length
            expected, actual = numbers(expected), numbers(actual)
        tolerance = 2e-4 if variant in BAREBONES else tolerance_of(sample)  # floats of them are float32
        wrong += [f"{expression}{difference}" for difference in differences(expected, actual, tolerance)]
    assert wrong == []
