"""Rules for an answer, and what is wrong with one by them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_OF_THIS_MACHINE = ("host", "machine")


@dataclass(frozen=True)
class Rule:
    """What some row of an answer must, or no row may, fit: a regular expression without regard to case."""

    match: str
    where: str = "any"  # finding, hypothesis, first (its first action), action (that a finding offers), any
    severity: tuple[str, ...] = ()  # of findings; what was not assessed counts as UNKNOWN


@dataclass(frozen=True)
class Row:
    """One thing that was answered."""

    where: str
    severity: str
    text: str


def rows_of(answer: Mapping[str, Any]) -> Iterator[Row]:
    """Yield what `triage --json` answered; load and memory of this machine belong to no situation."""
    for finding in answer.get("findings", ()):
        if finding["target"] in _OF_THIS_MACHINE and not re.search("disk|space|inode", finding["title"]):
            continue
        severity = str(finding["severity"]).upper()
        text = f"{severity} {finding['id']} {finding['target']} {finding['title']} {finding.get('detail')}"
        yield Row("finding", severity, text)
        for action in finding.get("actions") or ():
            yield Row("action", severity, json.dumps(action))
    for hypothesis in hypotheses_of(answer):
        words = (hypothesis.get(key) or "" for key in ("reason", "next_check", "first_action"))
        yield Row("hypothesis", "", " | ".join((f"{hypothesis['id']} {hypothesis['title']}", *words)))
        yield Row("first", "", hypothesis.get("first_action") or "")
    for gap in answer.get("not_assessed", ()):
        yield Row("finding", "UNKNOWN", " ".join(("UNKNOWN", *map(str, gap.values()))))


def hypotheses_of(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the hypotheses that do not blame this machine, the first one first."""
    ranked = sorted(answer.get("hypotheses", ()), key=lambda hypothesis: hypothesis["rank"])
    return [hypothesis for hypothesis in ranked if hypothesis["target"] not in _OF_THIS_MACHINE]


@dataclass(frozen=True)
class Expected:
    """What a right answer says."""

    right: str  # in one sentence, for people
    must: tuple[Rule, ...] = ()
    never: tuple[Rule, ...] = ()
    first: str | None = None  # id and title of the first hypothesis fit it; "" means that there is none
    source: str = ""  # where people met it


def wrong_with(expected: Expected, answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with an answer, a sentence each."""
    rows = list(rows_of(answer))
    for rule in expected.must:
        if not any(_fits(rule, row) for row in rows):
            yield f"not reported: {rule.where} {'/'.join(rule.severity)} /{rule.match}/"
    for rule in expected.never:
        row = next((row for row in rows if _fits(rule, row)), None)
        if row:
            yield f"reported, and wrong: /{rule.match}/: {row.text[:200]!r}"
    if expected.first is not None:
        names = [f"{hypothesis['id']} {hypothesis['title']}" for hypothesis in hypotheses_of(answer)]
        yield from _wrong_first(expected.first, names)


def _wrong_first(wanted: str, names: Sequence[str]) -> Iterator[str]:
    if wanted and not (names and re.search(wanted, names[0], re.IGNORECASE)):
        yield f"the first hypothesis is {names[0] if names else 'none'!r}, and not /{wanted}/"
    if not wanted and names:
        yield f"the first hypothesis is {names[0]!r}, and there is nothing wrong"


def _fits(rule: Rule, row: Row) -> bool:
    if row.where != rule.where and not (rule.where == "any" and row.where in ("finding", "hypothesis")):
        return False
    if rule.severity and row.severity not in rule.severity:
        return False
    return re.search(rule.match, row.text, re.IGNORECASE | re.DOTALL) is not None
