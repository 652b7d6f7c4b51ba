"""One look at a real server and at its log, judged together: findings and hypotheses, for the tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from incident_lib.config import Document, Service, Settings
from incident_lib.hypotheses import parse_patterns
from incident_lib.investigation.analyze import analyze
from incident_lib.investigation.plan import context_for, plan_lanes, topology
from incident_lib.investigation.setup import with_kinds
from incident_lib.model import Analysis, Finding, Hypothesis
from incident_lib.probes.base import Lane, run_lane
from incident_lib.resources import resource
from tests.integration.postgres_service import Server
from tests.integration.postgres_triage import window

PATTERNS = parse_patterns(resource("templates", "patterns.toml").read_text(encoding="utf-8"), "patterns.toml")


@dataclass(frozen=True)
class Look:
    """What was found, and what is concluded from it."""

    analysis: Analysis

    def finding(self, finding_id: str) -> Finding:
        """Return the first finding of an id. Errors: AssertionError with those there are."""
        found = [each for each in self.analysis.findings if each.id == finding_id]
        assert found, [f"{each.severity} {each.id} {each.title}" for each in self.analysis.findings]
        return found[0]

    def ids(self) -> set[str]:
        """Return the ids of all findings."""
        return {each.id for each in self.analysis.findings}

    @property
    def first(self) -> Hypothesis:
        """The first hypothesis. Errors: AssertionError with the findings, where there is none."""
        assert self.analysis.hypotheses, [f"{each.id} {each.title}" for each in self.analysis.findings]
        return self.analysis.hypotheses[0]

    def hypothesis(self, hypothesis_id: str) -> Hypothesis | None:
        """Return a hypothesis by its id, None where it was not made."""
        return next((each for each in self.analysis.hypotheses if each.id == hypothesis_id), None)


def settings_with_log(
    server: Server, *others: Service, pooler_dsn: str = "", role: str = "workbench"
) -> Settings:
    """Return a configuration with the server and its log as the service `db`."""
    service = Service(
        name="db", kind="postgres", dsn=server.dsn(role), log=str(server.data / "log"), pooler_dsn=pooler_dsn
    )
    return with_kinds(Settings(document=Document(service=(service, *others)), root=Path("/")))


def look(settings: Settings, *probes: str) -> Look:
    """Return what the named probes and the logs show; the connection is always there."""
    wanted = {"postgres.connection", "logs.lines", *(f"postgres.{name}" for name in probes)}
    evidence = []
    for lane in plan_lanes(settings):
        chosen = tuple(probe for probe in lane.probes if probe.name in wanted)
        if chosen:
            short = Lane(target=lane.target, open=lane.open, probes=chosen, name=lane.name)
            evidence += run_lane(short, window())
    return judged_together(settings, evidence)


def judged_together(settings: Settings, evidence: Sequence[object]) -> Look:
    """Return what is concluded from `evidence` by all analyzers, judges and patterns."""
    context = context_for(settings, window())
    graph = replace(topology(settings), is_assumed=False)  # it is configured, if by no file
    return Look(analyze(evidence, context, snapshot="test", topology=graph, patterns=PATTERNS))  # type: ignore[arg-type]
