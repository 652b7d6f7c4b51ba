"""The two streams of a command: nothing that drives a terminal passes, and no secret on standard error.

Everything that a command prints goes through here, whoever prints it: our own texts, argparse, a library's
warning, a thread that dies. Our own colours and cursor movements go around it (`beneath`), with texts that
were cleaned one by one.
"""

import io
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from incident_lib.characters import escaped, visible

if TYPE_CHECKING:
    import argparse

_PACKAGE = Path(__file__).resolve().parents[1]


class CleanStream(io.TextIOBase):
    """A stream that passes text on without what cannot be seen, and with its secrets hidden by `hide`."""

    def __init__(self, beneath: TextIO, hide: Callable[[str], str] | None = None) -> None:
        self.rich_proxied_file = beneath  # the console writes there: it cleans each text, and colours it
        self._hide = hide

    @property
    def encoding(self) -> str:  # type: ignore[override]  # io says str, and is right
        """The encoding of the stream beneath."""
        return self.rich_proxied_file.encoding or "utf-8"

    @property
    def buffer(self) -> io.BufferedIOBase:
        """No way past: see `write_json`."""
        raise AttributeError("buffer")

    def write(self, text: str, /) -> int:
        """Write text; what the encoding does not have is written as its number."""
        clean = visible(text.translate(_HALVES))
        if self._hide and clean.strip():
            clean = self._hide(clean)
        beneath(self).write(clean.encode(self.encoding, "backslashreplace").decode(self.encoding))
        return len(text)

    def flush(self) -> None:
        """Flush the stream beneath."""
        self.rich_proxied_file.flush()

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self.rich_proxied_file.isatty()

    def fileno(self) -> int:
        """Return the descriptor beneath."""
        return self.rich_proxied_file.fileno()

    def writable(self) -> bool:
        """Return that it can be written to."""
        return True


_HALVES = dict.fromkeys(range(0xD800, 0xE000), "?")


def beneath(stream: TextIO | CleanStream) -> TextIO:
    """Return where colours and cursor movements are written, with texts that are clean already."""
    return stream.rich_proxied_file if isinstance(stream, CleanStream) else stream


def is_plain(*, no_color: bool) -> bool:
    """Return whether neither colours, weights nor movements of the cursor are wanted."""
    return no_color or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def write_json(document: bytes) -> None:
    """Write one JSON document on standard output: the same document, showing all that it holds."""
    out = beneath(sys.stdout)
    data = escaped(document.decode()).encode() + b"\n"
    if hasattr(out, "buffer"):
        out.flush()
        out.buffer.write(data)
        out.buffer.flush()
    else:
        out.write(data.decode())


class Hider:
    """Hides secrets in messages: those of the configuration where it can be read, and what looks like one.

    A word that was typed and holds one is hidden as a path too: `Path` makes `a:/b` of `a://b`. A message
    that it fails on is not shown at all.
    """

    def __init__(self, words: Sequence[str] = ()) -> None:
        self._words = words
        self.arguments: argparse.Namespace | None = None
        self._made: tuple[argparse.Namespace | None, Callable[[str], str]] | None = None

    def __call__(self, text: str) -> str:
        """Return a message without its secrets."""
        try:
            if self._made is None or self._made[0] is not self.arguments:
                self._made = self.arguments, self._make()
            return self._made[1](text)
        except Exception as error:  # noqa: BLE001 - whatever it is, the message may hold a secret
            return f"incident: a message is not shown because redacting it failed ({type(error).__name__})\n"

    def _make(self) -> Callable[[str], str]:
        redact = import_module("incident_lib.redact")
        setup = import_module("incident_lib.investigation.setup")
        config, incident = (getattr(self.arguments, name, "") or "" for name in ("config", "incident"))
        try:
            settings = setup.load_settings(config, incident, check=False)
            hide: Callable[[str], str] = setup.redactor_for(settings).text
        except Exception:  # noqa: BLE001 - a configuration that cannot be read is reported by others
            hide = redact.Redactor().text
        typed = {str(Path(word)): hidden for word in self._words if (hidden := hide(word)) != word}

        def hide_all(text: str) -> str:
            """Return a message without its secrets."""
            for word, hidden in typed.items():
                text = text.replace(word, hidden)
            return hide(text)

        return hide_all


@contextmanager
def cleaned(words: Sequence[str] = ()) -> Iterator[Hider]:
    """Put both streams behind their guard, and what Python itself prints of errors in threads."""
    hider = Hider(words)
    out, errors = (CleanStream(sys.stdout or _nowhere()), CleanStream(sys.stderr or _nowhere(), hider))
    before = threading.excepthook, sys.unraisablehook
    threading.excepthook = _of_thread
    sys.unraisablehook = _of_destructor
    try:
        with redirect_stdout(out), redirect_stderr(errors):
            yield hider
    finally:
        threading.excepthook, sys.unraisablehook = before


def defect(error: BaseException) -> str:
    """Return what an unexpected exception is, in a line; nothing of its text where it is redaction.

    >>> defect(KeyError("x"))
    "this is a defect of the workbench: KeyError: 'x'"
    """
    ours, trace = [], error.__traceback__
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if path.is_relative_to(_PACKAGE):
            ours.append((path.relative_to(_PACKAGE), trace.tb_lineno))
        trace = trace.tb_next
    where = f" ({ours[-1][0]}, line {ours[-1][1]})" if ours else ""
    if any(path.parts[0] == "redact" for path, _ in ours):
        return f"redaction failed, so nothing was written: {type(error).__name__}{where}"
    text = f": {error}" if str(error) else ""
    return f"this is a defect of the workbench: {type(error).__name__}{text}{where}"


def _of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and args.exc_type is not SystemExit:
        _say(args.exc_value)


def _of_destructor(args: "sys.UnraisableHookArgs") -> None:
    if args.exc_value is not None:
        _say(args.exc_value)


def _say(error: BaseException) -> None:
    sys.stderr.write(f"incident: {defect(error)}\n")


def _nowhere() -> TextIO:
    return io.TextIOWrapper(io.BytesIO())
