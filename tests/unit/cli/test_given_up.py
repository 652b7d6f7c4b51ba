"""A lane that is given up at the deadline is busy when the command ends: its exit code is its own."""

import subprocess
import sys

PROGRAM = """
import sys
from incident_lib.cli import main
from incident_lib.connections.session import NoSession
from incident_lib.investigation import snapshot
from incident_lib.probes.base import Lane, Probe

def never_ends(_session, _window):
    import re2
    found = re2.Set.SearchSet()
    found.Add("(a|b)*c(d|e)*f")
    found.Compile()
    text = "ab" * 2_000_000
    while True:
        found.Match(text)

probe = Probe(name="logs.lines", fetch=never_ends, question="?", source="s")
snapshot.plan_lanes = lambda _settings: (Lane(target="a", open=NoSession, probes=(probe,)),)
sys.argv = ["incident", "triage", "--json"]
sys.exit(main())
"""


def test_a_thread_that_goes_on_does_not_abort_the_process(tmp_path):
    (tmp_path / "workbench.toml").write_text("[limits]\ncollect_seconds = 0.3\n")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "terminate called" in done.stderr) == (0, False)
    assert "the deadline of the whole collection passed first" in done.stdout
