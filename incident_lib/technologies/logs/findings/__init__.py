"""What the log of a service means: a single analyzer, because a single pass over the lines gave all of it."""

from collections.abc import Iterator
from itertools import chain

from msgspec.structs import replace

from incident_lib.findings.base import Analyzer, Context
from incident_lib.model import Evidence, Finding
from incident_lib.technologies.logs.findings import coverage, latency, messages, requests, wording
from incident_lib.technologies.logs.findings.view import view_of

__all__ = ["ANALYZERS", "ON_FAILURE", "analyze_age", "analyze_lines"]

_JUDGES = (
    requests.judge_errors,
    requests.judge_onset,
    requests.judge_endpoint,
    requests.judge_slow,
    latency.judge_latency,
    messages.judge_classes,
    messages.judge_exceptions,
    messages.judge_template,
    messages.judge_unknown,
    messages.judge_front,
    messages.judge_cut,
    messages.judge_error_lines,
    messages.judge_events,
    coverage.judge_service,
)
# Why a log in which nothing is bad may not be well: with any of these, nothing is "ok".
_DOUBTS = (
    wording.judge_worded,
    wording.judge_warned,
    wording.judge_replaced,
    coverage.judge_coverage,
    coverage.judge_stale,
)


def analyze_lines(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield what the lines of a service mean; a single OK finding when they were read and nothing is bad."""
    view, last = view_of(evidence, context), [*coverage.judge_last(evidence), *coverage.judge_start(evidence)]
    if view is None or view.summary.lines_count == 0:
        yield from (coverage.judge_empty(evidence, context.window), *last)
        return
    found = list(chain.from_iterable(judge(view) for judge in _JUDGES))
    doubts = list(chain.from_iterable(judge(view) for judge in _DOUBTS))
    yield from (*found, *last, *doubts)
    if not (last or doubts or any(finding.severity.is_bad for finding in found)):
        yield coverage.judge_well(view, recovered=any(finding.is_past for finding in found))


def analyze_age(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield `stale` where the log of files that were named ends long before the window does.

    When a file was written last shows nothing here: it may be a copy.
    """
    view = view_of(evidence, context)
    if view is not None:
        copied = replace(view.summary, modified_at=None)
        yield from coverage.judge_stale(replace(view, summary=copied))


ANALYZERS: dict[str, Analyzer] = {"logs.lines": analyze_lines}
ON_FAILURE: dict[str, Analyzer] = {}  # a log that cannot be read is unknown, and no alarm
