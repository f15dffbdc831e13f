"""What torch answers to a sample."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as functional

from . import promotion, sliding
from .answers import DEPTH, OPENING, Answer, rounded, weights
from .nn_samples import FUNCTIONAL
from .pool import Input
from .samples import names_in

torch.set_num_threads(1)  # sums in one order, so that a replay gives the same numbers

FROM_FUNCTIONAL = (
    "softplus", "leaky_relu", "silu", "logsigmoid", "linear", "layer_norm", "dropout", "softmax", "log_softmax", "nll_loss",
    "cross_entropy", "binary_cross_entropy_with_logits", "mse_loss", "l1_loss",
    *sliding.FROM_FUNCTIONAL,
)  # fmt: skip


def first_grad(y: Any, x: Any, v: Any = None) -> Any:
    return torch.autograd.grad(y, x, v, create_graph=True)[0]


def jacobian(y: Any, x: Any, create_graph: bool) -> Any:
    eye = torch.eye(y.numel(), dtype=y.dtype)
    return torch.stack([first_grad(y, x, row.reshape(y.shape)) for row in eye]).reshape(y.shape + x.shape)


def jvp(y: Any, x: Any, v: Any, create_graph: bool) -> Any:
    vector = torch.zeros_like(y).requires_grad_()
    return first_grad(first_grad(y, x, vector), vector, v)


NAMESPACE: dict[str, Any] = {
    **vars(torch),
    **{name: getattr(functional, name) for name in (*FROM_FUNCTIONAL, *FUNCTIONAL)},
    "torch": torch, "F": functional, "linalg": torch.linalg, "inf": float("inf"),
    "grad": torch.autograd.grad, "jacobian": jacobian, "jvp": jvp,
    "hessian": lambda y, x, create_graph: jacobian(first_grad(y, x), x, True),
    "vjp": lambda y, x, v, create_graph: first_grad(y, x, v),
    "hvp": lambda y, x, v, create_graph: first_grad((first_grad(y, x) * v).sum(), x),
}  # fmt: skip


def made(given: Input, precision: str = "float64") -> torch.Tensor:
    kind = {"float": precision, "complex": "complex64" if precision == "float32" else "complex128"}.get(
        given.kind, given.kind
    )
    dtype = getattr(torch, kind)
    return torch.tensor(given.values, dtype=dtype, requires_grad=dtype.is_floating_point or dtype.is_complex)


def bindings(expression: str, pool: dict[str, Input], precision: str) -> dict[str, Any]:
    return {name: made(pool[name], precision) for name in names_in(expression)}


def evaluate(expression: str, tensors: dict[str, Any]) -> Any:
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(expression, NAMESPACE, tensors)


def tensors_of(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    return [one for item in value for one in tensors_of(item)] if isinstance(value, list | tuple) else []


def gradients(outputs: Sequence[Any], inputs: Sequence[Any], shift: float, **options: Any) -> Sequence[Any]:
    grad_outputs = [
        (torch.tensor(numbers, dtype=torch.float64) * (1 + 0.5j if tensor.is_complex() else 1))
        .to(tensor.dtype)
        .reshape(tensor.shape)
        for tensor, numbers in zip(outputs, weights(outputs, shift), strict=True)
    ]
    found: Sequence[Any] = torch.autograd.grad(outputs, inputs, grad_outputs, allow_unused=True, **options)
    return found


def answer(expression: str, pool: dict[str, Input], precision: str = "float64") -> Answer:
    tensors = bindings(expression, pool, precision)
    try:
        result = evaluate(expression, tensors)
    except Exception as error:
        return {"error": str(error)[:OPENING]}
    said: Answer = {"result": described(result)}
    outputs = [tensor for tensor in tensors_of(result) if tensor.requires_grad]
    leaves = [tensor for tensor in tensors.values() if tensor.requires_grad]
    if not outputs or not leaves:
        return said
    try:
        first = gradients(outputs, leaves, 0.0, create_graph=True)
        said["first"] = [described(gradient) for gradient in first]
        again = [gradient for gradient in first if gradient is not None and gradient.requires_grad]
        if again:
            said["second"] = [plain(gradient) for gradient in gradients(again, leaves, 1.0)]
    except RuntimeError as error:
        said["fails"] = str(error)[:OPENING]
        return said
    said["again"] = second_time(expression, pool, precision)
    return said


def second_time(expression: str, pool: dict[str, Input], precision: str) -> bool:
    tensors = bindings(expression, pool, precision)
    outputs = [tensor for tensor in tensors_of(evaluate(expression, tensors)) if tensor.requires_grad]
    leaves = [tensor for tensor in tensors.values() if tensor.requires_grad]
    gradients(outputs, leaves, 0.0)
    try:
        gradients(outputs, leaves, 0.0)
    except RuntimeError:
        return False
    return True


def described(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return {**plain(value), "graph": graph_text(value.grad_fn, DEPTH)}
    if isinstance(value, list | tuple):
        return [described(item) for item in value]
    return value


def plain(tensor: Any) -> Any:
    if tensor is None:
        return None
    if tensor._is_zerotensor():  # it has no memory
        tensor = torch.zeros(tensor.shape, dtype=tensor.dtype)
    return {
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "value": rounded(tensor.detach().reshape(-1).tolist()),
    }


def graph_text(node: Any, depth: int) -> str | None:
    if node is None:
        return None
    name: str = node.name().removeprefix("torch::autograd::")
    if depth == 0 or not node.next_functions:
        return name
    return f"{name}({', '.join(str(graph_text(before, depth - 1)) for before, _ in node.next_functions)})"


def dtypes(expression: str) -> str:
    """A letter for the dtype of each case of `promotion.cases`, `-` where torch refuses, `*` for one that only torch has."""
    letters = []
    for case in promotion.cases(expression):
        bound = promotion.operands(lambda values, dtype: torch.tensor(values).to(getattr(torch, dtype)), *case)
        try:
            result = tensors_of(evaluate(expression, bound))[0]
            letters.append(promotion.LETTERS.get(str(result.dtype).removeprefix("torch."), "*"))
        except Exception as error:
            letters.append("*" if "ComplexHalf" in str(error) else "-")
    return "".join(letters)


def refusal(expression: str, pool: dict[str, Input]) -> str | None:
    """The opening of the message of the error that `expression` raises."""
    try:
        evaluate(expression, bindings(expression, pool, "float64"))
    except Exception as error:
        return str(error)[:OPENING]
    return None


def in_place_methods() -> list[str]:
    return [name for name in dir(torch.Tensor) if name.endswith("_") and not name.startswith("_")]
