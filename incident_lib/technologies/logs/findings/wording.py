"""What lines without a level report in words: a log that has no levels is not free of errors. Pure."""

import re
from collections.abc import Iterator

from incident_lib.findings.base import finding
from incident_lib.model import Finding, FindingSeverity
from incident_lib.technologies.logs.findings.recovery import judged, spell_of, state_of, worst
from incident_lib.technologies.logs.findings.view import View, span
from incident_lib.technologies.logs.probes.events import event_of
from incident_lib.technologies.logs.rows import LogTemplate
from incident_lib.units import format_share, format_times

_FAILURE = re.compile(
    r"\b(?:fail(?:ed|ure|ing|s)?|errors?|exceptions?|can(?:no|')t|could(?: not|n't)|unable to|refused|denied"
    r"|rejected|timed out|panic(?:ked)?|fatal|crash(?:ed)?|abort(?:ed|ing)?|unreachable|not responding"
    r"|lost|out of memory|no space left|broken pipe|reset by peer)\b",
    re.IGNORECASE,
)
_NONE = re.compile(  # a count of none, or of what a limit allows
    r"\b(?:no|0|zero|without|any) (?:\w{1,20} )?(?:fail|err|exception)\w*"
    r"|\b(?:fail(?:ed|ures?)|err(?:ors?)?|lost|rejected|denied|exceptions?)(?:_\w{1,20})?"
    r"[\"']?[=: ] ?[\"']?0\b"
    r"|\b(?:on|max|if)[_-](?:fail|err)\w*",
    re.IGNORECASE,
)


def judge_worded(view: View) -> Iterator[Finding]:
    """Yield `worded`: lines without a level, and of no known class, that report failures in their words."""
    templates = view.evidence.of(LogTemplate)
    rows = sorted(filter(reports_failure, templates), key=lambda row: -row.count)
    count = sum(row.count for row in rows)
    if count < view.limit("error_lines.least_count"):
        return
    entries = sum(row.count for row in templates) + view.summary.requests_count
    bad = view.summary.has_times and count / entries >= view.limit("worded.warning_ratio")
    found = finding(
        view.evidence,
        "worded",
        FindingSeverity.WARNING if bad else FindingSeverity.INFO,
        f"{count:,} lines without a level ({format_share(count / entries)}) report failures in words, most "
        f"often {format_times(rows[0].count)}: {rows[0].example[:160]}",
        "\n".join(
            f"{format_times(row.count)}, {span(row.first_at, row.last_at)}: {row.example}" for row in rows[:5]
        ),
        since=min((row.first_at for row in rows if row.first_at), default=None),
        template=rows[0].template[:160],
        count=count,
        error_ratio=round(count / entries, 4),
    )
    states = [state_of(view, spell_of(row)) for row in rows if row.count > 1 or len(rows) == 1]
    yield judged(view, found, worst(states))


def reports_failure(row: LogTemplate) -> bool:
    """Return whether lines that nothing else judges report a failure in words.

    >>> from incident_lib.technologies.logs.rows import LogTemplate
    >>> from msgspec.structs import replace
    >>> row = LogTemplate(template="", level="", count=9, first_at=None, last_at=None, example="it failed")
    >>> reports_failure(row), reports_failure(replace(row, example="import done, 0 errors"))
    (True, False)
    """
    if row.level or row.error_class:
        return False
    text = row.example[:300]
    return bool(_FAILURE.search(text)) and not _NONE.search(text) and not event_of(text)
