import argparse
import subprocess
import sys
from importlib import import_module

import pytest

from incident_lib.cli.parser import build

COMMANDS = next(
    action.choices for action in build()._actions if isinstance(action, argparse._SubParsersAction)
)
REQUIRED = {
    "declare": ["--title", "x", "--severity", "SEV2"],
    "note": ["x"],
    "decide": ["x"],
    "assign": ["commander", "Kim"],
    "classify": ["SEV1", "--reason", "x"],
    "search": ["x"],
    "open": ["x.zip"],
    "communicate": ["update"],
    "report": ["--title", "x", "--severity", "SEV2", "--start-time", "10:00"],
    "new-notebook": ["90_queues"],
    "runbook": ["db"],
    "logs": ["--service", "db"],
    "completion": ["bash"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_names_a_function_that_is_there(command):
    module, _, function = COMMANDS[command].get_default("call").partition(":")
    assert callable(getattr(import_module(f"incident_lib.cli.{module}"), function))


@pytest.mark.parametrize("command", COMMANDS)
def test_global_flags_stand_before_or_behind_the_command(command):
    words = [command, *REQUIRED.get(command, [])]
    before = build().parse_args(["--config", "w.toml", "--json", *words])
    behind = build().parse_args([*words, "--config", "w.toml", "--json"])
    assert vars(before) == vars(behind)
    assert (behind.config, behind.json, behind.no_color, behind.verbose) == ("w.toml", True, False, False)


@pytest.mark.parametrize(
    "words", [["show", "x"], ["show", "--incident", "x"], ["--json", "show", "x", "--timeline"]]
)
def test_an_incident_is_named_by_position_or_by_flag(words):
    assert build().parse_args(words).incident == "x"
    assert build().parse_args(["show"]).incident == ""


def test_help_imports_no_command():
    code = (
        "import sys; from incident_lib.cli.parser import build; build().format_help();"
        "print(*[n for n in sys.modules if n.startswith('incident_lib.') or n in ('msgspec', 'rich')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    needed = (
        "characters",
        "cli",
        "cli.parser",
        "cli.stream",
        "cli.usage",
        "errors",
        "expressions",
        "signals",
    )
    assert set(done.stdout.split()) == {f"incident_lib.{name}" for name in needed}
