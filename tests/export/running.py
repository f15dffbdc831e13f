"""Runs exported scripts in this process."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import torch


def run(text: str) -> tuple[dict[str, Any], str]:
    """The names that a script for torch leaves, and what it prints; an exception that ends it is called `raised`."""
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(text, "script.py", "exec"), names)
    except Exception as error:
        names["raised"] = error
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)  # not "cpu", a mode in which l1_loss forgets its weight
    return names, printed.getvalue()
