"""The guard of the two streams: what passes, what does not, and what is said where it fails."""

import io
import json
import sys
import threading

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from incident_lib.characters import escaped, visible, visible_markup
from incident_lib.cli import main, stream
from incident_lib.cli.console import console_for
from incident_lib.cli.stream import CleanStream, cleaned, defect, write_json
from incident_lib.errors import WorkbenchError
from incident_lib.redact import Redactor

# A colour, a title, a bell, C1, text turned around, marks without width, a tag, a half of a pair.
HOSTILE = "\x1b[31m|\x1b]0;x\x07|\x9b2J|\u202egnp.exe|\u2066|\u200b|\u061c|\U000e0041|\u3164|\r|\x7f|\ud800"
BAD = {*HOSTILE} - {*"[31m|]0;x2Jgnp.exe"}


def test_what_cannot_be_seen_does_not_pass(capsys):
    with cleaned():
        print(HOSTILE, "caf\u00e9 \U0001f469\u200d\U0001f469 \u2708\ufe0f", sep="\n")
        sys.stderr.write(HOSTILE)
    printed = capsys.readouterr()
    assert not BAD & {*printed.out}
    assert not BAD & {*printed.err}
    assert printed.out.endswith("caf\u00e9 \U0001f469\u200d\U0001f469 \u2708\ufe0f\n")


def test_our_colours_stay_and_a_foreign_link_does_not(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    with cleaned():
        console = console_for(no_color=False)
        console.print(Text(f"critical {HOSTILE}", style="bold red"))
        console.print(f"[link=http://evil.example]{HOSTILE}[/link] [/nothing]", style="yellow")
        console.print(Text("here", style="link http://evil.example"))
        table = Table(title=HOSTILE)
        table.add_row(HOSTILE, Text(HOSTILE))
        console.print(table)
    printed = out.getvalue()
    assert "\x1b[1;31mcritical" in printed
    assert "\x1b[33m[link=" in printed
    assert "\x1b]" not in printed
    sequences = printed.split("\x1b")[1:]
    assert sequences
    assert all(part[0] == "[" and part.lstrip("[0123456789;")[0] == "m" for part in sequences)
    assert not (BAD - {"\x1b"}) & {*printed}


@given(st.text())
def test_text_that_is_cleaned_is_clean_and_stays_so(text):
    once = visible(text)
    assert visible(once) == once
    assert not BAD & {*once}
    assert not BAD & {*visible_markup(text)}
    once.encode()


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_means_the_same_and_drives_nothing(value):
    document = json.dumps(value, ensure_ascii=False)
    shown = escaped(document)
    assert json.loads(shown) == value
    assert not BAD & {*shown}


def test_a_document_is_printed_with_all_that_it_holds(capfdbinary):
    value = {"title": HOSTILE.replace("\ud800", "")}
    with cleaned():
        write_json(msgspec.json.encode(value))
    printed = capfdbinary.readouterr().out
    assert json.loads(printed) == value
    assert not BAD & {*printed.decode()}


def test_what_the_encoding_lacks_is_written_as_its_number():
    beneath = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    guard = CleanStream(beneath)
    guard.write("caf\u00e9\n")
    guard.flush()
    assert beneath.buffer.getvalue() == b"caf\\xe9\n"
    with pytest.raises(AttributeError):
        _ = guard.buffer


@pytest.mark.parametrize(
    "words",
    [
        ["show", "password=hunter2-Xyz"],
        ["--config", "/x/token=hunter2-Xyz", "list"],
        ["token=hunter2-Xyz"],
        ["show", "--password=hunter2-Xyz"],
        ["open", "postgresql://app:hunter2-Xyz@db/shop"],
        ["run", "--timeout", "password=hunter2-Xyz"],
        ["logs", "/x/password=hunter2-Xyz"],
    ],
)
def test_a_secret_on_the_command_line_is_not_repeated(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(words)
    except SystemExit as end:
        code = int(str(end.code))
    printed = capsys.readouterr()
    assert code == 2
    assert printed.err.split("usage: ")[-1].partition("incident")[2]
    assert "hunter2" not in printed.err + printed.out


def test_a_secret_of_the_configuration_is_hidden_in_errors(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHOP_DSN", "postgresql://app:plainword-77@db/shop")
    (tmp_path / "workbench.toml").write_text(
        '[[service]]\nname = "db"\nkind = "postgres"\ndsn = "env:SHOP_DSN"\n'
    )
    assert main(["show", "of plainword-77 and so on"]) == 2
    printed = capsys.readouterr()
    assert "plainword" not in printed.err + printed.out
    assert "and so on" in printed.err


def fail(*_: object, **__: object) -> None:
    raise ValueError("cannot reach postgresql://app:hunter2-Xyz@db/shop")


@pytest.mark.parametrize("flag", [[], ["-v"]])
def test_what_nobody_expected_is_a_line_without_its_secrets(flag, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("incident_lib.cli.folder.list_all", fail)
    assert main(["list", *flag]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("incident: this is a defect of the workbench: ValueError: cannot reach")
    assert "hunter2" not in printed
    assert ("Traceback" in printed) == bool(flag)


@pytest.mark.parametrize("flag", [[], ["-v"]])
@pytest.mark.parametrize("error", [ValueError, RecursionError, KeyError, MemoryError])
def test_where_redaction_fails_its_kind_is_named_and_no_text(flag, error, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def broken(self, text):
        raise error(f"at {text}")

    monkeypatch.setattr(Redactor, "text", broken)
    code = main(["declare", "--title", "password=hunter2-Xyz", "--severity", "SEV2", *flag])
    printed = capsys.readouterr()
    assert code != 0
    assert "hunter2" not in printed.err + printed.out
    assert "Traceback" not in printed.err
    assert error.__name__ in printed.err
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_thread_that_dies_says_so_in_a_line(capsys):
    with cleaned():
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    printed = capsys.readouterr().err
    assert printed.startswith("incident: this is a defect of the workbench: ValueError: cannot reach")
    assert printed.count("\n") == 1
    assert "hunter2" not in printed


def test_an_error_of_redaction_itself_shows_nothing_of_the_text():
    with pytest.raises((AttributeError, TypeError, WorkbenchError)) as caught:
        Redactor().text(b"hunter2")
    assert defect(caught.value).startswith(f"redaction failed, so nothing was written: {caught.typename} (")
    assert "hunter2" not in defect(caught.value)


def test_the_streams_are_put_back(capsys):
    before = sys.stdout, sys.stderr, threading.excepthook
    with pytest.raises(SystemExit):
        main(["--help"])
    assert (sys.stdout, sys.stderr, threading.excepthook) == before
    assert stream.beneath(sys.stdout) is sys.stdout
    assert "triage" in capsys.readouterr().out
