"""What a look from inside a container tells, whichever tool looked: the parts of records that both share."""

from incident_lib.connections.sockets import describe
from incident_lib.errors import ProblemKind
from incident_lib.technologies.network.certificates import names_its_issuer, parse_certificate
from incident_lib.technologies.network.probes.needed import Needed
from incident_lib.technologies.network.rows import Certificate, NameAnswer, PortAnswer, TlsAnswer, Trust

Rows = tuple[NameAnswer | PortAnswer | TlsAnswer, ...]
TRUST_CODES = frozenset({2, 18, 19, 20, 21, 26})  # X509_V_ERR_*: no issuer found, self-signed, wrong purpose
_SELF_SIGNED = 18


def port_answer(
    needed: Needed, asked: str, address: str, kind: ProblemKind | None, *, seconds: float | None = None
) -> PortAnswer:
    """Return what came of one address; `kind` None means that it connected."""
    place = needed.place
    shown = f"[{address}]" if ":" in address else address
    return PortAnswer(
        address=address,
        port=place.port or 0,
        kind=kind,
        message=f"{shown}:{place.port} {describe(kind)}" if kind else "",
        seconds=seconds,
        name=place.host,
        asked=asked,
        dependency=needed.dependency,
    )


def trust_of(
    code: int | None, *, verified: bool, store: str = "own", ders: tuple[bytes, ...] = ()
) -> Trust | None:
    """Return what OpenSSL's verdict says of the chain, None where it is not about trust.

    >>> trust_of(18, verified=False), trust_of(10, verified=False)
    (<Trust.SELF_SIGNED: 'self_signed'>, None)
    """
    if verified:
        return Trust.TRUSTED
    if code is None or code not in TRUST_CODES:
        return None
    if code == _SELF_SIGNED:
        return Trust.SELF_SIGNED
    certificates = parsed(ders)
    alone = len(certificates) == 1 and certificates[0].issuer != certificates[0].subject
    declared = store == "declared"  # a store of few authorities says it well enough
    if alone and (declared or names_its_issuer(ders[0])):
        return Trust.MISSING_INTERMEDIATE
    return Trust.UNKNOWN_AUTHORITY


def parsed(ders: tuple[bytes, ...]) -> tuple[Certificate, ...]:
    """Return the certificates of a chain, as far as they can be read."""
    found = []
    for der in ders:
        try:
            found.append(parse_certificate(der))
        except ValueError:
            break
    return tuple(found)
