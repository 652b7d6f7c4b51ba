"""What is seen from inside a container, set beside what is seen from here."""

from collections.abc import Iterable

import msgspec

from incident_lib.model import Finding, FindingSeverity

_INSIDE = "network.inside."
# What is wrong inside -> what says from here that it is well, and what says that it is as bad.
_BESIDE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "not_resolving": (("network.names.ok",), ("network.names.not_resolving",)),
    "port": (
        ("network.ports.ok", "network.ports.some"),
        (
            "network.ports.refused",
            "network.ports.timed_out",
            "network.ports.reset",
            "network.ports.unreachable",
        ),
    ),
    "tls": (
        ("network.tls.ok", "network.tls.expires_soon"),
        tuple(
            f"network.tls.{what}"
            for what in (
                "expired",
                "wrong_name",
                "chain",
                "untrusted",
                "self_signed",
                "handshake",
                "not_yet_valid",
            )
        ),
    ),
}
_PORTS = frozenset({"refused", "timed_out", "reset", "unreachable"})
_SILENT = "tls_silent"
_WAITS = ("logs.lines.class.read_timeout", "logs.lines.class.connect_timeout", "http.health.part")
_PACKETS = (
    "If it stays so, large packets may be lost on the way out of the container: compare the MTU of both."
)
_REFUSED_TLS = (
    "logs.lines.class.tls_verify",
    "logs.lines.class.tls_expired",
    "logs.lines.class.tls_wrong_name",
)


def judge_vantage(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, those from inside a container saying whether it is so only there.

    What is seen from here counts where the same host was asked from both; an address that exists only inside
    has nothing beside it. A store that only some clients use is a WARNING once the service's log says
    that it refuses certificates. A server that is silent only inside is bad where its users say so.
    """
    told = list(findings)
    here: dict[str, dict[str, Finding]] = {}
    for one in told:
        if not one.id.startswith(_INSIDE):
            here.setdefault(one.target, {}).setdefault(one.id, one)
    return [_placed(one, here) if one.id.startswith(_INSIDE) else one for one in told]


def _placed(one: Finding, here: dict[str, dict[str, Finding]]) -> Finding:
    what = one.id.removeprefix(_INSIDE)
    user = one.evidence[0].partition("/")[0] if one.evidence else ""
    if what == "tls_store" and any(name in here.get(user, {}) for name in _REFUSED_TLS):
        one = msgspec.structs.replace(one, severity=FindingSeverity.WARNING)
    theme = "port" if what in _PORTS else "tls" if what.startswith("tls_") else what
    vantage = one.data.get("vantage")
    if theme not in _BESIDE or vantage is None:
        return one
    well, bad = _BESIDE[theme]
    own = here.get(one.target, {})
    if _says(own, well, one):
        if what == _SILENT:
            one = _doubted(one, felt=any(name in here.get(user, {}) for name in _WAITS))
        return _with(one, f"only inside {vantage}", f"From this machine it is well: {_title(own, well)}.")
    if _says(own, bad, one):
        return _with(one, f"inside {vantage} and from here", f"From this machine too: {_title(own, bad)}.")
    return one


def _doubted(one: Finding, *, felt: bool) -> Finding:
    """Return a silence that we do not meet ourselves: bad where the service says that it waits, too."""
    severity = FindingSeverity.WARNING if felt else FindingSeverity.INFO
    if one.severity.rank >= severity.rank:
        return one
    return msgspec.structs.replace(one, severity=severity, detail=f"{one.detail.rstrip('. ')}. {_PACKETS}")


def _says(own: dict[str, Finding], ids: tuple[str, ...], one: Finding) -> bool:
    """Return whether one of `ids` was found of the same host, by the names that our own findings tell."""
    named = {
        f.data.get("host") for name, f in own.items() if name.startswith("network.") and f.data.get("host")
    }
    return any(name in own for name in ids) and (not named or one.data.get("host") in named)


def _title(own: dict[str, Finding], ids: tuple[str, ...]) -> str:
    return next(own[name].title for name in ids if name in own)


def _with(one: Finding, where: str, beside: str) -> Finding:
    plain = f"inside {one.data.get('vantage')}"
    title = one.title.replace(plain, where, 1)
    title = title.replace("resolve only inside", "resolve, only inside")
    return msgspec.structs.replace(
        one, title=title, detail=f"{one.detail.rstrip('.')}. {beside}", data={**one.data, "where": where}
    )
