"""What is known of an incident at one moment, as the drafts say it. Pure; what is unknown is marked so."""

import re
from datetime import datetime

import msgspec

from incident_lib.config.tables import Document
from incident_lib.findings.catalogue import Flag
from incident_lib.model import (
    Analysis,
    Event,
    EventKind,
    Finding,
    Hypothesis,
    Incident,
    IncidentSeverity,
    IncidentStatus,
)
from incident_lib.technologies import catalogue
from incident_lib.units import format_duration, format_share

_STAGES = {IncidentStatus.CLOSED: "Resolved"}
_PUBLIC_STAGES = {IncidentStatus.MITIGATING: "Identified", IncidentStatus.CLOSED: "Resolved"}
_TROUBLES = 5
_ENDED = "Resolved: "  # the reason that a person gave with it
_MASS_MENTION = re.compile(r"@(?=(?:here|channel|everyone|all)\b)", re.IGNORECASE)


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """An incident, what was concluded from its newest evidence, and what people recorded."""

    incident: Incident
    at: datetime
    document: Document = Document()
    analysis: Analysis | None = None
    events: tuple[Event, ...] = ()
    collected_at: datetime | None = None  # of the evidence behind the analysis
    onset: datetime | None = None

    @property
    def stage(self) -> str:
        """Investigating, Identified, Mitigating or Resolved."""
        return _STAGES.get(self.incident.status, self.incident.status.value.capitalize())

    @property
    def public_stage(self) -> str:
        """The three stages that users see: Investigating, Identified, Resolved."""
        return _PUBLIC_STAGES.get(self.incident.status, self.stage)

    @property
    def seconds(self) -> float:
        """How long it has lasted, or lasted."""
        end = self.incident.resolved_at or self.at
        return max(0.0, (end - self.incident.started_at).total_seconds())

    @property
    def duration(self) -> str:
        """The same as text."""
        return format_duration(self.seconds)

    @property
    def next_update_at(self) -> datetime | None:
        """When the next update is due if this one goes out now; None once resolved."""
        return self.at + self.incident.severity.update_every if self.incident.is_open else None

    @property
    def likely(self) -> Hypothesis | None:
        """The hypothesis that ranks first."""
        return self.analysis.hypotheses[0] if self.analysis and self.analysis.hypotheses else None

    @property
    def others(self) -> tuple[Hypothesis, ...]:
        """The hypotheses behind it."""
        return self.analysis.hypotheses[1:3] if self.analysis else ()

    @property
    def troubles(self) -> tuple[Finding, ...]:
        """The worst findings."""
        findings = self.analysis.findings if self.analysis else ()
        bad = sorted((f for f in findings if f.severity.is_bad), key=lambda f: f.severity.rank)
        return tuple(bad[:_TROUBLES])

    @property
    def hurt(self) -> str:
        """The share of requests that fail, as far as it was measured, else the impact that people named."""
        return self._failing()[0] or one_line(self.incident.impact)

    @property
    def failing(self) -> str:
        """The share of requests that fail, "" when it was not measured."""
        share, finding = self._failing()
        if finding is None:
            return ""
        since = f" since {finding.since:%H:%M} UTC" if finding.since else ""
        seen = f", seen at {self.collected_at:%H:%M} UTC" if self.collected_at else ""
        return f"{share}{since}{seen}"

    def _failing(self) -> tuple[str, Finding | None]:
        findings = self.analysis.findings if self.analysis else ()
        errors = (f for f in findings if f.severity.is_bad and catalogue().has(f, Flag.ERROR_RATE))
        shares = [(_share(finding), finding) for finding in errors]
        if not shares or not self.incident.is_open:
            return "", None  # what was measured during the incident is no news after it
        share, finding = max(shares, key=lambda pair: pair[0])
        return f"{format_share(share)} of requests to {finding.target} fail", finding

    @property
    def recovered(self) -> tuple[Finding, ...]:
        """What failed and is well since, what users feel first; nothing while something else is wrong."""
        if self.troubles or not self.analysis:
            return ()
        past = [finding for finding in self.analysis.findings if finding.is_past]
        felt = [finding for finding in past if catalogue()[finding.id].is_felt]
        return tuple((felt or past)[:_TROUBLES])

    @property
    def stated_findings(self) -> str:
        """What a person last recorded as known, "" when none did."""
        return self._last_stated("findings")

    @property
    def stated_actions(self) -> str:
        """What a person last recorded as being done."""
        return self._last_stated("actions")

    @property
    def findings(self) -> str:
        """What is known, in a person's words, else the first hypothesis with its number."""
        if self.stated_findings:
            return self.stated_findings
        likely = [f"{plain(self.likely.title)} (likely, not confirmed)"] if self.likely else []
        if not likely and self.troubles and self.incident.is_open:
            likely = ["; ".join(f"{f.target}: {plain(f.title)}" for f in self.troubles[:2])]
        if not likely and self.incident.is_open:
            likely = [f"{finding.target}: {plain(finding.title)}" for finding in self.recovered[:2]]
        return "; ".join(filter(None, (*likely, self.failing)))

    @property
    def actions(self) -> str:
        """What is being done: a person's words, open tasks, the newest mitigation."""
        tasks = [
            f"{one_line(t.text)} ({one_line(t.owner)})" for t in self.incident.tasks if t.done_at is None
        ]
        return "; ".join(filter(None, (self.stated_actions, *self.mitigations[-1:], *tasks)))

    @property
    def mitigations(self) -> tuple[str, ...]:
        """Changes to targets, oldest first."""
        return self._texts(EventKind.MITIGATION)

    @property
    def decisions(self) -> tuple[str, ...]:
        """Decisions of the commander, oldest first."""
        return self._texts(EventKind.DECISION)

    @property
    def purposes(self) -> tuple[str, ...]:
        """What users do with the services that are affected."""
        wanted = {*self.incident.services} or {f.target for f in self.troubles}
        found = [s.purpose for s in self.document.service if s.name in wanted and s.purpose]
        return tuple(dict.fromkeys(found))

    @property
    def is_for_users(self) -> bool:
        """Whether users are informed: SEV1 and SEV2."""
        return self.incident.severity in {IncidentSeverity.SEV1, IncidentSeverity.SEV2}

    def _texts(self, kind: EventKind) -> tuple[str, ...]:
        events = sorted((e for e in self.events if e.kind is kind), key=lambda e: e.occurred_at)
        return tuple(f"{event.occurred_at:%H:%M} UTC {one_line(event.text)}" for event in events)

    def _last_stated(self, key: str) -> str:
        for event in reversed(self.events):
            if event.kind is EventKind.STATUS and event.data.get(key):
                return one_line(str(event.data[key]))
            if event.kind is EventKind.STATUS and key == "findings" and event.text.startswith(_ENDED):
                return one_line(event.text.removeprefix(_ENDED))
        return ""


def one_line(text: str) -> str:
    r"""Return what a person wrote on one line, without what cannot be seen.

    >>> one_line("all\nusers\u202e")
    'all users'
    """
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def plain(text: str) -> str:
    """Return text from a log or a server as words that format nothing and mention no one.

    >>> plain("<!channel> *rm* @here")
    '(!channel) rm @ here'
    """
    text = one_line(text).replace("<", "(").replace(">", ")").replace("`", "'")
    return _MASS_MENTION.sub("@ ", text.replace("*", "").replace("](", "] ("))


def in_words(seconds: float) -> str:
    """Return a length of time as users read it.

    >>> in_words(49 * 60 + 20), in_words(3700), in_words(86400 * 2)
    ('49 minutes', '1 hour 1 minute', '2 days')
    """
    minutes = max(1, int(seconds // 60))
    days, hours, minutes = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = [(days, "day"), (hours, "hour"), (0 if days else minutes, "minute")]
    return " ".join(f"{number} {unit}{'s' if number > 1 else ''}" for number, unit in parts if number)


def _share(finding: Finding) -> float:
    value = finding.data.get("error_ratio_since_onset") or finding.data.get("error_ratio")
    return float(value) if isinstance(value, int | float) else 0.0
