"""Each signal that ends a command, sent to real processes; what the first and what the second do."""

import os
import pty
import signal
import subprocess
import sys

import pytest

from incident_lib.signals import ENDING

# It ends in order at the first signal, which takes for ever; a thread would be waited for at the exit.
STUBBORN = """\
import sys, threading, time
from incident_lib import cli
import incident_lib.cli.folder as commands
def wait(arguments):
    threading.Thread(target=time.sleep, args=(600,)).start()
    try:
        print("waiting", flush=True)
        time.sleep(600)
    finally:
        try:
            print("ending", flush=True)
            time.sleep(600)
        finally:
            print("tidied", flush=True)
commands.list_all = wait
sys.exit(cli.main(["list"]))
"""
# It prints after its terminal is gone, as a run does that seals what it has.
TALKING = """\
import pathlib, sys, time
from incident_lib import cli
import incident_lib.cli.folder as commands
def wait(arguments):
    print("waiting", flush=True)
    try:
        time.sleep(600)
    finally:
        print("sealing", flush=True)
        print("sealing", flush=True, file=sys.stderr)
        pathlib.Path(sys.argv[1]).write_text("sealed")
commands.list_all = wait
code = cli.main(["list"])
pathlib.Path(sys.argv[1]).write_text(f"sealed {code}")
sys.exit(code)
"""


@pytest.mark.parametrize("number", ENDING)
def test_the_second_signal_ends_at_once(number):
    command = [sys.executable, "-c", STUBBORN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(number)
        assert process.stdout.readline() == "ending\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "tidied\n", "\ninterrupted\n")


def test_a_terminal_that_is_closed_stops_nothing_that_is_sealed(tmp_path):
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", TALKING, str(tmp_path / "seal")],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: _take_as_controlling(terminal),  # noqa: PLW1509 - no threads here
    )
    os.close(terminal)
    assert b"waiting" in os.read(controller, 100)
    os.close(controller)
    assert process.wait(60) == 130
    assert (tmp_path / "seal").read_text() == "sealed 130"


def _take_as_controlling(terminal):
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def test_what_ignores_a_closed_terminal_goes_on():
    script = "import signal, os\nfrom incident_lib.signals import interrupting\n"
    script += "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    script += "with interrupting():\n    os.kill(os.getpid(), signal.SIGHUP)\nprint('whole')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "whole\n"
    assert signal.SIGHUP in ENDING
