"""Every command, typed in the folder of a planted stack, with secrets in what is typed too."""

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

from incident_lib.cli import main
from tests.integration import canary_people
from tests.integration.canary_search import Search
from tests.integration.canary_stack import Stack

# What each command is typed with; a field in braces is a text of its own with secrets in it. A command that
# is not here fails the test: whoever adds one says here how it is tried.
TYPED: dict[str, list[str]] = {
    "init": ["--output found.toml"],
    "new-notebook": ["90_queues", "{}"],
    "declare": ["--title {} --severity SEV1 --service backend --commander {} --impact {}"],
    "note": ["{} --by {}", "{} --at 1m", "{} --json"],
    "task": ["{} --owner {}", "", "--json"],
    "decide": ["{}"],
    "ack": ["--by {}"],
    "assign": ["scribe {}"],
    "classify": ["SEV2 --reason {}"],
    "update": ["--status IDENTIFIED --findings {} --actions {} --impact {}"],
    "triage": [
        *("-v", "--json --config ../given/broken.toml", "--since {}"),
        *("--save --config ../given/elsewhere.toml", "--save --config ../given/printed.toml"),
    ],
    "run": ["--notebook 00_triage --notebook 20_database", "--snapshot {}"],
    "baseline": ["--force", "--list"],
    "analyze": ["", "--json"],
    "show": ["", "--json", "--timeline", "-v", "{}"],
    "verify": ["", "--json"],
    "list": ["", "--json"],
    "mitigate": ["--list", "postgres.cancel db --arg pid={}", "{} db", "postgres.terminate db --arg pid=0"],
    "timeline": ["--csv timeline.csv --html timeline.html", "--json"],
    "diff": ["baseline --html diff.html", "--json", "{}"],
    "search": ["password", "{}", "token --json"],
    "similar": [""],
    "figures": ["--html figures.html"],
    "communicate": [
        *("declaration", "update", "executive", "engineering", "status-page --json"),
        *(
            "update --send incidents",
            "update --send incidents --confirm",
            "update --send pagerduty --confirm",
        ),
    ],
    "on-call": ["", "--json"],
    "report": [
        (
            "--title {} --severity SEV2 --start-time 2026-01-15T14:00:00Z --impact {} --root-cause {}"
            " --commander {} --services-affected {} --timeline-events {} --output-dir reports"
        )
    ],
    "runbook": ["backend", "db", "{}"],
    "health": ["--output-dir health", "--json --output-dir health"],
    "logs": [
        *("../given/plain.log ../given/json.log", "../given/json.log --json", "{}"),
        *(
            "--service plain --output-dir logs --tail all",
            "--service boxed --output-dir logs --filter password",
        ),
        "--service {} --output-dir logs",
    ],
    "resolve": ["--reason {}"],
    "postmortem": ["", "--lint"],
    "close": ["--reason {}"],
    "reopen": ["--reason {}"],
    "bundle": ["--output handed-over.zip --force"],
    "redact": [
        "../given/plain.log ../given/json.log",
        "../given/container.txt --json",
        "--folder {incident}",  # after which nothing of what people left is in it, either
    ],
    "open": ["handed-over.zip --to opened", "{}"],
    "lab": ["--no-browser"],
    "demo": ["--list", "--fault {}"],
    "completion": ["bash", "{}"],
    "help": ["", "run", "{}"],
}
_RECORDED = {"declare", "note", "task", "decide"}  # what is typed stands in an event
_LAB_SECONDS = 60.0
# Two texts for what is typed: one with a name, one that is known by its own form.
_SHAPES = (
    "key=value",
    "dsn",
    "json",
    "github",
    "bearer",
    "option",
    "curl",
    "jwt",
    "url query",
    "cookie",
    "pem",
)


class Typist:
    """Types every command in the folder of the stack, and keeps what it printed."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.printed: list[tuple[str, str]] = []
        self.codes: dict[str, list[int]] = {}
        self._turn = 0

    def all(self) -> None:
        """Type them, in the order of an incident."""
        for command, variants in TYPED.items():
            if command == "redact":
                self._keep_unredacted()
            for variant in variants:
                words = [self._filled(command, word) for word in variant.split(" ") if word]
                code = self._lab(words) if command == "lab" else self._type(command, words)
                self.codes.setdefault(command, []).append(code)
            if command == "declare":
                canary_people.attach(self._stack, self._incident)
                raised = canary_people.run_notebook(self._stack, self._incident)
                self.printed.append(("papermill", raised))
        for path in self._stack.wrong:
            self._type("triage", ["--config", str(path)])

    def _keep_unredacted(self) -> None:
        """Keep what there is before it is redacted again, or that would hide what got out."""
        shutil.copytree(
            self._incident, self._stack.folder / "before", ignore=shutil.ignore_patterns("attachments")
        )

    @property
    def _incident(self) -> Path:
        return next((self._stack.folder / "incidents").glob("20*"))

    def _filled(self, command: str, word: str) -> str:
        if word == "{incident}":
            return str(self._incident)
        if "{}" not in word:
            return word
        shape = _SHAPES[self._turn % len(_SHAPES)]
        self._turn += 1
        (text,) = self._stack.canaries.texts(f"typed: {command}", (shape,))
        if command in _RECORDED and word == "{}":
            text = f"{self._stack.canaries.proof(f'typed: {command}', '/events/')} {text}"
        return word.replace("{}", text)

    def _type(self, command: str, words: list[str]) -> int:
        printed = io.BytesIO()
        with io.TextIOWrapper(printed, encoding="utf-8", write_through=True) as out:
            try:
                with redirect_stdout(out), redirect_stderr(out):
                    code = main(["--config", str(self._stack.config), command, *words])
            except SystemExit as end:
                code = int(str(end.code))
            self.printed.append((f"{command} {' '.join(words)}"[:60], printed.getvalue().decode()))
        return code

    def _lab(self, words: list[str]) -> int:
        """JupyterLab is started, and ended as soon as it says where it is.

        It starts as in a terminal also where this process ignores Ctrl-C, as what runs in the background
        does: a child would ignore it, too.
        """
        program = (
            "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
            "from incident_lib.cli import main; sys.exit(main())"
        )
        written = self._stack.given / "lab.txt"
        command = [sys.executable, "-P", "-c", program, "--config", str(self._stack.config), "lab", *words]
        with written.open("wb") as file:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
            )
        try:
            deadline = time.monotonic() + _LAB_SECONDS
            while b"token=" not in written.read_bytes() and time.monotonic() < deadline:
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            code = process.wait(_LAB_SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        self.printed.append(("lab", written.read_text(errors="replace")))
        return code


def search(stack: Stack, typist: Typist) -> Search:
    """Return what was found in all that the commands wrote and printed."""
    found = Search(stack.canaries)
    found.folder(stack.folder)
    for command, text in typist.printed:
        found.data(f"printed by {command}", text.encode())
    return found
