"""Runs specs in torch: the steps are gradcli's, what they mean is torch's."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.autograd import Function
from torch.nn import functional

from gradcli.spec import steps
from gradcli.spec.steps import Expression, FunctionEntry, Literal, Spec, Step, TensorEntry

ADDRESS = re.compile(r" object at 0x[0-9a-f]+")


def jacobian(y: Any, x: Any, create_graph: bool = False) -> Any:
    rows = [torch.autograd.grad(one, x, retain_graph=True, create_graph=create_graph)[0] for one in y.reshape(-1)]
    return torch.stack(rows).reshape(y.shape + x.shape)


def slope(y: Any, x: Any, v: Any = None, create_graph: bool = True) -> Any:
    return torch.autograd.grad(y, x, v, create_graph=create_graph)[0]


def jvp(y: Any, x: Any, v: Any, create_graph: bool = False) -> Any:
    vector = torch.zeros_like(y).requires_grad_()
    return slope(slope(y, x, vector), vector, v, create_graph)


NAMESPACE: dict[str, Any] = {
    **vars(torch.fft), **vars(torch.special), **vars(torch.linalg), **vars(torch),
    **vars(functional),  # torch has kernels of the same names, with other signatures
    "torch": torch, "F": functional, "linalg": torch.linalg, "special": torch.special, "fft": torch.fft,
    "nan": math.nan, "inf": math.inf, "pi": math.pi,
    "grad": torch.autograd.grad, "jacobian": jacobian, "vjp": slope, "jvp": jvp,
    "hessian": lambda y, x, **options: jacobian(slope(y, x), x, **options),
    "hvp": lambda y, x, v, **options: slope((slope(y, x) * v).sum(), x, **options),
}  # fmt: skip


class TorchRun:
    """A spec run in torch: the lines it has `printed`, and as `failures` the expectations that torch does not meet."""

    def __init__(self, spec: Spec) -> None:
        self.printed: list[str] = []
        self.failures: list[str] = []
        self.functions: dict[str, Any] = {}
        self.bindings: dict[str, Any] = {}
        self.params = dict(spec.params)
        self.folder = Path(spec.source.file).parent
        torch.manual_seed(spec.seed)
        with default_dtype(spec.dtype):
            for entry in spec.functions:
                self.functions[entry.name] = self.declared(entry)
            with torch.no_grad():
                for tensor in spec.tensors:
                    self.bindings[tensor.name] = self.leaf(tensor)
            self.run_all(spec.pipeline)

    def leaf(self, entry: TensorEntry) -> Any:
        value = self.loaded(entry.data) if isinstance(entry.data, steps.Load) else self.value(entry.data)
        dtype = None if entry.dtype is None else getattr(torch, entry.dtype)
        tensor = value.clone().to(dtype) if isinstance(value, torch.Tensor) else torch.tensor(value, dtype=dtype)
        flag = entry.requires_grad
        return tensor.requires_grad_(getattr(value, "requires_grad", False) if flag is None else flag)

    def loaded(self, file: steps.Load) -> Any:
        """A file of numbers, read by NumPy; the specs here have no others than .csv with a header."""
        assert file.path.endswith(".csv")
        numbers = np.loadtxt(self.folder / file.path, delimiter=",", skiprows=1)
        return torch.tensor(numbers, dtype=torch.get_default_dtype())

    def value(self, value: Expression | Literal, **extra: Any) -> Any:
        if isinstance(value, Literal):
            return value.value
        names = {**NAMESPACE, **self.functions, **self.params, **self.bindings, **extra}
        return eval(value.text, names)

    def declared(self, entry: FunctionEntry) -> Any:
        """A composition as a Python function, a claimed backward as torch's own custom Function."""

        def body(expression: Expression, names: dict[str, Any]) -> Any:
            return eval(expression.text, {**NAMESPACE, **self.functions, **self.params, **names})

        if entry.backward is None:
            return lambda *args: body(entry.forward, dict(zip(entry.parameters, args, strict=True)))
        formulas = entry.backward

        def forward(ctx: Any, *args: Any) -> Any:
            result = body(entry.forward, dict(zip(entry.parameters, args, strict=True)))
            ctx.save_for_backward(*args, result)
            return result

        def backward(ctx: Any, grad: Any) -> Any:
            names = {**dict(zip((*entry.parameters, "result"), ctx.saved_tensors, strict=True)), "grad": grad}
            found = [body(formulas[name], names) if name in formulas else None for name in entry.parameters]
            return found[0] if len(found) == 1 else tuple(found)

        name = "".join(word.capitalize() for word in entry.name.split("_"))
        function: Any = type(name, (Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)})
        return function.apply

    def run_all(self, todo: Sequence[Step]) -> None:
        for step in todo:
            RUNNERS[type(step)](self, step)

    def bind(self, step: steps.Bind) -> None:
        self.bindings[step.name] = self.value(step.value)

    def line(self, step: steps.Line) -> None:
        names = {**NAMESPACE, **self.functions, **self.params}
        if step.kind == "print":
            self.printed.append(" ".join(map(text, eval(f"({step.expression.text[6:-1]},)", names, self.bindings))))
        else:
            exec(step.expression.scalar.text, names, self.bindings)

    def backward(self, step: steps.Backward) -> None:
        gradients = [None if gradient is None else self.value(gradient) for gradient in step.gradient]
        torch.autograd.backward(
            [self.value(root) for root in step.of],
            [torch.tensor(given) if isinstance(given, list) else given for given in gradients],
            retain_graph=step.retain_graph,
            create_graph=step.create_graph,
            inputs=None if step.inputs is None else [self.value(one) for one in step.inputs],
        )

    def zero_grad(self, step: steps.ZeroGrad) -> None:
        every = [value for value in self.bindings.values() if isinstance(value, torch.Tensor) and value.is_leaf]
        for tensor in every if step.of is None else [self.value(one) for one in step.of]:
            if step.set_to_none:
                tensor.grad = None
            elif tensor.grad is not None:
                tensor.grad.zero_()

    def block(self, step: steps.Block) -> None:
        with torch.set_grad_enabled(step.kind == "enable_grad"):
            self.run_all(step.steps)

    def requires_grad(self, step: steps.RequiresGrad) -> None:
        for expression, flag in step.flags:
            self.value(expression).requires_grad_(flag)

    def retain_grad(self, step: steps.RetainGrad) -> None:
        for expression in step.of:
            self.value(expression).retain_grad()

    def hook(self, step: steps.Hook) -> None:
        def fire(gradient: Any) -> Any:
            if step.value is None:
                self.printed.append(f"{step.name}: {text(gradient)}")
                return None
            return self.value(step.value, **{step.name: gradient})

        self.value(step.on).register_hook(fire)

    def repeat(self, step: steps.Repeat) -> None:
        for index in range(self.value(step.times)):
            if step.name is not None:
                self.bindings[step.name] = index
            self.run_all(step.steps)

    def while_(self, step: steps.While) -> None:
        rounds = 0
        while self.value(step.condition):
            assert rounds < self.value(step.at_most)
            self.run_all(step.steps)
            rounds += 1

    def print(self, step: steps.Print) -> None:
        for item in step.items:
            label = "" if item.label is None else f"{item.label}: "
            self.printed.append(label + text(self.value(item.value)))

    def expect(self, step: steps.Expect) -> None:
        for item in step.items:
            rtol, atol = item.rtol or step.rtol, item.atol or step.atol
            actual = self.value(item.expr)
            if item.expected is not None or item.is_none:
                assert not isinstance(item.expected, steps.Load)
                expected = None if item.expected is None else self.value(item.expected)
                self.judge(item.expr.text, meets(actual, expected, rtol, atol))
            self.judge(item.expr.text, item.shape is None or list(actual.shape) == item.shape)
            self.judge(item.expr.text, not item.finite or bool(torch.isfinite(actual).all()))
            self.judge(item.expr.text, not item.nonzero or bool(torch.any(actual != 0)))

    def claim(self, step: steps.Claim) -> None:
        for expression, formula in step.items:
            with torch.no_grad():
                self.judge(expression.text, meets(self.value(expression), self.value(formula), None, None))

    def judge(self, expression: str, met: bool) -> None:
        if not met:
            self.failures.append(expression)

    def expect_error(self, step: steps.ExpectError) -> None:
        try:
            self.run_all(step.steps)
        except Exception as error:
            self.judge(f"{step.match} in {error}", step.match in str(error))
        else:
            self.judge(f"no error: {step.match}", False)


RUNNERS: dict[type, Callable[[TorchRun, Any], None]] = {
    steps.Bind: TorchRun.bind,
    steps.Line: TorchRun.line,
    steps.Backward: TorchRun.backward,
    steps.ZeroGrad: TorchRun.zero_grad,
    steps.Block: TorchRun.block,
    steps.RequiresGrad: TorchRun.requires_grad,
    steps.RetainGrad: TorchRun.retain_grad,
    steps.Hook: TorchRun.hook,
    steps.Repeat: TorchRun.repeat,
    steps.While: TorchRun.while_,
    steps.Print: TorchRun.print,
    steps.Expect: TorchRun.expect,
    steps.ExpectError: TorchRun.expect_error,
    steps.Claim: TorchRun.claim,
}


@contextmanager
def default_dtype(name: str) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, name))
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def text(value: Any) -> str:
    """What `print` shows, but for addresses."""
    return ADDRESS.sub("", str(value))


def meets(actual: Any, expected: Any, rtol: float | None, atol: float | None) -> bool:
    """Whether torch's value is as expected, by torch's own comparison."""
    if expected is None or actual is None:
        return actual is expected
    if isinstance(expected, str):
        name = type(actual).__name__ if hasattr(actual, "next_functions") else str(actual).removeprefix("torch.")
        return name == expected
    if not isinstance(actual, torch.Tensor):
        return bool((list(actual) if isinstance(actual, torch.Size) else actual) == expected)
    wanted = torch.as_tensor(expected)
    if wanted.ndim == 0:
        wanted = wanted.expand(actual.shape)
    tolerances: dict[str, Any] = {} if rtol is None and atol is None else {"rtol": rtol or 0.0, "atol": atol or 0.0}
    try:
        torch.testing.assert_close(actual, wanted.to(actual.dtype), equal_nan=True, **tolerances)
    except AssertionError:
        return False
    return True
