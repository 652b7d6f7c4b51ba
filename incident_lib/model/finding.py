"""Findings: what evidence means, each with the evidence it rests on."""

from datetime import datetime
from enum import StrEnum

import msgspec

from incident_lib.model import shown

EVERYTHING = "all"  # the target of what is said of many targets together


class FindingSeverity(StrEnum):
    """How bad a finding is. UNKNOWN is never ok: something could not be judged."""

    CRITICAL = "CRITICAL"
    WARNING = "WARNING"
    UNKNOWN = "UNKNOWN"
    INFO = "INFO"
    OK = "OK"

    @property
    def rank(self) -> int:
        """Order for people: the worst first.

        >>> sorted(["OK", "UNKNOWN", "CRITICAL"], key=lambda s: FindingSeverity(s).rank)
        ['CRITICAL', 'UNKNOWN', 'OK']
        """
        return list(FindingSeverity).index(self)

    @property
    def is_bad(self) -> bool:
        """Whether a person should look: CRITICAL or WARNING."""
        return self is FindingSeverity.CRITICAL or self is FindingSeverity.WARNING


class Holds(StrEnum):
    """Whether what a finding reports is still so."""

    NOW = "now"  # as far as the newest part of the evidence shows
    PAST = "past"  # it was so, and is well since
    UNKNOWN = "unknown"


class ProposedAction(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person may decide to do; proposing it changes nothing."""

    action: str  # id of a remediation action: "postgres.terminate"
    target: str
    text: str
    arguments: dict[str, str] = {}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One judgement about one target, with numbers and the evidence it rests on."""

    id: str  # "postgres.locks.blocked": what it is about, then what was seen
    severity: FindingSeverity
    target: str
    title: str  # one line, no full stop: what is wrong
    detail: str = ""  # numbers, names, limits
    since: datetime | None = None
    evidence: tuple[str, ...] = ()  # Evidence.ref
    evidence_hashes: dict[str, str] = {}  # SHA-256 of those that are stored with it, once it is stored itself
    actions: tuple[ProposedAction, ...] = ()
    data: dict[str, str | int | float | None] = {}  # the numbers and names again, for rules and templates
    holds: Holds = Holds.NOW
    until: datetime | None = None  # when it was seen last; of what is over, since when it is well
    signs: tuple["Finding", ...] = ()  # what follows from the same fact, each as it was judged alone

    def __repr__(self) -> str:
        return shown.line("Finding", f"{self.severity} {self.ref}: {self.title}")

    def _repr_html_(self) -> str:
        """Return what a cell shows."""
        values = {
            "severity": self.severity,
            "target": self.target,
            "detail": self.detail,
            "since": self.since,
            "until": self.until,
            "holds": self.holds,
            "id": self.id,
            "evidence": self.evidence,
        }
        return shown.facts(self.title, values)

    @property
    def is_past(self) -> bool:
        """Whether it is over: then it is at most INFO, and supports no hypothesis, severity or action."""
        return self.holds is Holds.PAST

    @property
    def apart(self) -> tuple["Finding", ...]:
        """The finding, then each of its signs, to see what each probe reported."""
        return (self, *self.signs)

    @property
    def probe(self) -> str:
        """The probe whose evidence it rests on; without evidence, the subject of its id."""
        return self.evidence[0].rpartition("/")[2] if self.evidence else self.id.rpartition(".")[0]

    @property
    def ref(self) -> str:
        """The name that hypotheses point at: `db:postgres.locks.blocked`."""
        return f"{self.target}:{self.id}"


class NotAssessed(msgspec.Struct, frozen=True, kw_only=True):
    """A probe that saw nothing, or not what it takes, and why: unknown, which is never ok."""

    target: str
    probe: str
    reason: str


class Hypothesis(msgspec.Struct, frozen=True, kw_only=True):
    """A possible cause, ranked. The score ranks; it is not a probability."""

    id: str  # "lock-contention", the names of the catalogue of patterns
    target: str  # the service it blames
    rank: int
    score: float
    title: str
    support: tuple[str, ...] = ()  # finding ids
    against: tuple[str, ...] = ()
    reason: str = ""
    next_check: str = ""
    first_action: str = ""
    notebook: str = ""
    symptom_of: str = ""  # "db:db-down": the hypothesis that explains it
    alike: tuple[str, ...] = ()  # further targets of the same symptom of the same cause

    def __repr__(self) -> str:
        return shown.line(
            "Hypothesis", f"{self.rank}. {self.target}:{self.id} {self.score:.2f}: {self.title}"
        )

    def _repr_html_(self) -> str:
        """Return what a cell shows."""
        values = {
            "target": self.target,
            "rank": self.rank,
            "score": f"{self.score:.2f}",
            "support": self.support,
            "against": self.against,
            "reason": self.reason,
            "next check": self.next_check,
            "first action": self.first_action,
        }
        return shown.facts(self.title, values)


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was concluded from one snapshot: the content of findings.json."""

    schema: int = 1
    snapshot: str
    findings: tuple[Finding, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    not_assessed: tuple[NotAssessed, ...] = ()
    looks_back: bool = False  # at a span of the past: nothing is proposed for what was so then

    def __repr__(self) -> str:
        counts = f"{len(self.findings)} findings, {len(self.hypotheses)} hypotheses"
        return shown.line("Analysis", f"{self.snapshot}: {counts}, {len(self.not_assessed)} not assessed")

    @property
    def events(self) -> tuple[Finding, ...]:
        """The findings that say what many targets share."""
        return tuple(f for f in self.findings if f.target == EVERYTHING and f.data.get("targets"))

    @property
    def covered(self) -> frozenset[str]:
        """The targets whose failure one of those events explains."""
        return frozenset(name for event in self.events for name in str(event.data["targets"]).split())

    @property
    def apart(self) -> tuple[Finding, ...]:
        """All findings, with the signs of one fact as findings of their own."""
        if not any(finding.signs for finding in self.findings):
            return self.findings
        return tuple(each for finding in self.findings for each in finding.apart)
