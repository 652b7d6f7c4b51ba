"""What each finding id means: the flags that judges, hypotheses, severity and the timeline ask for."""

import msgspec


class FindingKind(msgspec.Struct, frozen=True, kw_only=True):
    """One id of findings, and what it means whatever the title of a finding reads."""

    id: str  # "postgres.locks.blocked"
