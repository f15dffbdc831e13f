"""The fix for an error of the engine, in terms of the spec: torch says what is wrong, we say what to write."""

from __future__ import annotations

from collections.abc import Callable

from gradcli.errors import UserError

LineOf = Callable[[int], "int | None"]


def advise(error: UserError, line_of: LineOf) -> None:
    """Give `error` a hint, unless it has one; `line_of` tells the line of the step that took a node number."""
    if error.hint is not None:
        return
    for opening, hint in HINTS.items():
        if error.message.startswith(opening):
            error.hint = hint(error, line_of)
            return


def second_time(error: UserError, line_of: LineOf) -> str:
    line = line_of(error.numbers.get("freed", -1))
    where = f"the backward at line {line}" if line else "the backward before"
    return f"add `retain_graph: true` to {where}"


def modified(error: UserError, line_of: LineOf) -> str:
    changed, saved = line_of(error.numbers.get("modified", -1)), line_of(error.numbers.get("node", -1))
    if changed is None or saved is None:
        return "compute a new value instead of changing this one in place, or change a `.clone()`"
    return (
        f"line {saved} keeps the value for its backward, and line {changed} changes it in place: compute a new value "
        "there, or change a `.clone()`"
    )


def always(text: str) -> Callable[[UserError, LineOf], str]:
    return lambda error, line_of: text


HINTS: dict[str, Callable[[UserError, LineOf], str]] = {
    "Trying to backward through the graph a second time": second_time,
    "one of the variables needed for gradient computation has been modified": modified,
    "grad can be implicitly created only for scalar": always(
        "sum it to a scalar, or say which combination with `gradient:`, e.g. `gradient: ones_like(y)`"
    ),
    "element ": always("nothing it is computed from requires a gradient: give a tensor `requires_grad: true`"),
    "a leaf Variable that requires grad": always("put the step into a `no_grad:` block, as an optimizer does"),
    "a view of a leaf Variable that requires grad": always(
        "put the step into a `no_grad:` block, or change a `.clone()`"
    ),
    "The differentiated Tensor at index": always("add `allow_unused=True` to get None for it"),
    "One of the differentiated Tensors does not require grad": always(
        "give it `requires_grad: true` before the graph is built"
    ),
    "only Tensors of floating point dtype": always("make it a float tensor, e.g. `dtype: float32`"),
    "Only Tensors of floating point": always("make it a float tensor, e.g. `dtype=float32`"),
    "you can only change requires_grad flags of leaf": always("use `.detach()` to leave the graph"),
    "can't retain_grad on Tensor": always("nothing it is computed from requires a gradient"),
    "mean(): could not infer output dtype": always("convert it first: `x.double().mean()`"),
    "ZeroDivisionError": always("an integer has no quotient by 0; a float has, inf or nan"),
    "Mismatch in shape: grad_output": always("`gradient:` must have the shape of the tensor it belongs to"),
}
