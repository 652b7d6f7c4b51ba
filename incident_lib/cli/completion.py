"""`incident completion SHELL`: a script for the shell, generated from the parser; it starts no Python."""

import argparse
from collections.abc import Iterator

import msgspec

from incident_lib.cli.parser import build, commands_of


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """One flag as a shell completes it."""

    names: tuple[str, ...]
    help: str
    takes_value: bool
    choices: tuple[str, ...]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command as a shell completes it."""

    name: str
    help: str
    flags: tuple[Flag, ...]
    choices: tuple[str, ...]  # of its positional argument


def completion(arguments: argparse.Namespace) -> int:
    """Return 0; prints the script of a shell."""
    print(script(arguments.shell), end="")
    return 0


def script(shell: str) -> str:
    """Return the script that completes `incident` in a shell: commands, flags, choices, else files."""
    parser = build()
    action = commands_of(parser)
    about = {each.dest: each.help or "" for each in action._choices_actions}  # noqa: SLF001 - no public name
    commands = [
        _command(name, about[name], choices=() if name != "help" else tuple(action.choices), parser=command)
        for name, command in action.choices.items()
    ]
    whole = _command("", "", choices=tuple(action.choices), parser=parser)
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](whole, commands)


def _command(name: str, text: str, *, choices: tuple[str, ...], parser: argparse.ArgumentParser) -> Command:
    flags = []
    for action in parser._actions:  # noqa: SLF001 - argparse has no public name for it
        known = tuple(str(each) for each in action.choices or () if each)
        if action.option_strings:
            flags.append(
                Flag(
                    names=tuple(action.option_strings),
                    help=action.help or "",
                    takes_value=action.nargs != 0,
                    choices=known,
                )
            )
        elif not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - argparse shows them nowhere else
            choices = choices or known
    return Command(name=name, help=text, flags=tuple(flags), choices=choices)


def _cases(commands: list[Command]) -> Iterator[tuple[str, str]]:
    """Yield "command:flag" of what takes a value, with its choices; no choices where files are completed."""
    for command in commands:
        for flag in command.flags:
            if flag.takes_value:
                yield "|".join(f"{command.name}:{name}" for name in flag.names), " ".join(flag.choices)


def _words(command: Command) -> str:
    return " ".join((*command.choices, *(name for flag in command.flags for name in flag.names)))


# The command is the first word that is neither a flag nor the value of --config. Both shells read it so.
_FIND = """\
  for ((index = {first}; index < {end}; index++)); do
    case ${{{words}[index]}} in
      --config) ((index++)) ;;
      -*) ;;
      *) command=${{{words}[index]}}; break ;;
    esac
  done
"""


def _bash(whole: Command, commands: list[Command]) -> str:
    values = "".join(f"    {names}) words='{known}' ;;\n" for names, known in _cases([whole, *commands]))
    flags = "".join(f"    {each.name}:*) words='{_words(each)}' ;;\n" for each in [*commands, whole])
    find = _FIND.format(first=1, end="COMP_CWORD", words="COMP_WORDS")
    return f"""\
# bash completion of incident
_incident() {{
  local command= words= index
{find}\
  case "$command:${{COMP_WORDS[COMP_CWORD-1]}}" in
{values}{flags}\
  esac
  COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _incident incident
"""


def _zsh(whole: Command, commands: list[Command]) -> str:
    def listed(pairs: list[tuple[str, str]]) -> str:
        """Return the words of a list with their descriptions."""
        return " ".join("'" + f"{name}:{text}".replace("'", "'\\''") + "'" for name, text in pairs)

    def words(command: Command) -> str:
        """Return what may stand behind a command."""
        about = {each.name: each.help for each in commands}
        choices = [(each, about.get(each, each)) for each in command.choices]
        return listed([*choices, *((name, flag.help) for flag in command.flags for name in flag.names)])

    values = "".join(
        f"    {names}) {f'compadd -- {known}' if known else '_files'}; return ;;\n"
        for names, known in _cases([whole, *commands])
    )
    flags = "".join(f"    {each.name}:*) list=({words(each)}) ;;\n" for each in [*commands, whole])
    find = _FIND.format(first=2, end="CURRENT", words="words")
    return f"""\
#compdef incident
_incident() {{
  local command= index
  local -a list
{find}\
  case "$command:${{words[CURRENT-1]}}" in
{values}{flags}\
  esac
  _describe choice list || _files
}}
if [ "$funcstack[1]" = "_incident" ]; then _incident "$@"; else compdef _incident incident; fi
"""


def _fish(whole: Command, commands: list[Command]) -> str:
    lines = ["# fish completion of incident"]
    offered = "complete -c incident -f -n __fish_use_subcommand -a"
    lines.extend(f"{offered} {command.name} -d {_quoted(command.help)}" for command in commands)
    for command in (whole, *commands):
        where = f"'__fish_seen_subcommand_from {command.name}'" if command.name else "__fish_use_subcommand"
        lines.extend(f"complete -c incident -n {where} {_fish_flag(flag)}" for flag in command.flags)
        if command.name and command.choices:
            lines.append(f"complete -c incident -f -n {where} -a '{' '.join(command.choices)}'")
    return "\n".join((*lines, ""))


def _fish_flag(flag: Flag) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in flag.names)
    value = f" -x -a '{' '.join(flag.choices)}'" if flag.choices else " -r" if flag.takes_value else ""
    return f"{names}{value} -d {_quoted(flag.help)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
