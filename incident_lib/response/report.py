"""The report of an incident from what a person writes, as Markdown and as JSON."""

import json
from datetime import datetime
from pathlib import Path

import msgspec

from incident_lib.config import Settings
from incident_lib.incident.files import slug, write_atomic
from incident_lib.investigation.setup import redactor_for
from incident_lib.redact.marks import Marks
from incident_lib.reports.generated import merge
from incident_lib.reports.incident_report import Report, as_json, render
from incident_lib.response.files import read_text


class WrittenReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report as it was stored, redacted, and its two files."""

    report: Report
    markdown: Path
    data: Path


def write_report(settings: Settings, report: Report, directory: Path, *, at: datetime) -> WrittenReport:
    """Write a report into a folder and return it; what people wrote into an earlier copy is kept.

    Errors: UsageError if the earlier file is not text, FolderError, RedactionError.
    """
    safe = report.redacted(redactor_for(settings, Marks()))
    stem = f"incident-{safe.start:%Y%m%d}-{slug(safe.title)}"
    markdown, data = directory / f"{stem}.md", directory / f"{stem}.json"
    content = as_json(safe, generated_at=at, files={"markdown": str(markdown), "json": str(data)})
    write_atomic(markdown, merge(read_text(markdown), render(safe, generated_at=at)).encode())
    write_atomic(data, (json.dumps(content, indent=2) + "\n").encode())
    return WrittenReport(report=safe, markdown=markdown, data=data)
