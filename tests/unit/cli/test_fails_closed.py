"""A rule of redaction that fails while something is written: nothing is written, and nothing is shown."""

import pytest

from incident_lib.cli import main
from incident_lib.incident.snapshot import load_about
from incident_lib.redact import Redactor

_PLANTED = "Zebra-77-Quokka"
_CONFIG = """\
[[service]]
name = "backend"
kind = "process"
log = "app.log"
"""
_ERRORS = [RuntimeError, MemoryError, RecursionError]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workbench.toml").write_text(_CONFIG)
    line = "2026-01-15 14:31:0{} ERROR cannot reach the cache password=hunter2-Xyz {}\n"
    (tmp_path / "app.log").write_text("".join(line.format(number, _PLANTED) for number in range(5)))
    assert main(["declare", "--title", "Down", "--severity", "SEV2"]) == 0
    return tmp_path


def _break(monkeypatch, error: type[Exception]) -> None:
    """Let one rule fail at what was planted, as a pattern of a team could."""
    text = Redactor.text

    def broken(self: Redactor, value: str) -> str:
        if _PLANTED in value:
            raise error(f"at {value}")
        return text(self, value)

    monkeypatch.setattr(Redactor, "text", broken)


def _files(here):
    return {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}


@pytest.mark.parametrize("error", _ERRORS)
def test_a_collection_is_not_stored_in_part(error, here, capsys, monkeypatch):
    before = _files(here)
    _break(monkeypatch, error)
    capsys.readouterr()
    assert main(["triage", "--since", "2026-01-15T00:00:00Z"]) == 1
    printed = capsys.readouterr()
    assert _PLANTED not in printed.out + printed.err
    assert "Traceback" not in printed.out + printed.err
    assert "redaction" in printed.err
    assert _files(here) == before
    assert not list(here.glob("incidents/*/snapshots/*"))


@pytest.mark.parametrize("error", _ERRORS)
@pytest.mark.parametrize(
    "words",
    [
        ["note", f"seen {_PLANTED}"],
        ["task", f"rotate {_PLANTED}", "--owner", "Ana"],
        ["update", "--status", "IDENTIFIED", "--findings", _PLANTED],
        ["declare", "--title", _PLANTED, "--severity", "SEV2"],
        ["report", "--title", _PLANTED, "--severity", "SEV2", "--start-time", "2026-01-15T14:00:00Z"],
    ],
)
def test_no_event_and_no_report_is_written(words, error, here, capsys, monkeypatch):
    before = _files(here)
    _break(monkeypatch, error)
    capsys.readouterr()
    assert main(words) == 1
    printed = capsys.readouterr()
    assert _PLANTED not in printed.out + printed.err
    assert "Traceback" not in printed.out + printed.err
    assert printed.err
    assert _files(here) == before


def test_no_bundle_is_written(here, capsys, monkeypatch):
    assert main(["note", f"seen {_PLANTED}"]) == 0
    before = _files(here)
    _break(monkeypatch, RuntimeError)
    capsys.readouterr()
    assert main(["bundle"]) == 1
    printed = capsys.readouterr()
    assert _PLANTED not in printed.out + printed.err
    assert _files(here) == before


def test_a_snapshot_says_what_was_hidden_where_and_never_the_value(here, capsys):
    assert main(["triage", "--since", "2026-01-15T00:00:00Z"]) == 0
    printed = capsys.readouterr()
    assert "Secrets hidden in the collected data: " in printed.out
    (snapshot,) = here.glob("incidents/*/snapshots/*")
    about = load_about(snapshot)
    assert {hidden.file.rpartition("/")[2] for hidden in about.hidden_in} >= {"backend.log.zst"}
    assert sum(hidden.count for hidden in about.hidden_in) == sum(about.hidden.values())
    assert "hunter2" not in (snapshot / "snapshot.json").read_text()
    assert main(["verify"]) == 0
    assert main(["bundle"]) == 0


def test_a_password_that_is_a_name_is_warned_of(here, capsys, monkeypatch):
    monkeypatch.setenv("DB", "postgresql://app:Checkout@127.0.0.1:1/checkout?connect_timeout=1")
    (here / "workbench.toml").write_text(
        f'{_CONFIG}\n[[service]]\nname = "db"\nkind = "postgres"\ndsn = "env:DB"\n'
    )
    assert main(["triage", "--rebind"]) == 0
    out = capsys.readouterr().out
    assert "db: the password in its `dsn` is an ordinary word or a name from this configuration" in out
    assert "Checkout@" not in out
