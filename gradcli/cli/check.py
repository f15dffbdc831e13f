"""`gradcli check`: holds every gradient that specs compute against the numbers."""

# Annotations are evaluated here: typer would take 2 ms to evaluate them from their texts.

from typing import TYPE_CHECKING, Annotated

import typer

from gradcli.cli import options, terminal
from gradcli.cli.exits import tell
from gradcli.cli.running import Request, run_files

if TYPE_CHECKING:
    from gradcli.report.checks import Checks, JsonChecks


def check(
    specs: Annotated[list[str], typer.Argument(metavar="SPEC...", help="YAML files; `-` reads standard input.")],
    json: options.Json = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail unless every gradient is `correct`, not only if one is `wrong`.")
    ] = False,
    fast: Annotated[
        bool, typer.Option("--fast", help="Look in a few random directions, not at every element.")
    ] = False,
    settings: options.Settings = None,
    device: options.Device = None,
    dtype: options.Dtype = None,
    seed: options.Seed = None,
    allow_path: options.AllowPath = None,
    max_memory: options.MaxMemory = None,
    timeout: options.Timeout = None,
    limit: options.Limit = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only what is not correct.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the traceback of an internal error.")] = False,
    color: options.Color = "auto",
) -> int:
    """Check every gradient that specs compute, first and second order.

    Each backward's graph is computed again in float64 at slightly other inputs, and the slopes that the
    values show are compared with the gradients that the formulas give. Results of detach and no_grad, random
    draws and conditions stay as they were; hooks and earlier gradients do not count. The verdicts:

    \b
      correct             formulas and numbers agree
      wrong               they do not, here and beside here
      kink                the slopes to the left and to the right differ
      not-differentiable  there is no slope: a jump, a pole, the end of the domain
      ill-conditioned     rounding hides the slope, even in float64
      needs-float64       the formulas are right, the spec's precision loses it

    The exit status is 0 if no gradient is wrong, 1 if one is, 2 for an error in a spec or on the command line.

    \b
    Examples:
      gradcli check specs/quickstart.yaml
      gradcli check specs/higher_order.yaml --strict
      gradcli check specs/quickstart.yaml --fast --json
    """
    reporter = _reporter(json=json, strict=strict, quiet=quiet, color=color)
    from gradcli.report.checks import passes
    from gradcli.trials import Checking

    chosen = options.run_options(allow_path or [], max_memory, timeout)
    chosen["checking"] = Checking(fast, reporter.checked, _announce)
    replaced = options.settings_of(settings or [], seed, dtype, device)
    request = Request(replaced, chosen, options.limits_of(limit or []), verbose)
    request.passes = lambda report: passes(report.checks, strict=strict)
    return run_files(specs, request, reporter)


def _announce(root: str, elements: int, seconds: float) -> None:
    """Says how long a check will take; rounded, as it is an estimate."""
    tell(f"checking {elements:,} elements of the gradients of `{root}`: about {seconds:.0f} s; --fast is quicker")


def _reporter(*, json: bool, strict: bool, quiet: bool, color: terminal.Color) -> "Checks | JsonChecks":
    from gradcli.report.checks import Checks, JsonChecks

    if json:
        return JsonChecks(strict=strict)
    return Checks(terminal.writer(color), headed=terminal.is_screen(color), failures_only=quiet)
