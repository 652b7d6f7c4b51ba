"""What people attached, as HTML for pages and notebooks: the picture, the first rows or lines, the reason."""

import base64
import csv
import io
from collections.abc import Iterable
from html import escape
from pathlib import Path

from incident_lib import clock
from incident_lib.incident.attachments import Attached
from incident_lib.reports import blocks

_MOST_ROWS, _MOST_LINES, _LONGEST = 20, 40, 300
_MOST_PICTURE = 3_000_000  # bytes: a page is one file


def render_attached(found: Iterable[Attached], folder: str = "") -> str:
    """Return a card for each thing that was attached, the newest last; `folder` leads to the incident's.

    What is gone, or too large to be shown, says so.
    """
    return "".join(_card(each, folder) for each in found)


def _card(each: Attached, folder: str) -> str:
    name = each.name.rpartition("/")[2]
    link = f'<a href="{escape(folder)}/{escape(each.name)}">{escape(name)}</a>' if folder else escape(name)
    source = f"{clock.format_time(each.at)}, {escape(each.source)}: {link}"
    return (
        f'<figure class="iw-attached"><figcaption><b>{escape(each.why)}</b> <span>{source}</span>'
        f"</figcaption>{_shown(each)}</figure>"
    )


def _shown(each: Attached) -> str:
    if each.path is None:
        return blocks.note("Its file is missing.", kind="unknown")
    if each.is_picture:
        return _picture(each.path, each.why)
    with each.path.open(encoding="utf-8", errors="replace", newline="") as file:
        lines = [line[:_LONGEST] for _, line in zip(range(_MOST_LINES + 1), file, strict=False)]
    if each.path.suffix == ".csv":
        return _table(lines)
    more = "\n…" if len(lines) > _MOST_LINES else ""
    return f'<pre class="iw-log" tabindex="0">{escape("".join(lines[:_MOST_LINES]))}{more}</pre>'


def _picture(path: Path, why: str) -> str:
    if path.stat().st_size > _MOST_PICTURE:
        return blocks.note("The picture is too large for a page; its file is in the incident's folder.")
    kind = "png" if path.suffix == ".png" else "jpeg"
    data = base64.b64encode(path.read_bytes()).decode()
    return f'<img alt="{escape(why)}" src="data:image/{kind};base64,{data}">'


def _table(lines: list[str]) -> str:
    rows = list(csv.reader(io.StringIO("".join(lines))))
    if not rows:
        return blocks.note("It is empty.")
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in rows[0])
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows[1 : _MOST_ROWS + 1]
    )
    more = (
        blocks.note(f"The first {_MOST_ROWS} rows; the rest is in the file.")
        if len(rows) > _MOST_ROWS + 1
        else ""
    )
    return (
        f'<div class="iw-scroll" tabindex="0"><table class="iw-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{more}"
    )
