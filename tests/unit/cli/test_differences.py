"""A comparison in the terminal: numbers first, as many as a person reads, the rest when asked for."""

from datetime import UTC, datetime

from incident_lib.cli.console import console_for
from incident_lib.cli.differences import print_comparison
from incident_lib.model import FindingSeverity
from incident_lib.model.difference import Comparison, Difference, Side

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


def number(what, before, now, severity=FindingSeverity.WARNING, name="baseline.latency"):
    unit = "seconds" if name == "baseline.latency" else ""
    return Difference(
        id=name, target="backend", what=what, before=before, now=now, unit=unit, severity=severity
    )


def printed(capsys, *differences, verbose=False):
    sides = [Side(label=label, snapshot="x", collected_at=AT) for label in ("baseline normal", "now")]
    comparison = Comparison(before=sides[0], now=sides[1], differences=differences)
    print_comparison(console_for(no_color=True), comparison, verbose=verbose)
    return capsys.readouterr().out


def test_numbers_come_before_what_was_concluded(capsys):
    rank = number("the pool is used up", "not supported", "rank 1", name="hypothesis.rank")
    new = number("it answers 503", "not found", "CRITICAL", FindingSeverity.CRITICAL, "finding.new")
    out = printed(capsys, new, rank, number("GET /: p95", 0.02, 2.0))
    assert "GET /: p95" in out
    assert "20 ms → 2 s" in out
    assert out.index("Measured") < out.index("Concluded") < out.index("rank 1, was not supported: the pool")
    assert out.index("the pool is used up") < out.index("new: it answers 503")


def test_what_nobody_reads_is_counted_and_shown_when_asked_for(capsys):
    many = [number(f"GET /{n}", 0.1, 1.0) for n in range(20)]
    better = number("GET /better", 1.0, 0.1, FindingSeverity.OK)
    out = printed(capsys, *many, better)
    assert out.count("Worse") == 8
    assert "-v shows 13 more" in out
    assert "GET /better" not in out
    whole = printed(capsys, *many, better, verbose=True)
    assert whole.count("Worse") == 20
    assert "Better" in whole


def test_what_was_not_seen_is_not_gone(capsys):
    gone = number("it is full", "WARNING", "not found", FindingSeverity.OK, "finding.gone")
    unseen = number("it is slow", "WARNING", None, FindingSeverity.UNKNOWN, "finding.gone")
    out = printed(capsys, gone, unseen, verbose=True)
    assert "gone: it is full" in out
    assert "not seen now: it is slow" in out
