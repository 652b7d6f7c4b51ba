"""Findings of one kind at many targets are one line; what few targets have is never folded."""

from incident_lib.model import EVERYTHING, Analysis, Finding, FindingSeverity, NotAssessed
from incident_lib.reports.blocks import by_target
from incident_lib.reports.groups import apart_from_events, by_reason, grouped
from incident_lib.units import some_of

NAMES = [f"svc-{number:03}" for number in range(120)]


def down(target: str, title: str = "refuses connections") -> Finding:
    return Finding(
        id="http.health.refused", severity=FindingSeverity.CRITICAL, target=target, title=title,
        evidence=(f"{target}/http.health",),
    )  # fmt: skip


def test_many_targets_are_one_line() -> None:
    (group,) = grouped(map(down, NAMES))
    assert (group.about, group.title) == ("120 targets", f"refuses connections: {some_of(NAMES)}")
    assert [group.title for group in grouped(map(down, NAMES[:4]))] == ["refuses connections"] * 4


def test_a_reason_that_many_share_is_stated_once() -> None:
    entries = [NotAssessed(target=name, probe="logs.lines", reason="no log") for name in NAMES]
    assert by_reason(entries) == [(tuple(NAMES), ("logs.lines",), "no log")]
    assert len(by_reason(entries[:4])) == 4


def test_the_page_of_one_event_is_small_and_hides_no_other_fault() -> None:
    event = Finding(
        id="together.unexplained", severity=FindingSeverity.CRITICAL, target=EVERYTHING, title="100 of 120",
        evidence=tuple(f"{name}/http.health" for name in NAMES[:100]),
        data={"targets": " ".join(NAMES[:100])},
    )  # fmt: skip
    other = Finding(
        id="host.disk.full", severity=FindingSeverity.CRITICAL, target=NAMES[0], title="the disk is full",
        evidence=(f"{NAMES[0]}/host.disk",),
    )  # fmt: skip
    analysis = Analysis(snapshot="s", findings=(event, *map(down, NAMES[:100]), other))
    assert [f.target for f in apart_from_events(analysis)] == [EVERYTHING, NAMES[0]]
    page = by_target(analysis)
    assert len(page) < 100_000
    assert page.count("<section") == 3  # the event, the target with a fault of its own, and all others
    assert page.count(f"<b>{NAMES[50]}</b>") == 1
