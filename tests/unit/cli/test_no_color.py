"""What a terminal receives: nothing but text where no colour is wanted."""

import os
import pty
import subprocess
import sys

import pytest

CONFIGURATION = '[[service]]\nname = "db"\nkind = "postgres"\ndsn = "postgresql://127.0.0.1:9/shop"\n'
INCIDENT = (sys.executable, "-c", "import sys; from incident_lib.cli import main; sys.exit(main())")


def shown(place, *words, **variables):
    """Return what a terminal of 60 columns received from a command, on both streams."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment |= {"TERM": "xterm-256color", "COLUMNS": "60", **variables}
    with subprocess.Popen(
        [*INCIDENT, *words], cwd=place, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ):
        os.close(theirs)
        text = b""
        try:
            while part := os.read(ours, 65536):
                text += part
        except OSError:  # so Linux reports the end
            os.close(ours)
    return text.decode()


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (("triage", "--no-color"), {}),
        (("--no-color", "triage"), {"FORCE_COLOR": "1"}),
        (("triage",), {"NO_COLOR": "1"}),
        (("health", "--no-color"), {}),
        (("triag", "--no-color"), {}),
        (("help", "run", "--no-color"), {}),
    ],
)
def test_no_color_means_none_of_it(words, variables, tmp_path):
    (tmp_path / "workbench.toml").write_text(CONFIGURATION)
    text = shown(tmp_path, *words, **variables)
    assert text.strip()
    assert "\x1b" not in text


def test_a_terminal_has_colours_otherwise(tmp_path):
    (tmp_path / "workbench.toml").write_text(CONFIGURATION)
    assert "\x1b[1;31mCRITICAL" in shown(tmp_path, "triage")
