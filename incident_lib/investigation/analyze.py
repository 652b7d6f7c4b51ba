"""Evidence -> Analysis: every analyzer on all evidence, then the hypotheses. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from incident_lib.correlation.judges import JUDGES, Judge, judge_together
from incident_lib.correlation.one_fact import join_signs
from incident_lib.correlation.one_refusal import hidden_by_engine
from incident_lib.correlation.recovery import confirm_recovery, gone_since, over_with_evidence
from incident_lib.correlation.situation import Situation
from incident_lib.findings.base import Context, finding, not_assessed, unknown
from incident_lib.findings.catalogue import Flag
from incident_lib.findings.recovery import doubted, settled
from incident_lib.hypotheses import rank
from incident_lib.hypotheses.patterns import Pattern
from incident_lib.model import (
    EVERYTHING,
    Analysis,
    Evidence,
    EvidenceStatus,
    Finding,
    FindingSeverity,
    NotAssessed,
    Window,
)
from incident_lib.model.rows import UnknownRow, tag_of
from incident_lib.model.topology import Topology
from incident_lib.probes.base import problem_of
from incident_lib.technologies import catalogue, table

_THEN_AND_NOW = Judge(
    judge=confirm_recovery, reads=frozenset()
)  # before all others: they see only what still holds


class Earlier(msgspec.Struct, frozen=True):
    """What was concluded in the previous snapshot of the same incident."""

    analysis: Analysis
    collected_at: datetime


def analyze_one(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield the findings of one piece of evidence. Failed evidence is UNKNOWN, never OK.

    So is evidence that cannot be analyzed: a server's date or number may be beyond what can be computed with.
    """
    try:
        found = tuple(_judged(evidence, context))
    except Exception as error:  # noqa: BLE001 - one server's answer must not hide those of the others
        message = problem_of(error).message
        found = (finding(evidence, "unknown", FindingSeverity.UNKNOWN, f"not assessed: {message}"),)
    yield from map(settled, found)


def _judged(evidence: Evidence, context: Context) -> Iterator[Finding]:
    technology = table().of_probe(evidence.probe)
    analyzers = technology.analyzers if technology else context.own
    on_failure = (technology.on_failure if technology else context.own_on_failure).get(evidence.probe)
    if foreign := sorted({tag_of(type(row)) for row in evidence.rows if isinstance(row, UnknownRow)}):
        title = f"not assessed: it holds records of unknown types: {', '.join(foreign)}"
        advice = "install the version of the workbench, or the package, that collected it"
        yield finding(evidence, "unknown", FindingSeverity.UNKNOWN, title, advice)
        return
    if evidence.has_rows and evidence.probe in analyzers:
        yield from analyzers[evidence.probe](evidence, context)
    if evidence.status is EvidenceStatus.FAILED and on_failure is not None:
        yield from on_failure(evidence, context)
    elif evidence.problem is not None:
        unseen = unknown(evidence)
        # People cannot recognize the probe of a package by its question alone, so it is named.
        yield unseen if technology else replace(unseen, title=f"{evidence.probe}: {unseen.title}")


def analyze(  # noqa: PLR0913 - everything that a conclusion may rest on
    evidence: Iterable[Evidence],
    context: Context,
    *,
    snapshot: str,
    topology: Topology,
    patterns: tuple[Pattern, ...],
    compared: Iterable[Finding] = (),
    before: Earlier | None = None,
    windows: Mapping[str, Window] = {},
    looks_back: bool = False,
) -> Analysis:
    """Return everything that is concluded from `evidence`, in a fixed order.

    `compared` are findings that rest on more than this snapshot: on a baseline, on samples over time; what
    the snapshot `before` this one showed and this one does not is over. `windows` are the windows, by name,
    of evidence that was not collected for the window of the context. Nothing is proposed for a time range in
    the past: another snapshot shows whether it still holds.
    """
    everything = tuple(sorted(evidence, key=lambda each: (each.target, each.probe)))
    situation = Situation(
        catalogue=catalogue(),
        topology=topology,
        evidence=everything,
        thresholds=context.thresholds,
        programs=table().programs,
        compared=tuple(compared),
    )
    found = [
        finding
        for each in everything
        for finding in analyze_one(each, replace(context, window=windows.get(each.ref, context.window)))
    ]
    found = _together(_THEN_AND_NOW, found, situation)
    compared = tuple(over_with_evidence(situation.compared, found))
    situation = replace(situation, compared=tuple(each for each in compared if not each.is_past))
    past = [finding for finding in (*found, *compared) if finding.is_past]
    judged = [finding for finding in found if not finding.is_past]
    for judge in JUDGES:  # what is over does not support anything that holds now
        judged = _together(judge, judged, situation)
    if before:
        past += gone_since(before.analysis, before.collected_at, (*judged, *past))
    findings = _in_order(doubted(settled(finding)) for finding in (*judged, *past))
    try:
        hypotheses = rank(findings, topology, patterns, situation.catalogue)
    except Exception as error:  # noqa: BLE001 - the findings must be shown, even if hypotheses fail
        hypotheses, findings = (), _in_order((*findings, not_judged("the hypotheses", error)))
    findings = tuple(join_signs(findings, situation.catalogue))
    if looks_back:
        findings = tuple(replace(finding, actions=()) for finding in findings)
        hypotheses = tuple(replace(hypothesis, first_action="") for hypothesis in hypotheses)
    return Analysis(
        snapshot=snapshot,
        looks_back=looks_back,
        findings=findings,
        hypotheses=hypotheses,
        not_assessed=tuple(_gaps(everything, findings, {finding.ref for finding in situation.compared})),
    )


def _together(judge: Judge, found: list[Finding], situation: Situation) -> list[Finding]:
    """Return the findings as one judge leaves them; if it fails, as they were, plus a finding about that."""
    try:
        return judge_together(found, situation, (judge,))
    except Exception as error:  # noqa: BLE001 - one server's number must not hide what the others showed
        name = judge.judge.__name__.removeprefix("judge_").replace("_", " ")
        return [*found, not_judged(f"the targets together ({name})", error)]


def not_judged(what: str, error: Exception) -> Finding:
    """Return a finding that something about several targets could not be analyzed, and why."""
    return Finding(
        id="correlation.unknown",
        severity=FindingSeverity.UNKNOWN,
        target=EVERYTHING,
        title=f"not assessed: {what}: {problem_of(error).message}",
    )


def _in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda f: (f.severity.rank, f.target, f.id)))


def _gaps(
    evidence: tuple[Evidence, ...], findings: tuple[Finding, ...], compared: set[str]
) -> Iterator[NotAssessed]:
    """Yield what could not be analyzed: failed evidence, and what is UNKNOWN although there are rows.

    For a finding on several snapshots, it is the comparison that could not be made.
    """
    unknown = [
        each for each in findings if each.severity is FindingSeverity.UNKNOWN and each.target != EVERYTHING
    ]
    hidden = hidden_by_engine(evidence)
    engine = [each for each in unknown if catalogue().has(each, Flag.ENGINE_SILENT)]
    stated = {each.evidence[0] for each in engine}  # the others state it themselves
    for each in evidence:
        if engine and each.ref in hidden - stated:
            continue
        reasons = [
            found.title.removeprefix("not assessed: ")
            for found in unknown
            if each.ref in found.evidence and found.ref not in compared
        ]
        if each.problem and any(each.ref in found.evidence for found in unknown):
            yield not_assessed(each)
        elif reasons and not each.problem:
            yield NotAssessed(target=each.target, probe=each.probe, reason="; ".join(reasons))
