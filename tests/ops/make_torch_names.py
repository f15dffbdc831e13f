"""Write torch_names.tsv: what torch 2.13 offers its users, namespace by namespace, and what of it is here.

Run from the repository root: `python -m tests.ops.make_torch_names`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch

from .torch_names import FILE, table

NAMESPACES: dict[str, Any] = {
    "torch": torch,
    "torch.Tensor": torch.Tensor,
    "torch.nn.functional": torch.nn.functional,
    "torch.linalg": torch.linalg,
    "torch.fft": torch.fft,
    "torch.special": torch.special,
}


def public(namespace: Any) -> list[str]:
    """The names of the functions of a namespace, documented or not: its types and modules are something else."""
    return [name for name in sorted(vars_of(namespace)) if is_function(getattr(namespace, name))]


def attributes() -> list[str]:
    """The names of what is read off a tensor without a call."""
    return [name for name in sorted(vars_of(torch.Tensor)) if not callable(getattr(torch.Tensor, name))]


def vars_of(namespace: Any) -> list[str]:
    return [name for name in dir(namespace) if not name.startswith("_")]


def is_function(value: Any) -> bool:
    return callable(value) and not isinstance(value, type | ModuleType)


def all_names() -> dict[str, list[str]]:
    return {**{space: public(namespace) for space, namespace in NAMESPACES.items()}, "attributes": attributes()}


def main() -> None:
    FILE.write_text(table(all_names()), encoding="utf-8")


if __name__ == "__main__":
    main()
