"""The pictures and the example of the documentation, made anew from a real incident of the demo stack.

`make pictures` starts the stack, breaks it, investigates it, and writes docs/images/ and docs/example/.
Look at them before they are committed.
"""

import argparse
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright, ViewportSize, sync_playwright
from rich.console import Console
from rich.text import Text

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from incident_lib.demo import FAULTS, DemoStack
from tests.browser.test_pages import CHROMIUM, FLAGS

ROOT = Path(__file__).resolve().parents[1]
IMAGES, EXAMPLE = ROOT / "docs" / "images", ROOT / "docs" / "example"
COLUMNS, MOST_LINES = 100, 60
_COMMAND = "import sys; from incident_lib.cli import main; sys.exit(main())"
_HEALTHY_SECONDS = 20.0
_CHECKOUT = "/srv/incident-workbench"  # in the example, in place of where this checkout lies
_DESK: ViewportSize = {"width": 1200, "height": 900}
_PHONE: ViewportSize = {"width": 390, "height": 844}


def main() -> int:
    """Return 0 once the pictures are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fault", default="lock-contention", choices=sorted(FAULTS))
    arguments = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="shop-"))
    place.chmod(0o755)  # the database runs as another user
    try:
        incident = _play(place, arguments.fault)
        _draw(incident)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    print(f"Written: {IMAGES} and {EXAMPLE}. Look at them.")
    return 0


def _play(place: Path, fault: str) -> Path:
    """Return the folder of an incident about `fault`; writes the picture of the terminal."""
    with DemoStack(place / "stack", incidents=place / "incidents") as stack:
        stack.drive(_HEALTHY_SECONDS)
        FAULTS[fault].inject(stack)
        stack.drive(FAULTS[fault].settle_seconds)
        config = ("--config", str(stack.config))
        _write_terminal(_typed("triage", *config), "incident triage")
        _typed(
            "declare", "--title", "Checkout fails or hangs", "--severity", "SEV2", "--service", "backend",
            "--commander", "Kim", "--impact", "Orders of most users fail", *config,
        )  # fmt: skip
        _typed("note", "Two customers called: they cannot pay", *config)
        _typed("task", "Find out who started the price job", "--owner", "Robin", *config)
        _typed("run", *config)
    (incident,) = (path for path in (place / "incidents").iterdir() if (path / "events").is_dir())
    return incident


def _typed(*words: str) -> str:
    """Return what a command prints in a terminal of `COLUMNS`, with its colours."""
    print("incident", *words[:2], flush=True)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", MOST_LINES, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _COMMAND, *words]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        chunks = []
        while True:
            try:
                chunk = os.read(master, 1 << 16)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            chunks.append(chunk)
    os.close(master)
    if process.returncode not in (0, 3):
        raise SystemExit(f"incident {' '.join(words)} ended with {process.returncode}")
    return b"".join(chunks).decode(errors="replace").replace("\r\n", "\n")


def _write_terminal(printed: str, title: str) -> None:
    lines = printed.rstrip().split("\n")[-MOST_LINES:]
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        for line in lines:
            console.print(Text.from_ansi(line), soft_wrap=False)
        drawn = console.export_svg(title=title, unique_id="terminal")
    # No font from elsewhere: the reader's own.
    drawn = re.sub(r"@font-face \{.*?\}\n?", "", drawn, flags=re.DOTALL)
    drawn = drawn.replace(
        "Fira Code, monospace", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace"
    )
    (IMAGES / "terminal.svg").write_text(drawn, encoding="utf-8")


def _draw(incident: Path) -> None:
    (run,) = (incident / "runs").iterdir()
    plain = incident / "plain"
    executed = run / "notebooks" / "20_database.ipynb"
    subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "html", str(executed), "--output-dir", str(plain)],
        check=True,
        capture_output=True,
    )
    with sync_playwright() as playwright, _browser(playwright) as browser:
        _shoot(browser, run / "html" / "index.html", "index.png", _DESK)
        _shoot(browser, run / "html" / "index.html", "phone.png", _PHONE)
        _shoot(browser, incident / "index.html", "home.png", _DESK)
        _shoot(browser, run / "html" / "20_database.html", "notebook.png", _DESK)
        _shoot(browser, plain / "20_database.html", "notebook-plain.png", _DESK)
    shutil.rmtree(EXAMPLE, ignore_errors=True)
    EXAMPLE.mkdir()
    for page in sorted((run / "html").glob("*.html")):
        text = page.read_text(encoding="utf-8").replace(str(ROOT), _CHECKOUT)
        text = text.replace("../../../index.html", "index.html")  # the home of the incident is not in it
        (EXAMPLE / page.name).write_text(text, encoding="utf-8")


@contextmanager
def _browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    try:
        yield browser
    finally:
        browser.close()


def _shoot(browser: Browser, page: Path, name: str, size: ViewportSize) -> None:
    if not page.exists():
        print(f"no {page.name}: {name} is not renewed")
        return
    context = browser.new_context(viewport=size, offline=True)
    shown = context.new_page()
    shown.goto(page.as_uri())
    time.sleep(0.5)
    shown.screenshot(path=str(IMAGES / name))
    context.close()


if __name__ == "__main__":
    sys.exit(main())
