"""The judges as one list: where two neighbours meet their order counts; none reads what people read."""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from incident_lib.correlation.judges import BAD, JUDGES, Judge, judge_together
from incident_lib.correlation.situation import Situation
from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.findings.catalogue import Nature
from incident_lib.hypotheses import parse_patterns, rank
from incident_lib.incident.snapshot import load_about
from incident_lib.investigation.analyze import analyze_one
from incident_lib.investigation.stored import load_evidence
from incident_lib.model import Evidence, EvidenceStatus, Finding, FindingSeverity
from incident_lib.model.topology import Topology
from incident_lib.resources import resource
from incident_lib.technologies import catalogue
from incident_lib.technologies.network.rows import PortAnswer
from tests.unit.correlation import test_cache_stampede as stampede
from tests.unit.correlation import test_dependency_reports as reports
from tests.unit.correlation import test_stalled_service as stalled
from tests.unit.hypotheses.test_catalogue_patterns import CASES, GRAPH, found

STORED = next(Path("tests/data/snapshot-1").iterdir())
PATTERNS = parse_patterns(resource("templates", "patterns.toml").read_text(encoding="utf-8"), "patterns.toml")
SHOP = Topology(
    kinds={"api": "http", "books": "postgres", "keys": "redis", "bank": "outside"},
    depends_on={"api": ("books", "keys", "bank")},
)
CRITICAL, WARNING, INFO, OK = (FindingSeverity[name] for name in ("CRITICAL", "WARNING", "INFO", "OK"))


def evidence_of(target: str, *, unsent: bool) -> Evidence:
    row = PortAnswer(address="203.0.113.7", port=80, kind=ProblemKind.UNREACHABLE, unsent=unsent)
    return Evidence(
        probe="network.ports", target=target, status=EvidenceStatus.COLLECTED, rows=(row,), source="connect",
        collected_at=datetime(2026, 1, 15, 14, tzinfo=UTC), duration_seconds=0.0,
    )  # fmt: skip


def seen(target: str, name: str, severity: FindingSeverity = WARNING, **data: Any) -> Finding:
    return Finding(id=name, target=target, severity=severity, title=name, detail="d", data=data)


GREETING = seen("bank", "network.inside.tls_silent", CRITICAL, host="bank.test", vantage="container api")
BUSY = seen("host", "host.load.high")
WELL = seen("bank", "network.tls.ok", OK, host="bank.test")
LOGGED = seen("api", "logs.lines.class.upstream_error", addresses="bank.test")
ANSWERS = seen("bank", "http.health.ok", OK, url="http://bank.test/")
SLOWER = seen("bank", "baseline.latency")
HANGS = (
    seen("api", "http.health.silent", CRITICAL),
    seen("api", "logs.lines.class.redis_timeout"),
    seen("api", "logs.lines.class.db_statement_timeout"),
    seen("books", "postgres.connection.ok", OK),
    seen("keys", "redis.connection.ok", OK),
)
LOST = (
    seen("keys", "redis.slowlog.flushed", INFO),
    seen("keys", "redis.memory.keys_lost", INFO),
    seen("keys", "redis.memory.hit_ratio", INFO),
    seen("books", "postgres.counters.statement", INFO),
    seen("api", "logs.lines.slow"),
)
CUT_OFF = (
    *(seen(target, "http.health.unreachable", CRITICAL) for target in ("api", "keys", "bank")),
    seen("books", "postgres.counters.rollbacks"),
)
UNSENT = tuple(evidence_of(target, unsent=True) for target in ("api", "keys", "bank"))
# For two neighbours that meet: findings of which others are made when they are swapped, and why.
MEET: dict[tuple[str, str], tuple[tuple[Finding, ...], tuple[Finding, ...], str]] = {
    ("judge_slowness", "judge_vantage"): (
        (GREETING, BUSY, WELL),
        (),
        "a greeting that a busy machine lost is no sign of lost packets",
    ),
    ("judge_dependency_reports", "join_compared"): (
        (LOGGED, ANSWERS),
        (SLOWER,),
        "what differs from a baseline may still be well: its user's log counts",
    ),
    ("judge_stampedes", "judge_stalled"): (
        (*HANGS, *LOST),
        (),
        "who waits for a cache that lost its keys does not stall by itself",
    ),
    ("judge_events", "judge_rollbacks"): (
        CUT_OFF,
        (),
        "what only this machine cannot reach is no transaction that fails",
    ),
}


def name(judge: Judge) -> str:
    return judge.judge.__name__


PAIRS = list(pairwise(JUDGES))
NAMES = [f"{name(first)}, {name(second)}" for first, second in PAIRS]


def written(judge: Judge) -> frozenset[str]:
    """Return everything that a judge writes: flags, severities, data, and whether something is bad."""
    tokens = set(judge.changes)
    for finding_id in judge.adds:
        kind = catalogue()[finding_id]
        tokens |= {*kind.flags, *(f"{flag}:severity" for flag in kind.flags)}
        tokens |= {f"data.{field}" for field in kind.fields} | (
            {BAD} if kind.nature is Nature.SYMPTOM else set()
        )
    for finding_id in judge.renames_to:
        tokens |= catalogue()[finding_id].flags
    if judge.adds_any or any(token.endswith(":severity") for token in judge.changes):
        tokens.add(BAD)
    return frozenset(tokens)


def meet(first: Judge, second: Judge) -> bool:
    """Return whether one reads what the other writes, or both change the same."""
    one, other = written(first), written(second)
    both = (one & second.changes) | (other & first.changes)
    return bool(one & second.reads or other & first.reads or both - {BAD})


def swapped(first: Judge, second: Judge) -> list[Judge]:
    judges = list(JUDGES)
    place = judges.index(first)
    judges[place : place + 2] = [second, first]
    return judges


def shop(compared: tuple[Finding, ...] = ()) -> Situation:
    return Situation(catalogue=catalogue(), topology=SHOP, compared=compared, evidence=UNSENT)


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=NAMES)
def test_where_neighbours_meet_their_order_counts(first: Judge, second: Judge) -> None:
    case = MEET.get((name(first), name(second)))
    assert meet(first, second) is (case is not None), "give it a case, or state that the order is free"
    if case:
        findings, compared, why = case
        left, right = (
            judge_together(findings, shop(compared), judges) for judges in (JUDGES, swapped(first, second))
        )
        assert sorted(left, key=lambda f: f.ref) != sorted(right, key=lambda f: f.ref), why


def test_every_id_that_a_judge_writes_is_in_the_catalogue() -> None:
    for judge in JUDGES:
        for finding_id in (*judge.adds, *judge.renames_to):
            assert finding_id in catalogue().kinds


def stored() -> tuple[list[Finding], Situation]:
    about, evidence = load_about(STORED), load_evidence(STORED)
    context = Context(window=about.window)
    situation = Situation(catalogue=catalogue(), topology=about.topology, evidence=evidence)
    return [finding for each in evidence for finding in analyze_one(each, context)], situation


def situations() -> Iterable[tuple[str, list[Finding], Situation]]:
    """Yield findings of many kinds, as analyzers make them and as tests write them down."""
    yield "snapshot-1", *stored()
    for cause, (_, case) in CASES.items():
        literal = Situation(catalogue=catalogue(), topology=GRAPH)
        yield cause, [found(words) for words in case], literal
    for pair, (findings, compared, _) in MEET.items():
        yield str(pair), list(findings), shop(compared)
    yield (
        "stampede",
        [stampede.FLUSHED, stampede.COLD, stampede.LOADED, stampede.WAITING],
        Situation(catalogue=catalogue(), topology=stampede.TOPOLOGY),
    )
    yield (
        "reported",
        [*reports.SEEN, reports.said("upstream_error", "503 for url 'https://mail.test/send'")],
        Situation(catalogue=catalogue(), topology=reports.GRAPH),
    )
    yield (
        "stalled",
        [stalled.SILENT, *stalled.WAITS, *stalled.WELL],
        Situation(catalogue=catalogue(), topology=stalled.GRAPH),
    )


SITUATIONS = list(situations())


def concluded(findings: list[Finding], situation: Situation) -> Any:
    """Return everything of a conclusion that is not text for people."""
    judged = judge_together(findings, situation)
    ranked = rank(tuple(judged), situation.topology, PATTERNS, situation.catalogue)
    return (
        sorted((f.id, f.target, f.severity, str(f.since), f.evidence) for f in judged),
        [(h.id, h.target, h.score, h.support, h.against) for h in ranked],
    )


@pytest.mark.parametrize(
    ("findings", "situation"), [s[1:] for s in SITUATIONS], ids=[s[0] for s in SITUATIONS]
)
def test_no_judge_and_no_hypothesis_reads_what_people_read(
    findings: list[Finding], situation: Situation
) -> None:
    silent = [msgspec.structs.replace(f, title="word", detail="word") for f in findings]
    assert concluded(silent, situation) == concluded(findings, situation)


@pytest.mark.parametrize(
    ("first", "second"), [pair for pair in PAIRS if (name(pair[0]), name(pair[1])) not in MEET]
)
def test_neighbours_that_are_free_may_change_places(first: Judge, second: Judge) -> None:
    def as_text(findings: Iterable[Finding]) -> list[Any]:
        return sorted((f.ref, f.severity, f.title, f.detail, sorted(f.data)) for f in findings)

    for _, findings, situation in SITUATIONS:
        left = judge_together(findings, situation)
        assert as_text(left) == as_text(judge_together(findings, situation, swapped(first, second)))
