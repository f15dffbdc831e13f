"""The commands together. A command's module is imported when the command is asked for, and no earlier."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from gradcli.cli.exits import Status, tell

COMMANDS = ("run", "test", "check", "diff", "validate", "export", "ops", "init", "schema", "doctor", "completion")
SPELLINGS = {"--update=new": "--update-new"}

# typer exports only the subclass, and where the class itself lives depends on typer's version.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


class _Commands(TyperGroup):
    """Finds commands by name. Contexts and commands are typer's own, which it exports no types for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        # an option whose value may be left out is none that the parser has
        return super().resolve_command(ctx, [SPELLINGS.get(word, word) for word in args])

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            similar = difflib.get_close_matches(cmd_name, COMMANDS, n=1)
            ctx.fail(f"No such command: {cmd_name}" + "".join(f"; did you mean `{name}`?" for name in similar))
        module = import_module(f"gradcli.cli.{cmd_name}")
        command = _app()
        command.command(cmd_name)(getattr(module, cmd_name))
        return get_command(command)


def program() -> Any:
    """All the commands, as typer has them."""
    app = _app(cls=_Commands)
    app.callback()(_gradcli)
    return get_command(app)


def run(arguments: list[str]) -> int:
    """Runs the command that `arguments` name, and gives its exit status."""
    command = program()
    try:
        # typer's own `main` would swallow a closed pipe and an interruption.
        with command.make_context("gradcli", list(arguments)) as context:
            if not arguments:
                tell(command.get_help(context))
                return Status.USER_ERROR
            status: int = command.invoke(context)
            return status
    except typer.Exit as end:
        return end.exit_code
    except _UsageError as error:
        tell(_usage(error))
        return Status.USER_ERROR


def _gradcli(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """A gradient calculator for the terminal.

    A YAML file describes tensors and what to compute from them; gradcli computes it and its gradients, and
    prints what PyTorch would print.

    \b
    Example:
      gradcli run specs/quickstart.yaml
    """


def _app(**settings: Any) -> typer.Typer:
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,  # its help with rich takes 70 ms longer
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )


def _usage(error: Any) -> str:
    """What is wrong with the command line, in one line, and where to look it up."""
    similar = getattr(error, "possibilities", None)
    message = f"{error.message}; did you mean `{similar[0]}`?" if similar else error.format_message()
    command = error.ctx.command_path if error.ctx else "gradcli"
    return f"error: {message[:1].lower()}{message[1:]}\n  see `{command} --help`"
