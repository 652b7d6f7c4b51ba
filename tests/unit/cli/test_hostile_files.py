"""One file of an incident is hostile: commands go on, other incidents stay usable, and the file is named."""

import logging
import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incident_lib.errors import WorkbenchError
from incident_lib.incident import decode, manifest
from incident_lib.incident.folder import IncidentFolder
from incident_lib.redact import Redactor
from tests.command import run

STORED = Path(__file__).parents[2] / "data" / "snapshot-1" / "20261123T154350Z"
RUN = {
    "schema": 1,
    "id": "20261123T154400Z",
    "started_at": "2026-11-23T15:44:00Z",
    "snapshot": STORED.name,
    "status": "done",
    "notebooks": [{"name": "00_triage", "status": "completed"}],
}
SPECIAL = ("link", "device", "pipe", "folder", "gone")
CONTENTS = (
    b"[" * 200_000,
    b'{"a":' * 100_000,
    b"",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"1" * 10_000,
)
VALUES = (
    "9999-12-31T23:59:59.999999Z",
    "9998-12-30T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "0002-01-02T00:00:00Z",
    "2026-01-01T00:00:00",
    1 << 53,
    (1 << 53) + 1,
    -(1 << 70),
    1e308,
    None,
    "",
    [],
    {},
    [[[]]],
    "../../etc/passwd",
    "/dev/zero",
    "\x1b]0;x\x07",
    "9" * 5000,
    "x" * 20_000,
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with two incidents, one of which has everything that an incident may have."""
    base = tmp_path_factory.mktemp("hostile")
    (base / "workbench.toml").write_text("")
    with standing_in(base):
        run("declare", "--title", "Other", "--severity", "SEV3")
        run("declare", "--title", "Victim", "--severity", "SEV2", "--commander", "Kim")
        victim = next(base.glob("incidents/*victim"))
        run("note", "--incident", victim.name, "hello")
        run("task", "--incident", victim.name, "--owner", "Sam", "check the pool")
        shutil.copytree(STORED, victim / "snapshots" / STORED.name)
        made = victim / "runs" / str(RUN["id"])
        made.mkdir(parents=True)
        (made / "run.json").write_bytes(msgspec.json.encode(RUN))
        manifest.seal(made)
        run("resolve", "--incident", victim.name)
        run("postmortem", victim.name)
        shutil.copytree(victim, base / "pristine")
        yield base


@contextmanager
def standing_in(folder):
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def replaced(data, number, value):
    """Return a document with a value of it replaced, the one of that number."""
    document = msgspec.json.decode(data)
    holders = []
    waiting = [document]
    while waiting:
        each = waiting.pop()
        for key, item in each.items() if isinstance(each, dict) else enumerate(each):
            holders.append((each, key))
            waiting += [item] if isinstance(item, dict | list) else []
    holder, key = holders[number % len(holders)]
    holder[key] = value
    return msgspec.json.encode(document)


def make_hostile(path, how):
    if isinstance(how, bytes):
        path.write_bytes(how)
    elif isinstance(how, tuple):
        path.write_bytes(replaced(path.read_bytes(), *how))
    else:
        path.unlink()
        if how == "pipe":
            os.mkfifo(path)
        elif how == "folder":
            path.mkdir()
        elif how != "gone":
            path.symlink_to("/dev/zero" if how == "device" else "/etc/passwd")


def files(base):
    found = sorted(path.relative_to(base / "pristine") for path in (base / "pristine").rglob("*.json"))
    names = [path for path in found if path.parts[0] == "events"] * 8 + found
    return [*names, *(Path("snapshots", STORED.name, "findings.json") for _ in range(8))]


@given(
    st.integers(0, 1000),
    st.sampled_from(SPECIAL)
    | st.sampled_from(CONTENTS)
    | st.tuples(st.integers(0, 10_000), st.sampled_from(VALUES)),
)
@settings(
    max_examples=12,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_hostile_file_costs_itself_alone(place, capsys, caplog, number, how):
    victim, other = next(place.glob("incidents/*victim")), next(place.glob("incidents/*other"))
    shutil.rmtree(victim)
    shutil.copytree(place / "pristine", victim)
    relative = files(place)[number % len(files(place))]
    make_hostile(victim / relative, how)
    decode.report.cache_clear()
    caplog.clear()
    capsys.readouterr()
    with caplog.at_level(logging.WARNING):
        assert run("list") == 0
        assert other.name in capsys.readouterr().out
        assert run("note", "--incident", other.name, "goes on") == 0
        said = ""
        for words in (("note", "--incident"), ("timeline",), ("verify",), ("postmortem",), ("show",)):
            try:
                run(*words, victim.name, *(("more",) if words[0] == "note" else ()))
            except WorkbenchError as error:
                said += str(error)
        printed = capsys.readouterr()
    said += printed.out + printed.err + caplog.text
    if not isinstance(how, tuple) and relative.name != "incident.json":
        assert relative.name in said or str(relative.parent.name) in said
    assert IncidentFolder(other, Redactor()).verify() == []
