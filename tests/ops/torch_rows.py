"""What torch answers to a sample."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as functional

from . import promotion, sliding
from .answers import weights
from .asking import Engine, Laid, as_it_is, rounded
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
    "float": float, "int": int, "bool": bool, "grad": torch.autograd.grad, "jacobian": jacobian, "jvp": jvp,
    "hessian": lambda y, x, create_graph: jacobian(first_grad(y, x), x, True),
    "vjp": lambda y, x, v, create_graph: first_grad(y, x, v),
    "hvp": lambda y, x, v, create_graph: first_grad((first_grad(y, x) * v).sum(), x),
}  # fmt: skip


def made(given: Input, precision: str = "float64", laid: Laid = as_it_is) -> torch.Tensor:
    kind = {"float": precision, "complex": "complex128" if precision == "float64" else "complex64"}.get(
        given.kind, given.kind
    )
    dtype = getattr(torch, kind)
    values = torch.tensor(given.values, dtype=dtype)
    tensor = torch.empty(values.shape, dtype=dtype).copy_(values)  # one without elements has strides like others
    if laid is not as_it_is:
        tensor = torch.from_numpy(laid(tensor.numpy()))
    return tensor.requires_grad_(dtype.is_floating_point or dtype.is_complex)


class Torch(Engine):
    tensor = torch.Tensor
    refuses = Exception
    fails = (RuntimeError, ValueError, IndexError)

    def bindings(
        self, expression: str, pool: dict[str, Input], precision: str, laid: Laid = as_it_is
    ) -> dict[str, Any]:
        return {name: made(pool[name], precision, laid) for name in names_in(expression)}

    def evaluate(self, expression: str, tensors: dict[str, Any]) -> Any:
        torch.manual_seed(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return eval(expression, NAMESPACE, tensors)

    def gradients(self, outputs: Sequence[Any], inputs: Sequence[Any], shift: float, **options: Any) -> Sequence[Any]:
        grad_outputs = [
            (torch.tensor(numbers, dtype=torch.float64) * (1 + 0.5j if tensor.is_complex() else 1))
            .to(tensor.dtype)
            .reshape(tensor.shape)
            for tensor, numbers in zip(outputs, weights(outputs, shift), strict=True)
        ]
        found: Sequence[Any] = torch.autograd.grad(outputs, inputs, grad_outputs, allow_unused=True, **options)
        return found

    def plain(self, tensor: Any) -> Any:
        if tensor is None:
            return None
        if tensor._is_zerotensor():  # it has no memory
            tensor = torch.zeros(tensor.shape, dtype=tensor.dtype)
        return {
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "shape": list(tensor.shape),
            "value": rounded(tensor.detach().reshape(-1).tolist()),
        }

    def name_of(self, node: Any) -> str:
        name: str = node.name().removeprefix("torch::autograd::")
        return name

    def count_change(self, tensor: Any) -> None:
        torch.autograd.graph.increment_version(tensor)


TORCH = Torch()
answer, derivatives, rounded_answer = TORCH.answer, TORCH.derivatives, TORCH.rounded_answer


def dtypes(expression: str) -> str:
    """A letter for the dtype of each case of `promotion.cases`, `-` where torch refuses, `*` for one that only torch has."""
    letters = []
    for case in promotion.cases(expression):
        bound = promotion.operands(lambda values, dtype: torch.tensor(values).to(getattr(torch, dtype)), *case)
        try:
            result = TORCH.tensors_of(TORCH.evaluate(expression, bound))[0]
            letters.append(promotion.LETTERS.get(str(result.dtype).removeprefix("torch."), "*"))
        except Exception as error:
            letters.append("*" if "ComplexHalf" in str(error) else "-")
    return "".join(letters)


def refusal(expression: str, pool: dict[str, Input]) -> str | None:
    """The opening of the message of the error that `expression` raises."""
    try:
        TORCH.evaluate(expression, TORCH.bindings(expression, pool, "float64"))
    except Exception as error:
        return TORCH.opening(error)
    return None


def in_place_methods() -> list[str]:
    return [name for name in dir(torch.Tensor) if name.endswith("_") and not name.startswith("_")]
