"""`gradcli doctor`: what gradcli runs on, and whether that is all it needs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from gradcli.cli import terminal
from gradcli.cli.exits import Status, tell


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> int:
    """Show what gradcli runs on, and what is missing.

    That is versions, optional packages, the GPU, memory and the terminal. The exit status is 2 if something that
    gradcli needs is missing, broken or too old. A GPU is usable only if CuPy has computed something on it.

    \b
    Examples:
      gradcli doctor
      gradcli doctor --json
    """
    from gradcli.environment import examine

    found = {**examine(), "terminal": _terminal()}
    if json:
        from json import dumps

        print(dumps(found))
    else:
        rows = list(_rows(found))
        width = max(len(name) for name, _ in rows)
        print("\n".join(f"{name:<{width}}  {text}" for name, text in rows))
    for problem in found["problems"]:
        tell(f"error: {problem}")
    return Status.OK if found["ok"] else Status.USER_ERROR


def _terminal() -> dict[str, Any]:
    return {
        "stdout": sys.stdout.isatty(),
        "stderr": sys.stderr.isatty(),
        "color": terminal.is_coloured("auto"),
        "columns": shutil.get_terminal_size().columns,
        "encoding": (sys.stdout.encoding or "").lower() or None,
        "term": os.environ.get("TERM"),
    }


def _rows(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    python, platform, numpy = found["python"], found["platform"], found["numpy"]
    yield "gradcli", f"{found['gradcli']['version']}, in {found['gradcli']['path']}"
    yield "python", f"{python['version']} ({python['implementation']}), {python['executable'] or 'embedded'}"
    yield "platform", f"{platform['system']} {platform['release']}, {platform['machine']}, {platform['cpus']} CPUs"
    added = {
        "numpy": f", imported in {numpy['import_milliseconds']:.0f} ms" if numpy["import_milliseconds"] else "",
        "pyyaml": "" if found["yaml"]["c_parser"] else ", without its C parser: long specs are read slowly",
    }
    for package in found["packages"]:
        yield package["name"], _version(package) + (added.get(package["name"], "") if package["ok"] else "")
    threads = numpy["threads"]
    yield "blas", f"{numpy['blas'] or 'unknown'}, {threads} thread{'' if threads == 1 else 's'}"
    for extra in found["extras"]:
        if extra["version"] is None:
            yield extra["extra"], f"not installed; the extra `{extra['extra']}` is {extra['name']}{extra['needs']}"
        else:
            yield extra["extra"], f"{extra['name']} {_version(extra)}"
    yield "gpu", _gpu(found["gpu"])
    yield "memory", _memory(found["memory"])
    yield "terminal", _screen(found["terminal"])


def _version(package: dict[str, Any]) -> str:
    if package["version"] is None:
        return f"not installed (needs {package['needs']})"
    if package["why"]:
        return f"{package['version']}, broken: {package['why']}"
    return package["version"] if package["ok"] else f"{package['version']}, too old (needs {package['needs']})"


def _gpu(gpu: dict[str, Any]) -> str:
    if gpu["usable"]:
        others = f", the first of {gpu['devices']}" if gpu["devices"] > 1 else ""
        return f"usable: {gpu['device']}, {_size(gpu['memory'])}{others}"
    seen = f"; the driver has {', '.join(gpu['nvidia'])}" if gpu["nvidia"] else ""
    return f"not usable: {gpu['why']}{seen}"


def _memory(memory: dict[str, Any]) -> str:
    known = [
        f"{_size(memory[key])} {word}" for key, word in (("total", "in all"), ("available", "free")) if memory[key]
    ]
    if memory["limit"] is not None:
        known.append(f"limited to {_size(memory['limit'])} by {memory['limited_by']}")
    return ", ".join(known) or "unknown"


def _screen(screen: dict[str, Any]) -> str:
    kind = f"a terminal ({screen['term'] or 'no TERM'})" if screen["stdout"] else "not a terminal"
    colour = "colour" if screen["color"] else "no colour"
    return f"{kind}, {colour}, {screen['columns']} columns, {screen['encoding'] or 'no encoding'}"


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
