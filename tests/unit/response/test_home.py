"""The home of an incident, the list of all of them, and what the terminal says of the same."""

import json
import subprocess
from datetime import timedelta

import pytest

from incident_lib import clock
from incident_lib.cli import main
from incident_lib.config import Document, Settings
from incident_lib.incident import page_policy
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import IncidentFolder, declare, find
from incident_lib.incident.foreign import is_quiet
from incident_lib.incident.snapshot import SnapshotWriter
from incident_lib.model import Analysis, EventKind, Finding, FindingSeverity, Hypothesis, Window
from incident_lib.model.topology import Topology
from incident_lib.redact import Redactor
from incident_lib.reports.home import Conclusion, known_causes
from incident_lib.response.home import renew_home
from incident_lib.response.story import story_of
from tests.notebooks import sample

LOCKED = Hypothesis(id="lock-contention", target="db", rank=1, score=0.9, title="a session blocks all others")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.delenv("SUDO_USER", raising=False)
    return tmp_path


def run(*words):
    assert main(list(words)) == 0


def snapshot(folder, *hypotheses, severity=FindingSeverity.CRITICAL):
    now = clock.now()
    writer = SnapshotWriter(folder.path / "snapshots", Window(now - timedelta(minutes=15), now), Redactor())
    found = Finding(id="a.b", severity=severity, target="db", title="it answers")
    writer.seal(Analysis(snapshot=writer.id, findings=(found,), hypotheses=hypotheses), Topology())
    text = f"Snapshot {writer.id} was taken"
    folder.record(Draft(kind=EventKind.SNAPSHOT, text=text, source="collect"))
    return writer.id


def incident(here):
    return find(here / "incidents", "", Redactor())


def test_every_command_renews_the_home_and_the_list(here, capsys):
    run("declare", "--title", "Checkout <b>503s</b>", "--severity", "sev2", "--start", "10m")
    folder = incident(here)
    home, everything = folder.path / "index.html", here / "incidents" / "index.html"
    run("note", "the vendor answers & waits", "--by", "Kim")
    run("task", "read the log", "--owner", "Ben")
    run("decide", "no rollback")
    run("assign", "scribe", "Lou")
    run("update", "--status", "identified", "--findings", "a lock in orders")
    page = home.read_text()
    for words in (
        "Checkout &lt;b&gt;503s",
        "the vendor answers &amp; waits",
        "Kim",
        "read the log",
        "Ben",
        "no rollback",
        "Lou",
        "The cause is identified. A lock in orders.",
        "communication/update-",
    ):
        assert words in page
    assert "IDENTIFIED" in everything.read_text()
    assert is_quiet(page.encode())
    assert page.count("<script>") == 1
    assert page_policy.script() in page
    run("verify")
    subprocess.run(["git", "init", "-q"], check=True)
    ignored = subprocess.run(
        ["git", "check-ignore", str(home), str(everything), str(folder.path / "incident.json")],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert ignored.stdout.splitlines() == [str(home), str(everything)]
    run("note", "by whom?")
    assert [event.source for event in folder.events if event.kind is EventKind.NOTE][-1] == "ada"
    capsys.readouterr()
    run("task")
    assert "1 " in (out := capsys.readouterr().out)
    assert "Ben" in out
    assert "open" in out


def test_a_page_that_cannot_be_written_costs_only_the_page(here, capsys, caplog):
    run("declare", "--title", "x", "--severity", "sev3")
    folder = incident(here)
    (folder.path / "index.html").unlink()
    (folder.path / "index.html").mkdir()
    run("note", "still recorded")
    assert folder.events[-1].text == "still recorded"
    assert "index.html was not updated" in caplog.text
    assert json.loads((folder.path / "incident.json").read_text())["events"][-1] == folder.events[-1].id


def test_the_newest_look_hides_nothing_that_was_known(here, capsys):
    run("declare", "--title", "x", "--severity", "sev2", "--start", "20m")
    folder = incident(here)
    first = snapshot(folder, LOCKED)
    snapshot(folder, severity=FindingSeverity.OK)
    page = renew_home(Settings(document=Document(), root=here), folder).read_text()
    assert page.index("No problem was found") < page.index(f"snapshot {first}; the newest")
    capsys.readouterr()
    run("show")
    out = " ".join(capsys.readouterr().out.split())
    assert "Cause No problem was found" in out
    assert "Most likely at that time: a session blocks all others" in out
    run("resolve")
    assert "shows: No problem was found" in " ".join(capsys.readouterr().out.split())
    run("postmortem", "--confirm", "lock-contention")
    causes = story_of(folder).causes
    assert (causes[0].kind, causes[0].text) == ("confirmed", LOCKED.title)
    capsys.readouterr()
    run("show", "--json")
    assert json.loads(capsys.readouterr().out)["causes"][0]["kind"] == "confirmed"
    assert "postmortem-" in (folder.path / "index.html").read_text()


def test_whoever_resolves_hears_that_the_last_look_saw_trouble(here, capsys):
    run("declare", "--title", "x", "--severity", "sev2", "--start", "20m")
    snapshot(incident(here), LOCKED)
    run("resolve", "--reason", "users report that it works")
    out = capsys.readouterr().out
    assert "shows: Most likely: a session blocks all others" in out
    assert "incident triage" in out


def test_a_change_has_its_before_and_after_and_a_refuted_cause_is_said_last(here):
    case = sample.made(here)
    data = {"plan": "p1", "phase": "begun", "commands": ["SELECT pg_cancel_backend(42)"]}
    case.folder.record(
        Draft(kind=EventKind.MITIGATION, text="Begun: cancel 42", source="mitigate", data=data)
    )
    ended = {**data, "phase": "ended", "status": "verified", "seen": "0 sessions wait"}
    case.folder.record(
        Draft(kind=EventKind.MITIGATION, text="cancel 42: verified", source="mitigate", data=ended)
    )
    story = story_of(IncidentFolder(case.folder.path, Redactor()))
    assert (story.mitigations[0].status, story.mitigations[0].after) == ("verified", "0 sessions wait")
    page = renew_home(case.settings, case.folder).read_text()
    assert "0 sessions wait" in page
    assert "<script>document" not in page
    verdict = {"hypothesis": "db:lock-contention", "verdict": "refuted"}
    case.folder.record(Draft(kind=EventKind.DECISION, text="refuted", source="postmortem", data=verdict))
    before = Conclusion(snapshot="a", at=None, text="x", hypotheses=(("db:lock-contention", "locks", 0.9),))
    after = Conclusion(snapshot="b", at=None, text="No problem was found")
    kinds = [known.kind for known in known_causes(case.folder.events, (before, after))]
    assert kinds == ["concluded", "refuted"]


def test_a_long_incident_has_a_short_page_that_says_so(here):
    run("declare", "--title", "x", "--severity", "sev2", "--start", "20m")
    folder = incident(here)
    folder.record_all(Draft(kind=EventKind.NOTE, text=f"note {n}", source="t") for n in range(400))
    page = renew_home(Settings(document=Document(), root=here), folder).read_text()
    assert "note 399" in page
    assert "151 earlier ones are left out" in page
    assert len(page) < 300_000


def test_a_command_renews_what_it_changed_and_nothing_else(here, capsys):
    other = declare(here / "elsewhere", _declaration("two"), Redactor())
    run("declare", "--title", "one", "--severity", "sev2")
    assert (incident(here).path / "index.html").is_file()
    assert not (other.path / "index.html").exists()


def test_a_damaged_incident_does_not_empty_the_list(here):
    run("declare", "--title", "one", "--severity", "sev2")
    other = declare(here / "incidents", _declaration("two"), Redactor())
    (other.path / "incident.json").write_text("<<<<<<< ours\n")
    run("note", "x", "--incident", incident(here).id)
    text = (here / "incidents" / "index.html").read_text()
    assert ">one</a>" in text
    assert ">two</a>" in text


def _declaration(title):
    from incident_lib.incident.folder import Declaration
    from incident_lib.model import IncidentSeverity

    return Declaration(title=title, severity=IncidentSeverity.SEV3, started_at=clock.now())
