"""A stored snapshot analyzed again with today's rules, whether its servers still exist or not."""

import msgspec
from msgspec.structs import replace

from incident_lib.investigation.analyze import analyze
from incident_lib.investigation.case import Case
from incident_lib.investigation.compare import compare_conclusions
from incident_lib.investigation.plan import context_for
from incident_lib.investigation.setup import patterns_for, redactor_for
from incident_lib.investigation.since import after_mitigation
from incident_lib.investigation.snapshot import derived_findings, earlier_of
from incident_lib.model import Analysis, Finding
from incident_lib.model.difference import Comparison


class Reanalysis(msgspec.Struct, frozen=True, kw_only=True):
    """What today's rules conclude from a stored snapshot, and what differs from the original conclusion."""

    case: Case  # with today's conclusion; the sealed one stays as it is
    comparison: Comparison

    @property
    def analysis(self) -> Analysis:
        """Today's conclusion."""
        return self.case.analysis


def reanalyze(case: Case) -> Reanalysis:
    """Return what today's rules and limits conclude from the evidence of a case. Writes nothing.

    Source: the incident's folder, and the baseline at that time. Errors: RedactionError, ConfigError,
    FolderError.
    """
    settings = case.settings
    context = after_mitigation(context_for(settings, case.window), case.folder)
    redactor = case.folder.redactor if case.folder else redactor_for(settings)
    around: tuple[Finding, ...] = ()
    before = None
    if not case.looks_back:
        around = derived_findings(settings, case.folder, case.evidence, context, snapshot=case.snapshot)
        before = earlier_of(case.folder, case.snapshot)
    analysis = analyze(
        case.evidence,
        context,
        snapshot=case.snapshot,
        topology=case.topology,
        patterns=patterns_for(settings),
        compared=around,
        before=before,
        windows=case.carried,
        looks_back=case.looks_back,
    )
    now = replace(case, analysis=redactor.struct(analysis, Analysis))
    labels = ("concluded then", "by today's rules")
    return Reanalysis(case=now, comparison=compare_conclusions(case, now, labels=labels))
