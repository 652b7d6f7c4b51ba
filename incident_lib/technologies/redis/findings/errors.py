"""Which commands does it refuse?"""

from collections.abc import Iterator

from incident_lib.findings.base import Context, finding, ok
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.redis.rows import RedisErrorClass
from incident_lib.units import format_duration

# What the server says is wrong. Others, such as ERR, WRONGTYPE and NOSCRIPT, are the clients' own doing.
_MEANING = {
    "OOM": "writes are refused, as memory is full",
    "MISCONF": "writes are refused, as saving to disk fails",
    "READONLY": "clients write to a replica",
    "NOAUTH": "clients come without a password",
    "WRONGPASS": "clients come with a wrong password",
    "NOPERM": "clients send commands that they may not",
    "BUSY": "a script runs for too long",
    "LOADING": "clients send commands while it loads its data",
    "MOVED": "clients do not follow the cluster",
    "CLUSTERDOWN": "the cluster does not serve all slots",
    "NOREPLICAS": "writes are refused, as too few replicas are there",
    "MASTERDOWN": "a replica without its primary refuses reads",
}


def analyze_errors(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield each class that rises just now; a total alone is never judged, as its time is unknown."""
    rows = evidence.of(RedisErrorClass)
    rising = [row for row in rows if row.risen_count]
    yield from (_rising(evidence, row, context) for row in rising)
    if any(row.name in _MEANING for row in rising):
        return
    past = [row for row in rows if row.name in _MEANING and row.total_count > 0]
    if past:
        yield _past(evidence, past)
    elif not rising:
        yield ok(evidence, "no command is refused just now", _totals(rows))


def _rising(evidence: Evidence, row: RedisErrorClass, context: Context) -> Finding:
    meaning = _MEANING.get(row.name)
    risen = row.risen_count or 0
    if row.name == "MOVED" and risen < context.thresholds["redis.moved.least_count"]:
        meaning = None  # so do new clients learn where the slots are
    return finding(
        evidence,
        row.name.lower(),
        FindingSeverity.WARNING if meaning else FindingSeverity.INFO,
        f"{row.name}: {meaning}" if meaning else f"{risen} error replies of class {row.name}",
        f"{risen} in {format_duration(row.seconds)}; {row.total_count:,} since the server's start or the "
        "last reset",
        risen_count=risen,
        per_second=risen / row.seconds if row.seconds else None,
        total_count=row.total_count,
    )


def _past(evidence: Evidence, rows: list[RedisErrorClass]) -> Finding:
    names = ", ".join(row.name for row in rows)
    return finding(
        evidence,
        "past",
        FindingSeverity.INFO,
        f"commands were refused at some time ({names}), none just now",
        _totals(rows) + "; when is not known",
    )


def _totals(rows: tuple[RedisErrorClass, ...] | list[RedisErrorClass]) -> str:
    totals = ", ".join(f"{row.name} {row.total_count:,}" for row in rows if row.total_count > 0)
    return f"since the server's start or the last reset: {totals}" if totals else ""
