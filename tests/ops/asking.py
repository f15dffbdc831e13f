"""What is asked of an engine about a sample, in the same words of gradcli (`answers`) and of torch (`torch_rows`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from .pool import SEED, Input, pool

Answer = dict[str, Any]
Laid = Callable[[Any], Any]  # puts the elements of an array elsewhere in memory
DEPTH = 4
OPENING = 60
OUTPUTS = 3  # of a sample, at most, that are changed to see whether they are saved


def as_it_is(array: Any) -> Any:
    return array


class Engine(ABC):
    """What asking takes; the rest is the same for all."""

    tensor: ClassVar[Any]  # the class of tensors
    refuses: ClassVar[type[Exception]]  # an expression
    fails: ClassVar[type[Exception] | tuple[type[Exception], ...]]  # in a backward

    @abstractmethod
    def bindings(
        self, expression: str, pool: dict[str, Input], precision: str, laid: Laid = as_it_is
    ) -> dict[str, Any]:
        """The tensors of the pool that an expression names, as leaves; `laid` may put them elsewhere in memory."""

    @abstractmethod
    def evaluate(self, expression: str, tensors: dict[str, Any]) -> Any: ...

    @abstractmethod
    def gradients(self, outputs: Sequence[Any], inputs: Sequence[Any], shift: float, **options: Any) -> Sequence[Any]:
        """Those of the outputs, weighed by numbers without pattern."""

    @abstractmethod
    def plain(self, tensor: Any) -> Any:
        """Dtype, shape and values of a tensor; None for none."""

    @abstractmethod
    def name_of(self, node: Any) -> str: ...

    @abstractmethod
    def count_change(self, tensor: Any) -> None:
        """As an in-place operation does."""

    def opening(self, error: Exception) -> str:
        return str(error)[:OPENING]

    def answer(self, expression: str, pool: dict[str, Input], precision: str = "float64") -> Answer:
        """What `derivatives` says; whether the graph serves once, and what the backward needs as it was."""
        said = self.derivatives(expression, pool, precision)
        if "first" in said and "fails" not in said:
            said["again"] = self._second_time(expression, pool, precision)
            said["saved"] = self._saved(expression, pool, precision)
        return said

    def derivatives(
        self, expression: str, pool: dict[str, Input], precision: str = "float64", laid: Laid = as_it_is
    ) -> Answer:
        """Values, dtypes and graphs of what `expression` gives and of its first derivatives; the second derivatives."""
        try:
            result, outputs, leaves = self._evaluated(expression, pool, precision, laid)
        except self.refuses as error:
            return {"error": self.opening(error)}
        said: Answer = {"result": self.described(result)}
        if not outputs or not leaves:
            return said
        try:
            first = self.gradients(outputs, leaves, 0.0, create_graph=True)
            said["first"] = [self.described(gradient) for gradient in first]
            again = [gradient for gradient in first if gradient is not None and gradient.requires_grad]
            if again:
                said["second"] = [self.plain(gradient) for gradient in self.gradients(again, leaves, 1.0)]
        except self.fails as error:
            said["fails"] = self.opening(error)
        return said

    def rounded_answer(self, expression: str, precision: str) -> Any:
        """What `expression` gives in float16 or bfloat16, and its first derivatives; or a message."""
        try:
            result, outputs, leaves = self._evaluated(expression, pool(SEED), precision)
            found = self.gradients(outputs, leaves, 0.0) if outputs and leaves else []
        except self.refuses as error:
            return self.opening(error)
        return [self.plain(tensor) for tensor in (*self.tensors_of(result), *found)]

    def _evaluated(
        self, expression: str, pool: dict[str, Input], precision: str, laid: Laid = as_it_is
    ) -> tuple[Any, list[Any], list[Any]]:
        """The result, and the tensors between which a backward goes."""
        tensors = self.bindings(expression, pool, precision, laid)
        result = self.evaluate(expression, tensors)
        outputs = [tensor for tensor in self.tensors_of(result) if tensor.requires_grad]
        return result, outputs, [tensor for tensor in tensors.values() if tensor.requires_grad]

    def _second_time(self, expression: str, pool: dict[str, Input], precision: str) -> bool:
        """Whether the graph serves for one backward only."""
        _, outputs, leaves = self._evaluated(expression, pool, precision)
        self.gradients(outputs, leaves, 0.0)
        try:
            self.gradients(outputs, leaves, 0.0)
        except self.fails:
            return False
        return True

    def _saved(self, expression: str, pool: dict[str, Input], precision: str) -> list[str]:
        """Which inputs (by name) and outputs (by number) may not change in place before the backward: what it needs."""
        needed = []
        for changed in (*self.bindings(expression, pool, precision), *range(OUTPUTS)):
            tensors = self.bindings(expression, pool, precision)
            outputs = self.tensors_of(self.evaluate(expression, tensors))
            tensor = tensors.get(changed) if isinstance(changed, str) else dict(enumerate(outputs)).get(changed)
            if tensor is not None:
                self.count_change(tensor)
                leaves = [leaf for leaf in tensors.values() if leaf.requires_grad]
                try:
                    self.gradients([output for output in outputs if output.requires_grad], leaves, 0.0)
                except self.fails:
                    needed.append(str(changed))
        return needed

    def tensors_of(self, value: Any) -> list[Any]:
        """The tensors of a result: one, or those of a tuple."""
        if isinstance(value, self.tensor):
            return [value]
        return [one for item in value for one in self.tensors_of(item)] if isinstance(value, list | tuple) else []

    def described(self, value: Any) -> Any:
        if isinstance(value, self.tensor):
            return {**self.plain(value), "graph": self._graph_text(value.grad_fn, DEPTH)}
        return [self.described(item) for item in value] if isinstance(value, list | tuple) else value

    def _graph_text(self, node: Any, depth: int) -> str | None:
        """The names of a node and of those before it, to a depth."""
        if node is None:
            return None
        if depth == 0 or not node.next_functions:
            return self.name_of(node)
        before = ", ".join(str(self._graph_text(before, depth - 1)) for before, _ in node.next_functions)
        return f"{self.name_of(node)}({before})"


def rounded(values: list[Any]) -> list[Any]:
    """Numbers as JSON has them, to 13 digits; a complex one as two."""
    if any(isinstance(value, complex) for value in values):
        values = [part for value in values for part in (value.real, value.imag)]
    return [float(f"{value:.13g}") if isinstance(value, float) else value for value in values]
