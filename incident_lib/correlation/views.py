"""How each dependency looks from here and from inside the container of what needs it. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from incident_lib.findings.base import reason_of
from incident_lib.model import Evidence, FindingSeverity
from incident_lib.model.topology import Topology
from incident_lib.technologies.http.rows import HttpAnswer
from incident_lib.technologies.network.rows import NameAnswer, PortAnswer, TlsAnswer
from incident_lib.units import format_duration

HERE = "this machine"
_PROTOCOLS = ("http.health", "postgres.connection", "redis.connection")
_ON_THIS_MACHINE = "process.state"
_DAY_SECONDS = 86_400.0


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One dependency from one place. A text is None where it was not probed or nothing is there."""

    service: str
    dependency: str
    vantage: str  # "this machine", "inside container app-backend"
    name: str | None = None
    port: str | None = None
    tls: str | None = None
    protocol: str | None = None
    severity: FindingSeverity = FindingSeverity.UNKNOWN

    @property
    def text(self) -> str:
        """What was seen, in one line."""
        seen = [text for text in (self.name, self.port, self.tls, self.protocol) if text]
        return f"{self.vantage}: {', '.join(seen) or 'not checked'}"


class _Seen(msgspec.Struct, frozen=True):
    """A part of a view, and whether it is well; None for nothing known."""

    text: str | None = None
    well: bool | None = None


def views_of(evidence: Sequence[Evidence], topology: Topology) -> tuple[View, ...]:
    """Return for each dependency of each service how it looks from here, and from inside where that is apart.

    What runs as a process on this machine looks from here, and the vantage says so.
    """
    by_ref = {each.ref: each for each in evidence}
    found = []
    for service, needs in topology.depends_on.items():
        own = by_ref.get(f"{service}/{_ON_THIS_MACHINE}")
        runs_here = own is not None and own.has_rows
        for dependency in needs:
            vantage = f"{HERE}, where {service} runs" if runs_here else HERE
            found.append(_from_here(service, dependency, vantage, by_ref))
            found += _from_inside(service, dependency, by_ref.get(f"{service}/network.inside"))
    return tuple(found)


def _from_here(service: str, dependency: str, vantage: str, by_ref: dict[str, Evidence]) -> View:
    names, ports, tls = (by_ref.get(f"{dependency}/network.{what}") for what in ("names", "ports", "tls"))
    asked = (by_ref.get(f"{dependency}/{probe}") for probe in _PROTOCOLS)
    protocol = next((each for each in asked if each is not None), None)
    parts = (
        _rows_or_failure(names, lambda seen: _name(seen.of(NameAnswer))),
        _rows_or_failure(ports, lambda seen: _port(seen.of(PortAnswer))),
        _rows_or_failure(tls, lambda seen: _tls(seen, seen.of(TlsAnswer))),
        _rows_or_failure(protocol, _protocol),
    )
    return _view(service, dependency, vantage, parts)


def _from_inside(service: str, dependency: str, inside: Evidence | None) -> Iterator[View]:
    if inside is None:
        return
    if not inside.has_rows:
        yield _view(service, dependency, "inside its container", (_Seen(f"not seen: {reason_of(inside)}"),))
        return
    names = [row for row in inside.of(NameAnswer) if row.dependency == dependency]
    ports = [row for row in inside.of(PortAnswer) if row.dependency == dependency]
    tls = [row for row in inside.of(TlsAnswer) if row.dependency == dependency]
    places = [*(row.asked for row in names), *(row.asked for row in ports), *(row.asked for row in tls)]
    if not places:
        unknown = _Seen("the address that it uses is not known")
        yield _view(service, dependency, "inside its container", (unknown,))
        return
    main = [row for row in tls if row.store == "declared"] or tls
    parts = (_name(names), _port(ports), _tls(inside, main))
    yield _view(service, dependency, f"inside {places[0]}", parts)


def _view(service: str, dependency: str, vantage: str, parts: Sequence[_Seen]) -> View:
    name, port, tls, protocol = (*parts, *(_Seen() for _ in range(4 - len(parts))))
    known = [part.well for part in (name, port, tls, protocol) if part.well is not None]
    if not known:
        severity = FindingSeverity.UNKNOWN
    else:
        severity = FindingSeverity.OK if all(known) else FindingSeverity.CRITICAL
    return View(
        service=service,
        dependency=dependency,
        vantage=vantage,
        name=name.text,
        port=port.text,
        tls=tls.text,
        protocol=protocol.text,
        severity=severity,
    )


def _rows_or_failure(evidence: Evidence | None, read: Callable[[Evidence], _Seen]) -> _Seen:
    if evidence is None:
        return _Seen()
    if evidence.has_rows:
        return read(evidence)
    if evidence.problem is None or evidence.problem.kind.is_ours:
        return _Seen(f"not seen: {reason_of(evidence)}")
    return _Seen(reason_of(evidence), well=False)


def _name(rows: Iterable[NameAnswer]) -> _Seen:
    row = next((row for row in rows if row.decides), None)
    if row is None:
        return _Seen()
    if not row.addresses:
        return _Seen(f"{row.name} does not resolve", well=False)
    return _Seen(f"{row.name} is {row.addresses[0]}" if row.name != row.addresses[0] else row.name, well=True)


def _port(rows: Sequence[PortAnswer]) -> _Seen:
    if not rows:
        return _Seen()
    reached = [row for row in rows if row.kind is None]
    if not reached:
        return _Seen(f"port {rows[0].port}: {rows[0].message or rows[0].kind}", well=False)
    took = min(row.seconds or 0.0 for row in reached)
    return _Seen(f"port {rows[0].port} accepts" + (f" in {format_duration(took)}" if took else ""), well=True)


def _tls(evidence: Evidence, rows: Sequence[TlsAnswer]) -> _Seen:
    if not rows:
        return _Seen()
    row = rows[0]
    if not row.verified:
        return _Seen(f"TLS: {row.message or 'no handshake'}", well=False)
    if not row.certificates:
        return _Seen("TLS trusted", well=True)
    ends = min(certificate.not_after_at for certificate in row.certificates)
    days = (ends - evidence.collected_at).total_seconds() / _DAY_SECONDS
    return _Seen(f"TLS trusted for {days:.0f} days", well=True)


def _protocol(evidence: Evidence) -> _Seen:
    answers = evidence.of(HttpAnswer)
    if not answers:
        return _Seen("answers", well=True)
    worst = next((row for row in answers if not row.is_well), answers[0])
    state = f"HTTP {worst.status}" if worst.status is not None else worst.error or "no answer"
    return _Seen(state, well=worst.is_well)
