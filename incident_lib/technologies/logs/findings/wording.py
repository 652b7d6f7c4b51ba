"""What lines without an error level report in words: a log that has no levels is not free of errors. Pure."""

import re
from collections.abc import Iterator
from itertools import takewhile

from incident_lib.expressions import expression
from incident_lib.findings.base import finding
from incident_lib.model import Finding, FindingSeverity
from incident_lib.technologies.logs.findings.recovery import judged, spell_of, state_of, worst
from incident_lib.technologies.logs.findings.view import View, is_of_server, span, when
from incident_lib.technologies.logs.probes.events import event_of
from incident_lib.technologies.logs.rows import LogTemplate
from incident_lib.units import format_share, format_times

_BEGINNING = 0.1  # of the time of a log
_FAILURE = expression(
    r"\b(?:fail(?:ed|ure|ing|s)?|errors?|exceptions?|can(?:no|')t|could(?: not|n't)|unable to|refused|denied"
    r"|rejected|timed out|panic(?:ked)?|fatal|crash(?:ed)?|abort(?:ed|ing)?|unreachable|not responding"
    r"|lost|out of memory|no space left|broken pipe|reset by peer)\b",
    re.IGNORECASE,
)
_NONE = expression(  # a count of none, or of what a limit allows
    r"\b(?:no|0|zero|without|any) (?:\w{1,20} )?(?:fail|err|exception)\w*"
    r"|\b(?:fail(?:ed|ures?)|err(?:ors?)?|lost|rejected|denied|exceptions?)(?:_\w{1,20})?"
    r"[\"']?[=: ] ?[\"']?0\b"
    r"|\b(?:on|max|if)[_-](?:fail|err)\w*",
    re.IGNORECASE,
)
# At a level that means no harm: what fails, and not a part of a name, a count, a condition or a statement.
_FAILED = r"(?:failed|dropped|rejected|denied|refused|timed out)"
_FAILS = expression(
    rf"(?<![\w/.-])(?:{_FAILED}|failure|failing|can(?:no|')t|could(?: not|n't)|unable to|gave up|giving up"
    r"|exception|unreachable)(?![\w/=-]|\.\w)",
    re.IGNORECASE,
)
_HARMLESS = expression(
    r"\b(?:if|when|whenever|unless|until|in case|would|may|might)\b[^.;:]{0,60}"
    rf"\b(?:fail|{_FAILED}|can(?:no|')t|could|unable|exception)"
    rf"|\b(?:no|0|zero|without|any|not|never|nothing|none) (?:\w{{1,20}} )?{_FAILED}"
    rf"|(?:^|[,;:(\[]) ?\d+ (?:\w{{1,20}} )?(?:{_FAILED}|failures?)\b"  # counts, of whatever size
    rf"|\d (?:{_FAILED}|failing) [a-z]+s\b"
    rf"|\b(?:{_FAILED}|failures?|exceptions?)(?:[:=] ?\d+ *(?:$|[,;)|\]/])| 0\b)"
    rf"|\b{_FAILED} (?:count|counter|total|ratio|rate|metric)s?\b"
    rf"|\b(?:\w+ing|\w+ed|found)(?: up| for| of)?(?: all| any| the| old)* {_FAILED} [a-z]+s\b"
    r"|\b(?:wrong|invalid|bad|incorrect) (?:user ?name|password|credentials|token|otp|pin)\b"  # of a client
    rf"|\b(?:log[- ]?ins?|sign[- ]?ins?) (?:attempt )?{_FAILED} (?:for|of|by|from)\b"
    r"|\b(?:succeeded|successfully|recovered|as expected|harmless|ignor(?:ed|ing))\b"
    r"|\btests?[_/:]|\b(?:PASSED|XFAIL|SKIPPED)\b"
    r"|\b(?:table|column|index|constraint|trigger|schema)s? \S{0,60} ?dropped\b"
    r"|\bselect\b.{1,200}\bfrom\b|\binsert into\b|\bupdate \S{1,80} set\b|\bdelete from\b",
    re.IGNORECASE,
)


def judge_worded(view: View) -> Iterator[Finding]:
    """Yield `worded`: lines without an error level, and of no known class, that report failures in words.

    Of a level that means no harm, only lines of one kind that are a large part of the log.
    """
    templates = view.evidence.of(LogTemplate)
    entries = sum(row.count for row in templates) + view.summary.requests_count
    least = view.limit("error_lines.least_count")
    most = [
        row
        for row in templates
        if row.count >= least
        and row.count / entries > view.limit("error_lines.warning_ratio")
        and reports_failure_calmly(row)
    ]
    bare = [row for row in templates if reports_failure(row)]
    rows = sorted((*bare, *most), key=lambda row: -row.count)
    count = sum(row.count for row in rows)
    if count < least:
        return
    bad = view.summary.has_times and count / entries >= view.limit("worded.warning_ratio")
    bad = bad and not (most and is_of_server(view))
    lines = f"{count:,} lines without {'an error level' if most else 'a level'}"
    found = finding(
        view.evidence,
        "worded",
        FindingSeverity.WARNING if bad else FindingSeverity.INFO,
        f"{lines} ({format_share(count / entries)}) report failures in their text, most often "
        f"{format_times(rows[0].count)}: {rows[0].example[:160]}",
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


def judge_warned(view: View) -> Iterator[Finding]:
    """Yield `warned`: warnings of no known class that began within the log, and are a large part of it.

    What was there from the beginning is how the program writes.
    """
    summary, templates = view.summary, view.evidence.of(LogTemplate)
    entries = sum(row.count for row in templates) + summary.requests_count
    if summary.first_at is None or summary.last_at is None:
        return
    quiet = summary.first_at + _BEGINNING * (summary.last_at - summary.first_at)
    rows = [
        row
        for row in templates
        if row.level == "WARNING"
        and row.first_at is not None
        and row.first_at > quiet
        and not row.error_class
        and not event_of(row.example)
    ]
    count = sum(row.count for row in rows)
    if count < view.limit("error_lines.least_count") or count / entries < view.limit("warned.warning_ratio"):
        return
    rows.sort(key=lambda row: -row.count)
    since = min(row.first_at for row in rows if row.first_at)
    found = finding(
        view.evidence,
        "warned",
        FindingSeverity.INFO,
        f"{count:,} lines ({format_share(count / entries)}) are warnings of no known class, none before "
        f"{when(since)} UTC, most often {format_times(rows[0].count)}: {rows[0].example[:160]}",
        "\n".join(
            f"{format_times(row.count)}, {span(row.first_at, row.last_at)}: {row.example}" for row in rows[:5]
        ),
        since=since,
        template=rows[0].template[:160],
        count=count,
    )
    yield judged(view, found, worst([state_of(view, spell_of(row)) for row in rows]))


def judge_replaced(view: View) -> Iterator[Finding]:
    """Yield `replaced` where lines of one kind ended, and others about the same began in their place.

    A program that reports its failures at INFO, in words of its own, shows them so.
    """
    summary = view.summary
    if summary.first_at is None or summary.last_at is None:
        return
    templates = view.evidence.of(LogTemplate)
    entries = sum(row.count for row in templates) + summary.requests_count
    edge = _BEGINNING * (summary.last_at - summary.first_at)
    rows = [row for row in templates if _is_calm(row) and row.count >= view.limit("replaced.least_count")]
    ended = [row for row in rows if row.first_at and row.first_at <= summary.first_at + edge]
    begun = [
        row
        for row in rows
        if row.first_at and row.last_at and row.last_at >= summary.last_at - edge
        if row.count / entries >= view.limit("error_lines.warning_ratio")
    ]
    pairs = [(old, new) for new in begun for old in ended if _is_replaced(old, new)]
    if not pairs:
        return
    old, new = max(pairs, key=lambda pair: (pair[1].count, pair[0].count))
    yield finding(
        view.evidence,
        "replaced",
        FindingSeverity.INFO,
        f"since {when(new.first_at)} UTC {format_times(new.count)}: {new.example[:120]}; what was logged "
        f"{format_times(old.count)} before is not logged any more: {old.example[:120]}",
        f"{span(new.first_at, new.last_at)}, before that {span(old.first_at, old.last_at)}\n"
        "Next: check whether the new lines mean that something fails",
        since=new.first_at,
        template=new.template[:160],
        count=new.count,
        before_template=old.template[:160],
        before_count=old.count,
    )


def _is_calm(row: LogTemplate) -> bool:
    return row.level in {"", "INFO", "DEBUG"} and not row.error_class and not event_of(row.example)


def _is_replaced(old: LogTemplate, new: LogTemplate) -> bool:
    """Return whether the new lines begin as the old ones, came when these ended, and about as often."""
    if not (old.first_at and old.last_at and new.first_at and new.last_at) or old.level != new.level:
        return False
    lasted, lasts = ((row.last_at - row.first_at).total_seconds() for row in (old, new))  # type: ignore[operator]
    gap, pause = lasted / max(old.count - 1, 1), (new.first_at - old.last_at).total_seconds()
    often = lasts / max(new.count - 1, 1)
    begin = list(
        takewhile(
            lambda pair: pair[0] == pair[1], zip(old.template.split(), new.template.split(), strict=False)
        )
    )
    return (
        len(begin) >= 2
        and any(len(word) > 2 and word.strip(":").isalpha() for word, _ in begin)
        and -2.0 <= pause <= max(5.0, 5 * gap)
        and gap / 4 <= often <= 4 * gap
    )


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


def reports_failure_calmly(row: LogTemplate) -> bool:
    """Return whether lines of a level that means no harm report in their words that something failed.

    >>> from msgspec.structs import replace
    >>> row = LogTemplate(template="", level="INFO", count=9, first_at=None, last_at=None, example="")
    >>> texts = ("payment 7 failed, order dropped", "import done, 2 failed", "will retry if it failed")
    >>> [reports_failure_calmly(replace(row, example=text)) for text in texts]
    [True, False, False]
    """
    if row.level != "INFO" or row.error_class:
        return False
    text = row.example[:300]
    return bool(_FAILS.search(text)) and not (_NONE.search(text) or _HARMLESS.search(text) or event_of(text))
