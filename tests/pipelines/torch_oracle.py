"""What torch says of a pipeline."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable
from typing import Any, Literal

import torch
import torch.nn.functional as functional
from torch.utils._python_dispatch import TorchDispatchMode

from .pipeline import OPENING, Answer, Pipeline, Step, fingerprint

torch.set_num_threads(1)  # sums in one order, so that a replay gives the same numbers

FROM_FUNCTIONAL = (
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "layer_norm",
    "linear",
    "mse_loss",
    "nll_loss",
)
NAMESPACE: dict[str, Any] = {
    **vars(torch),
    **{name: getattr(functional, name) for name in FROM_FUNCTIONAL},
    "torch": torch,
    "F": functional,
    "grad": torch.autograd.grad,
}
DEPTH = 3
SHARED = "two gradients share their memory"  # as torch happens to compute them: what adds to one adds to the other
Jitter = Literal["none", "random", "all"]
JITTER = {torch.float32: 2.0**-20, torch.float64: 2.0**-51}


# operations whose results have one right answer in every last bit, or only move numbers
EXACT_NAMES = """
    add sub rsub mul div neg abs sign relu threshold_backward clamp clamp_min clamp_max maximum minimum where
    masked_fill clone copy _to_copy fill zero ones_like zeros_like full_like new_zeros new_empty_strided empty_like
    scalar_tensor stack cat gather scatter index index_select index_put sort topk max min amax amin flip roll repeat
    tril triu select_backward slice_backward floor ceil trunc round randn rand arange full ones zeros lift_fresh
    detach alias
"""
EXACT = frozenset(EXACT_NAMES.split())


class Rounding(TorchDispatchMode):  # type: ignore[misc]  # mypy runs where there is no torch
    """Computes the last bit of what engines round in ways of their own, such as sums and `tanh`, otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = torch.Generator()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        expected = zip(args, func._schema.arguments, strict=False)  # the rest have their defaults
        if any(value is None and str(parameter.type) == "Tensor" for value, parameter in expected):
            raise RuntimeError("torch crashes where a mode hands on a gradient that is not there")
        result = func(*args, **(kwargs or {}))
        if not func.is_view and func.overloadpacket.__name__.rstrip("_") not in EXACT:
            for one in result if isinstance(result, tuple | list) else (result,):
                if isinstance(one, torch.Tensor) and one.dtype in JITTER and not one._is_zerotensor():
                    direction = torch.randint(-1, 2, one.shape, generator=self.generator)
                    direction[one == one.round()] = 0
                    one.mul_(1 + torch.finfo(one.dtype).eps * direction)
        return result


class StepError(Exception):
    """A step that failed: `path` as in an answer's error, `error` torch's own exception."""

    def __init__(self, path: tuple[int, ...], error: Exception) -> None:
        super().__init__(str(error))
        self.path = path
        self.error = error


class Session:
    """A pipeline in the course of being run: its bindings, and the ways to add to them.

    With `jitter` the random tensors, or all, differ in their last bits: what then comes out otherwise than without is
    decided by rounding errors, which no two engines share.
    """

    def __init__(self, seed: int, tensors: dict[str, str], jitter: Jitter = "none") -> None:
        torch.manual_seed(seed)
        self.bindings: dict[str, Any] = {}
        self.first_seen: dict[int, tuple[torch.Tensor, int]] = {}
        with torch.no_grad():
            for name, expression in tensors.items():
                self.bindings[name] = self.evaluate(expression)
        self.see()
        if jitter != "none":
            for name, expression in tensors.items():
                data = self.bindings[name].data
                if data.dtype in JITTER and (jitter == "all" or expression.startswith("rand")):
                    data.mul_(1 + JITTER[data.dtype] * torch.randn(data.shape, dtype=data.dtype))

    def evaluate(self, expression: str, **extra: Any) -> Any:
        """The value of `expression`; `extra` are bindings for it alone."""
        return eval(expression, NAMESPACE, {**self.bindings, **extra})

    def run(self, step: Step, path: tuple[int, ...] = ()) -> None:
        """Take one step; a StepError if torch raises, with the place inside blocks added to `path`."""
        try:
            if isinstance(step, str):
                exec(step, NAMESPACE, self.bindings)
            else:
                ((word, body),) = step.items()
                if word == "no_grad":
                    with torch.no_grad():
                        for index, inner in enumerate(body):
                            self.run(inner, (*path, index))
                elif word in MAPPINGS:
                    MAPPINGS[word](self, body)
                else:
                    self.bindings[word] = self.evaluate(body)
            self.see()
        except StepError:
            raise
        except Exception as error:
            raise StepError(path, error) from error

    def see(self) -> None:
        """Note the version that each newly bound tensor begins with: torch's own code may have counted it up."""
        for value in self.bindings.values():
            if isinstance(value, torch.Tensor) and id(value) not in self.first_seen:
                self.first_seen[id(value)] = (value, value._version)

    def changes(self, tensor: torch.Tensor) -> int:
        """How often `tensor` was changed in place since it was bound."""
        return int(tensor._version - self.first_seen.get(id(tensor), (tensor, tensor._version))[1])

    def run_all(self, steps: list[Step]) -> dict[str, Any] | None:
        """Take the steps until one fails; what an answer says of the error."""
        try:
            for index, step in enumerate(steps):
                self.run(step, (index,))
        except StepError as failure:
            return {"step": list(failure.path), "opening": opening(failure.error)}
        return None

    def probe(self, statement: str) -> str | dict[str, float]:
        """Try `statement`: the opening words of its error, or the fingerprints of the leaves' gradients."""
        try:
            exec(statement, NAMESPACE, self.bindings)
        except Exception as error:
            return opening(error)
        grads = {
            name: value.grad
            for name, value in self.bindings.items()
            if isinstance(value, torch.Tensor) and holds_grad(value) and value.is_leaf and value.grad is not None
        }
        distinct = {id(grad): grad.data_ptr() for grad in grads.values() if grad.numel() and not grad._is_zerotensor()}
        if len(set(distinct.values())) < len(distinct):
            return SHARED
        return {name: rounded(fingerprint(values(grad)), torch.float32) for name, grad in grads.items()}

    def _backward(self, body: Any) -> None:
        options = body if isinstance(body, dict) else {"of": body}
        of = options["of"] if isinstance(options["of"], list) else [options["of"]]
        gradient = options.get("gradient")
        gradients = gradient if isinstance(gradient, list) else [gradient] * len(of)
        torch.autograd.backward(
            [self.evaluate(root) for root in of],
            [item if item is None else self.evaluate(item) for item in gradients],
            retain_graph=options.get("retain_graph"),
            create_graph=options.get("create_graph", False),
            inputs=[self.evaluate(name) for name in options["inputs"]] if "inputs" in options else None,
        )

    def _retain_grad(self, names: list[str]) -> None:
        for name in names:
            self.evaluate(name).retain_grad()

    def _requires_grad(self, flags: dict[str, bool]) -> None:
        for name, flag in flags.items():
            self.evaluate(name).requires_grad_(flag)

    def _zero_grad(self, body: Any) -> None:
        options = body if isinstance(body, dict) else {"of": body}
        for tensor in [self.evaluate(name) for name in options["of"]]:
            if options.get("set_to_none"):
                tensor.grad = None
            elif tensor.grad is not None:
                tensor.grad.zero_()

    def _hook(self, body: dict[str, str]) -> None:
        def hook(gradient: Any) -> Any:
            return self.evaluate(body["value"], **{body["as"]: gradient}) if "value" in body else None

        tensor = self.evaluate(body["on"])
        _ = tensor.grad_fn  # torch crashes where a view gets its hook between a change of its base and the next look
        tensor.register_hook(hook)


MAPPINGS: dict[str, Callable[[Session, Any], None]] = {
    "backward": Session._backward,
    "retain_grad": Session._retain_grad,
    "requires_grad": Session._requires_grad,
    "zero_grad": Session._zero_grad,
    "hook": Session._hook,
}


def answer(pipeline: Pipeline, jitter: Jitter = "none") -> Answer:
    """Run `pipeline` from the beginning and say all that there is to compare."""
    with warnings.catch_warnings(), contextlib.nullcontext() if jitter == "none" else Rounding():
        warnings.simplefilter("ignore")
        session = Session(pipeline["seed"], pipeline["tensors"], jitter)
        error = session.run_all(pipeline["pipeline"])
        bindings = {name: described(value, session.changes) for name, value in session.bindings.items()}
        probes = [session.probe(statement) for statement in pipeline["probes"]]
    return {"bindings": bindings, "error": error, "probes": probes}


def described(value: Any, changes: Callable[[torch.Tensor], int]) -> Any:
    """A binding as an answer shows it."""
    if isinstance(value, torch.Tensor):
        told = {
            **numbers(value),
            "requires_grad": value.requires_grad,
            "is_leaf": or_error(lambda: value.is_leaf),
            "grad_fn": or_error(lambda: name_of(value.grad_fn)),
            "graph": or_error(lambda: graph_text(value.grad_fn, DEPTH)),
            "version": changes(value),
        }
        if holds_grad(value):
            grad = value.grad
            told["grad"] = None if grad is None else {**numbers(grad), "grad_fn": name_of(grad.grad_fn)}
        return told
    if isinstance(value, tuple | list):
        return {"tuple": [described(item, changes) for item in value]}
    return value


def holds_grad(tensor: torch.Tensor) -> bool:
    """Whether `.grad` means something: not for a non-leaf that was not told to retain it."""
    return bool(or_error(lambda: tensor.is_leaf or tensor.retains_grad) is True)


def values(tensor: torch.Tensor) -> Any:
    """`tensor.tolist()`, also for the zeros without memory that torch has for some gradients."""
    return (torch.zeros(tensor.shape) if tensor._is_zerotensor() else tensor).tolist()


def numbers(tensor: torch.Tensor) -> dict[str, Any]:
    value = values(tensor)
    return {
        "value": rounded(value, tensor.dtype) if tensor.is_floating_point() else value,
        "shape": list(tensor.shape),
        "dtype": str(tensor.dtype).removeprefix("torch."),
    }


def rounded(value: Any, dtype: torch.dtype) -> Any:
    """Fewer digits for smaller files, yet more than any comparison asks for."""
    if isinstance(value, list):
        return [rounded(item, dtype) for item in value]
    if not math.isfinite(value):
        return value
    return float(f"{value:.8g}" if dtype is torch.float32 else f"{value:.13g}")


def name_of(node: Any) -> str | None:
    return None if node is None else type(node).__name__


def graph_text(node: Any, depth: int) -> str | None:
    """A node and what follows it, as an answer's `graph` has it."""
    if node is None or depth < 0:
        return name_of(node)
    edges = [
        f"{graph_text(following, depth - 1)}{f':{output}' if output else ''}"
        for following, output in node.next_functions
    ]
    return name_of(node) if depth == 0 else f"{name_of(node)}({', '.join(edges)})"


def or_error(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except RuntimeError as error:
        return f"error: {opening(error)}"


def opening(error: Exception) -> str:
    """The first words of an error's message."""
    return str(error)[:OPENING]
