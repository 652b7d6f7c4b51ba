"""The timeline of a long incident: each change once, and not slower by the square of what happened."""

from datetime import UTC, datetime, timedelta

from incident_lib.model import Analysis, Window
from incident_lib.reports.timeline import SnapshotFacts, rows

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


def snapshot(name, *changes):
    return SnapshotFacts(
        id=name, window=Window(AT, AT + timedelta(days=1)), analysis=Analysis(snapshot=name), changes=changes
    )


def test_a_change_that_several_snapshots_show_is_one():
    near, far = AT + timedelta(seconds=4), AT + timedelta(seconds=30)
    found = rows(
        (),
        (
            snapshot("1", (AT, "backend", "restarted"), (far, "backend", "restarted")),
            snapshot("2", (near, "backend", "restarted"), (near, "db", "restarted")),
        ),
    )
    assert [(row.at, row.text) for row in found] == [
        (AT, "backend: restarted"),
        (near, "db: restarted"),
        (far, "backend: restarted"),
    ]


def test_thousands_of_changes_are_each_there_once():
    moments = [AT + timedelta(seconds=20 * number) for number in range(10_000)]
    half = [(at, "backend", "restarted") for at in moments]
    again = [(at + timedelta(seconds=3), "backend", "restarted") for at in moments]
    assert len(rows((), (snapshot("1", *half), snapshot("2", *again)))) == len(moments)
