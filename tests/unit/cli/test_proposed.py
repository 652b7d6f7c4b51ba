"""Every command that is proposed can be pasted in another directory and is about the same incident."""

import argparse
import ast
import contextlib
import html
import io
import re
import shlex
import shutil
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

import incident_lib
from incident_lib import display, open_investigation, open_review
from incident_lib.cli import main
from incident_lib.cli.arguments import open_folder
from incident_lib.cli.console import print_command
from incident_lib.cli.declare import _note
from incident_lib.cli.parser import build
from incident_lib.config import load
from incident_lib.display import mitigations, postmortem
from incident_lib.errors import WorkbenchError
from incident_lib.incident.folder import find
from incident_lib.investigation.setup import redactor_for
from incident_lib.model import IncidentSeverity
from incident_lib.model.commands import _WITHOUT_INCIDENT, Commands
from incident_lib.response import Declared

STORED = Path(__file__).parents[2] / "data" / "snapshot-1" / "20261123T154350Z"
COMMANDS = next(
    action.choices for action in build()._actions if isinstance(action, argparse._SubParsersAction)
)
NAMES = "|".join(COMMANDS)
PROPOSED = re.compile(rf"\bincident (?:{NAMES})(?= |$|[`;.,:])[^`\n]*")
CONFIGURATION = """\
[[service]]
name = "backend"
kind = "http"
url = "http://127.0.0.1:9"
container = "app-backend"
[[service]]
name = "db"
kind = "postgres"
dsn = "postgresql://127.0.0.1:9/shop"
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Return the configuration of a shop with one incident and its snapshot; the terminal is narrow."""
    place = tmp_path / "a shop"
    place.mkdir()
    (place / "workbench.toml").write_text(CONFIGURATION)
    monkeypatch.chdir(place)
    monkeypatch.setenv("COLUMNS", "60")
    typed("declare", "--title", "Orders hang & fail", "--severity", "SEV3")
    (folder,) = (place / "incidents").glob("20*")
    shutil.copytree(STORED, folder / "snapshots" / STORED.name)
    typed("declare", "--title", "Another", "--severity", "SEV4")
    return place / "workbench.toml", folder


def typed(*words):
    """Return what a command printed, on both streams."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        main(list(words))
    return out.getvalue()


def check(line, shop):
    """Paste a line in another directory: it parses, and means the configuration and the incident."""
    path, folder = shop
    words = shlex.split(line)
    if "--help" in words:  # it would end the parsing
        words[words.index("--help")] = "text"
    arguments = build().parse_args(words[1:])
    assert arguments.config == str(path), line
    if words[1] not in _WITHOUT_INCIDENT:
        assert open_folder(arguments)[1].path == folder.resolve(), line


def elsewhere(text, shop, tmp_path, monkeypatch):
    """Return the words of each command that a text proposes, once each was checked."""
    other = tmp_path / "elsewhere"
    other.mkdir(exist_ok=True)
    found = PROPOSED.findall(text)
    with monkeypatch.context() as patch:
        patch.chdir(other)
        for line in found:
            check(line, shop)
    return [shlex.split(line)[1] for line in found]


@pytest.mark.parametrize(
    ("words", "proposed"),
    [
        (("analyze", "-v"), ["mitigate", "mitigate"]),
        (("show",), ["mitigate", "mitigate"]),
        (("postmortem",), ["postmortem"]),
        (("on-call",), []),
        (("communicate", "update"), ["communicate"]),
        (("communicate", "status-page", "--send", "status_updates"), []),
        (("run", "--notebook", "50", "--snapshot", "latest"), ["lab"]),
        (("postmortem", "--lint"), ["postmortem"]),
        (("mitigate",), ["mitigate"]),
        (("mitigate", "restart", "backend", "--yes", "0" * 16), ["mitigate"]),
        (("reopen",), []),
    ],
)
def test_what_a_command_proposes(words, proposed, shop, tmp_path, monkeypatch):
    text = typed(*words, "--incident", shop[1].name)
    assert elsewhere(text, shop, tmp_path, monkeypatch) == proposed


def test_what_is_proposed_when_an_incident_is_over(shop, tmp_path, monkeypatch):
    name = shop[1].name
    typed("close", "--incident", name)
    assert elsewhere(typed("update", "--incident", name), shop, tmp_path, monkeypatch) == ["reopen"]
    again = typed("close", "--reason", 'it\'s "over"', "--incident", name)
    assert elsewhere(again, shop, tmp_path, monkeypatch) == ["note"]
    assert elsewhere(typed("list"), shop, tmp_path, monkeypatch) == ["postmortem"]


def test_what_is_proposed_at_the_start(shop, tmp_path, monkeypatch):
    path, _ = shop
    text = typed("declare", "--title", "Third", "--severity", "SEV4")
    (folder,) = (found for found in (path.parent / "incidents").iterdir() if found.name.endswith("third"))
    assert elsewhere(text, (path, folder), tmp_path, monkeypatch) == ["run"]
    shown = typed("show", folder.name)
    assert elsewhere(shown, (path, folder), tmp_path, monkeypatch) == ["run"]
    assert elsewhere(typed("baseline", "--list"), shop, tmp_path, monkeypatch) == ["baseline"]
    assert elsewhere(typed("diff", "baseline", folder.name), shop, tmp_path, monkeypatch) == ["baseline"]


def test_a_severity_that_was_measured_is_proposed(shop, tmp_path, monkeypatch):
    path, folder = shop
    settings = load(path)
    incident = find(settings.incidents, folder.name, redactor_for(settings))
    declared = Declared(
        folder=incident, path=path, text="", measured=IncidentSeverity.SEV1, reason="no service answers: db"
    )
    note = _note(declared, settings.commands(folder))
    assert elsewhere(note, shop, tmp_path, monkeypatch) == ["classify"]
    lower = msgspec.structs.replace(declared, measured=IncidentSeverity.SEV4)
    assert "incident classify" not in _note(lower, settings.commands(folder))


def test_what_notebooks_and_pages_propose(shop, tmp_path, monkeypatch):
    case = open_investigation(str(shop[1]), snapshot="latest")
    blocks = [
        display.against_normal(case),
        display.trends(case),
        display.next_steps(case),
        mitigations.proposals(case),
        postmortem.written(open_review(str(shop[1]))),
    ]
    for block, proposed in zip(blocks, ("baseline", "run", "runbook", "mitigate", "postmortem"), strict=True):
        lines = [html.unescape(line) for line in re.findall(r"<code[^>]*>(incident .*?)</code>", block.html)]
        assert set(elsewhere("\n".join(lines), shop, tmp_path, monkeypatch)) == {proposed}


def test_what_people_find_in_files(shop, tmp_path, monkeypatch):
    typed("postmortem", "--incident", shop[1].name)
    (written,) = shop[1].glob("postmortem-*.md")
    found = elsewhere(written.read_text(), shop, tmp_path, monkeypatch)
    assert {"note", "postmortem"} <= set(found)
    typed("runbook", "backend")
    text = (shop[0].parent / "docs" / "runbooks" / "backend-runbook.md").read_text()
    (newest,) = shop[1].parent.glob("*-another")  # a runbook is about no incident
    assert "triage" in elsewhere(text, (shop[0], newest), tmp_path, monkeypatch)


def test_without_a_configuration_an_incident_is_named_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    typed("declare", "--title", "Orders hang", "--severity", "SEV3")
    (folder,) = (tmp_path / "incidents").glob("20*")
    line = load().commands(folder).line("show")
    assert line == f"incident show --incident {folder}"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert open_folder(build().parse_args(shlex.split(line)[1:]))[1].path == folder


def test_a_line_is_never_wrapped():
    out = io.StringIO()
    line = Commands(config=f"/srv/{'x' * 70}/workbench.toml", incident="i").line("note", "a " * 60)
    print_command(Console(file=out, width=60), line)
    assert out.getvalue() == f"  {line}\n"


def test_the_commands_without_an_incident_are_those_of_the_parser():
    without = {name for name, parser in COMMANDS.items() if parser.get_default("incident") is None}
    assert without == _WITHOUT_INCIDENT


def test_an_error_says_its_next_command_as_words():
    error = WorkbenchError("it is closed", command=("reopen",), incident="x")
    assert (str(error), error.command, error.incident) == ("it is closed", ("reopen",), "x")


# In prose a command may be named, without being proposed.
NAMED = {
    "cli/demo.py",
    "cli/lab.py",
    "cli/run.py",
    "cli/health.py",
    "cli/help.py",
    "cli/parser.py",
    "cli/usage.py",
    "technologies/postgres/__init__.py",
    "technologies/redis/__init__.py",
    "technologies/redis/connect/problems.py",
}


def test_no_text_of_the_library_proposes_a_command_by_hand():
    root = Path(incident_lib.__file__).parent
    by_hand = re.compile(rf"\bincident (?:{NAMES})\b(?! commander)")
    for path in root.rglob("*.py"):
        if str(path.relative_to(root)) in NAMED or "demo/" in str(path):
            continue
        tree = ast.parse(path.read_text())
        docs = {
            node.body[0].value
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docs:
                found = by_hand.search(node.value)
                assert not found, f"{path}:{node.lineno}: {node.value}"
