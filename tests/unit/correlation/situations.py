"""Judges over literals: with the catalogue that ships, and nothing else unless a test gives it."""

from collections.abc import Iterable
from typing import Any

from incident_lib.correlation.situation import Judgement, Situation
from incident_lib.model import Finding
from incident_lib.technologies import catalogue


def judge_with(judge: Judgement, findings: Iterable[Finding], **more: Any) -> list[Finding]:
    """Return what a judge makes of findings; `more` are fields of the situation."""
    return judge(list(findings), Situation(catalogue=catalogue(), **more))


def added(judge: Judgement, findings: Iterable[Finding], **more: Any) -> list[Finding]:
    """Return only what a judge adds to findings."""
    before = list(findings)
    return judge_with(judge, before, **more)[len(before) :]
