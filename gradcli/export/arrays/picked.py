"""Subscripts as rows of their own: a script has them as they are written, where the engine has several operations."""

from __future__ import annotations

from typing import Any

from gradcli.engine.device import np
from gradcli.engine.tensor import Tensor
from gradcli.ops.define import Formula, Op
from gradcli.record import Record


class Index(Record):
    """What stands in the brackets: as the script has it, and for the engine."""

    tree: Any
    value: Any


def arrays(index: Any) -> Any:
    """An index with the arrays of its tensors."""
    if isinstance(index, Index):
        return arrays(index.value)
    if isinstance(index, tuple):
        return tuple([arrays(one) for one in index])
    return index.array if isinstance(index, Tensor) else index


def with_added(shape: tuple[int, ...], index: Any, values: Any) -> Any:
    whole = np.zeros(shape, values.dtype)
    np.add.at(whole, arrays(index), values)
    return whole


def with_set(self: Any, index: Any, values: Any) -> Any:
    whole = self.copy()
    whole[arrays(index)] = values
    return whole


def row(schema: str, forward: Any, **formulas: Formula) -> Op:
    name = schema.partition("(")[0].strip("_").title()
    plain = (None, None, (), False, False, False, (), None, 0, False, False, (), (), "")
    return Op(schema, f"{name}Backward", forward, formulas, *plain)


picked: Op = row(
    "_picked(Tensor self, any index)",
    lambda self, index: np.asarray(self[arrays(index)]),
    self=lambda grad, index, self_shape: scattered(grad, index, self_shape),
)
scattered: Op = row(
    "_scattered(Tensor self, any index, int[] shape)",
    lambda self, index, shape: with_added(shape, index, self),
    self=lambda grad, index: picked(grad, index),
)
placed: Op = row(
    "_placed(Tensor self, any index, Tensor values)",
    with_set,
    self=lambda grad, index: placed(grad, index, Tensor(np.zeros((), grad.dtype))),
    values=lambda grad, index: picked(grad, index),
)
SUBSCRIPTS = (picked, scattered, placed)
