"""What the shells themselves complete with the script that `incident completion` prints."""

import os
import shutil
import subprocess

import pytest

from incident_lib.cli import main
from incident_lib.cli.completion import script
from tests import services

CASES = [
    ("incident tri", "triage"),
    ("incident --config w.toml tri", "triage"),
    ("incident run --sna", "--snapshot"),
    ("incident communicate exec", "executive"),
    ("incident communicate update --page trig", "trigger"),
    ("incident completion fi", "fish"),
    ("incident help postm", "postmortem"),
    ("incident --no-c", "--no-color"),
]


def need(shell):
    if shutil.which(shell) is None:
        services.missing(f"no {shell} here")


@pytest.mark.parametrize(("line", "completed"), CASES)
def test_bash_completes(line, completed):
    need("bash")
    words = line.split(" ")
    call = f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _incident; echo ${{COMPREPLY[@]}}"
    done = subprocess.run(
        ["bash", "--norc", "-euc", f"{script('bash')}\n{call}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [completed]


@pytest.mark.parametrize(("line", "completed"), CASES[:1] + CASES[2:])
def test_fish_completes(line, completed, tmp_path):
    need("fish")
    file = tmp_path / "incident.fish"
    file.write_text(script("fish"))
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {file}; complete -C '{line}'"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert [each.split("\t")[0] for each in done.stdout.splitlines()] == [completed]


def test_zsh_reads_the_script(tmp_path):
    need("zsh")
    file = tmp_path / "_incident"
    file.write_text(script("zsh"))
    subprocess.run(["zsh", "-n", file], check=True)


def test_the_command_prints_the_script(capsys):
    assert main(["completion", "zsh"]) == 0
    assert capsys.readouterr().out == script("zsh")
