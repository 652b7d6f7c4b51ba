"""Evidence as tables: any record type, units spelled out, and the reason where there is nothing to show."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

import msgspec

from incident_lib import clock
from incident_lib.display.block import Block
from incident_lib.investigation.case import Case
from incident_lib.model import Evidence, EvidenceStatus, Row
from incident_lib.plots.values import UNKNOWN, heading, is_number, show
from incident_lib.reports import blocks

if TYPE_CHECKING:
    import pandas as pd

_LONG = 80  # characters from which a text is set small and may break
_NESTED = (tuple, list, dict)


_STATES = {
    "docker.container": "state health exit_code oom_killed restart_count started_at image version error"
    " memory_limit_bytes cpu_limit_cores restart_policy python_version",
    "docker.processes": "",
    "process.state": "is_running reason state pid started_at command cpu_cores resident_bytes python_version"
    " memory_limit_bytes process_count thread_count open_file_count open_file_limit_count connection_counts",
}


class Table(Block):
    """A block that knows its records; `frame()` is for those who want to go on with pandas."""

    def __init__(self, html: str, summary: str, records: Sequence[tuple[str, Row]]) -> None:
        super().__init__(html, summary)
        self.records = tuple(records)

    def frame(self) -> "pd.DataFrame":
        """Return the records as a data frame, with their target and record type."""
        import pandas as pd

        return pd.DataFrame([_as_dict(target, row) for target, row in self.records])


def table(case: Case, probe: str, columns: str = "", *, record: str = "", most: int = 50) -> Table:
    """Return what a probe saw, target by target; where it saw nothing, why and what to do.

    `columns` names the fields to show, a space between them; `record` one type of record; `most` how
    many rows of each target.
    """
    evidence = case.of(probe)
    if not evidence:
        missing = f"No target was asked for {probe}: nothing of that kind is configured in workbench.toml."
        return Table(blocks.note(missing), f"{probe}: nothing to ask", ())
    records = [
        (one.target, row) for one in evidence for row in one.rows if record in {"", type(row).__name__}
    ]
    html = [problem(one) for one in evidence]
    html += [_tables(alike, columns.split(), most) for alike in _by_type(records)]
    if not records and all(one.status is EvidenceStatus.COLLECTED for one in evidence):
        html.append(blocks.note(f"{probe} was asked, and there is none.", kind="ok"))
    html += [*(_cut(one) for one in evidence), _sources(evidence)]
    summary = f"{probe}: {blocks.count(len(records), 'record')} of {blocks.count(len(evidence), 'target')}"
    return Table("".join(html), summary, records)


def states(case: Case) -> Table:
    """Return the state of every container and process, and what runs inside."""
    asked = [probe for probe in _STATES if case.of(probe)]
    if not asked:
        note = blocks.note("No service has a container or a pid_file in workbench.toml.")
        return Table(note, "nothing to ask", ())
    tables = [table(case, probe, _STATES[probe]) for probe in asked]
    records = [record for one in tables for record in one.records]
    return Table("".join(one.html for one in tables), blocks.count(len(records), "record"), records)


def problem(one: Evidence) -> str:
    """Return why `one` saw nothing or not all, and what to do; "" when all is there."""
    if one.problem is None:
        return ""
    seen = {EvidenceStatus.PARTIAL: "was seen in part", EvidenceStatus.SKIPPED: "was not asked"}
    advice = f'<p class="iw-why">What to do: {escape(one.problem.advice)}</p>' if one.problem.advice else ""
    said = f"{one.target} {seen.get(one.status, 'could not be seen')}: {one.problem.message}"
    return f'<div class="iw-note iw-unknown">{escape(said)}{advice}</div>'


def lines(records: Sequence[tuple[str, Row]], columns: Sequence[str] = (), *, target: bool = True) -> str:
    """Return records of one type as an HTML table, one line each."""
    names = list(columns) or _fields(records)
    head = "".join(f"<th>{escape(heading(name))}</th>" for name in names)
    rows = (
        f"<tr>{_target(of) if target else ''}"
        f"{''.join(_cell(name, getattr(row, name)) for name in names)}</tr>"
        for of, row in records
    )
    first = "<th>target</th>" if target else ""
    return (
        f'<div class="iw-scroll"><table class="iw-table"><thead><tr>{first}{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def facts(records: Sequence[tuple[str, Row]], columns: Sequence[str] = ()) -> str:
    """Return one record for each target as a table with the targets side by side, a line for each field."""
    names = [name for name in columns if any(_tells(getattr(row, name)) for _, row in records)]
    names = names or _fields(records)
    head = "".join(f'<th scope="col">{escape(target)}</th>' for target, _ in records)
    rows = (
        f'<tr><th scope="row">{escape(heading(name))}</th>'
        f"{''.join(_cell(name, getattr(row, name), flush=False) for _, row in records)}</tr>"
        for name in names
    )
    return (
        f'<div class="iw-scroll"><table class="iw-table"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _tables(records: list[tuple[str, Row]], columns: Sequence[str], most: int) -> str:
    """Return the table of one record type; columns that the type does not have are left out."""
    row = records[0][1]
    wanted = [name for name in columns if hasattr(row, name)]
    if columns and not wanted:
        return ""
    targets = [target for target, _ in records]
    if len(set(targets)) == len(targets) and len(targets) <= 6:
        return facts(records, wanted)
    kept = [one for of in dict.fromkeys(targets) for one in [one for one in records if one[0] == of][:most]]
    shown = lines(kept, wanted, target=len(set(targets)) > 1)
    rest = len(records) - len(kept)
    return shown + (blocks.note(f"{rest} more are in the evidence; `most=` shows them.") if rest else "")


def _by_type(records: Iterable[tuple[str, Row]]) -> Iterable[list[tuple[str, Row]]]:
    groups: dict[type[Row], list[tuple[str, Row]]] = {}
    for target, row in records:
        groups.setdefault(type(row), []).append((target, row))
    return groups.values()


def _fields(records: Sequence[tuple[str, Row]]) -> list[str]:
    """Return the fields that say something in at least one record; all of them if none does."""
    names = [field.name for field in msgspec.structs.fields(type(records[0][1]))]
    telling = [name for name in names if any(_tells(getattr(row, name)) for _, row in records)]
    return telling or names


def _tells(value: Any) -> bool:
    return value is not None and value != "" and not (isinstance(value, _NESTED) and not value)


def _cell(name: str, value: Any, *, flush: bool = True) -> str:
    if value is None:
        return f'<td class="iw-none">{UNKNOWN}</td>'
    if isinstance(value, datetime):
        return f'<td class="iw-moment"><span>{value:%Y-%m-%d}</span> {value:%H:%M:%S}</td>'
    text = _nested(value) if isinstance(value, _NESTED) else show(name, value)
    kind = "iw-number" if flush and is_number(value) else "iw-long" if len(text) > _LONG else ""
    css = f' class="{kind}"' if kind else ""
    return f"<td{css}>{escape(text)}</td>"


def _nested(value: Any) -> str:
    """Return a nested value in one line; records inside it by their telling fields."""
    if isinstance(value, dict):
        return show("", value)
    return ", ".join(_inner(item) for item in value)


def _inner(item: Any) -> str:
    if not isinstance(item, msgspec.Struct):
        return show("", item)
    pairs = ((field.name, getattr(item, field.name)) for field in msgspec.structs.fields(item))
    return " ".join(f"{heading(name)} {show(name, value)}" for name, value in pairs if _tells(value))


def _target(name: str) -> str:
    return f'<th scope="row">{escape(name)}</th>'


def _cut(one: Evidence) -> str:
    if one.truncated is None:
        return ""
    cut = one.truncated
    total = f"of {cut.total}" if cut.total is not None else "and nobody counted the rest"
    return blocks.note(f"{one.target}: cut, {cut.kept} {cut.unit} kept {total}.", kind="warning")


def _sources(evidence: Sequence[Evidence]) -> str:
    """Return what was sent to each target, folded away."""
    asked = "".join(
        f"<p>{escape(one.target)}, {clock.format_duration(one.duration_seconds)} "
        f"at {clock.format_time(one.collected_at)}</p><pre>{escape(one.source)}</pre>"
        for one in evidence
    )
    label = ", ".join(escape(one.target) for one in evidence)
    return f'<details class="iw-source"><summary>how {label} was asked</summary>{asked}</details>'


def _as_dict(target: str, row: Row) -> dict[str, Any]:
    plain: Iterable[tuple[str, Any]] = msgspec.structs.asdict(row).items()
    return {"target": target, "record": type(row).__name__, **dict(plain)}
