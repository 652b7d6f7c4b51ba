import threading
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from incident_lib.connections.session import NoSession
from incident_lib.correlation.judges import Judge
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.findings.base import Context
from incident_lib.investigation import analyze as analyze_module
from incident_lib.investigation import collect as collect_module
from incident_lib.investigation.analyze import analyze_one
from incident_lib.model import EvidenceStatus, FindingSeverity, Measurement, Window
from incident_lib.model.rows import MemorySample
from incident_lib.model.topology import Topology
from incident_lib.probes.base import Fetched, Lane, Probe

NOW = datetime.now(UTC)
WINDOW = Window(NOW - timedelta(minutes=15), NOW)


def well(_session, _window):
    return Fetched(rows=(Measurement(name="n", value=1.0),))


def hangs(_session, _window):
    time.sleep(60)
    return Fetched()


def refused(_session, _window):
    raise TargetError(ProblemKind.REFUSED, "refused")


def broken(_session, _window):
    return 1 / 0


class Silent(NoSession):
    """A peer whose reads end only when the watchdog cuts them."""

    def __init__(self):
        super().__init__("here")
        self.cut = threading.Event()

    def abort(self):
        self.cut.set()


def waits(session, _window):
    session.cut.wait(30)
    session.cut.clear()
    raise TargetError(ProblemKind.RESET, "cut")


def probe(name, fetch, deadline=5.0):
    return Probe(name=name, fetch=fetch, question="?", source="s", deadline_seconds=deadline)


def run(*lanes, deadline=20.0):
    started = time.monotonic()
    found = {one.ref: one for one in collect_module.collect(lanes, WINDOW, deadline)}
    return found, time.monotonic() - started


def lane(target, *probes, opens=NoSession):
    return Lane(target=target, open=opens, probes=probes)


def test_every_probe_gives_one_evidence():
    found, _ = run(lane("a", probe("p.one", well), probe("p.two", refused)), lane("b", probe("p.one", well)))
    assert {ref: one.status.value for ref, one in found.items()} == {
        "a/p.one": "collected",
        "a/p.two": "failed",
        "b/p.one": "collected",
    }


def test_a_session_that_is_refused_skips_what_is_behind_it():
    def refuse():
        raise TargetError(ProblemKind.FULL, "too many clients", "wait")

    found, _ = run(lane("db", probe("pg.connection", well), probe("pg.locks", well), opens=refuse))
    assert found["db/pg.connection"].problem.kind is ProblemKind.FULL
    assert found["db/pg.locks"].status is EvidenceStatus.SKIPPED
    assert "too many clients" in found["db/pg.locks"].problem.message


def test_a_bug_in_a_probe_is_evidence_and_the_next_one_runs():
    found, _ = run(lane("a", probe("p.bug", broken), probe("p.next", well)))
    assert found["a/p.bug"].problem.kind is ProblemKind.BUG
    assert "ZeroDivisionError" in found["a/p.bug"].problem.message
    assert found["a/p.next"].status is EvidenceStatus.COLLECTED


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OverflowError("date value out of range"), ProblemKind.UNSUPPORTED),
        (RecursionError("maximum recursion depth exceeded"), ProblemKind.UNSUPPORTED),
        (MemoryError(), ProblemKind.UNSUPPORTED),
        (KeyError("ApiVersion"), ProblemKind.BUG),
        (ZeroDivisionError("division by zero"), ProblemKind.BUG),
    ],
)
def test_a_session_whose_opening_dies_leaves_no_probe_out(error, kind):
    def dies():
        raise error

    probes = [probe(f"p.{number}", well) for number in range(11)]
    found, _ = run(lane("a", *probes, opens=dies), lane("b", probe("p.one", well)))
    first = found.pop("a/p.0")
    assert (first.status, first.problem.kind) == (EvidenceStatus.FAILED, kind)
    assert found.pop("b/p.one").status is EvidenceStatus.COLLECTED
    assert {one.status for one in found.values()} == {EvidenceStatus.SKIPPED}
    assert len(found) == 10
    assert all(type(error).__name__ in one.problem.message for one in found.values())
    findings = [
        found for one in (first, *found.values()) for found in analyze_one(one, Context(window=WINDOW))
    ]
    assert {one.severity for one in findings} == {FindingSeverity.UNKNOWN}
    assert len(findings) == 11


def test_a_session_that_cannot_be_closed_costs_no_evidence():
    class Stuck(NoSession):
        def close(self):
            raise OSError("bad descriptor")

    found, _ = run(lane("a", probe("p.one", well), probe("p.two", well), opens=Stuck))
    assert {one.status for one in found.values()} == {EvidenceStatus.COLLECTED}


@pytest.mark.parametrize(
    "row",
    [
        Measurement(name="n", value=10**400),
        Measurement(name="n", value=10**5000),
        Measurement(name="n\ud800", value=1.0),
        MemorySample(at=NOW, memory_bytes=float("nan")),
    ],
    ids=["past a float", "past the digits of a text", "half a character", "no number"],
)
def test_what_cannot_be_stored_is_a_problem_of_its_probe(row):
    def beyond(_session, _window):
        return Fetched(rows=(row,))

    found, _ = run(lane("a", probe("p.one", beyond), probe("p.two", well)))
    assert found["a/p.one"].problem.kind is ProblemKind.UNSUPPORTED
    assert "an impossible value" in found["a/p.one"].problem.message
    assert found["a/p.two"].status is EvidenceStatus.COLLECTED


def test_what_cannot_be_judged_is_unknown():
    found, _ = run(lane("a", probe("redis.memory", well)))

    def dies(_evidence, _context):
        yield from ()
        raise OverflowError("date value out of range")

    context = Context(window=WINDOW, own={"own.probe": dies})
    evidence = msgspec.structs.replace(found["a/redis.memory"], probe="own.probe")
    (judged,) = analyze_one(evidence, context)
    assert (judged.id, judged.severity) == ("own.probe.unknown", FindingSeverity.UNKNOWN)
    assert "OverflowError" in judged.title


def test_the_watchdog_cuts_a_silent_peer_and_two_cuts_are_enough():
    probes = [probe(f"p.{number}", waits, 0.2) for number in range(4)]
    found, seconds = run(lane("a", *probes, opens=Silent))
    kinds = [found[f"a/p.{number}"].problem.kind for number in range(4)]
    assert kinds == [ProblemKind.TIMED_OUT] * 2 + [ProblemKind.SKIPPED] * 2
    assert seconds < 5


def test_a_target_that_ends_statements_by_itself_is_asked_on():
    def ended(_session, _window):
        raise TargetError(
            ProblemKind.TIMED_OUT, "canceling statement due to statement timeout", answered=True
        )

    probes = [probe(f"p.{number}", ended) for number in range(3)]
    found, _ = run(lane("a", *probes, probe("p.well", well)))
    assert [found[f"a/p.{number}"].problem.kind for number in range(3)] == [ProblemKind.TIMED_OUT] * 3
    assert found["a/p.well"].status is EvidenceStatus.COLLECTED


def test_a_driver_that_hangs_past_its_watchdog_is_given_up():
    found, seconds = run(
        lane("a", probe("p.first", well), probe("p.hangs", hangs, 0.2), probe("p.behind", well)),
        lane("b", probe("p.one", well)),
    )
    assert found["a/p.hangs"].problem.kind is ProblemKind.TIMED_OUT
    assert found["a/p.behind"].status is EvidenceStatus.SKIPPED
    assert found["b/p.one"].status is EvidenceStatus.COLLECTED
    assert seconds < 10


def test_the_deadline_of_the_whole_ends_everything_and_tells_what_is_missing():
    found, seconds = run(lane("a", probe("p.hangs", hangs, 50), probe("p.behind", well)), deadline=0.3)
    assert found["a/p.hangs"].problem.kind is ProblemKind.DEADLINE
    assert found["a/p.behind"].status is EvidenceStatus.SKIPPED
    assert seconds < 5


def test_what_was_read_until_the_deadline_counts_though_counting_takes_longer():
    def reads(session, _window):
        session.cut.wait(30)
        time.sleep(0.5)
        return well(session, _window)

    reading = msgspec.structs.replace(probe("p.reads", reads, 25), keeps=True)
    found, _ = run(lane("a", reading, opens=Silent), lane("b", probe("p.hangs", hangs, 25)), deadline=0.3)
    assert found["a/p.reads"].status is EvidenceStatus.COLLECTED
    assert found["b/p.hangs"].problem.kind is ProblemKind.DEADLINE


def test_a_reading_that_hangs_behind_the_deadline_is_given_up_with_the_reason(monkeypatch):
    monkeypatch.setattr(collect_module, "_COUNT_SECONDS", 0.2)
    reading = msgspec.structs.replace(probe("p.reads", hangs, 25), keeps=True)
    cut = msgspec.structs.replace(probe("p.cut", waits, 25), keeps=True)
    found, seconds = run(lane("a", reading), lane("b", cut, opens=Silent), deadline=0.3)
    assert found["a/p.reads"].problem.kind is found["b/p.cut"].problem.kind is ProblemKind.DEADLINE
    assert seconds < 10


def test_lanes_run_side_by_side():
    def slow(_session, _window):
        time.sleep(0.3)
        return Fetched()

    found, seconds = run(*(lane(f"t{number}", probe("p.slow", slow)) for number in range(20)))
    assert len(found) == 20
    assert seconds < 20 * 0.3 / 2


def test_only_so_many_lanes_run_at_once_and_each_has_its_turn(monkeypatch):
    monkeypatch.setattr(collect_module, "_MOST", 2)
    monkeypatch.setattr(collect_module, "_LEAST", 1)
    running, most = set(), []

    def slow(session, _window):
        running.add(id(session))
        most.append(len(running))
        time.sleep(0.05)
        running.discard(id(session))
        return Fetched()

    found, _ = run(*(lane(f"t{number}", probe("p.slow", slow)) for number in range(8)))
    assert {evidence.status for evidence in found.values()} == {EvidenceStatus.COLLECTED}
    assert len(found) == 8
    assert max(most) <= 2


def test_a_lane_that_is_given_up_makes_room_and_one_without_a_turn_is_reported(monkeypatch):
    monkeypatch.setattr(collect_module, "_MOST", 1)
    monkeypatch.setattr(collect_module, "_LEAST", 1)
    monkeypatch.setattr(collect_module, "_OPEN_SECONDS", 0.0)
    monkeypatch.setattr(collect_module, "_GRACE_SECONDS", 0.1)
    found, _ = run(
        lane("a", probe("p.hangs", hangs, 0.2)),
        lane("b", probe("p.well", well)),
        lane("c", probe("p.hangs", hangs, 50)),
        lane("d", probe("p.well", well)),
        deadline=3.0,
    )
    assert found["a/p.hangs"].problem.kind is ProblemKind.TIMED_OUT
    assert found["b/p.well"].status is EvidenceStatus.COLLECTED
    assert found["c/p.hangs"].problem.kind is ProblemKind.DEADLINE
    assert found["d/p.well"].problem.kind is ProblemKind.DEADLINE


def test_fewer_lanes_run_at_once_where_few_files_may_be_open(monkeypatch):
    for files, most in ((1024, 256), (256, 64), (20, 16), (collect_module.resource.RLIM_INFINITY, 256)):
        monkeypatch.setattr(collect_module.resource, "getrlimit", lambda _what, files=files: (files, files))
        assert collect_module._most_at_once() == most


def test_nothing_to_do_is_no_work():
    assert list(collect_module.collect((), WINDOW, 5.0)) == []


def test_what_cannot_be_judged_together_is_unknown_and_the_rest_stays(monkeypatch):
    found, _ = run(lane("a", probe("p.one", refused)), lane("b", probe("p.two", refused)))

    def dies(_findings, _situation):
        raise OverflowError("date value out of range")

    broken = Judge(judge=dies, reads=frozenset())
    monkeypatch.setattr(analyze_module, "JUDGES", (broken, *analyze_module.JUDGES))
    monkeypatch.setattr(analyze_module, "rank", dies)
    analysis = analyze_module.analyze(
        found.values(), Context(window=WINDOW), snapshot="s", topology=Topology(), patterns=()
    )
    titles = [one.title for one in analysis.findings if one.id == "correlation.unknown"]
    assert len(titles) == 2
    assert all("OverflowError" in title or "dies()" in title for title in titles)
    assert {one.target for one in analysis.findings} == {"a", "b", "all"}
    assert analysis.hypotheses == ()
