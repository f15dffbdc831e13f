"""How two results differ, tensor by tensor; tensors are compared as by `expect`, the second as what is expected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.files.results import Result
from gradcli.record import Record, replace
from gradcli.report.model import Difference, TensorDifference
from gradcli.verify.expectations import Verdict, compare


class Rules(Record):
    """The tolerances, those of the dtypes where they are None; whether dtypes, and names, must be the same."""

    rtol: float | None = None
    atol: float | None = None
    dtypes: bool = True
    names: bool = True


def differences(first: Sequence[Result], second: Sequence[Result], rules: Rules) -> list[Difference]:
    """Each result of the first beside the one of that name in the second; if no name is in both, in their order."""
    named = {result.name: result for result in second}
    if not any(result.name in named for result in first):
        pairs: list[tuple[Result | None, Result | None]] = list(zip(first, second, strict=False))
        rest = [*((one, None) for one in first[len(pairs) :]), *((None, one) for one in second[len(pairs) :])]
        return [_difference(*pair, rules) for pair in [*pairs, *rest]]
    own = {result.name for result in first}
    pairs = [(result, named.get(result.name)) for result in first]
    pairs += [(None, result) for result in second if result.name not in own]
    return [_difference(*pair, rules) for pair in pairs]


def _difference(first: Result | None, second: Result | None, rules: Rules) -> Difference:
    if first is None or second is None:
        return Difference((None if first is None else first.name, None if second is None else second.name), [])
    ordered = dict.fromkeys([*first.arrays, *second.arrays])
    if not rules.names:
        ordered = {name: None for name in ordered if name in first.arrays and name in second.arrays}
    return Difference((first.name, second.name), [_tensor(name, first, second, rules) for name in ordered])


def _tensor(name: str, first: Result, second: Result, rules: Rules) -> TensorDifference:
    one: Any = first.arrays.get(name)
    other: Any = second.arrays.get(name)
    if other is None:
        return _alone(name, first, lambda told: (told, None))
    if one is None:
        return _alone(name, second, lambda told: (None, told))
    if not first.has_dtypes:
        one = _as(other, one)
    elif not second.has_dtypes:
        other = _as(one, other)
    shapes, dtypes = (one.shape, other.shape), (one.dtype.name, other.dtype.name)
    if one.shape != other.shape:
        return TensorDifference(name, False, shapes, dtypes, why="the shapes differ")
    verdict, ok = _compared(one, other, rules)
    why: str | None = None
    if rules.dtypes and first.has_dtypes and second.has_dtypes and one.dtype != other.dtype:
        ok, why = False, "the dtypes differ"
    values = (None, None) if verdict.index is None else (one[verdict.index], other[verdict.index])
    measured = {field: getattr(verdict, field) for field in ("index", "abs", "rel", "ulp", "off")}
    return TensorDifference(name, ok, shapes, dtypes, values, why=why, **measured)


def _alone(name: str, owner: Result, beside: Callable[[Any], tuple[Any, Any]]) -> TensorDifference:
    """A tensor that only `owner` has; `beside` puts what is told of it on its side."""
    array = owner.arrays[name]
    dtype = array.dtype.name if owner.has_dtypes else None
    return TensorDifference(name, False, beside(array.shape), beside(dtype), why=f"only in {owner.name}")


def _compared(one: Any, other: Any, rules: Rules) -> tuple[Verdict, bool]:
    """The worst difference, if there is any at all, and whether all are within the tolerances."""
    verdict = compare(one, other, rules.rtol, rules.atol)
    if not verdict.ok:
        return verdict, False
    return replace(compare(one, other, 0.0, 0.0), off=0.0), True


def _as(known: Any, numbers: Any) -> Any:
    """`numbers`, whose dtype was not told, in that of `known`, where complex numbers are pairs."""
    if known.dtype.kind == "c" and numbers.shape == (*known.shape, 2):
        numbers = numbers.astype(np.float64).view(np.complex128).reshape(known.shape)
    if not numbers.size and not known.size:  # lists cannot say how long empty rows are
        numbers = numbers.reshape(known.shape)
    with np.errstate(all="ignore"):
        converted = numbers.astype(known.dtype)
    return numbers if known.dtype.kind in "biu" and (converted != numbers).any() else converted
