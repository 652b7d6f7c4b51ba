"""Evidence and logs as data frames: types, what is missing, names that do not exist."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from incident_lib.config import Document, Settings
from incident_lib.errors import UsageError
from incident_lib.incident.snapshot import SnapshotWriter
from incident_lib.investigation.case import load_case
from incident_lib.model import Analysis, Attachment, Evidence, EvidenceStatus, Window
from incident_lib.model.topology import Topology
from incident_lib.redact import Redactor
from incident_lib.technologies.logs.lines import read_records

STORED = Path(__file__).parents[2] / "data" / "snapshot-1" / "20261123T154350Z"
AT = datetime(2026, 1, 15, 14, 45, tzinfo=UTC)
LOG = b"""2026-01-15T14:31:05Z ERROR app.orders: no route
Traceback (most recent call last):
  File "/srv/orders.py", line 7, in pay
    send()
OSError: no route
INFO:     10.0.0.7:53122 - "GET /orders?b=c HTTP/1.1" 503 OK
2026-01-15T14:31:09Z WARNING app.orders: slow
"""


@pytest.fixture(scope="module")
def case():
    return load_case(Settings(document=Document(), root=Path("/nowhere")), STORED)


def logged(folder):
    writer = SnapshotWriter(folder, Window(AT, AT), Redactor())
    writer.add(
        Evidence(
            probe="logs.lines",
            target="backend",
            status=EvidenceStatus.COLLECTED,
            collected_at=AT,
            duration_seconds=0.1,
            source="backend.log",
            attachments=(Attachment(name="backend.log", chunks=(LOG,)),),
        )
    )
    writer.seal(Analysis(snapshot=writer.id), Topology(kinds={"backend": "http"}))
    return load_case(Settings(document=Document(), root=folder), writer.path)


def test_times_numbers_and_targets_have_their_types(case):
    made = case.frame("postgres.transactions", "db")
    assert len(made) == 9
    assert str(made.transaction_started_at.dtype) == "datetime64[ns, UTC]"
    assert made.transaction_seconds.dtype == "float64"
    assert made.pid.dtype == "Int64"
    assert isinstance(made.target.dtype, pd.CategoricalDtype)
    assert made.transaction_seconds.max() > made.transaction_seconds.min()


def test_unknown_is_never_zero(case):
    made = case.frame("postgres.transactions")
    rows = case.of("postgres.transactions")[0].rows
    assert made.is_new_head.isna().tolist() == [row.is_new_head is None for row in rows]


@pytest.mark.filterwarnings("error")
def test_every_probe_of_a_snapshot_has_a_frame(case):
    for evidence in case.evidence:
        made = case.frame(evidence.probe, evidence.target)
        assert len(made) == len(evidence.rows)
        assert made.attrs["probe"] == evidence.probe


def test_one_type_of_record_is_chosen_by_its_name(case):
    made = case.frame("process.state", "db", record="MemorySample")
    assert set(made.record) == {"MemorySample"}
    assert made["at"].is_monotonic_increasing
    with pytest.raises(UsageError, match="did you mean `MemorySample`"):
        case.frame("process.state", record="MemorySampel")


def test_what_is_missing_is_said(case, caplog):
    made = case.frame("postgres.statements")
    assert made.empty
    assert "pg_stat_statements is not installed" in made.attrs["missing"][0]
    assert "pg_stat_statements is not installed" in caplog.text


@pytest.mark.parametrize(
    ("names", "nearest"),
    [
        (("postgres.lock",), "did you mean `postgres.locks`"),
        (("postgres.locks", "bd"), "did you mean `db`"),
        (("postgres.locks", "cache"), "only for db"),
        (("docker.container",), "nothing of that kind is configured"),
    ],
)
def test_a_name_without_evidence_is_refused(case, names, nearest):
    with pytest.raises(UsageError, match=nearest):
        case.frame(*names)


def test_lines_of_a_log_are_parsed(tmp_path):
    made = logged(tmp_path).logs("backend")
    assert made.level.tolist() == ["ERROR", "INFO", "WARNING"]
    assert made.loc[made.level >= "ERROR", "exception"].item().endswith("OSError: no route")
    request = made[made.status == 503].iloc[0]
    assert (request.method, request.path) == ("GET", "/orders?b=c")
    assert made.time.isna().tolist() == [False, True, False]
    assert made.time.iloc[0] == pd.Timestamp("2026-01-15T14:31:05Z")


def test_a_log_without_lines_is_said(case, caplog):
    made = case.logs("backend")
    assert made.empty
    assert str(made.time.dtype) == "datetime64[ns, UTC]"
    assert made.attrs["missing"] == ["the snapshot has no lines of backend"]
    assert "no lines of backend" in caplog.text
    with pytest.raises(UsageError, match="did you mean `backend`"):
        case.logs("backennd")


def test_times_without_a_zone_are_set_by_the_measured_one():
    lines = ["2026-01-15 15:31:05 INFO app: a", "2026-01-15 15:31:09 INFO app: b"]
    newest = datetime(2026, 1, 15, 14, 31, 9, tzinfo=UTC)
    assert [record.at for record in read_records(lines, newest)] == [
        newest.timestamp() - 4,
        newest.timestamp(),
    ]
    zoned = ["2026-01-15T15:31:09Z INFO app: b"]
    assert read_records(zoned, newest)[0].at == newest.timestamp() + 3600


def test_a_log_is_drawn_as_it_was_filtered_and_marks_what_is_known(tmp_path):
    lines = logged(tmp_path).logs("backend")
    axes = lines.plot()
    said = "1 of 2 log lines shown are errors, the worst at 14:31:05 with 1 of 1."
    assert axes.conclusion == said
    assert lines[lines.level == "WARNING"].plot().conclusion == "None of 1 log lines: errors."
    assert lines[lines.time.isna()].plot() == "backend: no line with a time."
    with_status = lines.assign(time=lines.time.ffill())
    assert "1 of 1 requests shown answered with 5xx" in with_status.plot().conclusion


def test_numbers_are_drawn_over_time_with_their_unit_and_onset(case):
    made = case.frame("postgres.transactions", "db")
    made.attrs["onset"] = made.transaction_started_at.median().to_pydatetime(warn=False)
    axes = made.set_index("transaction_started_at").sort_index().plot(y="transaction_seconds")
    texts = [text.get_text() for text in axes.texts]
    assert f"onset {made.attrs['onset']:%H:%M:%S}" in texts
    assert axes.get_xlabel() == "2026-11-23, UTC"
    assert axes.yaxis.get_major_formatter()(120.0, 0) == "2m"
    assert made[["application"]].plot() == (
        "This frame has no time column; name what to draw, such as frame.plot.barh(x=..., y=...)."
    )


def test_what_a_probe_collected_is_drawn_into_axes_of_an_engineer(case):
    own = Figure().subplots()
    assert case.plot("logs.lines", "backend", ax=own) is own
    assert own.get_title(loc="left") == "backend: requests, those answered with 5xx"
    assert any(text.get_text().startswith("onset ") for text in own.texts)
    assert case.plot("postgres.saturation").conclusion == "connections in use: 26 %."
    assert case.plot("postgres.locks", "db") == "db/postgres.locks has nothing to draw."
    with pytest.raises(UsageError, match="did you mean `backend`"):
        case.plot("logs.lines", "backennd")
