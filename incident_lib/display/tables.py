"""Evidence as tables: any record type, units spelled out, and the reason where there is nothing to show."""

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import msgspec

from incident_lib import clock
from incident_lib.display.block import Block
from incident_lib.display.grid import facts, lines
from incident_lib.investigation.case import Case
from incident_lib.model import Evidence, EvidenceStatus, Row
from incident_lib.reports import blocks
from incident_lib.units import format_count, format_duration

if TYPE_CHECKING:
    import pandas as pd

_STATES = {
    "docker.container": "state health exit_code oom_killed restart_count started_at image version error"
    " memory_limit_bytes cpu_limit_cores restart_policy python_version",
    "docker.processes": "",
    "process.state": "is_running reason state pid started_at command cpu_cores resident_bytes python_version"
    " memory_limit_bytes process_count thread_count open_file_count open_file_limit_count connection_counts",
}

_WORD = re.compile(r"[A-Z][a-z]*")
_TECHNOLOGIES = {"Postgres", "Redis"}


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

    `columns` names the fields to show, a space between them; `record` types of record; `most` how
    many rows of each target.
    """
    evidence = case.of(probe)
    if not evidence:
        missing = f"No target was asked for {probe}: nothing of that kind is configured in workbench.toml."
        return Table(blocks.note(missing), f"{probe}: nothing to ask", ())
    records = [
        (one.target, row)
        for one in evidence
        for row in one.rows
        if not record or type(row).__name__ in record.split()
    ]
    html = [problem(one) for one in evidence]
    groups = list(_by_type(records))
    for index, alike in enumerate(groups):
        shown = _tables(alike, columns.split(), most, named=index == 0)
        html.append(_kind(alike[0][1]) + shown if shown and len(groups) > 1 else shown)
    if not records and all(one.status is EvidenceStatus.COLLECTED for one in evidence):
        html.append(blocks.note(f"{probe} was asked, and there is nothing to show.", kind="ok"))
    html += [*(cut(one) for one in evidence), sources(evidence)]
    summary = f"{probe}: {format_count(len(records), 'record')} of {format_count(len(evidence), 'target')}"
    return Table("".join(html), summary, records)


def states(case: Case) -> Table:
    """Return the state of every container and process, and what runs inside."""
    asked = [probe for probe in _STATES if case.of(probe)]
    if not asked:
        note = blocks.note("No service has a container or a pid_file in workbench.toml.")
        return Table(note, "nothing to ask", ())
    tables = [table(case, probe, _STATES[probe]) for probe in asked]
    records = [record for one in tables for record in one.records]
    return Table("".join(one.html for one in tables), format_count(len(records), "record"), records)


def problem(one: Evidence) -> str:
    """Return why `one` saw nothing or not all, and what to do; "" when all is there."""
    if one.problem is None:
        return ""
    seen = {EvidenceStatus.PARTIAL: "was seen in part", EvidenceStatus.SKIPPED: "was not asked"}
    advice = f'<p class="iw-why">What to do: {escape(one.problem.advice)}</p>' if one.problem.advice else ""
    said = f"{one.target} {seen.get(one.status, 'could not be seen')}: {one.problem.message}"
    return f'<div class="iw-note iw-unknown">{escape(said)}{advice}</div>'


def _tables(records: list[tuple[str, Row]], columns: Sequence[str], most: int, *, named: bool) -> str:
    """Return the table of one record type; columns that the type does not have are left out."""
    row = records[0][1]
    wanted = [name for name in columns if hasattr(row, name)]
    if columns and not wanted:
        return ""
    targets = [target for target, _ in records]
    if len(set(targets)) == len(targets) and len(targets) <= 6:
        return facts(records, wanted, target=named)
    kept = [one for of in dict.fromkeys(targets) for one in [one for one in records if one[0] == of][:most]]
    shown = lines(kept, wanted, target=len(set(targets)) > 1)
    rest = len(records) - len(kept)
    return shown + (blocks.note(f"{rest} more are in the evidence; `most=` shows them.") if rest else "")


def _kind(row: Row) -> str:
    """Return a heading that tells the records of one probe apart: `PostgresCheckpoints` are checkpoints."""
    words = _WORD.findall(type(row).__name__)
    told = words[1:] if words[0] in _TECHNOLOGIES else words
    return f'<p class="iw-record">{escape(" ".join(told).lower())}</p>'


def _by_type(records: Iterable[tuple[str, Row]]) -> Iterable[list[tuple[str, Row]]]:
    groups: dict[type[Row], list[tuple[str, Row]]] = {}
    for target, row in records:
        groups.setdefault(type(row), []).append((target, row))
    return groups.values()


def cut(one: Evidence) -> str:
    """Return what a cap left out; "" when nothing."""
    if one.truncated is None:
        return ""
    cap = one.truncated
    total = f"of {cap.total}" if cap.total is not None else "and nobody counted the rest"
    return blocks.note(f"{one.target}: cut, {cap.kept:,} {cap.unit} kept {total}.", kind="warning")


def sources(evidence: Sequence[Evidence]) -> str:
    """Return what was sent to each target, folded away."""
    asked = "".join(
        f"<p>{escape(one.target)}, {format_duration(one.duration_seconds)} "
        f"at {clock.format_time(one.collected_at)}</p><pre>{escape(one.source)}</pre>"
        for one in evidence
    )
    label = ", ".join(escape(one.target) for one in evidence)
    verb = "was" if len(evidence) == 1 else "were"
    return f'<details class="iw-source"><summary>how {label} {verb} asked</summary>{asked}</details>'


def _as_dict(target: str, row: Row) -> dict[str, Any]:
    plain: Iterable[tuple[str, Any]] = msgspec.structs.asdict(row).items()
    return {"target": target, "record": type(row).__name__, **dict(plain)}
