"""A page as PDF, printed by the Chromium of this machine, without a network."""

import os
import shutil
from pathlib import Path

from incident_lib.connections.places.machine import ThisMachine
from incident_lib.errors import FolderError, TargetError, UsageError
from incident_lib.incident.files import write_atomic
from incident_lib.incident.leftovers import private_folder

_NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("microsoft-edge", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
)
_SECONDS = 120.0
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def chromium() -> str:
    """Return the program that prints pages: `CHROMIUM`, or one in the path. Errors: UsageError."""
    named = os.environ.get("CHROMIUM", "")
    for name in (named,) if named else _NAMES:
        if path := shutil.which(name):
            return path
    missing = f"{named} cannot be run" if named else "no Chromium, Chrome or Edge was found on this machine"
    raise UsageError(
        f"--pdf needs a browser to print with, but {missing}. Install chromium, or set the environment "
        f"variable CHROMIUM to one; the pages can also be printed from any browser"
    )


def print_page(page: Path, pdf: Path) -> None:
    """Write a page as PDF. Errors: UsageError without a browser, FolderError where it printed nothing."""
    program = chromium()
    with private_folder("incident-pdf-") as temporary:
        made = temporary / "page.pdf"
        sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()  # it refuses to start as root otherwise
        argv = (
            *(program, *_FLAGS, *sandbox, f"--user-data-dir={temporary / 'profile'}"),
            *(f"--print-to-pdf={made}", page.resolve().as_uri()),
        )
        try:
            output = ThisMachine().run(argv, seconds=_SECONDS)
            data = made.read_bytes()
        except TargetError as error:
            raise FolderError(f"the page was not printed: {error.message}") from error
        except OSError as error:
            last = output.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise FolderError(f"the page was not printed: {' '.join(last) or error}") from error
    write_atomic(pdf, data)
