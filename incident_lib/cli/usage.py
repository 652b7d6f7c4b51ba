"""How wrong usage is answered: one sentence that names the nearest word, on standard error, exit code 2."""

import argparse
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

_USAGE = 2


class Parser(argparse.ArgumentParser):
    """A parser without colours of its own, which names the nearest command, flag or choice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.color = False  # Python 3.14 would colour help and errors, also with --no-color

    def parse_known_args(  # type: ignore[override]  # typeshed has overloads for namespaces of other classes
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Return what was understood, which is everything. Errors: SystemExit naming what was not.

        An unknown flag is named before what is missing: a mistyped `--title` is the title that is missing.
        """
        words = list(args or ())
        for flag in self._unknown(words):
            self._refuse_flag(flag)
        found, rest = super().parse_known_args(words, namespace)
        for word in rest:
            if word.startswith("-") and word != "-":
                self._refuse_flag(word)
            self.error(f"unexpected argument {word!r}")
        return found, []

    def error(self, message: str) -> NoReturn:
        """Exit with 2, behind one sentence."""
        whole = self.prog.split()
        command = f" {whole[1]}" if len(whole) > 1 else ""
        hint = "" if "; " in message else f"; run `incident help{command}`"
        self.exit(_USAGE, f"{self.prog}: {message}{hint}\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse a value that is no choice, with the nearest that is."""
        if action.choices is None or value in action.choices:
            return
        known = [*map(str, action.choices)]
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - argparse gives it no other name
            near = _nearest(str(value), known) or "; run `incident help` for a list"
            self.error(f"unknown command {value!r}{near}")
        name = action.option_strings[0] if action.option_strings else action.metavar
        near = _nearest(str(value), known)
        self.error(f"{name} {value!r} is none of {', '.join(filter(None, known))}{near}")

    def _unknown(self, words: list[str]) -> Iterator[str]:
        """Yield the long flags that are none of this parser's; those behind a command are the command's."""
        has_commands = self._subparsers is not None
        for word in words:
            if word == "--" or (has_commands and not word.startswith("-")):
                return
            flag = word.partition("=")[0]
            is_flag = flag.startswith("--") and " " not in word
            if is_flag and not any(known.startswith(flag) for known in self._option_string_actions):
                yield flag

    def _refuse_flag(self, word: str) -> NoReturn:
        flag = word.partition("=")[0]
        near = _nearest(flag, [known for known in self._option_string_actions if known.startswith("--")])
        self.error(f"unknown flag {flag}{near}")


def _nearest(word: str, known: list[str]) -> str:
    from incident_lib.config import nearest  # noqa: PLC0415 - only a mistake needs it

    return nearest(word, known)
