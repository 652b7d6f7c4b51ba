"""What the programs inside a container printed -> records. Pure, and distrustful of what it reads."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator

from incident_lib.connections.names import is_literal, reserved
from incident_lib.connections.places.inside import (
    TIMEOUT_CODES,
    Answer,
    TlsSeen,
    kind_of_words,
    parse_python,
    parse_shell,
)
from incident_lib.connections.sockets import describe
from incident_lib.errors import ProblemKind
from incident_lib.redact.excerpt import excerpt
from incident_lib.technologies.network.certificates import matches_name, names_its_issuer, parse_certificate
from incident_lib.technologies.network.probes.dependency_addresses import DependencyAddress
from incident_lib.technologies.network.rows import Certificate, NameAnswer, PortAnswer, TlsAnswer, Trust

Rows = tuple[NameAnswer | PortAnswer | TlsAnswer, ...]
_TRUST_CODES = frozenset({2, 18, 19, 20, 21, 26})  # X509_V_ERR_*: no issuer found, self-signed, wrong purpose
_SELF_SIGNED = 18
_NO_SUCH_NAME = frozenset({"EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY"})
_NAME_CODES = frozenset({62, 64})  # X509_V_ERR_*: the certificate is for another name


def rows_of_python(
    text: str, targets: tuple[DependencyAddress, ...], container: str
) -> tuple[Rows, tuple[str, ...]]:
    """Return the records of what view_inside.py printed, and what is missing from them."""
    answers = parse_python(text)
    if not answers:
        return (), ()
    rows: list[NameAnswer | PortAnswer | TlsAnswer] = []
    missing = []
    for number, target in enumerate(targets):
        answer = answers.get(number)
        if answer is None:
            missing.append(target.dependency)
            continue
        rows += _rows(answer, target, f"container {container}")
        if any(not seen.late for seen in answer.tls) and not _conclusive(answer, target):
            missing.append(f"TLS of {target.dependency} (the configured CA could not be sent along)")
        missing += _unseen(answer, target)
    return tuple(rows), tuple(missing)


def _unseen(answer: Answer, target: DependencyAddress) -> Iterator[str]:
    """Yield what was not observed: for want of time, or of TLS in that Python."""
    if answer.stage == "connect":
        yield f"the port of {target.dependency} (no time was left)"
    elif answer.stage == "tls" or any(seen.late for seen in answer.tls):
        yield f"TLS of {target.dependency} (no time was left)"
    elif target.endpoint.uses_tls and not answer.tls and any(not port.error for port in answer.ports):
        yield f"TLS of {target.dependency}"


def _rows(
    answer: Answer, target: DependencyAddress, asked: str
) -> Iterator[NameAnswer | PortAnswer | TlsAnswer]:
    late = answer.stage == "name"
    if not is_literal(target.endpoint.host):
        yield NameAnswer(
            name=target.endpoint.host,
            asked=asked,
            decides=True,
            addresses=tuple(answer.addresses),
            code=_code(answer),
            seconds=answer.name_seconds,
            error="no resolver answered in time"
            if late
            else _words_of(answer.name_error) or _reserved(answer.addresses),
            dependency=target.dependency,
        )
    for port in answer.ports:
        yield _port_answer(target, asked, port.address, port.kind, seconds=port.seconds)
    for seen in _conclusive(answer, target):
        yield _tls(seen, target, asked, answer)


def _conclusive(answer: Answer, target: DependencyAddress) -> list[TlsSeen]:
    """Return the handshakes that count: of trust none, where the declared authority was not sent."""
    in_time = [seen for seen in answer.tls if not seen.late]
    sent = any(seen.store == "declared" for seen in in_time)
    return [seen for seen in in_time if sent or not target.endpoint.ca or seen.code not in _TRUST_CODES]


def _reserved(addresses: Iterable[str]) -> str:
    """Return that a name leads where nothing of ours connects to, "" for ordinary addresses.

    >>> _reserved(["10.0.0.7"]), _reserved(["169.254.169.254"])
    ('', "169.254.169.254 is the address of a cloud's metadata service: it was not contacted")
    """
    wrong = ((address, reserved(address)) for address in addresses)
    return next((f"{address} is {what}: it was not contacted" for address, what in wrong if what), "")


def _code(answer: Answer) -> str | None:
    """Return the code that stands for the error of getaddrinfo; None where no resolver answered."""
    if answer.addresses:
        return "NOERROR"
    return "NXDOMAIN" if answer.name_error in _NO_SUCH_NAME else None


def _words_of(error: str) -> str:
    words = {"EAI_AGAIN": "no resolver gave an answer", "EAI_FAIL": "the resolver failed"}
    return words.get(error, "no such name" if error in _NO_SUCH_NAME else excerpt(error, 200))


def _tls(seen: TlsSeen, target: DependencyAddress, asked: str, answer: Answer) -> TlsAnswer:
    ders = tuple(_decoded(seen.chain))
    certificates = _parsed(ders)
    host = target.endpoint.host
    address = next((port.address for port in answer.ports if not port.error), host)
    return TlsAnswer(
        name=host,
        address=f"{address}:{target.endpoint.port}",
        verified=seen.verified,
        message=excerpt(seen.message, 300),
        protocol=seen.protocol,
        silent=seen.silent,
        trust=_trust_of(seen.code, verified=seen.verified, store=seen.store, ders=ders),
        name_matches=matches_name(host, certificates[0].names) if certificates else None,
        certificates=certificates,
        asked=asked,
        dependency=target.dependency,
        store=seen.store,
        verify_code=seen.code,
    )


def _decoded(chain: list[str]) -> Iterator[bytes]:
    for text in chain[:10]:
        try:
            yield base64.b64decode(text, validate=True)
        except binascii.Error:
            return


def rows_of_shell(
    text: str, targets: tuple[DependencyAddress, ...], container: str
) -> tuple[Rows, tuple[str, ...]]:
    """Return the records of what view_inside.sh printed, and what is missing from them."""
    rows: list[NameAnswer | PortAnswer | TlsAnswer] = []
    missing: list[str] = []
    steps = parse_shell(text)
    if not steps:
        return (), ()
    for position, target in enumerate(targets):
        name, port, tls = (steps.get((position, step)) for step in ("name", "port", "tls"))
        _shell_rows((name, port, tls), target, f"container {container}", (rows, missing))
    return tuple(rows), tuple(missing)


def _shell_rows(
    steps: tuple[tuple[str, str] | None, ...],
    target: DependencyAddress,
    asked: str,
    into: tuple[list[NameAnswer | PortAnswer | TlsAnswer], list[str]],
) -> None:
    rows, missing = into
    name, port, tls = steps
    if name is None or name[0] == "?":
        missing.append(f"the name of {target.dependency} (no getent)")
    elif not is_literal(target.endpoint.host):
        rows.append(_shell_name(target, asked, *name))
    if port is not None and port[0] == "?":
        missing.append(f"the port of {target.dependency} ({port[1]})")
    elif port is not None:
        rows += _shell_port(target, asked, name[1] if name else "", port, missing)
    if tls is not None and tls[0] == "?":
        missing.append(f"TLS of {target.dependency} ({tls[1]})")
    elif tls is not None:
        seen = _shell_tls(target, asked, *tls)
        if target.endpoint.ca and seen.verify_code in _TRUST_CODES:
            # openssl was not given that authority, which the client in there may well have.
            missing.append(f"TLS of {target.dependency} (openssl does not know the configured CA)")
        else:
            rows.append(seen)


def _shell_name(target: DependencyAddress, asked: str, code: str, words: str) -> NameAnswer:
    addresses = tuple(dict.fromkeys(word for word in words.split() if is_literal(word)))
    late = code in TIMEOUT_CODES
    return NameAnswer(
        name=target.endpoint.host,
        asked=asked,
        decides=True,
        addresses=addresses,
        code="NOERROR" if addresses else None if late else "NXDOMAIN",
        error=_reserved(addresses)
        if addresses
        else "no resolver answered in time"
        if late
        else "getent finds no such name",
        dependency=target.dependency,
    )


def _shell_port(
    target: DependencyAddress, asked: str, addresses: str, port: tuple[str, str], missing: list[str]
) -> Iterator[PortAnswer]:
    code, words = port
    address = next(iter(addresses.split()), target.endpoint.host)
    if code == "0":
        yield _port_answer(target, asked, address, None)
        return
    if (kind := kind_of_words(code, words)) is None:
        missing.append(f"the port of {target.dependency} ({excerpt(words, 80) or 'the tool gave no reason'})")
        return
    yield _port_answer(target, asked, address, kind)


def _shell_tls(target: DependencyAddress, asked: str, code: str, words: str) -> TlsAnswer:
    """Return what openssl printed: `Verify return code: 10 (certificate has expired)`."""
    codes = re.findall(r"(?:Verify return code: |verify error:num=)(\d+)[ :(]+([^;)]*)", words)
    bad = next(((int(code), reason) for code, reason in codes if code != "0"), None)
    shaken = bool(codes) and "no peer certificate" not in words
    verified = shaken and bad is None
    endpoint = target.endpoint
    return TlsAnswer(
        name=endpoint.host,
        address=f"{endpoint.host}:{endpoint.port}",
        verified=verified,
        message=excerpt(bad[1] if bad else "" if shaken else words or "no handshake", 300),
        silent=not codes and code in TIMEOUT_CODES,
        trust=_trust_of(bad[0] if bad else None, verified=verified),
        name_matches=False if bad and bad[0] in _NAME_CODES else None,
        asked=asked,
        dependency=target.dependency,
        store="own",
        verify_code=bad[0] if bad else None,
    )


def _port_answer(
    target: DependencyAddress,
    asked: str,
    address: str,
    kind: ProblemKind | None,
    *,
    seconds: float | None = None,
) -> PortAnswer:
    """Return what came of one address; `kind` None means that it connected."""
    endpoint = target.endpoint
    shown = f"[{address}]" if ":" in address else address
    return PortAnswer(
        address=address,
        port=endpoint.port or 0,
        kind=kind,
        message=f"{shown}:{endpoint.port} {describe(kind)}" if kind else "",
        seconds=seconds,
        name=endpoint.host,
        asked=asked,
        dependency=target.dependency,
    )


def _trust_of(
    code: int | None, *, verified: bool, store: str = "own", ders: tuple[bytes, ...] = ()
) -> Trust | None:
    """Return what OpenSSL's verdict says of the chain, None where it is not about trust.

    >>> _trust_of(18, verified=False), _trust_of(10, verified=False)
    (<Trust.SELF_SIGNED: 'self_signed'>, None)
    """
    if verified:
        return Trust.TRUSTED
    if code is None or code not in _TRUST_CODES:
        return None
    if code == _SELF_SIGNED:
        return Trust.SELF_SIGNED
    certificates = _parsed(ders)
    alone = len(certificates) == 1 and certificates[0].issuer != certificates[0].subject
    declared = store == "declared"  # a store of few authorities says so well enough
    if alone and (declared or names_its_issuer(ders[0])):
        return Trust.MISSING_INTERMEDIATE
    return Trust.UNKNOWN_AUTHORITY


def _parsed(ders: tuple[bytes, ...]) -> tuple[Certificate, ...]:
    """Return the certificates of a chain, as far as they can be read."""
    found = []
    for der in ders:
        try:
            found.append(parse_certificate(der))
        except ValueError:
            break
    return tuple(found)
