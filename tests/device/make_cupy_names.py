"""Write cupy_names.json: what CuPy has, for the stand-in to refuse all else.

Run where CuPy is installed, with or without a GPU, from the repository root: `python -m tests.device.make_cupy_names`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "cupy_names.json"


def public(owner: Any) -> list[str]:
    return sorted(name for name in dir(owner) if not name.startswith("_"))


def main() -> None:
    import cupy

    names = {
        "version": cupy.__version__,
        "functions": [name for name in public(cupy) if callable(getattr(cupy, name))],
        "linalg": public(cupy.linalg),
        "fft": public(cupy.fft),
        "array": public(cupy.ndarray),
    }
    FILE.write_text(json.dumps(names, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
