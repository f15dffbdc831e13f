"""Every operation on arrays that refuse to leave their device: what the host answers, the stand-in for CuPy answers.

With `-m gpu` the same on a real GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from gradcli.engine import graph
from gradcli.engine.device import default_device, to_device, to_host
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from tests.ops.answers import bindings, evaluate, tensors_of, weighted
from tests.ops.asking import rounded
from tests.ops.compare import differences
from tests.ops.pool import SEED, pool
from tests.ops.samples import kinked, smooth

from .standin import installed

DRAWN = pool(SEED)
# a device has no bfloat16
SAMPLES = list(dict.fromkeys(one for _, one in (*smooth(), *kinked()) if "bfloat16" not in one))


def answered(expression: str, device: str) -> Any:
    """Values, first and second derivatives, brought to the host in the end."""
    default_device.name = device
    try:
        tensors = bindings(expression, DRAWN, laid=lambda array: to_device(array, device))
        result = evaluate(expression, tensors)
        outputs = [tensor for tensor in tensors_of(result) if tensor.requires_grad]
        leaves = [tensor for tensor in tensors.values() if tensor.requires_grad]
        given = [Tensor(to_device(weight.array, device)) for weight in weighted(outputs, 0.0)]
        first = graph.grad(outputs, leaves, given, allow_unused=True, create_graph=True) if outputs and leaves else []
        return [shown(tensor) for tensor in (*tensors_of(result), *first)]
    except UserError as error:
        return error.message
    finally:
        default_device.name = "cpu"


def shown(tensor: Tensor | None) -> Any:
    if tensor is None:
        return None
    array = to_host(tensor.array)
    return [list(array.shape), array.dtype.name, rounded(array.reshape(-1).tolist())]


@pytest.fixture(params=["stand-in", pytest.param("GPU", marks=pytest.mark.gpu)])
def cuda(request: pytest.FixtureRequest) -> Iterator[None]:
    """What `cuda` stands for."""
    with installed() if request.param == "stand-in" else nullcontext():
        yield


@pytest.mark.usefixtures("cuda", "quiet_numpy")
@pytest.mark.parametrize("expression", SAMPLES)
def test_the_device_answers_as_the_host(expression: str) -> None:
    found = answered(expression, "cuda")
    assert list(differences(answered(expression, "cpu"), found, 1e-12, expression)) == []
