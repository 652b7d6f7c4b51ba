"""What commands print and write when every name and every answer wants to drive the terminal."""

import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg import sql

from incident_lib import clock
from incident_lib.characters import visible, visible_markup
from incident_lib.cli import main
from tests.integration import network_service, postgres_service

any_server = postgres_service.any_server
pytestmark = pytest.mark.postgres

# A title of the window, a cleared screen, a hidden colour, C1, a bell, and text turned around.
EVIL = "\x1b]0;owned\x07\x1b[2J\x1b[8m\x9b3J\x08\u202eevil\u2066\u200b"
MARKDOWN = "](http://evil.example) <script>alert(1)</script> `x` | \n# y"
_INCIDENT = (sys.executable, "-c", "import sys; from incident_lib.cli import main; sys.exit(main())")
_OURS = re.compile(r"\x1b\[[0-9;?]*[mKAhlJG]|\x1b\[0?J|\r")  # colours, and the bar that moves over itself


@pytest.fixture(scope="module")
def place(any_server: postgres_service.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the folder of a team whose every server is hostile; nothing is mocked."""
    folder = tmp_path_factory.mktemp("hostile")
    now = clock.now().isoformat()
    deployed = {"at": now, "service": f"backend{EVIL}", "version": f"1.2{EVIL}"}
    (folder / "deploys.jsonl").write_text(json.dumps(deployed, ensure_ascii=False) + "\n")
    line = {"timestamp": now, "level": "ERROR", "logger": EVIL, "message": f"no {EVIL} {MARKDOWN}"}
    (folder / "backend.log").write_text(
        "".join(json.dumps(line, ensure_ascii=False) + "\n" for _ in range(20))
        + f"{now} ERROR {EVIL} plain\n" * 20
    )
    body = json.dumps({"status": f"down {EVIL}", "database": MARKDOWN}, ensure_ascii=False)
    talk = network_service.http(body, "503 Service Unavailable", (f"Location: /{EVIL.encode().hex()}",))
    name = f"shop{EVIL}"
    with network_service.serve(talk) as port, any_server.connect() as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        (folder / "workbench.toml").write_text(f"""\
[[service]]
name = "backend"
kind = "http"
url = "http://127.0.0.1:{port}"
health = ["/health"]
log = "backend.log"
depends_on = ["db"]
purpose = {json.dumps(MARKDOWN)}

[[service]]
name = "db"
kind = "postgres"
dsn = "env:HOSTILE_DSN"

[deploy]
log = "deploys.jsonl"
""")
        with any_server.connect(database=name, application_name="evil"):
            yield folder
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def environment(any_server: postgres_service.Server) -> dict[str, str]:
    return {**os.environ, "HOSTILE_DSN": any_server.dsn("workbench", f"shop{EVIL}"), "COLUMNS": "120"}


@pytest.fixture
def typed(
    place: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Callable[..., tuple[str, str]]:
    """Return what prints what a command wrote on both streams, neither of them a terminal."""
    monkeypatch.chdir(place)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(*words: str, code: int = 0) -> tuple[str, str]:
        assert main([*words]) == code, capfd.readouterr()
        captured = capfd.readouterr()
        return captured.out, captured.err

    return run


def typed_at_a_terminal(place: Path, environment: dict[str, str], *words: str) -> str:
    """Return what a command wrote to a terminal, colours and progress included."""
    ours, theirs = pty.openpty()
    got: list[bytes] = []

    def read() -> None:
        try:
            while data := os.read(ours, 65_536):
                got.append(data)
        except OSError:  # the other side was closed
            return

    reader = threading.Thread(target=read)
    reader.start()
    subprocess.run(
        [*_INCIDENT, *words],
        cwd=place,
        env={**environment, "TERM": "xterm-256color"},
        stdout=theirs,
        stderr=theirs,
        timeout=120,
        check=False,
    )
    os.close(theirs)
    reader.join(20)
    os.close(ours)
    return b"".join(got).decode()


def test_nothing_foreign_drives_a_terminal_or_hides_in_a_file(
    place: Path, environment: dict[str, str], typed: Callable[..., tuple[str, str]]
) -> None:
    title = f"Checkout {EVIL}{MARKDOWN}"
    printed = [typed("declare", "--title", title, "--severity", "SEV1")]
    printed.append(typed("note", title))
    printed.append(typed("assign", "commander", EVIL + MARKDOWN))
    printed.append(typed("decide", title))
    printed.append(typed("update", "--findings", title, "--impact", title))
    coloured = typed_at_a_terminal(place, environment, "triage")
    commands = (
        ("show", "--timeline"),
        ("timeline", "--html", "timeline.html", "--csv", "timeline.csv"),
        ("list",),
        ("verify",),
        ("search", "Checkout"),
        ("communicate", "engineering"),
        ("communicate", "executive"),
        ("communicate", "declaration"),
        ("postmortem",),
        ("logs", "backend.log"),
    )
    printed += [typed(*words) for words in commands]
    printed.append(typed("health", code=1))
    for out, err in printed:
        assert visible(out) == out
        assert visible(err) == err
    assert sum("owned" in out for out, _ in printed) > 8, "the texts never came this far"
    assert "\x1b[1;31m" in coloured
    left = _OURS.sub("", coloured)
    assert visible(left) == left
    assert "\x1b[8m" not in coloured
    assert "\x1b[2J" not in coloured

    for words in (
        ("show", "--json"),
        ("timeline", "--json"),
        ("triage", "--json"),
        ("logs", "backend.log", "--json"),
    ):
        out, _ = typed(*words)
        json.loads(out)
        assert visible(out) == out

    pages = [*place.rglob("*.html")]
    assert len(pages) == 4  # the timeline, the post-mortem, the home of the incident, and the list of all
    for path in pages:
        text = path.read_text()
        assert visible_markup(text) == text, path
    drafts = [*(place / "incidents").rglob("communication/*.md")]
    assert len(drafts) >= 5
    for path in drafts:
        text = path.read_text()
        assert visible(text) == text, path
        assert "<script" not in text, path
        assert not re.search(r"(?<!\\)\]\(http", text), path
        assert not re.search(r"(?m)^# y", text), path
