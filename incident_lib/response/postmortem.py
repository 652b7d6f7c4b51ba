"""The post-mortem: written from what is known, around what people wrote, and checked."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from incident_lib.config import Settings
from incident_lib.errors import FolderError, UsageError
from incident_lib.incident.events import Draft
from incident_lib.incident.files import write_atomic
from incident_lib.incident.folder import IncidentFolder
from incident_lib.incident.manifest import sha256
from incident_lib.incident.snapshot import load_analysis
from incident_lib.investigation.review import gather, people
from incident_lib.model import Event, EventKind
from incident_lib.reports.generated import merge
from incident_lib.reports.postmortem import file_name, render
from incident_lib.reports.postmortem_lint import LintFinding, lint
from incident_lib.reports.postmortem_page import render_page
from incident_lib.reports.postmortem_status import completeness, describe_due
from incident_lib.response.files import read_text, renew


class WrittenPostmortem(msgspec.Struct, frozen=True, kw_only=True):
    """A post-mortem in its current state: its Markdown, its page, and what remains to be written."""

    path: Path
    due: str
    missing: tuple[str, ...]
    left_out: tuple[str, ...] = ()  # what could not be read

    @property
    def page(self) -> Path:
        """The same text as HTML."""
        return self.path.with_suffix(".html")


def write_postmortem(settings: Settings, folder: IncidentFolder) -> WrittenPostmortem:
    """Write or update Markdown and HTML and return what is missing. What people wrote is kept.

    Errors: UsageError if a person saved something that is not text, FolderError.
    """
    facts, left_out = gather(settings, folder)
    path = folder.path / file_name(facts.incident)
    fresh = render(facts, folder.redactor)
    # Not through the redactor: every generated block has passed it, and the rest belongs to people.
    renewed = renew(path, lambda before: merge(before, fresh))
    before, text = renewed.before, renewed.text
    if text != before:
        folder.record(
            Draft(
                kind=EventKind.NOTE,
                text=f"The post-mortem was {'updated' if before else 'written'}",
                source="postmortem",
                data={"file": path.name, "sha256": sha256(text.encode())},
            )
        )
    page = path.with_suffix(".html")
    try:
        write_atomic(page, render_page(folder.redactor.text(text), folder.incident).encode())
    except FolderError as error:  # it can be rendered again from the Markdown
        left_out = (*left_out, f"the page was not updated: {error}")
    return WrittenPostmortem(
        path=path,
        due=describe_due(folder.incident),
        missing=tuple(completeness(text).missing),
        left_out=left_out,
    )


def judge_hypotheses(
    folder: IncidentFolder, *, confirmed: Iterable[str] = (), refuted: Iterable[str] = ()
) -> tuple[Event, ...]:
    """Return the events of people's verdicts on hypotheses. Errors: UsageError naming the existing ones."""
    verdicts = [(name, "confirmed") for name in confirmed] + [(name, "refuted") for name in refuted]
    analyses = [load_analysis(path) for path in folder.snapshots] if verdicts else []
    known = {
        name
        for analysis in analyses
        if analysis
        for hypothesis in analysis.hypotheses
        for name in (hypothesis.id, f"{hypothesis.target}:{hypothesis.id}")
    }
    for name, _ in verdicts:
        if name not in known:
            there = ", ".join(sorted(known_name for known_name in known if ":" not in known_name)) or "none"
            raise UsageError(f"{folder.id} has no hypothesis {name!r}; there are: {there}")
    return tuple(
        folder.record(
            Draft(
                kind=EventKind.DECISION,
                text=f"The hypothesis {name} was {verdict}",
                source="postmortem",
                data={"hypothesis": name, "verdict": verdict},
            )
        )
        for name, verdict in verdicts
    )


def lint_postmortem(settings: Settings, folder: IncidentFolder) -> tuple[Path, tuple[LintFinding, ...]]:
    """Return the file and what should be written differently. Errors: UsageError if it does not exist."""
    path = folder.path / file_name(folder.incident)
    if not path.exists():
        raise UsageError(f"{folder.id} has no post-mortem yet", command=("postmortem",))
    found = lint(read_text(path), names=people(settings, folder), redact=folder.redactor.text)
    return path, tuple(found)
