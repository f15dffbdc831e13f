"""The options that several commands have, and what is made of them."""

# Annotations are evaluated here: typer would take 2 ms to evaluate them from their texts.

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gradcli.cli import terminal
from gradcli.errors import UserError

if TYPE_CHECKING:
    from gradcli.spec.source import Limits
    from gradcli.spec.steps import Plain

Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON for each spec.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Give a parameter another value. Repeatable."),
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda or cuda:N, instead of the spec's.")]
Dtype = Annotated[str | None, typer.Option(help="The default floating dtype, instead of the spec's.")]
Seed = Annotated[int | None, typer.Option(help="The random seed, instead of the spec's.")]
AllowPath = Annotated[list[str] | None, typer.Option(metavar="DIR", help="Also `load` from this folder. Repeatable.")]
MaxMemory = Annotated[
    str | None, typer.Option(metavar="SIZE", help="What a run may take, as in 2GiB; half of what is free.")
]
Timeout = Annotated[float | None, typer.Option(metavar="SECONDS", help="End a spec that runs longer.")]
Limit = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=NUMBER", help="Let specs be larger, as in nodes=500000. Repeatable."),
]
Color = Annotated[terminal.Color, typer.Option(help="`always` also gives files and pipes the screen.")]


def limits_of(pairs: Sequence[str]) -> "Limits":
    """The default limits, but for those that NAME=NUMBER changes."""
    from gradcli.spec.source import Limits

    changed = {}
    for pair in pairs:
        name, equals, number = pair.partition("=")
        name = name.replace("-", "_")
        if not (equals and name in Limits.fields):
            known = ", ".join(field.replace("_", "-") for field in Limits.fields)
            raise typer.BadParameter(f"`{pair}` is not NAME=NUMBER for one of {known}", param_hint="--limit")
        if not (number.isascii() and number.isdigit()):
            raise typer.BadParameter(f"`{number}` is no whole number", param_hint="--limit")
        changed[name] = int(number)
    return Limits(**changed)


def refused(error: UserError, option: str) -> typer.BadParameter:
    """The error of a command line in which `option` has a value that cannot be."""
    hint = f"; {error.hint}" if error.hint else ""
    return typer.BadParameter(error.message + hint, param_hint=option)


def run_options(
    allow_path: Sequence[str], max_memory: str | None, timeout: float | None, processes: int = 1
) -> dict[str, Any]:
    """What the runner takes of these options; so many `processes` share what is free."""
    memory = _size(max_memory)
    if memory is None and processes > 1:
        from gradcli.engine.memory import available

        memory = available() // 2 // processes
    return {
        "allow_path": _folders(allow_path),
        "max_memory": memory,
        "timeout": _seconds(timeout),
    }


def _folders(paths: Sequence[str]) -> Sequence[str]:
    for path in paths:
        if not Path(path).is_dir():
            raise typer.BadParameter(f"`{path}` is no folder", param_hint="--allow-path")
    return paths


def _size(text: str | None) -> int | None:
    from gradcli.cli.sizes import parse_size

    size = None if text is None else parse_size(text)
    if text is not None and not size:
        raise typer.BadParameter(f"`{text}` is no size such as 500MB or 2GiB", param_hint="--max-memory")
    return size


def _seconds(timeout: float | None) -> float | None:
    if timeout is not None and not (timeout > 0 and math.isfinite(timeout)):
        raise typer.BadParameter(f"`{timeout:g}` is no time in seconds", param_hint="--timeout")
    return timeout


def settings_of(pairs: Sequence[str], seed: int | None, dtype: str | None, device: str | None) -> "dict[str, Plain]":
    """The values that replace those of a spec, by name; of several for one name the last one counts."""
    from gradcli.spec.language import FLOATING
    from gradcli.spec.reader import full_dtype
    from gradcli.spec.scalars import resolve

    settings: dict[str, Plain] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not (equals and name.isidentifier()):
            raise typer.BadParameter(f"`{pair}` is not NAME=VALUE", param_hint="--set")
        try:
            settings[name] = resolve(text)
        except UserError as error:
            raise refused(error, "--set") from None
    if seed is not None:
        settings["seed"] = seed
    if dtype is not None:
        settings["dtype"] = full_dtype(dtype)
        if settings["dtype"] not in FLOATING:
            raise typer.BadParameter(f"`{dtype}` is none of {', '.join(FLOATING)}", param_hint="--dtype")
    if device is not None:
        if not re.fullmatch("cpu|cuda(:[0-9]+)?", device):
            raise typer.BadParameter(f"`{device}` is not cpu, cuda or cuda:N", param_hint="--device")
        settings["device"] = device
    return settings
