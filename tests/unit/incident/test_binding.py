"""An incident is about one configuration: another one collects into it only when that is said."""

import json

import pytest

from incident_lib import config
from incident_lib.config.identity import differences, has_grown, identity_of
from incident_lib.errors import UsageError
from incident_lib.incident import folder as folders
from incident_lib.incident.binding import OtherConfigurationError, bound_to, check_configuration
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation.setup import redactor_for
from incident_lib.investigation.snapshot import open_investigation
from incident_lib.investigation.trend import watch_trend
from incident_lib.model import EventKind
from incident_lib.remediation import execute_plan, plan_change
from tests.command import run

LOG = '[[service]]\nname = "{name}"\nkind = "process"\nlog = "{log}"\n'


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return a folder with a configuration, which is the working directory."""
    (tmp_path / "workbench.toml").write_text(LOG.format(name="web", log="web.log"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def other_file(place, text):
    path = place / "staging.toml"
    path.write_text(text)
    return path


def newest(place):
    settings = config.load(place / "workbench.toml")
    return folders.find(settings.incidents, "", redactor_for(settings))


def declare():
    assert run("declare", "--title", "Orders fail", "--severity", "SEV2") == 0


def test_a_declaration_remembers_the_configuration_and_no_secret(place, monkeypatch):
    monkeypatch.setenv("DB", "postgresql://app:hunter2-secret@db.example:5432/shop")
    text = (
        LOG.format(name="web", log="web.log")
        + '[[service]]\nname = "db"\nkind = "postgres"\ndsn = "env:DB"\n'
    )
    (place / "workbench.toml").write_text(text)
    declare()
    bound = bound_to(newest(place))
    assert bound == identity_of(config.load())
    assert set(bound.targets) == {"web", "db"}
    assert "hunter2" not in "".join(path.read_text() for path in newest(place).path.rglob("*.json"))


def test_another_configuration_is_refused_with_both_named_and_nothing_is_collected(place, capsys):
    declare()
    path = other_file(place, LOG.format(name="web", log="other.log"))
    for words in (
        ("run",),
        ("run", "--watch", "1s", "--for", "1s"),
        ("triage", "--save"),
        ("triage", newest(place).id),
        ("mitigate", "restart", "web"),
        ("mitigate", "restart", "web", "--yes", "0123456789abcdef"),
    ):
        with pytest.raises(OtherConfigurationError) as caught:
            run(*words, "--config", str(path))
        message = str(caught.value)
        assert str(place / "workbench.toml") in message, words
        assert str(path) in message, words
        assert "web has a different address" in message, words
        assert caught.value.command[0] == words[0]
        assert caught.value.command[-1] == "--rebind"
    folder = newest(place)
    assert not folder.snapshots
    assert not (folder.path / "samples").exists()
    assert [event.kind for event in folder.events if event.source != "declare"] == []


def test_the_parts_that_notebooks_call_refuse_it_too(place):
    declare()
    settings = config.load(other_file(place, LOG.format(name="api", log="web.log")))
    folder = newest(place)
    for work in (
        lambda: open_investigation(folder.id, config=str(settings.path)),
        lambda: watch_trend(settings, folder, every_seconds=1, for_seconds=1),
        lambda: plan_change(settings, folder, "restart", "api"),
    ):
        with pytest.raises(OtherConfigurationError, match="web is not in it, api is only in it"):
            work()
    with pytest.raises(UsageError):
        execute_plan(settings, folder, "0123456789abcdef")
    assert not folder.snapshots


def test_rebind_says_that_it_is_meant_and_is_recorded(place, capsys):
    declare()
    path = other_file(place, LOG.format(name="web", log="other.log"))
    assert run("triage", "--save", "--rebind", "--config", str(path)) == 0
    assert "from now on it is" in capsys.readouterr().out
    folder = newest(place)
    notes = [event for event in folder.events if event.source == "rebind"]
    assert [event.kind for event in notes] == [EventKind.NOTE]
    assert str(path) in notes[0].text
    assert run("triage", "--save", "--config", str(path)) == 0
    with pytest.raises(OtherConfigurationError):
        run("triage", "--save")


def test_what_is_typed_first_when_paged_is_not_refused(place, capsys):
    declare()
    path = other_file(place, LOG.format(name="web", log="other.log"))
    assert run("triage", "--config", str(path)) == 0
    out = capsys.readouterr().out
    assert "web has a different address" in " ".join(out.split())
    assert not newest(place).snapshots


def test_an_incident_without_one_takes_that_of_its_first_collection_and_says_so(place, capsys):
    declare()
    folder = newest(place)
    _without_configuration(folder)
    assert bound_to(newest(place)) is None
    assert run("triage", "--save") == 0
    assert "was not yet bound to a configuration" in capsys.readouterr().out
    assert bound_to(newest(place)) == identity_of(config.load())
    assert run("triage", "--save") == 0
    assert "was not yet bound" not in capsys.readouterr().out


def _without_configuration(folder):
    """Make the declaration what an older version wrote."""
    settings = config.load()
    incident = folder.incident
    for path in (folder.path / "events").iterdir():
        path.unlink()
    declaration = folders.Declaration(
        title="Orders fail", severity=incident.severity, started_at=incident.started_at
    )
    made = folders.declare(settings.incidents / "made", declaration, redactor_for(settings))
    for path in (made.path / "events").iterdir():
        path.rename(folder.path / "events" / path.name)


def test_an_incident_of_somebody_else_is_never_rebound(place, monkeypatch):
    declare()
    folder = newest(place)
    monkeypatch.setattr(IncidentFolder, "is_foreign", True, raising=False)
    settings = config.load()
    for rebind in (False, True):
        with pytest.raises(UsageError, match="came from elsewhere: it can be replayed"):
            check_configuration(settings, folder, "run", rebind=rebind)
    assert not [event for event in folder.events if event.source == "rebind"]


def test_a_file_that_got_more_targets_is_the_same_and_this_is_said(place, capsys):
    declare()
    text = LOG.format(name="web", log="web.log") + LOG.format(name="worker", log="worker.log")
    (place / "workbench.toml").write_text(text)
    assert run("triage", "--save") == 0
    assert "worker is only in it" in " ".join(capsys.readouterr().out.split())
    assert set(bound_to(newest(place)).targets) == {"web", "worker"}
    (place / "workbench.toml").write_text(LOG.format(name="web", log="web.log"))
    with pytest.raises(OtherConfigurationError, match="worker is not in it"):
        run("triage", "--save")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ('url = "http://web:80/"', 'url = "http://WEB:80"', True),
        ('url = "http://web:80"', 'url = "http://web:81"', False),
        ('url = "http://web"', 'url = "http://api"', False),
        ('url = "http://web"\ncontainer = "a"', 'url = "http://web"\ncontainer = "b"', True),
        ('container = "a"', 'container = "b"', False),
        ('url = "http://web"\nowner = "a"\nhealth = ["/x"]', 'url = "http://web"', True),
        ('url = "env:WEB_SET"', 'url = "http://web.example"', True),
        ('url = "env:WEB_NOT_SET"', 'url = "http://web.example"', True),
    ],
)
def test_what_makes_another_address(first, second, same, tmp_path, monkeypatch):
    monkeypatch.setenv("WEB_SET", "http://reader:hunter2@web.example?key=1")
    head = '[[service]]\nname = "web"\nkind = "http"\n'
    found = [
        identity_of(config.Settings(document=config.parse(f"{head}{text}\n"), root=tmp_path))
        for text in (first, second)
    ]
    assert (not list(differences(*found))) is same
    assert "hunter2" not in json.dumps([identity.lines for identity in found])


def test_a_digest_is_that_of_names_kinds_and_addresses_in_any_order(tmp_path):
    one, two = LOG.format(name="a", log="a.log"), LOG.format(name="b", log="b.log")
    found = [
        identity_of(config.Settings(document=config.parse(text), root=tmp_path))
        for text in (one + two, two + one, one)
    ]
    assert found[0].digest == found[1].digest != found[2].digest
    assert not has_grown(found[2], found[0])  # without a file nobody knows that it is the same
