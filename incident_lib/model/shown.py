"""What a record shows as the value of a cell: one line as text, a small table as HTML."""

from collections.abc import Mapping
from datetime import datetime
from html import escape

from incident_lib.characters import visible_line, visible_markup

_LONGEST = 160


def line(kind: str, text: str) -> str:
    """Return a record as one short line.

    >>> line("Finding", "CRITICAL db: 7 sessions wait")
    '<Finding CRITICAL db: 7 sessions wait>'
    """
    shown = visible_line(text)
    return f"<{kind} {shown if len(shown) <= _LONGEST else f'{shown[: _LONGEST - 1]}…'}>"


def facts(title: str, values: Mapping[str, object]) -> str:
    """Return a title and named values as HTML; what is empty or not known is left out.

    >>> facts("a < b", {"target": "db", "since": None})
    '<p><b>a &lt; b</b></p><table><tbody><tr><th scope="row">target</th><td>db</td></tr></tbody></table>'
    """
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(_text(value))}</td></tr>'
        for name, value in values.items()
        if value not in (None, "", ())
    )
    return visible_markup(f"<p><b>{escape(title)}</b></p><table><tbody>{rows}</tbody></table>")


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:%Y-%m-%d %H:%M:%S} UTC" if isinstance(value, datetime) else str(value)
