"""Why a server did not start, by the end of its log, and when that says nothing of the last start."""

from datetime import UTC, datetime, timedelta

import pytest

from incident_lib.findings.base import Context
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity, Window
from incident_lib.technologies.logs.findings import ANALYZERS
from incident_lib.technologies.logs.probes.ending import tail
from tests.unit.technologies.logs.logs_of import summary_of

NOW = datetime(2026, 1, 15, 14, 45, tzinfo=UTC)
BEGINS = """\
{pid}:C 15 Jan 2026 14:{minute}:00.001 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo
{pid}:C 15 Jan 2026 14:{minute}:00.001 # Redis version=7.0.15, bits=64, pid={pid}, just started
{pid}:C 15 Jan 2026 14:{minute}:00.001 # Configuration loaded
{pid}:M 15 Jan 2026 14:{minute}:00.002 * monotonic clock: POSIX clock_gettime
"""
SERVES = """\
{pid}:M 15 Jan 2026 14:{minute}:00.004 * Running mode=standalone, port=6379.
{pid}:M 15 Jan 2026 14:{minute}:00.004 # Server initialized
{pid}:M 15 Jan 2026 14:{minute}:00.005 * Ready to accept connections
"""
SAVES = """\
{pid}:M 15 Jan 2026 14:{minute}:01.002 * 100 changes in 300 seconds. Saving...
{pid}:M 15 Jan 2026 14:{minute}:01.003 * Background saving started by pid 31
31:C 15 Jan 2026 14:{minute}:01.013 * DB saved on disk
31:C 15 Jan 2026 14:{minute}:01.014 * Fork CoW for RDB: current 0 MB, peak 0 MB, average 0 MB
{pid}:M 15 Jan 2026 14:{minute}:01.104 * Background saving terminated with success
"""
ENDS = """\
{pid}:signal-handler (1768487580) Received SIGTERM scheduling shutdown...
{pid}:M 15 Jan 2026 14:{minute}:02.004 # User requested shutdown...
{pid}:M 15 Jan 2026 14:{minute}:02.005 # Redis is now ready to exit, bye bye...
"""
ANY_REASON = "7:M 15 Jan 2026 14:31:00.011 # Fatal error loading the DB, check server logs. Exiting."
WRONG_SETTING = """
*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***
Reading the configuration file, at line 3
>>> 'maxmemory a lot'
argument must be a memory value
"""
REASONS = {
    "redis_aof_damaged": "7:M 15 Jan 2026 14:31:00.010 # Bad file format reading the append only file "
    "appendonly.aof.1.incr.aof: make a backup of your AOF file, then use ./redis-check-aof --fix\n"
    + ANY_REASON,
    "redis_data_damaged": "7:M 15 Jan 2026 14:31:00.010 # Short read or OOM loading DB. Unrecoverable error, "
    "aborting now.\n" + ANY_REASON,
    "redis_foreign_dump": "7:M 15 Jan 2026 14:31:00.010 # Wrong signature trying to load DB from file\n"
    + ANY_REASON,
    "redis_newer_data": "7:M 15 Jan 2026 14:31:00.010 # Can't handle RDB format version 12\n" + ANY_REASON,
    "redis_port_taken": "7:M 15 Jan 2026 14:31:00.010 # Warning: Could not create server TCP listening "
    "socket *:6379: bind: Address already in use\n"
    "7:M 15 Jan 2026 14:31:00.010 # Failed listening on port 6379 (TCP), aborting.",
    "redis_start_denied": "7:M 15 Jan 2026 14:31:00.010 # Fatal error: can't open the RDB file dump.rdb for "
    "reading: Permission denied",
    "redis_start_failed": ANY_REASON,
    "redis_out_of_memory": "7:M 15 Jan 2026 14:31:00.010 # Out Of Memory allocating 1073741840 bytes!\n"
    "7:M 15 Jan 2026 14:31:00.010 # ------------------------------------------------\n"
    "7:M 15 Jan 2026 14:31:00.010 # !!! Software Failure. Press left mouse button to continue\n"
    "7:M 15 Jan 2026 14:31:00.010 # Guru Meditation: Redis aborting for OUT OF MEMORY. Allocating "
    "1073741840 bytes! #server.c:5893\n"
    "7:M 15 Jan 2026 14:31:00.010 # ------------------------------------------------",
}


def part(text: str, pid: int, minute: int) -> str:
    return text.format(pid=pid, minute=minute)


LIFE = part(BEGINS + SERVES + SAVES, 1, 20)
BEGUN = part(BEGINS, 7, 31)


def of_log(*parts: str) -> dict[str, Finding]:
    """Return why a server does not start that wrote so much, by the name of the reason."""
    lines = "".join(text if text.endswith("\n") else f"{text}\n" for text in parts).splitlines()
    evidence = Evidence(
        probe="logs.lines",
        target="cache",
        status=EvidenceStatus.COLLECTED,
        collected_at=NOW,
        duration_seconds=0.1,
        source="read cache.log",
        rows=(summary_of(len(lines), first_at=NOW, last_at=NOW), tail(lines)),
    )
    found = ANALYZERS["logs.lines"](evidence, Context(window=Window(NOW - timedelta(minutes=30), NOW)))
    prefix = "logs.lines.cannot_start."
    return {each.id.removeprefix(prefix): each for each in found if each.id.startswith(prefix)}


@pytest.mark.parametrize(
    "before", ["", LIFE, LIFE + part(ENDS, 1, 30), part(BEGINS, 5, 30) + ANY_REASON + "\n"]
)
@pytest.mark.parametrize("reason", REASONS)
def test_a_start_that_failed(reason: str, before: str) -> None:
    found = of_log(before, BEGUN, REASONS[reason])
    assert set(found) == {reason}  # what follows from it is no other reason
    finding = found[reason]
    assert finding.severity is FindingSeverity.WARNING
    assert finding.title.startswith("the last start failed: ")
    assert finding.data["error_class"] == reason
    assert str(finding.data["advice"]) in finding.detail
    assert REASONS[reason].splitlines()[-1] in finding.detail


def test_a_start_failed_when_the_log_ends_in_its_error() -> None:
    finding = of_log(LIFE, BEGUN, REASONS["redis_port_taken"])["redis_port_taken"]
    assert finding.since == datetime(2026, 1, 15, 14, 31, 0, 10_000, tzinfo=UTC)


@pytest.mark.parametrize("reason", REASONS)
def test_a_start_that_failed_and_then_went_well(reason: str) -> None:
    assert of_log(BEGUN, REASONS[reason], part(BEGINS + SERVES, 8, 32)) == {}
    assert of_log(BEGUN, REASONS[reason], part(BEGINS + SERVES + SAVES, 8, 32), part(ENDS, 8, 33)) == {}
    # Another one goes on, and may go well.
    assert of_log(BEGUN, REASONS[reason], part(BEGINS, 8, 32)) == {}


@pytest.mark.parametrize("reason", REASONS)
def test_what_a_server_that_serves_writes_keeps_it_from_no_start(reason: str) -> None:
    assert of_log(BEGUN, part(SERVES, 7, 31), REASONS[reason]) == {}
    assert of_log(BEGUN, part(SERVES + SAVES, 7, 31), REASONS[reason]) == {}


@pytest.mark.parametrize(
    "before", ["", LIFE, part(ENDS, 1, 30), LIFE + part(ENDS, 1, 30), part(BEGINS + SERVES, 1, 20)]
)
def test_a_wrong_setting_ends_it_before_it_reports_a_start(before: str) -> None:
    assert set(of_log(before, WRONG_SETTING)) == {"redis_start_failed"}
    assert set(of_log(before, WRONG_SETTING.lstrip())) == {"redis_start_failed"}
    assert of_log(before, WRONG_SETTING, part(BEGINS + SERVES, 8, 32)) == {}


@pytest.mark.parametrize("reason", REASONS)
def test_a_server_that_was_stopped_in_order_failed_no_start(reason: str) -> None:
    assert of_log(REASONS[reason], part(ENDS, 7, 31)) == {}


def test_a_wrong_setting_counts_only_at_the_end() -> None:
    plain = "".join(f"line {number} of another program\n" for number in range(6))
    assert of_log(LIFE, WRONG_SETTING, plain) == {}
