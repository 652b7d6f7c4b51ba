"""`incident communicate` and `incident on-call` as they are typed, with real services behind the channels."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from incident_lib.cli import main
from incident_lib.errors import ConfigError, UsageError
from tests import command
from tests.integration.notify_service import TOKEN, WebService, serving

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

CONFIG = """
[[service]]
name = "backend"
kind = "http"
url = "http://127.0.0.1:1"
purpose = "orders and checkout"

[[contact]]
role = "engineering manager"
name = "Mo"
chat = "@mo"

[on_call]
rotation = ["Ada", "Kim"]

[notify]
incidents = "env:TEST_CHAT"
status_updates = "file:status.url"
pagerduty = "env:TEST_KEY"
pagerduty_url = "http://{place}/v2/enqueue"
seconds = 10
"""


@pytest.fixture
def web(tmp_path, monkeypatch, capsys):
    with serving(WebService()) as server:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "workbench.toml").write_text(CONFIG.replace("{place}", server.place))
        (tmp_path / "status.url").write_text(f"json://{server.place}/{TOKEN}\n")
        monkeypatch.setenv("TEST_CHAT", f"json://{server.place}/{TOKEN}")
        monkeypatch.setenv("TEST_KEY", TOKEN)
        words = ["declare", "--title", "No checkout", "--severity", "SEV2", "--service", "backend"]
        assert main(words) == 0
        capsys.readouterr()
        yield server


def typed(capsys, *words):
    code = command.run("--no-color", *words)
    return code, capsys.readouterr().out


def events(capsys, kind="message"):
    main(["show", "--json"])
    told = json.loads(capsys.readouterr().out)["events"]
    return [event for event in told if event["kind"] == kind]


def draft_path(out):
    return Path(next(line for line in out.splitlines() if line.startswith("In "))[3:].partition(";")[0])


def test_a_draft_is_a_file_and_nothing_is_sent(web, capsys):
    code, out = typed(capsys, "communicate", "update")
    assert code == 0
    assert "Nothing has been sent" in out
    assert "--send incidents" in out
    assert draft_path(out).read_text() in out
    assert (web.received, events(capsys)) == ([], [])


def test_a_dry_run_shows_exactly_what_then_goes_where(web, capsys):
    code, out = typed(capsys, "communicate", "update", "--send", "#incidents")
    assert code == 0
    assert "#incidents, through JSON" in out
    assert "env:TEST_CHAT" in out
    assert "Nothing has been sent" in out
    assert (web.received, events(capsys)) == ([], [])
    shown = [line[4:] for line in out.splitlines() if line.startswith("    ")]
    assert typed(capsys, "communicate", "update", "--send", "incidents", "--confirm")[0] == 0
    ((path, body),) = web.received
    assert path == f"/{TOKEN}"
    assert [body["title"], *body["message"].splitlines()] == shown
    (event,) = events(capsys)
    assert event["data"]["result"] == "sent"
    assert event["data"]["text"].splitlines() == shown
    assert main(["verify"]) == 0


def test_the_same_text_goes_out_once(web, capsys):
    words = ("communicate", "declaration", "--send", "incidents", "--confirm")
    assert typed(capsys, *words)[0] == 0
    with pytest.raises(UsageError, match="--again"):
        typed(capsys, *words)
    assert len(web.received) == 1
    assert typed(capsys, *words, "--again")[0] == 0
    assert len(web.received) == 2
    typed(capsys, "communicate", "declaration")
    assert len(web.received) == 2


def test_a_failure_is_recorded_ends_with_1_and_can_be_tried_again(web, capsys):
    web.behaviour = "503"
    words = ("communicate", "update", "--send", "incidents", "--confirm")
    code, out = typed(capsys, *words)
    assert code == 1
    assert "Could not be sent to #incidents" in out
    assert "it answers 503" in out
    web.behaviour = "200"
    assert typed(capsys, *words)[0] == 0
    assert [event["data"]["result"] for event in events(capsys)] == ["failed", "sent"]


def test_no_answer_is_recorded_as_perhaps_and_is_not_tried_again_unasked(web, capsys, tmp_path):
    hasty = CONFIG.replace("{place}", web.place).replace("seconds = 10", "seconds = 0.6")
    (tmp_path / "workbench.toml").write_text(hasty)
    web.behaviour = "slow"
    words = ("communicate", "update", "--send", "incidents", "--confirm")
    code, out = typed(capsys, *words)
    assert code == 1
    assert "Perhaps sent" in out
    with pytest.raises(UsageError, match="perhaps"):
        typed(capsys, *words)


def test_what_a_person_edited_is_what_goes_out(web, capsys):
    path = draft_path(typed(capsys, "communicate", "update")[1])
    path.write_text("# Ours\n\nWe **cancel** it. password=hunter2\n")
    _, out = typed(capsys, "communicate", "update", "--send", "incidents")
    assert "edited by a person" in out
    main(["update", "--status", "identified"])  # the incident moves on, and a newer draft is there
    path.touch()
    typed(capsys, "communicate", "update", "--send", "incidents", "--draft", path.name, "--confirm")
    ((_, body),) = web.received
    assert (body["title"], body["message"]) == ("Ours", "We cancel it. password=[secret]")


def test_an_unedited_draft_is_renewed_when_the_incident_moved_on(web, capsys):
    typed(capsys, "communicate", "executive")
    main(["classify", "SEV1", "--reason", "all users"])
    capsys.readouterr()
    _, out = typed(capsys, "communicate", "executive", "--send", "incidents")
    assert "SEV1 summary" in out


def test_an_edited_draft_that_is_out_of_date_is_kept_and_that_is_said(web, capsys):
    path = draft_path(typed(capsys, "communicate", "executive")[1])
    path.write_text("my words")
    main(["resolve"])
    capsys.readouterr()
    _, out = typed(capsys, "communicate", "executive", "--send", "incidents")
    assert "my words" in out
    assert "since then" in out
    assert "Resolved" in out


def test_only_the_text_for_users_goes_to_users_and_never_with_inner_names(web, capsys):
    with pytest.raises(UsageError, match="only `communicate status-page`"):
        typed(capsys, "communicate", "engineering", "--send", "status_updates", "--confirm")
    path = draft_path(typed(capsys, "communicate", "status-page")[1])
    path.write_text(path.read_text() + "The backend on app-1.internal lost pid 4711.\n")
    with pytest.raises(UsageError, match=r"app-1\.internal"):
        typed(capsys, "communicate", "status-page", "--send", "status_updates", "--confirm")
    assert web.received == []
    path.write_text("**Investigating**\n\nWe are looking into it. Well again by 16:00 UTC.\n")
    assert typed(capsys, "communicate", "status-page", "--send", "status_updates", "--confirm")[0] == 0
    assert "16:00 UTC" in web.received[0][1]["message"]


def test_pagerduty_is_triggered_acknowledged_and_resolved_under_one_name(web, capsys):
    web.behaviour = "202"
    words = ("communicate", "declaration", "--send", "pagerduty")
    _, out = typed(capsys, *words)
    assert TOKEN not in out
    assert '"event_action": "trigger"' in out
    assert typed(capsys, *words, "--confirm")[0] == 0
    with pytest.raises(UsageError):
        typed(capsys, *words, "--confirm")
    assert typed(capsys, *words, "--page", "acknowledge", "--confirm")[0] == 0
    main(["resolve"])
    resolve = ("communicate", "update", "--send", "pagerduty", "--confirm")
    assert typed(capsys, *resolve)[0] == 0
    main(["reopen"])
    assert typed(capsys, *words, "--confirm")[0] == 0
    main(["resolve"])
    assert typed(capsys, *resolve)[0] == 0  # the same word as before, to an alert that is open again
    told = [body for _, body in web.received]
    assert [body["event_action"] for body in told] == [
        "trigger",
        "acknowledge",
        "resolve",
        "trigger",
        "resolve",
    ]
    assert len({body["dedup_key"] for body in told}) == 1
    assert {body["routing_key"] for body in told} == {TOKEN}
    assert told[0]["payload"]["severity"] == "error"
    assert told[0]["payload"]["summary"] == "SEV2: No checkout"


def test_no_secret_of_a_channel_is_anywhere_in_the_folder_or_the_output(web, capsys, tmp_path):
    path = draft_path(typed(capsys, "communicate", "update")[1])
    path.write_text(f"use {TOKEN} to post\n")
    written = ""
    for behaviour in ("404", "cut", "200"):
        web.behaviour = behaviour
        written += typed(capsys, "communicate", "update", "--send", "incidents", "--confirm", "--again")[1]
        written += typed(capsys, "communicate", "update", "--send", "pagerduty", "--confirm", "--again")[1]
    assert TOKEN not in written
    for file in (tmp_path / "incidents").rglob("*.json"):
        assert TOKEN not in file.read_text()
    assert all(TOKEN not in body.get("message", "") for _, body in web.received)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("update", "--send", "incident"), "did you mean `incidents`"),
        (("update", "--send", "mail"), r'mail = "env:NAME"'),
        (("update", "--confirm"), "need --send"),
        (("update", "--send", "incidents", "--draft", "nope.md"), "no file 'nope.md'"),
    ],
)
def test_wrong_usage_is_told_and_sends_nothing(web, capsys, words, told):
    with pytest.raises(UsageError, match=told):
        typed(capsys, "communicate", *words)
    assert web.received == []


def test_addresses_that_are_missing_or_wrong_are_told_without_showing_them(web, capsys, monkeypatch):
    words = ("communicate", "update", "--send", "incidents")
    monkeypatch.setenv("TEST_CHAT", f"nonsense {TOKEN}")
    with pytest.raises(ConfigError, match="does not hold one Apprise address") as caught:
        typed(capsys, *words)
    assert TOKEN not in str(caught.value)
    monkeypatch.delenv("TEST_CHAT")
    with pytest.raises(ConfigError, match="TEST_CHAT is not set"):
        typed(capsys, *words)


def test_everything_is_there_as_json_too(web, capsys):
    _, out = typed(capsys, "communicate", "update", "--json")
    assert json.loads(out)["kind"] == "update"
    _, out = typed(capsys, "communicate", "update", "--send", "incidents", "--json")
    assert json.loads(out)["result"] == "not sent"
    _, out = typed(capsys, "communicate", "update", "--send", "incidents", "--confirm", "--json")
    assert json.loads(out)["result"] == "sent"
    _, out = typed(capsys, "on-call", "--json")
    told = json.loads(out)
    assert told["severity"] == "SEV2"
    assert {"technical", "data or security", "vendor"} == set(told["escalation"])


def test_on_call_says_who_and_what_is_not_configured(web, capsys):
    code, out = typed(capsys, "on-call", "--at", "2026-01-14T12:00Z", "--reports", "2")
    assert code == 0
    assert 'Ada (not configured: add a [[contact]] with name = "Ada"), week 3, odd' in out
    assert "Mo (@mo)" in out
    assert 'add a [[contact]] with role = "team lead"' in out
    assert "2 users report it" in out
    assert "update every 30 minutes" in out


def test_an_interruption_while_sending_is_recorded(web, capsys, tmp_path):
    (tmp_path / "workbench.toml").write_text(CONFIG.replace("{place}", web.place).replace("= 10", "= 60"))
    web.behaviour = "slow"
    words = ["communicate", "update", "--send", "incidents", "--confirm"]
    program = f"import sys; from incident_lib.cli import main; sys.exit(main({words!r}))"
    process = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stderr=subprocess.DEVNULL)
    wait_until = time.monotonic() + 50
    while not web.received and time.monotonic() < wait_until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) != 0
    (event,) = events(capsys)
    assert event["data"]["result"] == "unclear"
    assert "interrupted" in event["data"]["reason"]
