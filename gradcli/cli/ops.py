"""`gradcli ops`: what each operation computes, and how it is differentiated."""

from __future__ import annotations

import json as json_format
from textwrap import indent
from typing import TYPE_CHECKING, Annotated

import typer

from gradcli.cli.exits import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gradcli.ops.describe import Description

NODES = 4  # of a composition, in its one line


def ops(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Operations; all if left out.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON for each overload.")] = False,
    example: Annotated[bool, typer.Option("--example", help="Print only the example, a spec to run.")] = False,
) -> int:
    """Show operations: signature, what is computed, the formulas of the gradients, the names of the nodes, an example.

    Without a NAME it prints a line for each operation. With one it prints all there is to know of it, from
    the same table that computes it. Names are PyTorch's. An example is a spec: several of them are one file.

    \b
    Examples:
      gradcli ops
      gradcli ops atan2
      gradcli ops softmax --json
      gradcli ops softmax --example
    """
    from gradcli.ops import describe, frontend

    found: list[Description] = []
    for name in names or ():
        overloads = describe.described(name)
        if not overloads:
            close = frontend.suggest(name, False)
            hint = f"; did you mean `{close[0]}`?" if close else ""
            raise typer.BadParameter(f"there is no operation `{name}`{hint}", param_hint="NAME")
        found += overloads
    if not names:
        found = describe.everything()
    if json:
        for one in found:
            print(json_format.dumps(describe.plain(one)))
    elif example:
        print("\n---\n".join(one.example for one in found))
    elif names:
        print("\n\n".join("\n".join(in_full(one)) for one in found))
    else:
        print("\n".join(overview(found)))
    return Status.OK


def overview(found: list[Description]) -> Iterator[str]:
    """A line for each overload: its signature, and the nodes that it is recorded as."""
    for one in found:
        space = one.name[: one.name.rfind(".") + 1]
        nodes = list(dict.fromkeys(gradient.grad_fn for gradient in one.gradients))
        more = ["..."] if len(nodes) > NODES else []
        yield "  ".join([space + one.signature, *([", ".join([*nodes[:NODES], *more])] if nodes else [])])


def in_full(one: Description) -> Iterator[str]:
    yield one.signature
    forms = [
        *one.aliases,
        *(["x." + one.name.removeprefix("x.")] if one.method else []),
        *([f"x.{one.name}_"] if one.inplace else []),
    ]
    if forms:
        yield f"  also        {', '.join(forms)}"
    if one.computes:
        yield f"  computes    {one.computes}"
    for gradient in one.gradients:
        yield f"  grad_fn     {gradient.grad_fn}"
        for name, formula in gradient.formulas.items():
            yield f"    d {name}  =  {formula}"
        yield f"    saves  {', '.join(gradient.saves) or 'nothing'}"
    yield "  example"
    yield indent(one.example, "    ")
