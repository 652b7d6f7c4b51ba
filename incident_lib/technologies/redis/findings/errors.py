"""Which commands does it refuse?"""

from collections.abc import Iterator

import msgspec

from incident_lib.findings.base import Context, finding, ok
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.redis.error_classes import ERROR_CLASSES, ErrorClass
from incident_lib.technologies.redis.rows import RedisErrorClass, RedisStanding
from incident_lib.units import format_duration


def analyze_errors(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield each class that rises just now; a total alone is never judged, as its time is unknown."""
    rows = evidence.of(RedisErrorClass)
    rising = [row for row in rows if row.risen_count]
    yield from (_rising(evidence, row, context) for row in rising)
    if any(_meaning(row.name) for row in rising):
        return
    past = [row for row in rows if _meaning(row.name) and row.total_count > 0]
    if past:
        yield _past(evidence, past)
    elif not rising:
        yield ok(evidence, "no commands are refused right now", _totals(rows))


def _meaning(name: str) -> str:
    """Return what a class says is wrong, "" where it is not judged or not known, as of a module."""
    return ERROR_CLASSES.get(name, ErrorClass()).meaning


class _Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a class means here, beyond its words, by the server's part in replication."""

    variant: str = ""
    meaning: str = ""
    primary: str | None = None
    down_seconds: int | None = None
    good_count: int | None = None
    least_count: int | None = None


def _standing(evidence: Evidence, name: str) -> _Standing:
    row = next(iter(evidence.of(RedisStanding)), None)
    if row is None:
        return _Standing()
    if name == "NOREPLICAS" and row.good_replica_count is not None:
        good, least = row.good_replica_count, row.least_replica_count
        wanted = f"of the {least} " if least else ""
        return _Standing(
            meaning=f"writes are refused: {good} {wanted}replicas that min-replicas-to-write requires are "
            f"in sync",
            good_count=good,
            least_count=least,
        )
    if name not in {"READONLY", "MASTERDOWN"} or row.role != "slave":
        return _Standing()
    if row.link_up is None:
        meaning = f"clients use a replica of {row.primary}; whether it reaches its primary is unknown"
    elif not row.link_up:
        meaning = f"clients use a replica that cannot reach its primary {row.primary}"
    elif name == "READONLY":
        meaning = f"clients write to a replica of {row.primary}, whose link is up: they use the wrong server"
    else:
        meaning = (
            f"a replica of {row.primary} refused to answer while its link was down; the link is up again"
        )
    return _Standing(
        variant="_alone" if row.link_up is False else "",
        meaning=meaning,
        primary=row.primary,
        down_seconds=row.link_down_seconds,
    )


def _rising(evidence: Evidence, row: RedisErrorClass, context: Context) -> Finding:
    standing = _standing(evidence, row.name)
    meaning = standing.meaning or _meaning(row.name)
    risen = row.risen_count or 0
    if row.name == "MOVED" and risen < context.thresholds["redis.moved.least_count"]:
        meaning = ""  # so do new clients learn where the slots are
    return finding(
        evidence,
        f"{row.name.lower()}{standing.variant}",
        FindingSeverity.WARNING if meaning else FindingSeverity.INFO,
        f"{row.name}: {meaning}" if meaning else f"{risen} error replies of class {row.name}",
        f"{risen} in {format_duration(row.seconds)}; {row.total_count:,} since the server's start or the "
        "last reset",
        risen_count=risen,
        per_second=risen / row.seconds if row.seconds else None,
        total_count=row.total_count,
        primary=standing.primary,
        down_seconds=standing.down_seconds,
        good_count=standing.good_count,
        least_count=standing.least_count,
    )


def _past(evidence: Evidence, rows: list[RedisErrorClass]) -> Finding:
    names = ", ".join(row.name for row in rows)
    return finding(
        evidence,
        "past",
        FindingSeverity.INFO,
        f"commands were refused earlier ({names}), none right now",
        _totals(rows) + "; the time is unknown",
    )


def _totals(rows: tuple[RedisErrorClass, ...] | list[RedisErrorClass]) -> str:
    totals = ", ".join(f"{row.name} {row.total_count:,}" for row in rows if row.total_count > 0)
    return f"since the server's start or the last reset: {totals}" if totals else ""
