"""Records as HTML: what is the same everywhere is shown once, long text has the room that it needs."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape
from typing import Any

import msgspec

from incident_lib.model import Row
from incident_lib.plots.values import UNKNOWN, headings, is_number, show
from incident_lib.reports.blocks import scroll

Record = tuple[str, Row]  # the target and what was collected of it

_LONG = 60  # characters from which a text is set small and may break
_BELOW = 160  # characters from which it stands below its row, all across the table
_FEW = 4  # so many columns leave room next to them
_COMPARED = 3  # so many rows make "the same in all of them" worth a line
_NESTED = (tuple, list, dict)


def lines(
    records: Sequence[Record], columns: Sequence[str] = (), *, caption: str, target: bool = True
) -> str:
    """Return records of one type as a table, a line each."""
    names = list(columns) or filled(records)
    targets = [of for of, _ in records]
    cells = [[getattr(row, name) for name in names] for _, row in records]
    return _table(caption, names, cells, targets if target else [], headings(names))


def facts(
    records: Sequence[Record], columns: Sequence[str] = (), *, caption: str, target: bool = True
) -> str:
    """Return one record for each target: as facts, or the targets side by side."""
    names = [name for name in columns if any(_has_value(getattr(row, name)) for _, row in records)]
    names = names or filled(records)
    heads = headings(names)
    if len(records) == 1:
        of, row = records[0]
        return _alone(names, heads, of if target else "", row)
    values = {name: [getattr(row, name) for _, row in records] for name in names}
    same = [name for name in names if _is_same(values[name])]
    head = "".join(f'<th scope="col">{escape(target)}</th>' for target, _ in records)
    shown = [name for name in names if name not in same]
    day = _one_day([values[name] for name in shown])
    rows = "".join(
        f'<tr><th scope="row">{escape(heads[name])}{_day(values[name], day)}</th>'
        f"{''.join(_cell(name, value, css, flush=False, day=day) for value in values[name])}</tr>"
        for name in shown
        for css in (_css(name, values[name]),)
    )
    return _shown_once(same, heads, values, len(records)) + (
        _framed(caption, f"<td></td>{head}", rows) if rows else ""
    )


def plain(caption: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table of plain values; None is unknown.

    >>> "<em>" in plain("<em>", ("what",), [("<em>",)])
    False
    """
    columns = [list(column) for column in zip(*rows, strict=True)]
    day = _one_day(columns)
    head = "".join(
        f'<th scope="col">{escape(name)}{_day(values, day)}</th>'
        for name, values in zip(heads, columns, strict=True)
    )
    prose = ["iw-prose" if _longest("", values) > _LONG else "" for values in columns]
    cells = ((_cell("", value, css, day=day) for value, css in zip(row, prose, strict=True)) for row in rows)
    body = "".join(f"<tr>{''.join(line)}</tr>" for line in cells)
    return _framed(caption, head, body)


def filled(records: Sequence[Record]) -> list[str]:
    """Return the fields that have a value in at least one record; all of them if none does."""
    names = [field.name for field in msgspec.structs.fields(type(records[0][1]))]
    found = [name for name in names if any(_has_value(getattr(row, name)) for _, row in records)]
    return found or names


def _framed(caption: str, head: str, body: str) -> str:
    """Return a table with its caption; `head` and `body` are HTML."""
    return scroll(
        f'<table class="iw-table"><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>",
        caption,
    )


def _table(
    caption: str,
    names: Sequence[str],
    rows: list[list[Any]],
    targets: Sequence[str],
    heads: dict[str, str],
) -> str:
    columns = {name: [row[index] for row in rows] for index, name in enumerate(names)}
    same = [name for name in names if _is_same(columns[name])]
    shown = [name for name in names if name not in same]
    once = _shown_once(same, heads, columns, len(rows))
    if not shown and not targets:
        return once
    day = _one_day([columns[name] for name in shown])
    long = [name for name in shown if _longest(name, columns[name]) > _BELOW]
    below = long if len(long) > 1 or len(shown) > _FEW + 1 else []
    inline = [name for name in shown if name not in below]
    inline.sort(key=lambda name: _longest(name, columns[name]) > _LONG)  # the long ones last
    first = '<th scope="col">target</th>' if targets else ""
    head = "".join(f'<th scope="col">{escape(heads[name])}{_day(columns[name], day)}</th>' for name in inline)
    head += '<td class="iw-rest"></td>' if below else ""
    body = "".join(
        _line(index, columns, inline, below, targets=targets, day=day) for index in range(len(rows))
    )
    return once + _framed(caption, first + head, body)


def _line(
    index: int,
    columns: dict[str, list[Any]],
    inline: list[str],
    below: list[str],
    *,
    targets: Sequence[str],
    day: str,
) -> str:
    first = f'<th scope="row">{escape(targets[index])}</th>' if targets else ""
    cells = "".join(_cell(name, columns[name][index], _css(name, columns[name]), day=day) for name in inline)
    if not below:
        return f"<tr>{first}{cells}</tr>"
    width = len(inline) + bool(targets) + 1  # the last one is empty and takes what the others leave
    wide = "".join(
        f'<tr class="iw-below"><td colspan="{width}">{escape(_text(name, columns[name][index]))}</td></tr>'
        for name in below
        if _has_value(columns[name][index])
    )
    return f'<tr class="iw-above">{first}{cells}<td></td></tr>{wide}'


def _alone(names: Sequence[str], heads: dict[str, str], target: str, row: Row) -> str:
    """Return one record, a small heading over each value."""
    items = "".join(_fact(heads[name], name, getattr(row, name)) for name in names)
    about = f'<p class="iw-target">{escape(target)}</p>' if target else ""
    return f'{about}<dl class="iw-facts">{items}</dl>'


def _fact(head: str, name: str, value: Any) -> str:
    if inner := _records(value):
        records = [("", record) for record in inner]
        draw = facts if len(inner) == 1 else lines
        table = draw(records, caption=head, target=False)
        return f'<div class="iw-wide"><dt>{escape(head)}</dt><dd>{table}</dd></div>'
    text = f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else _text(name, value)
    css = ' class="iw-wide"' if len(text) > _LONG else ""
    quiet = ' class="iw-none"' if value is None else ""
    return f"<div{css}><dt>{escape(head)}</dt><dd{quiet}>{escape(text)}</dd></div>"


def _shown_once(
    same: Sequence[str], heads: dict[str, str], columns: dict[str, list[Any]], number: int
) -> str:
    """Return what is the same in every row, in one line."""
    known = [name for name in same if _has_value(columns[name][0])]
    unknown = [name for name in same if not _has_value(columns[name][0])]
    parts = [f"{escape(heads[name])} <b>{escape(_text(name, columns[name][0]))}</b>" for name in known]
    if unknown:
        parts.append(f"unknown: {', '.join(escape(heads[name]) for name in unknown)}")
    return f'<p class="iw-same">The same for all {number}: {"; ".join(parts)}</p>' if parts else ""


def _is_same(values: Sequence[Any]) -> bool:
    """Return whether a column need not be drawn: one value in every row, of enough rows."""
    if len(values) < _COMPARED:
        return False
    return all(value == values[0] and type(value) is type(values[0]) for value in values)


def _one_day(columns: Sequence[Sequence[Any]]) -> str:
    """Return the day that all moments of a table are of, "" when there is none or more than one."""
    days = {f"{value:%Y-%m-%d}" for values in columns for value in values if isinstance(value, datetime)}
    return days.pop() if len(days) == 1 else ""


def _day(values: Sequence[Any], day: str) -> str:
    timed = day and any(isinstance(value, datetime) for value in values)
    return f" <span>{day}</span>" if timed else ""


def _cell(name: str, value: Any, css: str = "", *, flush: bool = True, day: str = "") -> str:
    if value is None:
        return f'<td class="iw-none">{UNKNOWN}</td>'
    if isinstance(value, datetime):
        date = "" if day else f"<span>{value:%Y-%m-%d}</span> "
        return f'<td class="iw-moment">{date}{value:%H:%M:%S}</td>'
    kind = "iw-number" if flush and is_number(value) else css
    set_as = f' class="{kind}"' if kind else ""
    return f"<td{set_as}>{escape(_text(name, value))}</td>"


def _css(name: str, values: Sequence[Any]) -> str:
    """Return how a column of long texts is set, "" for any other."""
    return "iw-long" if _longest(name, values) > _LONG else ""


def _longest(name: str, values: Sequence[Any]) -> int:
    return max((len(_text(name, value)) for value in values if _has_value(value)), default=0)


def _text(name: str, value: Any) -> str:
    """Return a value in one line; records inside it by the fields that have a value."""
    if isinstance(value, list | tuple):
        return ", ".join(_inner(item) for item in value)
    return show(name, value)


def _records(value: Any) -> list[Any]:
    """Return the records that a value consists of; none for anything else."""
    if not isinstance(value, list | tuple):
        return []
    return list(value) if all(isinstance(item, msgspec.Struct) for item in value) else []


def _inner(item: Any) -> str:
    if not isinstance(item, msgspec.Struct):
        return show("", item)
    return " ".join(f"{head} {show(name, value)}" for head, name, value in _pairs(item))


def _pairs(item: msgspec.Struct) -> Iterator[tuple[str, str, Any]]:
    names = [field.name for field in msgspec.structs.fields(item)]
    heads = headings(names)
    for name in names:
        if _has_value(value := getattr(item, name)):
            yield heads[name], name, value


def _has_value(value: Any) -> bool:
    return value is not None and value != "" and not (isinstance(value, _NESTED) and not value)
