"""How the command ends when the world around it does not behave. No target is asked."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from incident_lib.cli import main
from incident_lib.cli.console import console_for

FULL = Path("/dev/full")
WAITING = """\
import signal, sys, time
from incident_lib import cli
def wait(arguments):
    try:
        print("waiting", flush=True)
        time.sleep(30)
    finally:
        print("tidied", flush=True)
import incident_lib.cli.folder as commands
commands.list_all = wait
sys.exit(cli.main(["list"]))
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def incident(*words, **options):
    command = [
        sys.executable,
        "-c",
        "import sys; from incident_lib.cli import main; sys.exit(main())",
        *words,
    ]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=30, check=False, **options)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [["list"], ["list", "--json"]])
def test_output_to_a_full_disk_is_told_in_a_line(words):
    with FULL.open("w") as full:
        done = incident(*words, stdout=full)
    assert done.returncode == 2
    assert done.stderr == "incident: cannot write: No space left on device\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_being_ended_tidies_up(number):
    command = [sys.executable, "-c", WAITING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "tidied\n", "\ninterrupted\n")


def test_a_word_that_is_no_text_is_replaced(capsys, here):
    assert main(["declare", "--title", "caf\udce9 is down", "--severity", "sev4"]) == 0
    assert "SEV4: caf? is down" in capsys.readouterr().out
    assert next(path.name for path in (here / "incidents").glob("20*")).endswith("-caf-is-down")


def test_a_console_whose_reader_went_falls_silent(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        console = console_for(no_color=True)
        console.print("one")
        console.print("two")
        assert console.quiet
