"""What a notebook wrote, made safe to keep: redacted, and bounded."""

import re
from typing import Any

from incident_lib.characters import visible, visible_markup
from incident_lib.incident.documents import MARKUP_KINDS, hide_data
from incident_lib.redact import Redactor

_COLOUR = re.compile(r"(\x1b\[[0-9;]{0,20}m)")


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
    hidden = hide_data(kind, data, redactor)
    if kind in MARKUP_KINDS:
        return visible_markup(_joined(hidden))
    return _visible(_joined(hidden)) if kind.startswith("text/") else hidden


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
