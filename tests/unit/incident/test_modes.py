"""What may hold secrets of production is for us alone, or for our team, whatever the umask."""

import grp
import json
import logging
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from incident_lib.cli.parser import build
from incident_lib.errors import ConfigError, FolderError
from incident_lib.incident import files
from incident_lib.incident import folder as folders
from incident_lib.incident.events import Draft
from incident_lib.incident.folder import Declaration, IncidentFolder
from incident_lib.incident.unbundle import read_contents
from incident_lib.model import EventKind, IncidentSeverity
from incident_lib.redact import Redactor
from tests.ordinary_user import ordinary_user

ROOT = Path(__file__).parents[3]
CONFIG = """
[workbench]
runbooks = "books/runbooks"
{group}
[[service]]
name = "backend"
kind = "http"
url = "http://127.0.0.1:9"
log = "backend.log"

[[host]]
name = "machine"
"""
UNSEEN = {
    "completion": "it prints, and opens nothing",
    "demo": "its stack is no incident; what it runs is seen here",
    "help": "it prints, and opens nothing",
    "lab": "it serves until it is ended",
    "mitigate": "its plans need a target that can be changed: tests/integration/test_remediation_approval.py",
}
LINES = (
    ("init", "--output", "made.toml"),
    ("new-notebook", "90_queues"),
    ("declare", "--title", "Checkout 503s", "--severity", "SEV2"),
    ("ack",),
    ("assign", "scribe", "Kim"),
    ("note", "the pool is full"),
    ("task", "call the vendor", "--owner", "Kim"),
    ("decide", "we roll back"),
    ("classify", "SEV1", "--reason", "all users"),
    ("update", "--status", "IDENTIFIED"),
    ("triage",),
    ("run", "--notebook", "10_application", "--jobs", "1"),
    ("analyze",),
    ("baseline", "--force"),
    ("diff", "baseline", "latest", "--html", "out/diff.html"),
    ("communicate", "update"),
    ("show",),
    ("list",),
    ("search", "pool"),
    ("similar",),
    ("figures", "--html", "out/figures.html"),
    ("on-call", "--severity", "SEV1"),
    ("resolve",),
    ("postmortem",),
    ("timeline", "--html", "out/timeline.html", "--csv", "out/timeline.csv"),
    ("runbook", "backend"),
    ("bundle", "--output", "out/bundle.zip"),
    ("open", "out/bundle.zip", "--to", "received"),
    ("verify",),
    ("verify", "out/bundle.zip"),
    ("close",),
    ("reopen",),
    ("redact", "backend.log"),
    ("health", "--backend-url", "http://127.0.0.1:9", "--timeout", "1"),
    ("report", "--title", "T", "--severity", "P1", "--start-time", "2026-01-15T14:31Z"),
    ("logs", "--service", "backend", "--filter", "pool"),
    ("logs", "backend.log"),
)
WRITTEN = (
    *("incidents/", "baselines/", "books/runbooks/", "snapshots/", "runs/", "communication/", "postmortem-"),
    *("out/bundle.zip", "out/timeline.csv", "received/", "made.toml", "incident-logs/"),
    *("health-check-results/", "incident-reports/", ".part", "tmp/"),
)


def environment(root):
    names = {"HOME": root / "home", "TMPDIR": root / "tmp", "PYTHONPATH": ROOT, "PATH": os.environ["PATH"]}
    return {name: str(value) for name, value in names.items()}


def prepare(root, group=""):
    for name in ("home", "tmp"):
        (root / name).mkdir()
    (root / "tmp").chmod(0o1777)
    (root / "workbench.toml").write_text(CONFIG.format(group=group))
    (root / "backend.log").write_text("2026-01-15T14:31:00Z ERROR the pool is full\n")
    return set(root.rglob("*"))


def audited(root, umask, mask, lines):
    done = subprocess.run(
        [sys.executable, "-m", "tests.audited", str(root), umask, mask],
        input=json.dumps(lines) + "\n",
        cwd=root,
        env=environment(root),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def modes(root, before=()):
    """Return the modes of everything that appeared, home of other programs aside, by kind and mode."""
    found = {}
    for path in root.rglob("*"):
        if path not in before and not path.is_relative_to(root / "home") and not path.is_symlink():
            kind = "folder" if path.is_dir() else "file"
            found.setdefault((kind, oct(stat.S_IMODE(path.stat().st_mode))), []).append(path)
    return found


def known_commands():
    return build()._subparsers._group_actions[0].choices


def test_no_command_leaves_anything_that_others_can_read(tmp_path):
    before = prepare(tmp_path)
    lines = [line for line in LINES if line[0] in known_commands()]
    seen = audited(tmp_path, "000", "077", lines)
    failed = [result for result in seen["results"] if not result[1].isdigit()]
    assert failed == []
    assert seen["open"] == {}
    assert modes(tmp_path, before).keys() == {("folder", "0o700"), ("file", "0o600")}
    written = " ".join(seen["written"])
    assert [part for part in WRITTEN if part not in written] == []
    codes = [(name, code) for name, code in seen["results"] if name in {"bundle", "verify"}]
    assert codes == [("bundle", "0"), ("verify", "0"), ("verify", "0")]
    contents = read_contents(tmp_path / "out" / "bundle.zip")
    assert (contents.redacted, contents.withheld, contents.not_read) == ({}, {}, ())


def test_every_command_is_among_those_that_are_watched():
    assert {line[0] for line in LINES} | UNSEEN.keys() >= known_commands().keys()


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o777])
def test_the_umask_of_a_user_changes_nothing(tmp_path, umask):
    before = os.umask(umask)
    try:
        folder = declared(tmp_path / "incidents")
        with files.open_file(folder.path / "text", "w") as file:
            file.write("x")
    finally:
        os.umask(before)
    assert modes(tmp_path).keys() == {("folder", "0o700"), ("file", "0o600")}


def declared(incidents):
    declaration = Declaration(
        title="Checkout 503s",
        severity=IncidentSeverity.SEV2,
        started_at=datetime(2026, 1, 15, 14, 31, tzinfo=UTC),
    )
    return folders.declare(incidents, declaration, Redactor())


def noted(folder):
    IncidentFolder(folder.path, Redactor()).record(Draft(kind=EventKind.NOTE, text="x", source="test"))


def opened(folder):
    """Open an incident to everybody, as earlier versions and git leave it."""
    for path in (folder.path, *folder.path.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_an_old_incident_is_closed_when_it_is_written_and_this_is_said_once(tmp_path, caplog):
    folder = declared(tmp_path / "incidents")
    opened(folder)
    outside = tmp_path / "outside.txt"
    outside.write_text("x")
    outside.chmod(0o644)
    (folder.path / "attachments").symlink_to(tmp_path)
    (folder.path / "link.txt").symlink_to(outside)
    with caplog.at_level(logging.WARNING):
        noted(folder)
        noted(folder)
    assert [record.message for record in caplog.records] == [
        f"{folder.path} was open to others on this machine, or not to your team: permissions corrected"
    ]
    (folder.path / "attachments").unlink()
    assert modes(folder.path).keys() == {("folder", "0o700"), ("file", "0o600")}
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644


def test_a_file_that_was_open_is_closed_when_it_is_written_over(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o666)
    with files.open_file(path, "w") as file:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        file.write("new")
    path.chmod(0o666)
    files.write_atomic(path, b"newer")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_no_file_keeps_its_mode(tmp_path):
    before = Path(os.devnull).stat().st_mode
    with files.open_file(Path(os.devnull), "w") as file:
        file.write("x")
    assert Path(os.devnull).stat().st_mode == before


def second_group():
    """Return a group of this machine that is not our own one, and that an ordinary user may have."""
    if os.geteuid():
        own = [number for number in os.getgroups() if number != os.getegid()]
        if not own:
            pytest.skip("this user has one group only")
        return grp.getgrgid(own[0])
    return next(group for group in grp.getgrall() if group.gr_gid not in {0, 65534})


def test_a_team_shares_what_is_made(tmp_path):
    group = second_group()
    before = prepare(tmp_path, f'group = "{group.gr_name}"')
    wanted = {"declare", "note", "baseline", "runbook", "bundle", "open", "update", "postmortem"}
    lines = [line for line in LINES if line[0] in wanted and "received" not in line]
    bundled = ("open", "out/bundle.zip", "--to", "incidents/received")
    seen = audited(tmp_path, "000", "007", [*lines, bundled])
    assert [result for result in seen["results"] if not result[1].isdigit()] == []
    assert seen["open"] == {}
    found = modes(tmp_path, before)
    private = found.pop(("folder", "0o700")) + found.pop(("file", "0o600"))
    assert {path.relative_to(tmp_path).parts[0] for path in private} == {"out"}
    assert found.keys() == {("folder", "0o2770"), ("file", "0o660")}
    shared = [path for paths in found.values() for path in paths]
    assert {path.stat().st_gid for path in shared} == {group.gr_gid}
    tops = {path.relative_to(tmp_path).parts[0] for path in shared}
    assert tops == {"incidents", "baselines", "books"}


def test_a_colleague_of_the_group_goes_on_and_others_see_nothing(tmp_path):
    if os.geteuid():
        pytest.skip("only root can be several users")
    group = second_group()
    tmp_path.chmod(0o755)
    files.share(tmp_path / "incidents", group.gr_name)
    folder = declared(tmp_path / "incidents")
    with ordinary_user(tmp_path), pytest.raises(PermissionError):
        (folder.path / "incident.json").read_bytes()
    with ordinary_user(tmp_path, groups=(group.gr_gid,)):
        noted(folder)
        assert len(IncidentFolder(folder.path, Redactor()).events) == 2
    noted(folder)
    assert [event.text for event in folder.events][1:] == ["x", "x"]
    assert modes(tmp_path / "incidents").keys() == {("folder", "0o2770"), ("file", "0o660")}


def test_incidents_of_before_join_their_team_when_they_are_written(tmp_path):
    group = second_group()
    folder = declared(tmp_path / "incidents")
    files.share(tmp_path / "incidents", group.gr_name)
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    noted(folder)
    assert modes(tmp_path / "incidents").keys() == {("folder", "0o2770"), ("file", "0o660")}
    assert {path.stat().st_gid for path in folder.path.rglob("*")} == {group.gr_gid}


def test_a_group_that_there_is_not_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="this machine has no group 'no-such-group'"):
        files.share(tmp_path / "incidents", "no-such-group")
    assert not (tmp_path / "incidents").exists()


def test_a_group_that_we_are_not_in_is_a_sentence(tmp_path):
    outside = next(group for group in grp.getgrall() if group.gr_gid not in {*os.getgroups(), os.getegid()})
    with ordinary_user(tmp_path), pytest.raises(ConfigError, match="you are not in the group"):
        files.share(tmp_path / "incidents", outside.gr_name)


def test_a_folder_of_another_user_cannot_be_shared_by_us(tmp_path):
    if os.geteuid():
        pytest.skip("only root can be several users")
    group = second_group()
    (tmp_path / "incidents").mkdir()
    with (
        ordinary_user(tmp_path, groups=(group.gr_gid,)),
        pytest.raises(FolderError, match="belongs to another user, who has to share it: chgrp"),
    ):
        files.share(tmp_path / "incidents", group.gr_name)


def test_an_incident_of_another_user_is_noted_all_the_same(tmp_path):
    if os.geteuid():
        pytest.skip("only root can be several users")
    folder = declared(tmp_path / "incidents")
    opened(folder)
    for path in (folder.path.parent, folder.path, folder.path / "events"):
        path.chmod(0o777)
    with ordinary_user(tmp_path):
        noted(folder)
    assert len(folder.events) == 2
