"""Errors in the log of a server that belong to another of its databases than the configured one. Pure."""

from collections.abc import Iterator

import msgspec

from incident_lib.correlation.situation import Situation
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Finding, FindingSeverity
from incident_lib.technologies.logs.rows import LogErrorClass
from incident_lib.technologies.postgres.rows import PostgresConnection
from incident_lib.units import format_count, some_of

_OF_THE_SERVER = frozenset({"postgres", "template1"})  # who connects to these is interested in all of it


def judge_other_databases(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings; errors of sessions in other databases name these, and are INFO at most.

    They keep their weight where they concern the whole server, and where a service that needs this database
    logs the same.
    """
    own = dict(own_databases(situation))
    rows = {
        (evidence.target, row.error_class): row
        for evidence in situation.evidence
        for row in evidence.of(LogErrorClass)
        if row.databases and evidence.target in own
    }
    reported = {(finding.target, finding.id) for finding in findings if finding.severity.is_bad}
    found = []
    for finding in findings:
        row = rows.get((finding.target, str(finding.data.get("error_class"))))
        of_database = situation.catalogue.has(finding, Flag.OF_DATABASE)
        users = situation.topology.users(finding.target)
        if row and of_database and not any((user, finding.id) in reported for user in users):
            found.append(_placed(finding, row, own[finding.target]))
        else:
            found.append(finding)
    return found


def own_databases(situation: Situation) -> Iterator[tuple[str, str]]:
    """Yield the targets whose configured database is that of an application, each with its name."""
    for evidence in situation.evidence:
        for row in evidence.of(PostgresConnection):
            database = row.refused_database or row.database
            if database not in _OF_THE_SERVER:
                yield evidence.target, database


def _placed(finding: Finding, row: LogErrorClass, own: str) -> Finding:
    """Return a finding that names the other databases, with the weight that is left of it."""
    others = {name: count for name, count in row.databases.items() if name != own}
    if not others:
        return finding
    elsewhere = sum(others.values())
    left = row.count - elsewhere
    names = f"{'database' if len(others) == 1 else 'databases'} {some_of(tuple(others))}"
    if left:
        where = (
            f"{format_count(elsewhere, 'line')} of them {'is' if elsewhere == 1 else 'are'} of the {names}"
        )
    else:
        where = f"none of it is of {own}"
    least = finding.data.get("least_count")
    is_little = left < (least if isinstance(least, int) else 1)
    return msgspec.structs.replace(
        finding,
        severity=FindingSeverity.INFO if finding.severity.is_bad and is_little else finding.severity,
        title=finding.title if left else f"In the {names}: {finding.title}",
        detail=f"{where}\n{finding.detail}",
        data=finding.data | {"database": own if left else next(iter(others))},
    )
