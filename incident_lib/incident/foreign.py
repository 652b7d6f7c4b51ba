"""What an incident that came from elsewhere may bring, and the marks by which it stays foreign.

An opened incident has two marks, and either is enough: `bundle.json` of the archive that it came in, and the
event that it was opened, which holds the hash of that file. The event travels with a copy and with a bundle
of it. `verify` misses each of them by the other one, and the event by `incident.json` too.
"""

import os
import re
from pathlib import Path, PurePosixPath

from incident_lib.expressions import expression
from incident_lib.incident import decode, manifest, page_policy
from incident_lib.model import Event

BUNDLE = "bundle.json"
OPENED = "opened"  # key in the data of the event: the hash of the archive

_STAMP = r"\d{8}T\d{6}Z(?:-\d+)?"
_NAME = r"[^/.][^/]*"
_KNOWN = expression(
    rf"""{re.escape(BUNDLE)}
    | events/\d{{8}}T\d{{6}}\.\d{{6}}Z-[0-9a-f]{{16}}\.json
    | snapshots/{_STAMP}/(?:{_NAME}\.json | evidence/{_NAME}/{_NAME}\.json | logs/{_NAME}\.zst)
    | runs/{_STAMP}/(?:{_NAME}\.json | notebooks/{_NAME}\.ipynb | html/{_NAME}\.html)
    | (?:samples|redactions)/{_STAMP}/{_NAME}\.json
    | mitigations/{_NAME}\.(?:json|begun)
    | communication/{_NAME}\.md
    | postmortem-\d{{4}}-\d\d-\d\d\.md
    | attachments/{_NAME}(?:/{_NAME})*""",
    re.VERBOSE,
)
_DERIVED = expression(r"incident\.json|index\.html|postmortem-[^/]*\.html")
_CODE = {
    *(".py", ".pyc", ".pyo", ".pyw", ".pyz", ".pyd", ".pth", ".so", ".dylib", ".dll", ".ipynb", ".toml"),
    *(".sh", ".command", ".desktop", ".app", ".jar", ".exe", ".bat", ".cmd", ".ps1"),
    *(".js", ".mjs", ".html", ".htm", ".xhtml", ".svg", ".hta"),
}
_HEAD = expression(
    rb"\s*<!doctype html>\s*<html(?: lang=\"[a-z-]+\")?>\s*<head>\s*"
    rb"(?:<meta (?:charset|name)=\"[^<>\"]*\"(?: content=\"[^<>\"]*\")?>\s*)*"
    rb"<meta http-equiv=\"Content-Security-Policy\" content=\"([^<>\"]*)\">",
    re.IGNORECASE,
)
_COMMANDS = expression(rb"<meta[^>]*http-equiv", re.IGNORECASE)
_POLICY = {
    "default-src": "'none'",
    "style-src": "'unsafe-inline'",
    "img-src": "data:",
    "font-src": "data:",
    "base-uri": "'none'",
    "form-action": "'none'",
}


def is_derived(name: str) -> bool:
    """Return whether a file of an incident is made anew from the others."""
    return bool(_DERIVED.fullmatch(name))


def refusal(name: str) -> str:
    """Return why a file of a bundle is not taken, "" where it is.

    >>> refusal("events/20260115T143105.000000Z-0123456789abcdef.json"), refusal("communication/update.md")
    ('', '')
    >>> refusal("workbench.toml"), refusal("lab/jupyterlab.py"), refusal("attachments/run.py")
    ('not part of an incident', 'not part of an incident', 'a file that could be run')
    """
    if not _KNOWN.fullmatch(name):
        return "not part of an incident"
    is_attached = name.startswith("attachments/")
    return "a file that could be run" if is_attached and PurePosixPath(name).suffix.lower() in _CODE else ""


def is_quiet(page: bytes) -> bool:
    """Return whether a page forbids in its head, as ours do, that anything but our script runs or loads.

    >>> is_quiet(b"<html><script>steal()</script>")
    False
    """
    head = _HEAD.match(page)
    if head is None or len(_COMMANDS.findall(page)) != 1:
        return False
    rules = [rule.split(maxsplit=1) for rule in head[1].decode("ascii", "replace").split(";") if rule.strip()]
    known = dict(rule for rule in rules if len(rule) == 2)
    allowed = {**_POLICY, "script-src": page_policy.script_source()}
    return (
        len(known) == len(rules)
        and known.get("default-src") == "'none'"
        and all(allowed.get(name) == value for name, value in known.items())
    )


def opening_of(events: tuple[Event, ...]) -> Event | None:
    """Return the event of the last time that it was opened from a bundle, None where it never was."""
    return next((event for event in reversed(events) if OPENED in event.data), None)


def is_foreign(incident: Path, events: tuple[Event, ...]) -> bool:
    """Return whether an incident came from elsewhere."""
    return os.path.lexists(incident / BUNDLE) or opening_of(events) is not None


def is_marked(incident: Path, events: tuple[Event, ...]) -> bool:
    """Return whether both marks are there and belong together: it was opened here, by known names only."""
    opening, path = opening_of(events), decode.inside(incident, BUNDLE)
    return opening is not None and path is not None and opening.data.get("sha256") == manifest.digest_of(path)
