"""Evidence and logs as pandas data frames: times as times, kinds as categories, seconds as numbers."""

import logging
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from incident_lib.config import nearest
from incident_lib.errors import UsageError
from incident_lib.model import Evidence, Row
from incident_lib.model.rows import tag_of

if TYPE_CHECKING:
    import pandas as pd

    from incident_lib.investigation.case import Case

_LOG = logging.getLogger(__name__)
_TIME = "datetime64[ns, UTC]"
_LOG_COLUMNS = {
    "time": _TIME,
    "level": "category",
    "logger": "object",
    "message": "object",
    "method": "category",
    "path": "object",
    "status": "Int64",
    "duration_seconds": "float64",
    "exception": "object",
    "service": "category",
    "format": "category",
    "has_zone": "bool",
    "text": "object",
}


def frame(case: "Case", probe: str, target: str = "", *, record: str = "") -> "pd.DataFrame":
    """Return what a probe collected as a data frame, a row for each record.

    Shape: columns target and record, then the fields; `record` picks one of the probe's record types.
    Times are UTC datetimes, enumerations categories, counts Int64 if some are unknown. Units: those in the
    names, so durations are seconds as numbers. What could not be collected is logged as a warning and listed
    in `frame.attrs["missing"]`. Errors: UsageError naming the nearest probe, target or record.
    """
    evidence = _collected(case, probe, target)
    records = [(each.target, row) for each in evidence for row in each.rows]
    kinds = list(dict.fromkeys(tag_of(type(row)) for _, row in records))
    if record and kinds and record not in kinds:
        raise UsageError(f"{probe} has no records {record!r}{nearest(record, kinds)}")
    chosen = [(of, row) for of, row in records if record in {"", tag_of(type(row))}]
    made = frame_of(chosen)
    made.attrs = {"probe": probe, "missing": missing(evidence), **_marks(case)}
    return made


def plot(case: "Case", probe: str, target: str = "", *, ax: Any = None) -> Any:
    """Return the axes with a chart of a probe's evidence, or a sentence. Errors: UsageError."""
    drawn: Any = ""
    for evidence in _collected(case, probe, target):
        drawn = evidence.plot(ax=ax, onset=case.onset, changes=case.changes)
        if not isinstance(drawn, str):
            break
    return drawn


def _collected(case: "Case", probe: str, target: str) -> list[Evidence]:
    """Return the evidence of a probe and target. Errors: UsageError naming the nearest."""
    if why := case.unknown_probe(probe) or (target and case.unknown_target(target)):
        raise UsageError(why)
    evidence = [each for each in case.of(probe) if target in {"", each.target}]
    if not evidence:
        where = ", ".join(each.target for each in case.of(probe))
        raise UsageError(f"{probe} was not collected for {target}, only for {where}")
    return evidence


def frame_of(records: Sequence[tuple[str, Row]]) -> "pd.DataFrame":
    """Return records, each with its target, as a data frame."""
    import pandas as pd

    from incident_lib.investigation.plotted_frames import Frame

    made = Frame(
        [
            {"target": target, "record": tag_of(type(row)), **msgspec.structs.asdict(row)}
            for target, row in records
        ],
        columns=None if records else ["target", "record"],
    )
    types = {"target": "category", "record": "category"}
    for row_type in dict.fromkeys(type(row) for _, row in records):
        hints = get_type_hints(row_type)
        for name in row_type.__struct_fields__:
            if (wanted := _type_of(hints.get(name))) and name in made and name not in types:
                types[name] = wanted
    for name, wanted in types.items():
        if wanted == _TIME:
            made[name] = pd.to_datetime(made[name], utc=True).astype(wanted)
        else:
            made[name] = made[name].astype(wanted)
    return made


def logs(case: "Case", service: str) -> "pd.DataFrame":
    """Return the stored log excerpt of a service as a data frame, a row for each record.

    Shape: time, level, logger, message, method, path, status, duration_seconds, exception, service, format,
    has_zone, text. A traceback is in `exception`; further lines of a message follow in `message`. Times are
    in UTC; without a zone in the line, with the offset that was measured during collection. Errors:
    UsageError naming the nearest service.
    """
    import pandas as pd

    from incident_lib.investigation.plotted_frames import Frame
    from incident_lib.technologies.logs.lines import read_records
    from incident_lib.technologies.logs.probes.line import LEVELS
    from incident_lib.technologies.logs.rows import LogSummary

    if why := case.unknown_target(service):
        raise UsageError(why)
    evidence = [each for each in case.of("logs.lines") if each.target == service]
    summaries = [row for each in evidence for row in each.of(LogSummary)]
    records = read_records(case.log_lines(service), summaries[0].last_at if summaries else None)
    lines = [
        {
            "time": pd.Timestamp(record.at, unit="s", tz="UTC") if record.at is not None else pd.NaT,
            "level": record.line.level or None,
            "logger": record.line.logger,
            "message": "\n".join(filter(None, (record.line.message, record.details))),
            "method": record.line.method or None,
            "path": record.line.path,
            "status": record.line.status or None,
            "duration_seconds": record.line.duration,
            "exception": record.exception,
            "service": record.service or None,
            "format": record.line.format,
            "has_zone": record.line.zoned,
            "text": record.text,
        }
        for record in records
    ]
    made = Frame(lines, columns=list(_LOG_COLUMNS))
    made["time"] = pd.to_datetime(made["time"], utc=True)
    made = made.astype(_LOG_COLUMNS)
    made["level"] = made["level"].cat.set_categories([*dict.fromkeys(LEVELS.values())], ordered=True)
    absent = [] if records else [f"the snapshot has no lines of {service}"]
    made.attrs = {"service": service, "missing": missing(evidence) or absent, **_marks(case)}
    for each in absent:
        _LOG.warning("%s", each)
    return made


def _marks(case: "Case") -> dict[str, Any]:
    """Return what `.plot()` of a frame marks."""
    return {"snapshot": case.snapshot, "onset": case.onset, "changes": case.changes}


def missing(evidence: list[Evidence]) -> list[str]:
    """Return a sentence for each missing or truncated target, and log it: an empty frame is not "none"."""
    found = [f"{each.target} {each.status}: {each.problem.message}" for each in evidence if each.problem]
    for each in evidence:
        if cap := each.truncated:
            rest = f"of {cap.total:,}" if cap.total is not None else "and the rest was not counted"
            found.append(f"{each.target} truncated: {cap.kept:,} {cap.unit} kept {rest}")
    for sentence in found:
        _LOG.warning("%s", sentence)
    return found


def _type_of(hint: Any) -> str:
    """Return the pandas type of a field, "" if its values stay as they are.

    >>> _type_of(datetime | None), _type_of(int | None), _type_of(float), _type_of(str)
    ('datetime64[ns, UTC]', 'Int64', 'float64', '')
    """
    options = [hint]
    if get_origin(hint) in {Union, UnionType}:
        options = [option for option in get_args(hint) if option is not NoneType]
    if len(options) != 1:
        return ""
    kind = options[0]
    if get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, Enum)):
        return "category"
    simple: dict[Any, str] = {datetime: _TIME, bool: "boolean", int: "Int64", float: "float64"}
    return simple.get(kind, "")
