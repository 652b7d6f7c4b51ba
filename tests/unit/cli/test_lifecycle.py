"""The commands around an incident, as they are typed. No target is asked."""

import json
from datetime import timedelta

import pytest

from incident_lib import clock
from incident_lib.cli import main


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *words):
    code = main(list(words))
    out = capsys.readouterr()
    return code, out.out, out.err


def declare(capsys, *more):
    code, out, _ = run(
        capsys, "declare", "--title", "Checkout 503s", "--severity", "p2", "--start", "10m", *more
    )
    assert code == 0
    return out


def state(capsys):
    return json.loads(run(capsys, "show", "--json")[1])["incident"]


def test_the_declaration_says_who_what_and_when_next(capsys, here):
    out = declare(capsys, "--service", "backend", "--commander", "Kim", "--impact", "no checkout")
    for words in (
        "SEV2: Checkout 503s",
        "Kim",
        "no checkout",
        "backend",
        "**Next update:**",
        "Investigating",
    ):
        assert words in out
    assert (here / "incidents").is_dir()


def test_an_incident_from_declaration_to_close(capsys):
    declare(capsys)
    assert run(capsys, "ack", "--by", "Kim")[0] == 0
    assert run(capsys, "assign", "commander", "Kim")[0] == 0
    code, out, _ = run(
        capsys, "update", "--status", "identified", "--findings", "locks", "--actions", "cancel 42"
    )
    assert code == 0
    assert "**Status:** Identified" in out
    assert "cancel 42" in out
    run(capsys, "note", "we asked the vendor", "--at", "5m")
    run(capsys, "task", "read the log", "--owner", "Ada")
    run(capsys, "task", "--done", "1")
    run(capsys, "decide", "no rollback")
    run(capsys, "classify", "sev1", "--reason", "all users")
    run(capsys, "resolve", "--reason", "root cancelled")
    run(capsys, "close")
    now = state(capsys)
    assert (now["status"], now["severity"], now["commander"]) == ("CLOSED", "SEV1", "Kim")
    assert now["tasks"][0]["owner"] == "Ada"
    assert now["tasks"][0]["done_at"]
    for milestone in ("acknowledged_at", "identified_at", "resolved_at", "closed_at"):
        assert now[milestone] is not None
    code, out, _ = run(capsys, "show", "--timeline", "--no-color")
    lines = [line for line in out.splitlines() if " note " in line]
    assert "we asked the vendor" in lines[0]
    assert run(capsys, "verify")[0] == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("update", "--status", "INVESTIGATING"), "reopen"),
        (("update", "--status", "fine"), "'fine' is not a status"),
        (("note", "  "), "empty"),
        (("note", "x", "--at", "2999-01-01"), "in the future"),
        (("resolve", "--at", "2h"), "before the incident began"),
        (("task", "x"), "--owner"),
        (("task", "--done", "7"), "no task matches 7"),
        (("classify", "sev9", "--reason", "x"), "not a severity"),
        (("declare", "--title", " ", "--severity", "SEV1"), "empty"),
        (("declare", "--title", "x", "--severity", "SEV1", "--start", "2999-01-01"), "in the future"),
        (
            ("declare", "--title", "x", "--severity", "SEV1", "--service", "nope"),
            "no service is named 'nope'",
        ),
        (("show", "nope"), "no incident 'nope'"),
        (("assign", "commander", " "), "give the role and the name"),
    ],
)
def test_wrong_usage_is_told_and_changes_nothing(capsys, words, told):
    declare(capsys)
    run(capsys, "update", "--status", "MITIGATING")
    before = state(capsys)
    code, _, err = run(capsys, *words)
    assert code == 2
    assert told in err
    assert "Traceback" not in err
    assert state(capsys) == before


def test_reopening_goes_back(capsys):
    declare(capsys)
    assert run(capsys, "reopen")[0] == 2
    run(capsys, "resolve")
    assert run(capsys, "update", "--status", "IDENTIFIED")[0] == 2
    assert run(capsys, "reopen", "--reason", "again")[0] == 0
    now = state(capsys)
    assert (now["status"], now["resolved_at"]) == ("INVESTIGATING", None)


def test_a_late_update_is_told(capsys):
    run(capsys, "declare", "--title", "x", "--severity", "SEV1")
    assert "next update due" in run(capsys, "show")[1]


def test_without_any_incident_each_command_says_what_to_do(capsys):
    for words in (("show",), ("note", "x"), ("run",), ("verify",)):
        code, _, err = run(capsys, *words)
        assert code == 2
        assert "incident declare" in err
    assert run(capsys, "list")[0] == 0


def test_a_time_without_a_zone_is_taken_as_utc_and_that_is_said(capsys):
    code, _, err = run(capsys, "declare", "--title", "x", "--severity", "SEV1", "--start", "2026-01-15T14:31")
    assert code == 0
    assert "taken as UTC" in err


def test_a_read_only_place_is_told_in_words(capsys, here):
    (here / "incidents").write_text("a file where the folder should be")
    code, _, err = run(capsys, "declare", "--title", "x", "--severity", "SEV1")
    assert code == 2
    assert "cannot write" in err


def test_hostile_text_neither_drives_the_terminal_nor_breaks_the_folder(capsys):
    title = "\x1b[2J[bold]x[/bold] <script>alert(1)</script> | `rm` \u202e 💥"
    assert run(capsys, "declare", "--title", title, "--severity", "SEV1")[0] == 0
    assert "\x1b" not in run(capsys, "note", title)[1]
    code, out, _ = run(capsys, "show")
    assert code == 0
    assert "\x1b[2J" not in out
    assert "\u202e" not in out
    assert "[bold]x[/bold]" in out


@pytest.mark.parametrize(("command", "status"), [("resolve", "RESOLVED"), ("close", "CLOSED")])
def test_ended_twice_is_said_and_recorded_once(capsys, here, command, status):
    declare(capsys)
    assert run(capsys, command, "--reason", "the job was ended")[0] == 0
    events = sorted((here / "incidents").glob("*/events/*"))
    code, out, _ = run(capsys, command, "--reason", "and restarted")
    assert code == 0
    assert f"is already {status} since" in out
    assert "incident note" in out
    assert json.loads(run(capsys, command, "--json")[1])["status"] == status
    assert sorted((here / "incidents").glob("*/events/*")) == events


def test_one_incident_is_counted_as_one(capsys):
    declare(capsys)
    assert run(capsys, "figures")[1].startswith("1 incident\n")
    assert "1 of 1 incident" in run(capsys, "search", "checkout")[1]


def test_an_old_incident_is_said_and_changes_nothing_unless_it_is_named(capsys, monkeypatch):
    declare(capsys)
    later = clock.now() + timedelta(days=3)
    monkeypatch.setattr(clock, "now", lambda: later)
    code, out, err = run(capsys, "note", "again")
    assert code == 0
    name = out.strip().rpartition("(")[2].strip(")")
    assert f"No incident was named; using {name}" in err
    assert "No incident" not in run(capsys, "note", "again", "--incident", name)[2]
    assert main(["mitigate", "restart", "backend"]) == 2
    assert f"add --incident {name}" in capsys.readouterr().err
