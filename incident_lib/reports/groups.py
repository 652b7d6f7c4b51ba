"""Findings of one kind at many targets, as one line for them all: in the terminal and in pages. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from incident_lib.model import EVERYTHING, Analysis, Finding, NotAssessed
from incident_lib.units import format_count, some_of

MOST_ALONE = 4  # targets that are shown one by one


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Findings of one id and severity at different targets, at least one."""

    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The finding whose text stands for all."""
        return self.findings[0]

    @property
    def about(self) -> str:
        """Whose findings they are: the target, or how many."""
        return self.first.target if len(self.findings) == 1 else format_count(len(self.findings), "target")

    @property
    def title(self) -> str:
        """What was found, and at which targets where they are several."""
        if len(self.findings) == 1:
            return self.first.title
        same = len({finding.title for finding in self.findings}) == 1
        like = "" if same else ", or the like"
        return f"{self.first.title}{like}: {some_of([finding.target for finding in self.findings])}"


def headline(title: str) -> str:
    """Return a title as a heading: a plain word at its beginning gets a capital, a name stays as it is.

    >>> [headline(text) for text in ("the log is empty", "app-db died", "psycopg.Error: x")]
    ['The log is empty', 'app-db died', 'psycopg.Error: x']
    """
    first = title.partition(" ")[0].rstrip(":,;")
    return title[:1].upper() + title[1:] if first.isalpha() and first.islower() else title


def grouped(findings: Iterable[Finding], most_alone: int = MOST_ALONE) -> list[Group]:
    """Return findings, those of one id and severity at more than `most_alone` targets as one group."""
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.id, finding.severity), []).append(finding)
    groups: list[Group] = []
    for found in kinds.values():
        if len({finding.target for finding in found}) > most_alone:
            groups.append(Group(findings=tuple(found)))
        else:
            groups += (Group(findings=(finding,)) for finding in found)
    return sorted(groups, key=lambda group: (group.first.severity.rank, -len(group.findings)))


def apart_from_events(analysis: Analysis) -> list[Finding]:
    """Return the findings without those that an event at many targets stands for."""
    shown = {ref for event in analysis.events for ref in event.evidence}
    return [
        finding
        for finding in analysis.findings
        if finding.target == EVERYTHING or not finding.evidence or not {*finding.evidence} <= shown
    ]


def by_reason(entries: Sequence[NotAssessed]) -> list[tuple[tuple[str, ...], tuple[str, ...], str]]:
    """Return targets, probes and reason of what was not assessed; a reason once for many targets."""
    alike: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        alike.setdefault((entry.target, entry.reason), []).append(entry.probe)
    reasons: dict[str, list[str]] = {}
    for target, reason in alike:
        reasons.setdefault(reason, []).append(target)
    found: list[tuple[tuple[str, ...], tuple[str, ...], str]] = []
    for reason, targets in reasons.items():
        if len(targets) > MOST_ALONE:
            probes = dict.fromkeys(probe for target in targets for probe in alike[target, reason])
            found.append((tuple(targets), tuple(probes), reason))
        else:
            found += (((target,), tuple(alike[target, reason]), reason) for target in targets)
    return found
