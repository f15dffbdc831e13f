"""Completion scripts: what can be completed, in the language of each shell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from gradcli.record import Record

Kind = Literal["none", "words", "specs", "files", "folders", "text"]
"""What an option or argument takes: nothing, one of some words, files of a kind, or any text."""


class Parameter(Record):
    """An option, or an argument, which has no `names`; the longest name comes first."""

    names: list[str]
    about: str
    kind: Kind
    words: list[str]
    metavar: str
    several: bool


class Command(Record):
    """A command; "" is the program itself."""

    name: str
    about: str
    options: list[Parameter]
    arguments: list[Parameter]


def bash(commands: list[Command]) -> str:
    """For bash 3.2 and later."""
    program, *others = commands
    values = [
        f"{_quoted(f'{command.name} {name}')}) {_assignment(option)} ;;"
        for command in others
        for option in command.options
        if option.kind != "none"
        for name in option.names
    ]
    options = [f"{command.name}) words={_quoted(_names(command))} ;;" for command in others]
    places = [
        f"{_quoted(f'{command.name} ')}{'*' if argument.several else index}) {_assignment(argument)} ;;"
        for command in others
        for index, argument in enumerate(command.arguments)
    ]
    return f"""\
# Completes gradcli in bash: eval "$(gradcli completion bash)"
_gradcli() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} words= files= command= option= place=0 index each
    # `--name=value` is three words to bash
    [[ $word == = ]] && word=
    for ((index = 1; index < COMP_CWORD; index++)); do
        each=${{COMP_WORDS[index]}}
        if [[ $each == = ]]; then
            continue
        elif [[ -n $option ]]; then
            option=
        elif [[ -z $command ]]; then
            [[ $each == -* ]] || command=$each
        elif [[ $each == -?* ]]; then
            _gradcli_value "$command $each" && option=$each
        else
            ((place++))
        fi
    done
    if [[ -z $command ]]; then
        words={_quoted(" ".join(command.name for command in others))}
        [[ $word == -* ]] && words={_quoted(_names(program))}
    elif [[ -n $option ]]; then
        _gradcli_value "$command $option"
    elif [[ $word == -* ]]; then
        case $command in
            {_lines(options, 12)}
        esac
    else
        case "$command $place" in
            {_lines(places, 12)}
        esac
    fi
    COMPREPLY=()
    [[ -n $files ]] && compopt -o filenames 2>/dev/null
    while IFS= read -r each; do
        COMPREPLY+=("$each")
    done < <(
        case $files in
            specs) compgen -f -X '!*.yaml' -- "$word"; compgen -f -X '!*.yml' -- "$word"; compgen -d -- "$word" ;;
            files) compgen -f -- "$word" ;;
            folders) compgen -d -- "$word" ;;
            *) compgen -W "$words" -- "$word" ;;
        esac
    )
}}
_gradcli_value() {{
    case $1 in
        {_lines(values, 8)}
        *) return 1 ;;
    esac
}}
complete -F _gradcli gradcli
"""


def zsh(commands: list[Command]) -> str:
    """For zsh; as a file named `_gradcli` in `fpath` it works, too."""
    program, *others = commands
    described = [_quoted(f"{command.name}:{command.about}") for command in others]
    cases: list[str] = []
    for command in others:
        cases += [f"{command.name}) _arguments \\"]
        cases += [f"    {spec} \\" for spec in _zsh_specs(command)]
        cases += ["    ;;"]
    return f"""\
#compdef gradcli
# Completes gradcli in zsh: eval "$(gradcli completion zsh)"
_gradcli() {{
    local curcontext=$curcontext state state_descr line
    local -a commands=(
        {_lines(described, 8)}
    )
    typeset -A opt_args
    _arguments -C \\
        {_lines([f"{spec} {chr(92)}" for spec in _zsh_specs(program)], 8)}
        '1: :->command' \\
        '*:: :->arguments'
    case $state in
        command) _describe command commands ;;
        arguments)
            case $words[1] in
                {_lines(cases, 16)}
            esac
            ;;
    esac
}}
if [[ $funcstack[1] == _gradcli ]]; then
    _gradcli "$@"
else
    compdef _gradcli gradcli
fi
"""


def fish(commands: list[Command]) -> str:
    """For fish 3 and later."""
    lines = []
    for command in commands:
        after = f"complete -c gradcli -n '__gradcli_is {command.name}'"
        lines += [f"{after} {_fish_option(option)}" for option in command.options]
        lines += [f"{after} {values}" for argument in command.arguments if (values := _fish_values(argument))]
        if command.name:
            lines.append(f"complete -c gradcli -n __gradcli_is -a {command.name} -d {_fish_quoted(command.about)}")
    return f"""\
# Completes gradcli in fish: gradcli completion fish | source
function __gradcli_is
    set -l words (commandline -opc)
    test "$words[2]" = "$argv"
end
complete -c gradcli -f
{_lines(lines, 0)}
"""


def powershell(commands: list[Command]) -> str:
    """For PowerShell 5 and later; where it has nothing to say, PowerShell completes files."""
    others = commands[1:]
    options = {command.name: [option.names[0] for option in command.options] for command in commands}
    values = {
        f"{command.name} {name}": option.words
        for command in others
        for option in command.options
        for name in option.names
        if option.words
    }
    places = {command.name: argument.words for command in others for argument in command.arguments if argument.words}
    return f"""\
# Completes gradcli in PowerShell: gradcli completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName gradcli -ScriptBlock {{
    param($word, $line, $position)
    $commands = {_powershell_list([command.name for command in others])}
    $options = @{{
        {_lines([f"{_powershell_quoted(key)} = {_powershell_list(words)}" for key, words in options.items()], 8)}
    }}
    $values = @{{
        {_lines([f"{_powershell_quoted(key)} = {_powershell_list(words)}" for key, words in values.items()], 8)}
    }}
    $places = @{{
        {_lines([f"{_powershell_quoted(key)} = {_powershell_list(words)}" for key, words in places.items()], 8)}
    }}
    $before = @($line.CommandElements | Where-Object {{ $_.Extent.EndOffset -lt $position }} | ForEach-Object ToString)
    $command = "$($before | Select-Object -Skip 1 | Where-Object {{ $_ -notlike '-*' }} | Select-Object -First 1)"
    $found = if ($values.ContainsKey("$command $($before[-1])")) {{ $values["$command $($before[-1])"] }}
        elseif ($word -like '-*') {{ $options[$command] }}
        elseif (-not $command) {{ $commands }}
        else {{ $places[$command] }}
    $found | Where-Object {{ $_ -like "$word*" }} | ForEach-Object {{
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }}
}}
"""


SCRIPTS: dict[str, Callable[[list[Command]], str]] = {"bash": bash, "zsh": zsh, "fish": fish, "powershell": powershell}


def _lines(lines: list[str], indent: int) -> str:
    return f"\n{' ' * indent}".join(lines)


def _names(command: Command) -> str:
    return " ".join(name for option in command.options for name in option.names)


def _quoted(text: str) -> str:
    """As a POSIX shell quotes it."""
    return "'" + text.replace("'", "'\\''") + "'"


def _assignment(parameter: Parameter) -> str:
    """What sets the variables of the bash function to what `parameter` takes."""
    if parameter.kind == "words":
        return f"words={_quoted(' '.join(parameter.words))}"
    return ":" if parameter.kind == "text" else f"files={parameter.kind}"


def _zsh_specs(command: Command) -> list[str]:
    """The options and arguments as `_arguments` takes them."""
    specs = []
    for option in command.options:
        about = "".join(f"\\{letter}" if letter in "[]:\\" else letter for letter in option.about)
        value = f":{option.metavar}:{_zsh_values(option)}" if option.kind != "none" else ""
        for name in option.names:
            again = "*" if option.several else f"({' '.join(option.names)})"
            equals = "=" if value and name.startswith("--") else ""
            specs.append(_quoted(f"{again}{name}{equals}[{about}]{value}"))
    for index, argument in enumerate(command.arguments, start=1):
        place = "*" if argument.several else str(index)
        specs.append(_quoted(f"{place}:{argument.metavar}:{_zsh_values(argument)}"))
    return specs


def _zsh_values(parameter: Parameter) -> str:
    if parameter.kind == "words":
        return f"({' '.join(parameter.words)})"
    return {"specs": '_files -g "*.(yaml|yml)"', "files": "_files", "folders": "_files -/"}.get(parameter.kind, " ")


def _fish_option(option: Parameter) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    value = {"none": "", "files": " -r -F"}.get(option.kind, f" -x {_fish_values(option)}".rstrip())
    return f"{names}{value} -d {_fish_quoted(option.about)}"


def _fish_values(parameter: Parameter) -> str:
    by_kind = {
        "words": f"-a {_fish_quoted(' '.join(parameter.words))}",
        "specs": "-k -a '(__fish_complete_suffix .yaml)'",
        "files": "-F",
        "folders": "-a '(__fish_complete_directories)'",
    }
    return by_kind.get(parameter.kind, "")


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell_quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _powershell_list(words: list[str]) -> str:
    return f"@({', '.join(map(_powershell_quoted, words))})"
