"""The tensors and numbers of a run as NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradcli.report.model import Binding


def arrays_of(bindings: Sequence[Binding]) -> tuple[dict[str, Any], list[str]]:
    """Tensors and numbers by name, gradients as `w.grad`; and the names of all else."""
    import numpy as np

    arrays: dict[str, Any] = {}
    others: list[str] = []
    pending = list(reversed(bindings))
    while pending:
        binding = pending.pop()
        if binding.parts is not None:
            pending += reversed(binding.parts)
        elif binding.state is not None:
            arrays[binding.name] = binding.state.value
            if binding.state.grad is not None:
                arrays[f"{binding.name}.grad"] = binding.state.grad
        elif isinstance(binding.value, bool | int | float | complex) and np.asarray(binding.value).dtype.kind in "bifc":
            arrays[binding.name] = np.asarray(binding.value)
        else:
            others.append(binding.name)
    return arrays, others
