"""`gradcli diff`: compares two results, tensor by tensor."""

# Annotations are evaluated here: typer would take 2 ms to evaluate them from their texts.

from typing import TYPE_CHECKING, Annotated

import typer

from gradcli.cli import options, terminal
from gradcli.cli.exits import Status, tell
from gradcli.cli.loading import load, show_errors
from gradcli.errors import UserError

if TYPE_CHECKING:
    from gradcli.files.results import Result

_SPECS = (".yaml", ".yml")


def diff(
    first: Annotated[str, typer.Argument(metavar="FILE_A", help="A result or a spec; `-` reads standard input.")],
    second: Annotated[str, typer.Argument(metavar="FILE_B", help="What is expected: a result or a spec, too.")],
    rtol: Annotated[
        float | None, typer.Option(metavar="NUMBER", min=0, help="The relative tolerance; else that of the dtype.")
    ] = None,
    atol: Annotated[
        float | None, typer.Option(metavar="NUMBER", min=0, help="The absolute tolerance; else that of the dtype.")
    ] = None,
    any_dtype: Annotated[bool, typer.Option("--any-dtype", help="Compare values only, whatever their dtypes.")] = False,
    common: Annotated[bool, typer.Option("--common", help="Compare only tensors that both have.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON for each two results.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print what differs only.")] = False,
    color: options.Color = "auto",
) -> int:
    """Compare two results, tensor by tensor.

    Each file is what `gradcli run` saved (.npz, .safetensors, .json) or printed with --json, a file of tensors
    from another program, such as a dump of PyTorch's, or a spec (.yaml, .yml), which is run. Tensors are
    compared by their names, gradients as `w.grad`; of several specs each with the one of its name or, where
    no name is in both, in their order.

    An element differs if it is off by more than atol + rtol * |B|; left out, both are those of
    torch.testing.assert_close for the dtype. A .json file of --save tells no dtypes.

    The exit status is 0 if nothing differs, 1 if something does, 2 for what cannot be compared.

    \b
    Examples:
      gradcli diff specs/quickstart.yaml specs/quickstart.yaml
      gradcli diff specs/leaves.yaml specs/leaves.yaml --rtol 0 --atol 0 --json
    """
    if "-" == first == second:
        raise typer.BadParameter("standard input can be only one of the two", param_hint="FILE_B")
    from gradcli.report import differences as report
    from gradcli.verify.difference import Rules, differences

    results = [_results(path) for path in (first, second)]
    if None in results:
        return Status.USER_ERROR
    found = differences(results[0] or [], results[1] or [], Rules(rtol, atol, not any_dtype, not common))
    if not any(difference.tensors or None in difference.names for difference in found):
        tell(f"error: `{first}` and `{second}` have no tensors {'in common' if common else 'to compare'}")
        return Status.USER_ERROR
    if json:
        print("".join(f"{report.line(difference)}\n" for difference in found), end="")
    else:
        write = terminal.writer(color)
        for difference in found:
            write(report.lines(difference, failures_only=quiet))
        if not quiet:
            write([report.summary(found)])
    return Status.OK if all(difference.ok for difference in found) else Status.FAILED


def _results(path: str) -> "list[Result] | None":
    """The results in a file, or of the specs in it; None if they cannot be had, which the user has been told then."""
    if path.endswith(_SPECS):
        return _run(path)
    from gradcli.files.results import read_results

    try:
        return read_results(path)
    except UserError as error:
        tell(f"error: {error.message}" + (f"\n  {error.hint}" if error.hint else ""))
        return None


def _run(path: str) -> "list[Result] | None":
    from gradcli.collector import relax
    from gradcli.files.results import Result
    from gradcli.runner import run
    from gradcli.spec.document import expand
    from gradcli.spec.source import DEFAULT_LIMITS

    documents, errors = load(path, DEFAULT_LIMITS)
    results = []
    relax()
    for spec in [spec for document in documents for spec in expand(document)]:
        report = run(spec)
        if report.error is not None:
            show_errors([report.error], spec.source)
            return None
        results.append(Result(report.spec, report.arrays))
    return None if errors else results
