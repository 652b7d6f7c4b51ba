"""Evidence as tables: any record type, units spelled out, and the reason where there is nothing to show."""

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from incident_lib import clock
from incident_lib.config import nearest
from incident_lib.display.block import Block
from incident_lib.display.grid import facts, lines, plain
from incident_lib.investigation.case import Case
from incident_lib.investigation.frames import frame_of
from incident_lib.model import Evidence, EvidenceStatus, Row
from incident_lib.model.rows import Measurement
from incident_lib.reports import blocks
from incident_lib.technologies import table as technologies
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

_MEASURED = ("target", "probe", "number", "unit", "labels")
_WORD = re.compile(r"[A-Z][a-z]*")


class Table(Block):
    """A block that knows its records; `frame()` is for those who want to go on with pandas."""

    def __init__(self, html: str, summary: str, records: Sequence[tuple[str, Row]]) -> None:
        super().__init__(html, summary)
        self.records = tuple(records)

    def frame(self) -> "pd.DataFrame":
        """Return the records as a data frame, with their target and record type."""
        return frame_of(self.records)


def table(case: Case, probe: str, columns: str = "", *, record: str = "", most: int = 50) -> Table:
    """Return what a probe collected, target by target; where that is nothing, why and what to do.

    `columns` names the fields to show, a space between them; `record` types of record; `most` how
    many rows of each target.
    """
    evidence = case.of(probe)
    if not evidence:
        missing = case.unknown_probe(probe)
        return Table(blocks.note(missing), f"{probe}: not collected", ())
    records = [
        (each.target, row)
        for each in evidence
        for row in each.rows
        if not record or type(row).__name__ in record.split()
    ]
    groups = list(_by_type(records))
    html = [*(problem(each) for each in evidence), *_unknown_columns(columns.split(), groups)]
    for index, alike in enumerate(groups):
        caption = _caption(probe, alike[0][1])
        html.append(_tables(alike, columns.split(), most, caption=caption, named=index == 0))
    if not records and all(each.status is EvidenceStatus.COLLECTED for each in evidence):
        html.append(blocks.note(f"{probe} was collected; there is nothing to show.", kind="ok"))
    html += [*(cut(each) for each in evidence), sources(evidence)]
    summary = f"{probe}: {format_count(len(records), 'record')} of {format_count(len(evidence), 'target')}"
    return Table("".join(html), summary, records)


def states(case: Case) -> Table:
    """Return the state of every container and process, and what runs inside."""
    collected = [probe for probe in _STATES if case.of(probe)]
    if not collected:
        note = blocks.note("No service has a container or a pid_file in workbench.toml.")
        return Table(note, "no container, no process", ())
    tables = [table(case, probe, _STATES[probe]) for probe in collected]
    records = [record for shown in tables for record in shown.records]
    return Table("".join(shown.html for shown in tables), format_count(len(records), "record"), records)


def probes(case: Case, *names: str, most: int = 20) -> Block:
    """Return what each of the probes collected, in order; a probe that was not collected is left out."""
    collected = [name for name in names if case.of(name)]
    if not collected:
        missing = f"Nothing was collected for {', '.join(names)}: nothing of that kind is configured."
        return Block(blocks.note(missing), "nothing was collected")
    parts = [f"<h4>{escape(name)}</h4>{table(case, name, most=most).html}" for name in collected]
    return Block("".join(parts), format_count(len(collected), "probe"))


def custom(case: Case) -> Table:
    """Return findings and records of custom probes: those of workbench.toml and of packages."""
    evidence = [each for each in case.evidence if _is_custom(each.probe)]
    if not evidence:
        none = "There are no custom probes; [[probe]] in workbench.toml adds one."
        return Table(blocks.note(none), "no custom probe", ())
    collected = {each.ref for each in evidence}
    findings = [finding for finding in case.analysis.findings if collected & set(finding.evidence)]
    judged = {ref for finding in findings for ref in finding.evidence}
    html = [blocks.findings(findings), *(problem(each) for each in evidence if each.ref not in judged)]
    rows = [
        (
            each.target,
            row.name,
            row.value,
            row.unit,
            ", ".join(f"{key} {text}" for key, text in row.labels.items()),
        )
        for each in evidence
        for row in each.of(Measurement)
    ]
    html += [plain("Numbers of custom probes", _MEASURED, rows)] if rows else []
    for probe in dict.fromkeys(each.probe for each in evidence):
        technology = technologies().of_probe(probe)
        alike = [(each.target, row) for each in evidence if each.probe == probe for row in each.rows]
        for group in _by_type([record for record in alike if not isinstance(record[1], Measurement)]):
            columns = technology.tables.get(probe, "").split() if technology else []
            html.append(_tables(group, columns, 50, caption=_caption(probe, group[0][1]), named=True))
    html += [*(cut(each) for each in evidence), sources(evidence)]
    records = [(each.target, row) for each in evidence for row in each.rows]
    summary = f"{format_count(len(evidence), 'probe')}, {format_count(len(records), 'record')}"
    return Table("".join(html), summary, records)


def _is_custom(probe: str) -> bool:
    technology = technologies().of_probe(probe)
    return technology is None or technology.name in technologies().packages


def problem(evidence: Evidence) -> str:
    """Return why `evidence` is missing or partial, and what to do; "" when all is there."""
    if evidence.problem is None:
        return ""
    fates = {EvidenceStatus.PARTIAL: "was only partly read", EvidenceStatus.SKIPPED: "was skipped"}
    advice = evidence.problem.advice
    todo = f'<p class="iw-why">What to do: {escape(advice)}</p>' if advice else ""
    fate = fates.get(evidence.status, "could not be read")
    message = f"{evidence.target} {fate}: {evidence.problem.message}"
    return f'<div class="iw-note iw-unknown">{escape(message)}{todo}</div>'


def _tables(
    records: list[tuple[str, Row]], columns: Sequence[str], most: int, *, caption: str, named: bool
) -> str:
    """Return the table of one record type; columns that the type does not have are left out."""
    row = records[0][1]
    wanted = [name for name in columns if hasattr(row, name)]
    if columns and not wanted:
        return ""
    targets = [target for target, _ in records]
    if len(set(targets)) == len(targets) and len(targets) <= 6:
        return facts(records, wanted, caption=caption, target=named)
    kept = [
        record
        for target in dict.fromkeys(targets)
        for record in [record for record in records if record[0] == target][:most]
    ]
    shown = lines(kept, wanted, caption=caption, target=len(set(targets)) > 1)
    rest = len(records) - len(kept)
    return shown + (blocks.note(f"{rest} more are in the evidence; `most=` shows them.") if rest else "")


def _unknown_columns(wanted: Sequence[str], groups: Sequence[Sequence[tuple[str, Row]]]) -> Iterable[str]:
    """Yield a note for each column that no record type has, with the nearest one."""
    known = list(dict.fromkeys(name for alike in groups for name in alike[0][1].__struct_fields__))
    for name in wanted:
        if known and name not in known:
            yield blocks.note(f"There is no column {name!r}{nearest(name, known)}", kind="warning")


def _caption(probe: str, row: Row) -> str:
    """Return what distinguishes the records of a probe: `PostgresCheckpoints` are checkpoints."""
    words = _WORD.findall(type(row).__name__)
    if words[0].lower() in {technology.name for technology in technologies().technologies}:
        words = words[1:]
    return f"{' '.join(words)} ({probe})".capitalize()


def _by_type(records: Iterable[tuple[str, Row]]) -> Iterable[list[tuple[str, Row]]]:
    groups: dict[type[Row], list[tuple[str, Row]]] = {}
    for target, row in records:
        groups.setdefault(type(row), []).append((target, row))
    return groups.values()


def cut(evidence: Evidence) -> str:
    """Return what a cap left out; "" when nothing."""
    if evidence.truncated is None:
        return ""
    cap = evidence.truncated
    total = f"of {cap.total}" if cap.total is not None else "and the rest was not counted"
    return blocks.note(f"{evidence.target}: truncated, {cap.kept:,} {cap.unit} kept {total}.", kind="warning")


def sources(evidence: Sequence[Evidence]) -> str:
    """Return what was sent to each target, folded."""
    statements = "".join(
        f"<p>{escape(each.target)}: queried at {clock.format_time(each.collected_at)}, took "
        f'{format_duration(each.duration_seconds)}</p><pre tabindex="0">{escape(each.source)}</pre>'
        for each in evidence
    )
    label = ", ".join(escape(each.target) for each in evidence)
    verb = "was" if len(evidence) == 1 else "were"
    return f'<details class="iw-source"><summary>how {label} {verb} queried</summary>{statements}</details>'
