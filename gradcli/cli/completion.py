"""`gradcli completion`: prints what makes a shell complete gradcli's command lines."""

from __future__ import annotations

import re
import sys
from typing import Annotated, Any, Literal

import typer

from gradcli.cli.exits import Status
from gradcli.cli.shells import SCRIPTS, Command, Kind, Parameter

Shell = Literal["bash", "zsh", "fish", "powershell"]

_ENDINGS: dict[str, Kind] = {"SPEC": "specs", "DIR": "folders", "FILE": "files", "PATH": "files"}


def completion(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.")],
) -> int:
    """Print a script that makes a shell complete gradcli.

    It completes commands, options, their values and spec files, and holds all of them, so that completing does
    not wait for gradcli to start. A shell reads it when it starts:

    \b
      bash, in ~/.bashrc                    eval "$(gradcli completion bash)"
      zsh, in ~/.zshrc, after compinit      eval "$(gradcli completion zsh)"
      fish, in ~/.config/fish/config.fish   gradcli completion fish | source
      PowerShell, in $PROFILE
          gradcli completion powershell | Out-String | Invoke-Expression

    \b
    Example:
      gradcli completion bash
    """
    from gradcli.cli.app import program

    sys.stdout.write(SCRIPTS[shell](commands(program())))
    return Status.OK


def commands(program: Any) -> list[Command]:
    """What can be completed, the program itself first."""
    context = program.make_context("gradcli", [], resilient_parsing=True)
    found = {"": program, **{name: program.get_command(context, name) for name in program.list_commands(context)}}
    return [_command(name, command, context) for name, command in found.items()]


def _command(name: str, command: Any, context: Any) -> Command:
    parameters = [_parameter(parameter, context) for parameter in command.get_params(context)]
    about = command.get_short_help_str(limit=100)
    options = [parameter for parameter in parameters if parameter.names]
    return Command(name, about, options, [parameter for parameter in parameters if not parameter.names])


def _parameter(parameter: Any, context: Any) -> Parameter:
    is_option = parameter.param_type_name == "option"
    names = sorted(parameter.opts, key=len, reverse=True) if is_option else []
    words = [item.value for item in parameter.shell_complete(context, "")] or _known_values(names)
    metavar = parameter.metavar or parameter.name.upper()
    ending = next((kind for word, kind in _ENDINGS.items() if word in metavar), None)
    kind: Kind = "none" if is_option and parameter.is_flag else "words" if words else ending or "text"
    several = parameter.multiple if is_option else parameter.nargs == -1
    return Parameter(names, _first_sentence(parameter.help or ""), kind, words, re.sub("[^A-Z=]", "", metavar), several)


def _known_values(names: list[str]) -> list[str]:
    """The words that are usual for an option that takes others too."""
    from gradcli.spec.language import FLOATING

    known = {"--device": ["cpu", "cuda"], "--dtype": list(FLOATING)}
    return next((known[name] for name in names if name in known), [])


def _first_sentence(text: str) -> str:
    return re.split(r"[.;](?:\s|$)", text, maxsplit=1)[0]
