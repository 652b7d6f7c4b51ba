"""What a notebook wrote, made safe to keep: redacted, and bounded."""

import html
import re
from typing import Any

from incident_lib.characters import visible, visible_markup
from incident_lib.redact import Redactor

_TAG = re.compile(r"(<[^<>]{0,20000}>)")
_STYLE = re.compile(r"(<style\b.*?</style>)", re.DOTALL | re.IGNORECASE)
_COLOUR = re.compile(r"(\x1b\[[0-9;]{0,20}m)")
_MARKUP = ("text/html", "image/svg+xml")


def redact(notebook: Any, redactor: Redactor) -> None:
    """Hide secrets in every source, output and error of `notebook`, in place. Errors: RedactionError."""
    for cell in notebook.cells:
        cell.source = redactor.text(_joined(cell.source))
        for output in cell.get("outputs", ()):
            _redact_output(output, redactor)


def _redact_output(output: Any, redactor: Redactor) -> None:
    if output.output_type == "stream":
        output.text = _visible(redactor.text(_joined(output.text)))
    elif output.output_type == "error":
        output.ename, output.evalue = (_visible(redactor.text(t)) for t in (output.ename, output.evalue))
        output.traceback = [_visible(redactor.text(line)) for line in output.traceback]
    else:
        for kind, data in output.get("data", {}).items():
            output.data[kind] = redact_data(kind, data, redactor)


def redact_data(kind: str, data: Any, redactor: Redactor) -> Any:
    """Return one output of MIME type `kind` redacted; markup stays markup, pictures stay as they are.

    >>> redact_data("text/html", "<td>password: </td><td>5 &lt; 6 token=abcd1</td>", Redactor())
    '<td>password: </td><td>5 &lt; 6 token=[secret]</td>'
    """
    if kind.startswith("image/") and kind not in _MARKUP:
        return data
    if kind not in _MARKUP:
        data = redactor.value(data)
        return _visible(_joined(data)) if kind.startswith("text/") else data
    pieces = (
        piece
        for block in _STYLE.split(_joined(data))
        for piece in ([block] if block[:6].lower() == "<style" else _TAG.split(block))
    )
    return visible_markup("".join(_redact_piece(piece, redactor) for piece in pieces))


def _redact_piece(piece: str, redactor: Redactor) -> str:
    """Redact text between tags as a person reads it, so that `&#x27;` hides nothing from a rule."""
    if not piece.strip():
        return piece
    if piece.startswith("<"):
        return redactor.text(piece)
    plain = html.unescape(piece)
    hidden = redactor.text(plain)
    return piece if hidden == plain else html.escape(hidden)


def _visible(text: str) -> str:
    r"""Return text without what cannot be seen, but for the colours of a trace.

    >>> _visible("\x1b[31mred\x1b[0m \x1b[2J\u202e")
    '\x1b[31mred\x1b[0m [2J'
    """
    return "".join(
        part if at % 2 else visible(part.replace("\r\n", "\n")) for at, part in enumerate(_COLOUR.split(text))
    )


def _joined(text: Any) -> str:
    return text if isinstance(text, str) else "".join(text)
