"""Which commands held everybody up."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from incident_lib.model import Problem, ProblemKind, Truncation, Window
from incident_lib.probes.base import Fetched, Probe
from incident_lib.technologies.redis.connect import RedisSession, ReplyError, from_reply, text_of
from incident_lib.technologies.redis.connect.commands import name_of
from incident_lib.technologies.redis.probes.patterns import argument_count, command_name, first_key
from incident_lib.technologies.redis.rows import RedisSlowCommand, RedisSlowLog

ENTRIES = 128


def fetch_slowlog(session: RedisSession, window: Window) -> Fetched:
    """Return the slow commands inside the window, without their arguments.

    Source: SLOWLOG LEN, SLOWLOG GET 128, CONFIG GET slowlog-log-slower-than. Needs: +slowlog|get
    +slowlog|len, and +config|get to distinguish a fast server from a log that is off.
    """
    session.need_data()
    length, entries = session.exchange([("SLOWLOG", "LEN"), ("SLOWLOG", "GET", ENTRIES)])
    if isinstance(entries, ReplyError):
        raise from_reply(entries)
    micros = session.setting("slowlog-log-slower-than")
    limit = None if micros is None else int(micros) / 1_000_000
    count = length if isinstance(length, int) else None
    means = dict(_means(session))
    commands = [_command(session, entry, means) for entry in entries if not _is_ours(session, entry)]
    inside = tuple(command for command in commands if window.start <= command.started_at)
    oldest = min((command.started_at for command in commands), default=None)
    log = RedisSlowLog(limit_seconds=limit, entry_count=count, oldest_at=oldest)
    problem = Problem.from_error(from_reply(length)) if isinstance(length, ReplyError) else _problem(limit)
    return Fetched(rows=(log, *inside), problem=problem, truncated=_cut(entries, count, inside, oldest))


def _problem(limit: float | None) -> Problem | None:
    if limit is None or limit >= 0:
        return None
    return Problem(
        kind=ProblemKind.UNSUPPORTED,
        message="the slow log is off (slowlog-log-slower-than is negative)",
        advice="set it to 10000 (10 ms), so that slow commands are seen",
    )


def _cut(
    entries: list[Any], count: int | None, inside: tuple[RedisSlowCommand, ...], oldest: datetime | None
) -> Truncation | None:
    """Return the cap where older entries inside the window were not read."""
    if (
        len(entries) < ENTRIES
        or oldest is None
        or not any(command.started_at == oldest for command in inside)
    ):
        return None
    known = count if count is not None and count > len(entries) else None
    return Truncation(kept=len(entries), total=known, unit="entries")


def _is_ours(session: RedisSession, entry: list[Any]) -> bool:
    address, name = (text_of(value) for value in (*entry[4:6], b"", b"")[:2])
    command = "|".join(name_of(entry[3])).lower()
    return session.is_ours({"addr": address, "name": name, "cmd": command})


def _means(session: RedisSession) -> Iterator[tuple[str, float]]:
    """Yield what a call of each command takes on average, by its name as the slow log has it."""
    if session.info_problem is None:
        for name, parts in session.info().group("cmdstat_"):
            yield name.replace("|", " ").upper(), float(parts.get("usec_per_call", 0)) / 1_000_000


def _command(session: RedisSession, entry: list[Any], means: dict[str, float]) -> RedisSlowCommand:
    arguments = [word for word in entry[3] if isinstance(word, bytes)]
    address, client = (text_of(value) for value in (*entry[4:6], b"", b"")[:2])
    return RedisSlowCommand(
        entry_id=entry[0],
        started_at=session.here(datetime.fromtimestamp(entry[1], UTC)),
        duration_seconds=entry[2] / 1_000_000,
        command=command_name(arguments),
        argument_count=argument_count(arguments),
        key_pattern=first_key(arguments),
        address=address.rpartition(":")[0],
        client=client,
        mean_seconds=means.get(command_name(arguments)),
    )


PROBE = Probe(
    name="redis.slowlog",
    fetch=fetch_slowlog,
    question="Which commands were slow?",
    source="SLOWLOG LEN; SLOWLOG GET 128; CONFIG GET slowlog-log-slower-than",
    needs="+slowlog|get +slowlog|len +config|get",
)
