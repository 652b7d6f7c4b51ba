"""Which large tables are read from end to end right now: differences of two readings."""

from collections.abc import Mapping
from typing import Any

import msgspec

from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.postgres.connect import PostgresSession
from incident_lib.technologies.postgres.probes.reading import statement
from incident_lib.technologies.postgres.probes.watching import seconds_between
from incident_lib.technologies.postgres.rows import PostgresTableScan

Reading = Mapping[str, Any]
_COUNTED = ("sequential_scan_count", "sequential_row_count", "indexed_row_count")


def read_scans(session: PostgresSession) -> dict[tuple[str, str], Reading]:
    """Return the totals of large tables by schema and name. Source: sql/scans.sql.

    None where the catalog of tables is locked: the other counters can be read all the same.
    """
    try:
        answer = session.rows(statement("scans"))
    except TargetError as error:
        if error.kind is not ProblemKind.BUSY:
            raise
        return {}
    return {(row["schema"], row["table"]): row for row in answer}


def scan_rows(
    before: Mapping[tuple[str, str], Reading], after: Mapping[tuple[str, str], Reading]
) -> tuple[PostgresTableScan, ...]:
    """Return what was read in between, most rows first; tables that nobody scanned are left out.

    A total that fell was reset, and counts as nothing.
    """
    rows = [_difference(before[key], second) for key, second in after.items() if key in before]
    scanned = [row for row in rows if row.sequential_scan_count or row.sequential_row_count]
    return tuple(sorted(scanned, key=lambda row: -row.sequential_row_count))


def _difference(first: Reading, second: Reading) -> PostgresTableScan:
    grown = {name: max(0, second[name] - first[name]) for name in _COUNTED}
    row = {**second, **grown, "interval_seconds": seconds_between(first["at"], second["at"])}
    return msgspec.convert(row, PostgresTableScan)
