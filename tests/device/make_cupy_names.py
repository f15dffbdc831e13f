"""Write cupy_names.json: what CuPy has, for the stand-in to refuse all else.

Run where CuPy is installed, the oldest that is to do, with or without a GPU, from the repository root:
`python -m tests.device.make_cupy_names`.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "cupy_names.json"


def public(owner: Any) -> list[str]:
    return sorted(name for name in dir(owner) if not name.startswith("_"))


def parameters(function: Any) -> list[str] | None:
    """What a function can be given by name; None where it does not tell, or takes anything."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return None if any(one.kind is one.VAR_KEYWORD for one in found) else [one.name for one in found]


def functions_of(module: Any) -> dict[str, list[str] | None]:
    return {name: parameters(getattr(module, name)) for name in public(module) if callable(getattr(module, name))}


def main() -> None:
    import cupy

    names = {
        "version": cupy.__version__,
        "numpy": functions_of(cupy),
        "linalg": functions_of(cupy.linalg),
        "fft": functions_of(cupy.fft),
        "array": public(cupy.ndarray),
    }
    lines = [f"{json.dumps(key)}: {written(value)}" for key, value in names.items()]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def written(value: Any) -> str:
    """JSON of it, a function a line."""
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(given)}" for name, given in value.items()) + "\n}"


if __name__ == "__main__":
    main()
