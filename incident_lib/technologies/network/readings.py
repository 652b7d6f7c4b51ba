"""The numbers of names, ports and TLS that are compared with another snapshot. Pure."""

from collections.abc import Iterator

from incident_lib.findings.comparison import Reader, reading
from incident_lib.model import Evidence
from incident_lib.model.series import Reading
from incident_lib.technologies.network.rows import TlsAnswer

_DAY_SECONDS = 86_400


def _certificates(evidence: Evidence) -> Iterator[Reading]:
    ends: dict[str, float] = {}
    for row in evidence.of(TlsAnswer):
        if row.certificates:
            left = (row.certificates[0].not_after_at - evidence.collected_at).total_seconds() / _DAY_SECONDS
            ends[row.name] = min(left, ends.get(row.name, left))
    for name, days in ends.items():
        yield reading(evidence, "certificate", f"certificate of {name}", days, "days")


READINGS: dict[str, Reader] = {"network.tls": _certificates}
