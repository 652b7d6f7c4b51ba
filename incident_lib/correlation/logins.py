"""Judgements that need the findings of more than one target."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

import msgspec

from incident_lib.model import Finding, FindingSeverity
from incident_lib.model.topology import Topology

_LOGINS = ("postgres.connection.denied", "redis.connection.denied")
_ADDRESSES = ("postgres.connection.wrong_peer", "redis.connection.wrong_peer")
_REFUSED_TOO = ("logs.lines.class.db_auth", "logs.lines.class.redis_auth")
_UNWELL = tuple(
    f"http.health.{what}"
    for what in ("status", "part", "refused", "timed_out", "silent", "reset", "unreachable")
)

_NOT_READY = "logs.lines.server.not_ready"
_SILENT, _STARTING = "redis.connection.timed_out", "redis.connection.starting"
_ROLLBACKS = "postgres.counters.rollbacks"
# What a transaction that ends against the will of its client leaves behind, there or at the client.
_FAILED = ("logs.lines.errors", "logs.lines.exception", "logs.lines.class.*", "http.health.*", "postgres.*")


def judge_logins(findings: Iterable[Finding], topology: Topology) -> list[Finding]:
    """Return the findings, a refused login of ours being UNKNOWN while the application is well.

    Our password may simply be old: that says nothing about the service. Where a user of the service
    is refused too, or is unwell, it stays CRITICAL. The same holds for an address of ours at which
    something else answers.
    """
    findings = list(findings)
    unwell = {f.target for f in findings if f.id in _UNWELL or f.id in _REFUSED_TOO}
    return [_doubted(f, unwell, topology) for f in findings]


def _doubted(one: Finding, unwell: set[str], topology: Topology) -> Finding:
    users = topology.users(one.target)
    if unwell & users:
        return one
    if one.id in _LOGINS:
        return _only_ours(one)
    return _only_our_address(one) if one.id in _ADDRESSES and users else one


def judge_starts(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, a Redis that is silent since it started being one that loads its data.

    It answers next to nothing while it reads a large file, so what it would say cannot be waited for; its
    log has the start, and not yet the line that ends it.

    >>> judge_starts(())
    []
    """
    findings = list(findings)
    starts = {f.target: f for f in findings if f.id == _NOT_READY}
    return [_loads(f, starts[f.target]) if f.id == _SILENT and f.target in starts else f for f in findings]


def _loads(silent: Finding, start: Finding) -> Finding:
    return msgspec.structs.replace(
        silent,
        id=_STARTING,
        title="it does not answer, and has not said since its start that it is ready",
        detail=f"{start.title}\n{silent.detail}",
        since=start.since,
        evidence=tuple(dict.fromkeys((*silent.evidence, *start.evidence))),
    )


def judge_rollbacks(findings: Iterable[Finding], topology: Topology) -> list[Finding]:
    """Return the findings, many rollbacks being INFO where nothing else fails.

    Pools of several libraries end each transaction that only read with ROLLBACK, and the server counts
    those like failures. What fails leaves more behind: at a client, in a log, or beside it in the server.
    """
    findings = list(findings)
    failed = {f.target for f in findings if f.severity.is_bad and f.id != _ROLLBACKS and _tells_failure(f)}
    return [
        _only_habit(f)
        if f.id == _ROLLBACKS and f.severity.is_bad and not failed & {f.target, *topology.users(f.target)}
        else f
        for f in findings
    ]


def _tells_failure(finding: Finding) -> bool:
    return any(fnmatchcase(finding.id, pattern) for pattern in _FAILED)


def _only_habit(finding: Finding) -> Finding:
    return msgspec.structs.replace(
        finding,
        severity=FindingSeverity.INFO,
        detail=f"{finding.detail}\nNothing else fails here: clients that only read may end that way, too.",
    )


def _only_our_address(finding: Finding) -> Finding:
    return msgspec.structs.replace(
        finding,
        severity=FindingSeverity.UNKNOWN,
        title=f"not assessed: our address seems wrong, while its users are well ({finding.title})",
        detail=f"{finding.detail}. Correct the address in workbench.toml; nothing says that it is unwell.",
    )


def _only_ours(finding: Finding) -> Finding:
    return msgspec.structs.replace(
        finding,
        severity=FindingSeverity.UNKNOWN,
        title=f"not assessed: our login is refused, while its users are well ({finding.title})",
        detail="Correct the credentials of the workbench; nothing says that the service is unwell.",
    )
