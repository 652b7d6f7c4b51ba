"""The judges that look across targets, as one ordered list. Pure.

Each says what it reads and what it writes; the names are flags of the catalogue, finding ids, and keys of
`data`. `severity` is the severity of the findings with those flags, BAD means whether anything is bad at a
target. Two neighbours whose reads and writes do not meet may change places; where they meet, the order
counts, and a test fails when they are swapped.
"""

from collections.abc import Iterable

import msgspec

from incident_lib.correlation.busy_machine import judge_slowness
from incident_lib.correlation.cache_stampede import judge_stampedes
from incident_lib.correlation.cascades import STALE, judge_cascades
from incident_lib.correlation.client_addresses import judge_client_addresses
from incident_lib.correlation.clocks import judge_clocks
from incident_lib.correlation.dependency_reports import judge_dependency_reports
from incident_lib.correlation.first_start import judge_first_starts
from incident_lib.correlation.held_pools import judge_held_pools
from incident_lib.correlation.limits import judge_limits
from incident_lib.correlation.loading import judge_loading
from incident_lib.correlation.logins import judge_logins
from incident_lib.correlation.meant_delays import judge_meant_delays
from incident_lib.correlation.nothing_here import judge_nothing
from incident_lib.correlation.one_event import judge_events
from incident_lib.correlation.one_refusal import judge_refusals
from incident_lib.correlation.other_databases import judge_other_databases
from incident_lib.correlation.own_stall import judge_own_stalls
from incident_lib.correlation.processors import judge_processors
from incident_lib.correlation.rollbacks import judge_rollbacks
from incident_lib.correlation.situation import Judgement, Situation
from incident_lib.correlation.stalled_service import judge_stalled
from incident_lib.correlation.vantage import judge_vantage
from incident_lib.findings.catalogue import Flag
from incident_lib.model import Finding

BAD = "bad"  # whether anything is bad at a target


class Judge(msgspec.Struct, frozen=True, kw_only=True):
    """One judge: what it does, on which findings that depends, and which it changes or adds."""

    judge: Judgement
    reads: frozenset[str]  # flags whose presence counts, BAD, `Flag:severity`, `data.key`
    changes: frozenset[str] = frozenset()  # `Flag:severity`, `Flag:id`, `data.key`
    adds: tuple[str, ...] = ()  # ids
    renames_to: tuple[str, ...] = ()  # ids that findings get in place of their own
    adds_any: bool = False  # findings of any id, without a flag


def join_compared(findings: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings, with those that rest on a baseline or on samples over time."""
    return [*findings, *situation.compared]


def _names(*flags: str) -> frozenset[str]:
    return frozenset(flags)


JUDGES = (
    Judge(
        judge=judge_other_databases,
        reads=_names(Flag.OF_DATABASE, "of_database:severity", "data.error_class", "data.least_count"),
        changes=_names("of_database:severity", "data.database"),
    ),
    Judge(
        judge=judge_limits,
        reads=_names("data.error_class", "data.reason"),
        changes=_names("data.advice", "data.setting"),
    ),
    Judge(
        judge=judge_held_pools,
        reads=_names(Flag.POOL_WAITS, "data.pool"),
        changes=_names(
            "pool_waits:id", "data.application", "data.count", "data.pid", "data.pids", "data.state_seconds",
        ),
        renames_to=tuple(f"postgres.pooler.held_{manner}" for manner in ("idle", "lock", "long")),
    ),
    Judge(
        judge=judge_own_stalls,
        reads=_names(Flag.BY_SERVICE, Flag.OWN_CLOCK),
        changes=_names("down:severity", "own_clock:severity"),
    ),
    Judge(
        judge=judge_refusals,
        reads=_names(Flag.ENGINE_SILENT, "engine_silent:severity"),
    ),
    Judge(
        judge=judge_nothing,
        reads=_names(Flag.ANSWERS, "down:severity", "found_bad:severity"),
        changes=_names("down:severity", "found_bad:severity"),
        adds=("together.nothing",),
    ),
    Judge(
        judge=judge_slowness,
        reads=_names(
            Flag.OVERLOADED, Flag.SATURATED, Flag.SLOW, Flag.SLOWER, Flag.BY_SERVICE, Flag.NAMES_SLOW,
            Flag.GREETING_LOST, "slow:severity", "slower:severity", "overloaded:severity",
        ),
        changes=_names(
            "slow:severity", "slower:severity", "names_slow:severity", "greeting_lost:severity",
        ),
    ),
    Judge(
        judge=judge_vantage,
        reads=_names(
            Flag.INSIDE, Flag.ONE_STORE, Flag.TLS_REFUSED, Flag.FOUND_WELL, Flag.FOUND_BAD,
            Flag.GREETING_LOST, Flag.PART_DOWN, Flag.IN_VAIN, "greeting_lost:severity", "data.host",
            "data.vantage", "data.what",
        ),
        changes=_names(
            "greeting_lost:severity", "one_store:severity", "data.where",
        ),
    ),
    Judge(
        judge=judge_clocks,
        reads=_names(Flag.OUT_OF_STEP),
        changes=_names("out_of_step:severity"),
        adds=("clock.odd",),
    ),
    Judge(
        judge=judge_client_addresses,
        reads=_names("data.root_client", "data.amplifier_client", "data.client"),
        changes=_names(
            "data.root_container", "data.amplifier_container", "data.container",
        ),
    ),
    Judge(
        judge=judge_meant_delays,
        reads=_names(Flag.REPLAYS_LATE, "replays_late:severity", "data.late_part"),
        changes=_names("replays_late:severity"),
    ),
    Judge(
        judge=judge_cascades,
        reads=_names(Flag.CUT_OFF, "cut_off:severity", "data.state"),
        changes=_names(BAD),
        adds=(STALE,),
    ),
    Judge(
        judge=judge_first_starts,
        reads=_names(Flag.CREATED),
        changes=_names("created:id"),
        renames_to=("container.state.created",),
    ),
    Judge(
        judge=judge_dependency_reports,
        reads=_names(
            BAD, Flag.HEALTH, Flag.IN_VAIN, Flag.PEER_FAILS, "in_vain:severity", "data.url",
            "data.addresses",
        ),
        adds=("http.health.reported_failing", "http.health.reported_slow"),
    ),
    Judge(judge=join_compared, reads=frozenset(), adds_any=True),
    Judge(
        judge=judge_processors,
        reads=_names(Flag.WAITS, Flag.BY_SERVICE, "waits:severity"),
        adds=("host.load.starved", "host.load.waiting"),
    ),
    Judge(
        judge=judge_stampedes,
        reads=_names(
            Flag.EVICTS, Flag.FLUSHED, Flag.FLUSHED_SLOWLY, Flag.KEYS_LOST, Flag.COLD, Flag.RESTARTED,
            Flag.CACHE_MISSED, Flag.LOADED, Flag.WORKS, Flag.BLOCKS, Flag.SLOW, Flag.POOL_EMPTY,
            "slow:severity", "data.hit_ratio",
        ),
        adds=("redis.memory.stampede",),
    ),
    Judge(
        judge=judge_stalled,
        reads=_names(
            BAD, Flag.HEALTH, Flag.WAITS, Flag.IN_VAIN, Flag.ANSWERS, "waits:severity",
        ),
        adds=("http.health.stalled",),
    ),
    Judge(
        judge=judge_loading,
        reads=_names(Flag.MAY_LOAD, Flag.NOT_READY, "data.is_halted", "data.is_idle"),
        changes=_names("may_load:id"),
        renames_to=("redis.connection.starting",),
    ),
    Judge(
        judge=judge_logins,
        reads=_names(
            Flag.UNWELL, Flag.CLIENT_REFUSED, Flag.LOGIN_REFUSED, Flag.WRONG_PEER,
        ),
        changes=_names("login_refused:severity", "wrong_peer:severity", BAD),
    ),
    Judge(
        judge=judge_events,
        reads=_names(
            Flag.DOWN, Flag.ILL, Flag.NO_SESSION, Flag.INSIDE, Flag.FOUND_WELL, Flag.ENGINE_SILENT,
            "down:severity", "found_bad:severity", "data.host", "data.resolver_count", "data.silent_count",
            "data.barred_count", "data.error_class", "data.address", "data.problem",
        ),
        changes=_names("down:severity", "found_bad:severity"),
        adds=tuple(f"together.{name}" for name in (
            "engine", "engine_restarted", "resolver", "own_way", "own_view", "authority", "place",
            "logged", "unexplained",
        )),
    ),
    Judge(
        judge=judge_rollbacks,
        reads=_names(BAD, Flag.FAILS, Flag.MAY_BE_HABIT),
        changes=_names("may_be_habit:severity"),
    ),
)  # fmt: skip


def judge_together(
    findings: Iterable[Finding], situation: Situation, judges: Iterable[Judge] = JUDGES
) -> list[Finding]:
    """Return the findings as they hold together, each judge seeing what those before it left."""
    found = list(findings)
    for each in judges:
        found = each.judge(found, situation)
    return found
