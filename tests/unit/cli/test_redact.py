"""`incident redact`: what would be stored, what was hidden where, and nothing of the value."""

import io
import json
import sys

import pytest

from incident_lib.cli import main
from incident_lib.redact import Redactor

_LOG = "started\nlogin with password=hunter2-Xyz\nfine\nagain password=hunter2-Xyz token=abcdef123456\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_text_is_printed_as_it_would_be_stored_and_the_lines_are_named(here, capsys):
    (here / "app.log").write_text(_LOG)
    assert main(["redact", "app.log"]) == 0
    printed = capsys.readouterr()
    assert printed.out == Redactor().text(_LOG)
    assert "3 times, lines 2, 4" in printed.err
    assert "hunter2" not in printed.out + printed.err
    assert "abcdef123456" not in printed.out + printed.err


def test_a_document_is_redacted_by_its_structure(here, capsys):
    (here / "page.html").write_text("<p title='password=hunter2-Xyz'>fine &amp; well</p>")
    (here / "data.json").write_text(json.dumps({"smtp_password": "hunter2-Xyz", "port": 25}))
    assert main(["redact", "page.html", "data.json"]) == 0
    printed = capsys.readouterr()
    assert "fine &amp; well</p>" in printed.out
    assert "hunter2" not in printed.out + printed.err
    assert json.loads(printed.out[printed.out.index("{") :])["port"] == 25
    assert "page.html: " in printed.err
    assert "data.json: " in printed.err


def test_standard_input_and_json(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(_LOG.encode())))
    assert main(["redact", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["files"]["standard input"]
    assert sum(kind["count"] for kind in found.values()) == 3
    assert {line for kind in found.values() for line in kind["lines"]} == {2, 4}


def test_text_that_holds_nothing_is_printed_as_it_is(here, capsys):
    (here / "app.log").write_bytes(b"fine\r\n\tw\xc3\xa4ll")
    assert main(["redact", "app.log"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "fine\r\n\twäll"
    assert printed.err == "app.log: nothing was hidden\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["missing.log"], "file missing.log does not exist"),
        (["."], "not a regular file"),
        (["/dev/zero"], "not a regular file"),
        (["x", "--folder", "y"], "cannot be combined"),
        (["--folder", "nothing"], "no incident 'nothing'"),
    ],
)
def test_a_wrong_call_is_said_and_nothing_is_read(words, said, capsys):
    assert main(["redact", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, RecursionError])
def test_where_redaction_fails_nothing_of_the_line_is_printed(error, here, capsys, monkeypatch):
    (here / "app.log").write_text(_LOG)

    def broken(self, text):
        raise error(f"at {text}")

    monkeypatch.setattr(Redactor, "text", broken)
    assert main(["redact", "app.log"]) == 1
    printed = capsys.readouterr()
    assert "hunter2" not in printed.out + printed.err
    assert error.__name__ in printed.err
    assert "Traceback" not in printed.err


def test_an_old_incident_is_redacted_again(here, capsys, monkeypatch):
    assert main(["declare", "--title", "Down", "--severity", "SEV2"]) == 0
    assert main(["note", "the key is Zebra-77-Quokka"]) == 0
    (here / "workbench.toml").write_text(
        '[[service]]\nname = "db"\nkind = "postgres"\ndsn = "env:DB"\n', encoding="utf-8"
    )
    monkeypatch.setenv("DB", "postgresql://app:Zebra-77-Quokka@db/shop")
    (incident,) = (here / "incidents").glob("20*")
    capsys.readouterr()
    assert main(["redact", "--folder", incident.name]) == 0
    printed = capsys.readouterr()
    assert "1 event" in printed.out
    assert "Zebra" not in printed.out + printed.err
    assert not [path for path in incident.rglob("*") if path.is_file() and b"Zebra" in path.read_bytes()]
    assert main(["verify", incident.name]) == 0
    assert "redacted again" in capsys.readouterr().out
    assert main(["redact", "--folder", incident.name]) == 0
    assert "nothing in it is secret" in capsys.readouterr().out
