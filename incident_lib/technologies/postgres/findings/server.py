"""The server's own life: restarts, settings, replication, wraparound, sizes."""

import re
from collections.abc import Iterator
from datetime import timedelta

from incident_lib.clock import format_time
from incident_lib.findings.base import Context, finding
from incident_lib.model import Evidence, Finding, FindingSeverity
from incident_lib.technologies.postgres.findings.base import conclude, lacks_privilege
from incident_lib.technologies.postgres.findings.commits import judge_commit_waits
from incident_lib.technologies.postgres.findings.slots import judge_slots, slots_in_words
from incident_lib.technologies.postgres.rows import (
    PostgresDatabase,
    PostgresServer,
    PostgresSetting,
    PostgresSlot,
    PostgresStandby,
)
from incident_lib.units import format_bytes, format_count, format_duration, format_share

_START = timedelta(seconds=5)  # the configuration is loaded at every start, too
_INVALID = -2  # datconnlimit of a database that DROP DATABASE did not finish with
_RISKS = {
    "fsync": "off",
    "full_page_writes": "off",
    "zero_damaged_pages": "on",
    "ignore_checksum_failure": "on",
    "track_activities": "off",
    "track_counts": "off",
}
# How a subscriber names the worker that copies a table for the first time; of 13 after its subscription.
_FIRST_COPY = re.compile(r".+_\d+_sync_\d+(?:_\d+)?")


def analyze_server(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield a start or a reload inside the window, wraparound, undecided prepared transactions."""
    for row in evidence.of(PostgresServer):
        found = [
            *_restarted(evidence, row, context),
            *_wraparound(evidence, row, context),
            *_prepared(evidence, row, context),
        ]
        if not row.autovacuum_is_on and not row.in_recovery:
            title = "Autovacuum is switched off"
            found.append(finding(evidence, "autovacuum_off", FindingSeverity.WARNING, title))
        found += [*_workers(evidence, row), *_notifications(evidence, row, context)]
        up = format_duration((evidence.collected_at - row.started_at).total_seconds())
        title = f"Up for {up}; the oldest transaction id is {row.transaction_age:,} transactions old"
        yield from conclude(evidence, found, title, transaction_age=row.transaction_age)


def _restarted(evidence: Evidence, row: PostgresServer, context: Context) -> Iterator[Finding]:
    started, loaded = row.started_at, row.configuration_loaded_at
    if context.window.holds(started):
        ago = format_duration((evidence.collected_at - started).total_seconds())
        title = "The database server was started"
        detail = f"at {format_time(started)}, {ago} ago; its log shows whether it had crashed"
        yield finding(evidence, "restarted", FindingSeverity.INFO, title, detail, since=started)
    if loaded > started + _START and context.window.holds(loaded):
        title = f"The server's configuration was reloaded at {format_time(loaded)}"
        yield finding(evidence, "reloaded", FindingSeverity.INFO, title, since=loaded)


def _wraparound(evidence: Evidence, row: PostgresServer, context: Context) -> Iterator[Finding]:
    age = max(row.transaction_age, row.multixact_age)
    if severity := context.thresholds.severity("postgres.server.wraparound", age, "count"):
        kind = "transaction" if row.transaction_age >= row.multixact_age else "multixact"
        millions = f"{age / 1e6:,.0f} million"
        yield finding(
            evidence,
            "wraparound",
            severity,
            f"The oldest {kind} id is {millions} old; the limit is 2 billion",
            f"in the database {row.transaction_age_database}. Find what holds back cleanup (long or "
            f"prepared transactions, slots), then VACUUM (FREEZE) its oldest tables",
            age=age,
            database=row.transaction_age_database,
        )


def _prepared(evidence: Evidence, row: PostgresServer, context: Context) -> Iterator[Finding]:
    seconds = row.oldest_prepared_seconds
    severity = context.thresholds.severity("postgres.server.prepared", seconds, "seconds")
    if severity and seconds is not None:
        yield finding(
            evidence,
            "prepared",
            severity,
            f"{format_count(row.prepared_transaction_count, 'prepared transaction')} left open, the oldest "
            f"for "
            f"{format_duration(seconds)}",
            f"{row.oldest_prepared_name}: its coordinator must COMMIT PREPARED or ROLLBACK PREPARED it",
            since=row.oldest_prepared_at,
            count=row.prepared_transaction_count,
            oldest_seconds=seconds,
            transaction=row.oldest_prepared_name,
        )


def _workers(evidence: Evidence, row: PostgresServer) -> Iterator[Finding]:
    if row.autovacuum_worker_limit and (row.autovacuum_worker_count or 0) >= row.autovacuum_worker_limit:
        title = f"All {row.autovacuum_worker_limit} autovacuum workers are busy"
        detail = "other tables wait their turn; this is a problem if dead rows pile up"
        yield finding(evidence, "autovacuum_busy", FindingSeverity.INFO, title, detail)


def _notifications(evidence: Evidence, row: PostgresServer, context: Context) -> Iterator[Finding]:
    ratio = row.notify_queue_ratio
    severity = context.thresholds.severity("postgres.server.notify_queue", ratio, "ratio")
    if severity and ratio is not None:
        title = f"The NOTIFY queue is {format_share(ratio)} full"
        detail = (
            "a listening session is stuck in a transaction; when the queue is full, NOTIFY fails at commit"
        )
        yield finding(evidence, "notify_queue", severity, title, detail, ratio=ratio)


def analyze_settings(evidence: Evidence, _context: Context) -> Iterator[Finding]:
    """Yield settings that wait for a restart, and those that risk data or blind the monitoring."""
    rows = evidence.of(PostgresSetting)
    found: list[Finding] = []
    if pending := [row.name for row in rows if row.pending_restart]:
        title = f"{format_count(len(pending), 'changed setting')} pending a restart: {', '.join(pending)}"
        found.append(
            finding(evidence, "pending_restart", FindingSeverity.INFO, title, settings=", ".join(pending))
        )
    if risks := [f"{row.name} = {row.value}" for row in rows if _RISKS.get(row.name) == row.value]:
        title = f"Settings that put data at risk or hide problems: {', '.join(risks)}"
        found.append(finding(evidence, "risk", FindingSeverity.INFO, title, settings=", ".join(risks)))
    changed = sum(not row.is_default for row in rows)
    title = f"{format_count(len(rows), 'setting')} read, {changed} of them not at their default"
    yield from conclude(evidence, found, title, settings=len(rows), changed=changed)


def analyze_databases(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield databases at their own connection limit, or that accept no clients."""
    rows = evidence.of(PostgresDatabase)
    found: list[Finding] = []
    for row in rows:
        found += _limit(evidence, row, context)
        if row.connection_limit == _INVALID:
            found.append(_invalid(evidence, row))
        elif row.connection_limit == 0:
            title = f"The database {row.database} accepts only superusers: its CONNECTION LIMIT is 0"
            found.append(finding(evidence, "closed", FindingSeverity.INFO, title, database=row.database))
        if not row.allows_connections:
            title = f"The database {row.database} accepts no clients (ALLOW_CONNECTIONS false)"
            found.append(finding(evidence, "closed", FindingSeverity.INFO, title, database=row.database))
    known = [row.size_bytes for row in rows if row.size_bytes is not None]
    more = "" if len(known) == len(rows) else f" ({len(rows) - len(known)} unknown)"
    title = f"{format_count(len(rows), 'database')}, {format_bytes(sum(known))} in all{more}"
    yield from conclude(evidence, found, title, databases=len(rows), size_bytes=sum(known))


def _invalid(evidence: Evidence, row: PostgresDatabase) -> Finding:
    title = f"The database {row.database} is invalid: a DROP DATABASE was interrupted"
    detail = f'it can never be used again; DROP DATABASE "{row.database}" once more removes the rest'
    return finding(evidence, "invalid", FindingSeverity.WARNING, title, detail, database=row.database)


def _limit(evidence: Evidence, row: PostgresDatabase, context: Context) -> Iterator[Finding]:
    if not row.connection_limit or row.connection_limit < 0 or row.connection_count is None:
        return
    ratio = row.connection_count / row.connection_limit
    if severity := context.thresholds.severity("postgres.databases.limit", ratio, "ratio"):
        fill = "has all" if ratio >= 1 else "has nearly all"
        yield finding(
            evidence,
            "limit",
            severity,
            f"The database {row.database} {fill} of its own connections: {row.connection_count} of "
            f"{row.connection_limit}",
            f'ALTER DATABASE "{row.database}" CONNECTION LIMIT raises it, at once and without a restart; '
            "max_connections is a separate limit",
            layer=f"the database {row.database}",
            fill=fill,
            database=row.database,
            connections=row.connection_count,
            limit=row.connection_limit,
        )


def analyze_replication(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield standbys that lag or do not stream, and slots that hold WAL back or lost it."""
    rows, slots = evidence.of(PostgresStandby), evidence.of(PostgresSlot)
    standbys = [row for row in rows if row.direction != "subscription"]
    subscriptions = [row for row in rows if row.direction == "subscription"]
    found = [finding for row in standbys for finding in _lag(evidence, row, context)]
    found += [finding for row in subscriptions for finding in _subscription(evidence, row, context)]
    found += judge_slots(evidence, context)
    found += judge_commit_waits(evidence, context)
    title = _in_step(standbys, subscriptions, slots)
    blind = lacks_privilege(evidence)
    yield from conclude(evidence, found, title, blind=blind, standbys=len(standbys), slots=len(slots))


def _in_step(
    standbys: list[PostgresStandby], subscriptions: list[PostgresStandby], slots: tuple[PostgresSlot, ...]
) -> str:
    """Return what was found well, and what that rests on."""
    upstream = [row for row in standbys if row.direction == "upstream"]
    downstream = [row for row in standbys if row.direction != "upstream"]
    if not standbys and not subscriptions and not slots:
        return "Nothing streams from here, and there are no slots or subscriptions"
    parts = [_received(row) for row in upstream]
    if downstream:
        behind = max(row.lag_bytes or 0 for row in downstream)
        count = format_count(len(downstream), "standby", "standbys")
        parts.append(f"{count} in sync, at most {format_bytes(behind)} behind")
    elif not upstream:
        parts.append("no standby streams from here")
    if subscriptions:
        parts.append(f"{format_count(len(subscriptions), 'subscription')} in contact with the publisher")
    text = "; ".join([*parts, slots_in_words(slots)])
    return f"{text[:1].upper()}{text[1:]}"


def _received(row: PostgresStandby) -> str:
    if row.has_upstream is False and row.state != "streaming":
        return "this standby replays from an archive"
    replays = "" if row.is_paused is None else ", replay is not paused"
    waiting = f"{format_bytes(row.lag_bytes or 0)} to replay"
    return f"this standby streams from {row.name or 'its primary'}{replays}, {waiting}"


def _lag(evidence: Evidence, row: PostgresStandby, context: Context) -> Iterator[Finding]:
    name = row.name or row.client_address or "a standby"
    if row.is_paused:
        yield _paused(evidence, row)
        return
    if row.state == "backup" or _FIRST_COPY.fullmatch(name):
        return  # a copy that is being made
    if row.state not in {"streaming", None}:
        yield _not_streaming(evidence, row, name)
    delay = row.delay_seconds or 0
    late = None if row.lag_seconds is None else row.lag_seconds - delay
    severity = context.thresholds.severity("postgres.replication.lag", late, "seconds")
    if severity and row.lag_seconds is not None:
        subject = f"The standby {name}" if row.direction == "downstream" else "This standby"
        subject = f"The subscriber {name}" if row.is_logical else subject
        meant = f", {format_duration(delay)} of it configured (recovery_min_apply_delay)" if delay else ""
        yield finding(
            evidence,
            "lag",
            severity,
            f"{subject} is {format_duration(row.lag_seconds)} behind{meant}",
            _what_is_late(row),
            standby=name,
            lag_seconds=row.lag_seconds,
            lag_bytes=row.lag_bytes,
            late_part="replay" if _is_replay_late(row) else "way",
        )
    elif delay and row.direction == "upstream":
        title = f"This standby is configured to be {format_duration(delay)} behind (recovery_min_apply_delay)"
        yield finding(evidence, "delayed", FindingSeverity.INFO, title, delay_seconds=delay)


def _paused(evidence: Evidence, row: PostgresStandby) -> Finding:
    waiting = f", {format_bytes(row.lag_bytes)} wait" if row.lag_bytes else ""
    age = ""
    if row.newest_seconds is not None:
        age = f" The newest transaction visible to readers is {format_duration(row.newest_seconds)} old."
    return finding(
        evidence,
        "paused",
        FindingSeverity.WARNING,
        f"Replay is paused on this standby{waiting}: reads here are stale",
        "a person or a program called pg_wal_replay_pause(), or a setting such as max_connections is lower "
        f"here than on the primary (its log shows that, and resuming would shut it down).{age} To end a "
        "pause that is no longer needed: SELECT pg_wal_replay_resume()",
        lag_bytes=row.lag_bytes,
        newest_seconds=row.newest_seconds,
    )


def _not_streaming(evidence: Evidence, row: PostgresStandby, name: str) -> Finding:
    severity, detail = FindingSeverity.WARNING, ""
    title = f"The standby {name} is {'catching up' if row.state == 'catchup' else row.state}"
    remedy = (
        f"See the log of the standby {name}, for what it waits for; there is nothing to do on this server."
    )
    if row.state == "startup" and row.is_logical:
        title = f"The consumer {name} is connected and does not stream yet"
        detail = (
            "it has just connected, or makes a logical slot, which waits until all transactions that are "
            "older have ended"
        )
        remedy = (
            f"See what the consumer {name} waits for (pg_stat_activity, pg_locks): a new logical slot waits "
            "for older transactions to end. Its own session is not to blame."
        )
    if row.direction == "upstream":
        title = "This standby receives nothing from its primary: no receiver runs"
        detail = (
            "its log gives the reason: the primary is unreachable, refuses it, or has removed the WAL "
            "that it needs"
        )
        remedy = (
            "Send reads to the primary; restore the connection. Rebuild this standby only if the primary "
            "has removed the WAL that it needs."
        )
        if row.newest_seconds is not None:
            detail += f". The newest transaction here is {format_duration(row.newest_seconds)} old"
        if row.has_upstream is False:
            severity = FindingSeverity.INFO
            title = "This standby does not stream: it replays from an archive (primary_conninfo is not set)"
    return finding(
        evidence,
        "not_streaming",
        severity,
        title,
        detail,
        standby=name,
        state=row.state,
        newest_seconds=row.newest_seconds,
        remedy=remedy,
    )


def _what_is_late(row: PostgresStandby) -> str:
    """Return which part of the way is late, as far as it is known."""
    parts = _parts(row)
    most = max(parts, key=lambda part: parts[part] or 0)
    if not parts[most]:
        return "" if row.lag_bytes is None else f"{format_bytes(row.lag_bytes)} not yet replayed"
    return f"{format_bytes(parts[most] or 0)} are {most}"


_REPLAY = "received but not replayed (a query, a lock, its CPU, or a configured delay)"


def _parts(row: PostgresStandby) -> dict[str, int | None]:
    return {
        "not sent yet (the primary or the network)": row.unsent_bytes,
        "sent but not on its disk (the network or its disk)": row.unwritten_bytes,
        _REPLAY: row.unreplayed_bytes,
    }


def _is_replay_late(row: PostgresStandby) -> bool:
    """Return whether a standby has nearly all that was written, and does not replay it."""
    elsewhere = (row.unsent_bytes or 0) + (row.unwritten_bytes or 0)
    return row.direction == "downstream" and (row.unreplayed_bytes or 0) > elsewhere


def _subscription(evidence: Evidence, row: PostgresStandby, context: Context) -> Iterator[Finding]:
    if row.state == "streaming":
        yield from _subscription_lag(evidence, row, context)
        if row.failed_copies:
            yield _failed_copies(evidence, row)
        return
    yield finding(
        evidence,
        "subscription",
        FindingSeverity.INFO if row.state == "disabled" else FindingSeverity.WARNING,
        f"The subscription {row.name} is {row.state}: nothing arrives",
        "the server's log shows why: the publisher is unreachable, a row cannot be applied, or no worker "
        "could be started (max_logical_replication_workers)",
        subscription=row.name,
        state=row.state,
    )


def _failed_copies(evidence: Evidence, row: PostgresStandby) -> Finding:
    tables = ", ".join(row.failed_copies)
    title = f"The first copy of {tables} for the subscription {row.name} began and does not run: it failed"
    detail = (
        "the server's log names the error before each new try: mostly rows that are there already (a "
        "duplicate key in CONTEXT: COPY), or a column that differs. The tables that were copied are applied"
    )
    warning = FindingSeverity.WARNING
    return finding(
        evidence, "subscription", warning, title, detail, subscription=row.name, state="copy failed"
    )


def _subscription_lag(evidence: Evidence, row: PostgresStandby, context: Context) -> Iterator[Finding]:
    limits = context.thresholds
    if severity := limits.severity("postgres.replication.silent", row.silent_seconds, "seconds"):
        title = (
            f"The subscription {row.name} has received nothing for {format_duration(row.silent_seconds or 0)}"
        )
        detail = "its worker waits for a lock or is busy with one change, or the publisher does not send"
        yield finding(
            evidence,
            "subscription",
            severity,
            title,
            detail,
            subscription=row.name,
            silent_seconds=row.silent_seconds,
        )
    elif severity := limits.severity("postgres.replication.lag", row.lag_seconds, "seconds"):
        title = f"The subscription {row.name} is {format_duration(row.lag_seconds or 0)} behind its publisher"
        detail = "measured from the timestamps of both servers, so clock differences are included"
        yield finding(evidence, "lag", severity, title, detail, standby=row.name, lag_seconds=row.lag_seconds)
