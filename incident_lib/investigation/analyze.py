"""Evidence -> Analysis: every analyzer over every evidence, then the hypotheses. Pure."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from incident_lib.correlation.busy_machine import judge_slowness
from incident_lib.correlation.cache_stampede import judge_stampedes
from incident_lib.correlation.client_addresses import name_clients
from incident_lib.correlation.clocks import judge_clocks
from incident_lib.correlation.dependency_reports import judge_reported
from incident_lib.correlation.first_start import judge_creations
from incident_lib.correlation.logins import judge_logins, judge_rollbacks, judge_starts
from incident_lib.correlation.processors import judge_processors
from incident_lib.correlation.stalled_service import judge_stalled
from incident_lib.correlation.vantage import judge_vantage
from incident_lib.findings.base import Context, finding, not_assessed, unknown
from incident_lib.hypotheses import rank
from incident_lib.hypotheses.patterns import Pattern
from incident_lib.model import Analysis, Evidence, EvidenceStatus, Finding, FindingSeverity
from incident_lib.model.rows import UnknownRow, tag_of
from incident_lib.model.topology import Topology
from incident_lib.technologies import table


def analyze_one(evidence: Evidence, context: Context) -> Iterator[Finding]:
    """Yield what one evidence means. Evidence that saw nothing is UNKNOWN, never OK."""
    technology = table().of_probe(evidence.probe)
    analyzers = technology.analyzers if technology else context.own
    on_failure = (technology.on_failure if technology else context.own_on_failure).get(evidence.probe)
    if foreign := sorted({tag_of(type(row)) for row in evidence.rows if isinstance(row, UnknownRow)}):
        title = f"not assessed: it holds records that are not known here: {', '.join(foreign)}"
        advice = "install the version of the workbench, or the package, that collected it"
        yield finding(evidence, "unknown", FindingSeverity.UNKNOWN, title, advice)
        return
    if evidence.has_rows and evidence.probe in analyzers:
        yield from analyzers[evidence.probe](evidence, context)
    if evidence.status is EvidenceStatus.FAILED and on_failure is not None:
        yield from on_failure(evidence, context)
    elif evidence.problem is not None:
        unseen = unknown(evidence)
        # Of probes that do not ship, people do not know which one is meant.
        yield unseen if technology else replace(unseen, title=f"{evidence.probe}: {unseen.title}")


def analyze(
    evidence: Iterable[Evidence],
    context: Context,
    *,
    snapshot: str,
    topology: Topology,
    patterns: tuple[Pattern, ...],
    beside: Iterable[Finding] = (),
) -> Analysis:
    """Return everything that is concluded from `evidence`, in a fixed order.

    `beside` are findings that rest on more than this snapshot: on a baseline, on samples over time.
    """
    beside = tuple(beside)
    everything = sorted(evidence, key=lambda one: (one.target, one.probe))
    raw = [finding for one in everything for finding in analyze_one(one, context)]
    raw = judge_slowness(raw, context.thresholds)
    raw = judge_clocks(judge_vantage(raw), everything, topology, context.thresholds)
    raw = judge_creations(name_clients(raw, everything), everything)
    raw += judge_processors(raw, everything, topology, context.thresholds)
    raw += (*judge_stampedes((*raw, *beside), topology), *judge_reported(raw, topology), *beside)
    raw += judge_stalled(raw, topology)
    raw = judge_rollbacks(judge_logins(judge_starts(raw), topology), topology)
    findings = sorted(raw, key=lambda f: (f.severity.rank, f.target, f.id))
    unknown_refs = {ref for f in findings if f.severity is FindingSeverity.UNKNOWN for ref in f.evidence}
    blind = tuple(not_assessed(one) for one in everything if one.ref in unknown_refs and one.problem)
    return Analysis(
        snapshot=snapshot,
        findings=tuple(findings),
        hypotheses=rank(tuple(findings), topology, patterns),
        not_assessed=blind,
    )
