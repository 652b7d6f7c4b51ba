"""What a look from inside a container printed -> records. Pure, and distrustful of what it reads."""

import base64
import binascii
import re
from collections.abc import Iterator

import msgspec

from incident_lib.connections.certificates import matches_name, names_its_issuer, parse_certificate
from incident_lib.connections.names import is_literal
from incident_lib.connections.sockets import describe
from incident_lib.errors import ProblemKind
from incident_lib.model.network import Certificate, NameAnswer, PortAnswer, TlsAnswer, Trust
from incident_lib.probes.network.needed import Needed

Rows = tuple[NameAnswer | PortAnswer | TlsAnswer, ...]
_KINDS = {
    "ECONNREFUSED": ProblemKind.REFUSED,
    "ECONNRESET": ProblemKind.RESET,
    "ECONNABORTED": ProblemKind.RESET,
    "ETIMEDOUT": ProblemKind.TIMED_OUT,
    "timeout": ProblemKind.TIMED_OUT,
}
_SAID = (
    ("refused", ProblemKind.REFUSED),
    ("reset by peer", ProblemKind.RESET),
    ("timed out", ProblemKind.TIMED_OUT),
    ("timeout", ProblemKind.TIMED_OUT),
    ("unreachable", ProblemKind.UNREACHABLE),
    ("no route", ProblemKind.UNREACHABLE),
)
_NO_SUCH_NAME = frozenset({"EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY"})
_TIMEOUT_CODES = frozenset({"124", "143", "137"})  # of timeout(1), and of what it ended
_TRUST_CODES = frozenset({2, 18, 19, 20, 21, 26})  # X509_V_ERR_*: no issuer found, self-signed, wrong purpose
_SELF_SIGNED, _NAME_CODES = 18, frozenset({62, 64})


class _Port(msgspec.Struct):
    address: str = ""
    port: int = 0
    error: str = ""
    seconds: float | None = None


class _Tls(msgspec.Struct):
    store: str = ""
    verified: bool = False
    chain: list[str] = []
    code: int | None = None
    message: str = ""
    protocol: str | None = None
    silent: bool = False
    authorities: int = 0


class _Answer(msgspec.Struct):
    id: int
    stage: str = "name"
    addresses: list[str] = []
    name_error: str = ""
    name_seconds: float | None = None
    ports: list[_Port] = []
    tls: list[_Tls] = []


def rows_of_python(text: str, asked: tuple[Needed, ...], container: str) -> tuple[Rows, tuple[str, ...]]:
    """Return the records of what look_inside.py printed, and what is missing from them."""
    try:
        answers = {one.id: one for one in msgspec.json.decode(text, type=list[_Answer])}
    except msgspec.MsgspecError:
        return (), ()
    rows: list[NameAnswer | PortAnswer | TlsAnswer] = []
    missing = []
    for number, needed in enumerate(asked):
        answer = answers.get(number)
        if answer is None:
            missing.append(needed.dependency)
            continue
        rows += _rows(answer, needed, f"container {container}")
        if answer.tls and not _told_of_trust(answer, needed):
            missing.append(f"TLS of {needed.dependency} (the declared authority could not be sent along)")
        missing += _unseen(answer, needed)
    return tuple(rows), tuple(missing)


def _unseen(answer: _Answer, needed: Needed) -> Iterator[str]:
    """Yield what was not looked at: for want of time, or of TLS in that Python."""
    if answer.stage == "connect":
        yield f"the port of {needed.dependency} (no time was left)"
    elif answer.stage == "tls":
        yield f"TLS of {needed.dependency} (no time was left)"
    elif needed.place.uses_tls and not answer.tls and any(not one.error for one in answer.ports):
        yield f"TLS of {needed.dependency}"


def _rows(answer: _Answer, needed: Needed, asked: str) -> Iterator[NameAnswer | PortAnswer | TlsAnswer]:
    late = answer.stage == "name"
    if not is_literal(needed.place.host):
        yield NameAnswer(
            name=needed.place.host,
            asked=asked,
            decides=True,
            addresses=tuple(answer.addresses),
            code=_code(answer),
            seconds=answer.name_seconds,
            error="no resolver answered in time" if late else _in_words(answer.name_error),
            dependency=needed.dependency,
        )
    for one in answer.ports:
        kind = _KINDS.get(one.error, ProblemKind.UNREACHABLE) if one.error else None
        yield _port(needed, asked, one.address, kind, seconds=one.seconds)
    for seen in _told_of_trust(answer, needed):
        yield _tls(seen, needed, asked, answer)


def _told_of_trust(answer: _Answer, needed: Needed) -> list[_Tls]:
    """Return the handshakes that tell something: on trust none, where the declared authority was not sent."""
    sent = any(seen.store == "declared" for seen in answer.tls)
    return [seen for seen in answer.tls if sent or not needed.place.ca or seen.code not in _TRUST_CODES]


def _code(answer: _Answer) -> str | None:
    """Return the code that stands for what getaddrinfo said; None where no resolver answered."""
    if answer.addresses:
        return "NOERROR"
    return "NXDOMAIN" if answer.name_error in _NO_SUCH_NAME else None


def _in_words(error: str) -> str:
    words = {"EAI_AGAIN": "no resolver gave an answer", "EAI_FAIL": "the resolver failed"}
    return words.get(error, "no such name" if error in _NO_SUCH_NAME else error[:200])


def _port(
    needed: Needed, asked: str, address: str, kind: ProblemKind | None, *, seconds: float | None = None
) -> PortAnswer:
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


def _tls(seen: _Tls, needed: Needed, asked: str, answer: _Answer) -> TlsAnswer:
    ders = tuple(_decoded(seen.chain))
    certificates = tuple(_parsed(ders))
    host = needed.place.host
    address = next((one.address for one in answer.ports if not one.error), host)
    return TlsAnswer(
        name=host,
        address=f"{address}:{needed.place.port}",
        verified=seen.verified,
        message=seen.message[:300],
        protocol=seen.protocol,
        silent=seen.silent,
        trust=_trust(seen, ders, certificates),
        name_matches=matches_name(host, certificates[0].names) if certificates else None,
        certificates=certificates,
        asked=asked,
        dependency=needed.dependency,
        store=seen.store,
        verify_code=seen.code,
    )


def _decoded(chain: list[str]) -> Iterator[bytes]:
    for text in chain[:10]:
        try:
            yield base64.b64decode(text, validate=True)
        except binascii.Error:
            return


def _parsed(ders: tuple[bytes, ...]) -> Iterator[Certificate]:
    for der in ders:
        try:
            yield parse_certificate(der)
        except ValueError:
            return


def _trust(seen: _Tls, ders: tuple[bytes, ...], certificates: tuple[Certificate, ...]) -> Trust | None:
    if seen.verified:
        return Trust.TRUSTED
    if seen.code is None or seen.code not in _TRUST_CODES:
        return None
    if seen.code == _SELF_SIGNED:
        return Trust.SELF_SIGNED
    alone = len(certificates) == 1 and certificates[0].issuer != certificates[0].subject
    declared = seen.store == "declared"  # a store of few authorities says it well enough
    if alone and (declared or names_its_issuer(ders[0])):
        return Trust.MISSING_INTERMEDIATE
    return Trust.UNKNOWN_AUTHORITY


def rows_of_shell(text: str, asked: tuple[Needed, ...], container: str) -> tuple[Rows, tuple[str, ...]]:
    """Return the records of what look_inside.sh printed, and what is missing from them."""
    rows: list[NameAnswer | PortAnswer | TlsAnswer] = []
    missing: list[str] = []
    told = {}
    for line in text.splitlines():
        number, _, rest = line.partition("|")
        what, _, rest = rest.partition("|")
        code, _, said = rest.partition("|")
        told[number, what] = (code, said.strip())
    if not told:
        return (), ()
    for position, needed in enumerate(asked):
        _shell_rows(str(position), needed, f"container {container}", told, (rows, missing))
    return tuple(rows), tuple(missing)


def _shell_rows(
    number: str,
    needed: Needed,
    asked: str,
    told: dict[tuple[str, str], tuple[str, str]],
    into: tuple[list[NameAnswer | PortAnswer | TlsAnswer], list[str]],
) -> None:
    rows, missing = into
    name, port, tls = (told.get((number, what)) for what in ("name", "port", "tls"))
    if name is None or name[0] == "?":
        missing.append(f"the name of {needed.dependency} (no getent)")
    elif not is_literal(needed.place.host):
        rows.append(_shell_name(needed, asked, *name))
    if port is not None and port[0] == "?":
        missing.append(f"the port of {needed.dependency} ({port[1]})")
    elif port is not None:
        rows += _shell_port(needed, asked, name[1] if name else "", port, missing)
    if tls is not None and tls[0] == "?":
        missing.append(f"TLS of {needed.dependency} ({tls[1]})")
    elif tls is not None:
        seen = _shell_tls(needed, asked, tls[1])
        if needed.place.ca and seen.verify_code in _TRUST_CODES:
            # openssl was not given that authority, which the client in there may well have.
            missing.append(f"TLS of {needed.dependency} (openssl does not know the declared authority)")
        else:
            rows.append(seen)


def _shell_name(needed: Needed, asked: str, code: str, said: str) -> NameAnswer:
    addresses = tuple(dict.fromkeys(word for word in said.split() if is_literal(word)))
    late = code in _TIMEOUT_CODES
    return NameAnswer(
        name=needed.place.host,
        asked=asked,
        decides=True,
        addresses=addresses,
        code="NOERROR" if addresses else None if late else "NXDOMAIN",
        error="" if addresses else "no resolver answered in time" if late else "getent finds no such name",
        dependency=needed.dependency,
    )


def _shell_port(
    needed: Needed, asked: str, addresses: str, port: tuple[str, str], missing: list[str]
) -> Iterator[PortAnswer]:
    code, said = port
    address = next(iter(addresses.split()), needed.place.host)
    if code == "0":
        yield _port(needed, asked, address, None)
        return
    words = said.lower()
    kind = next((kind for sign, kind in _SAID if sign in words), None)
    if kind is None and code in _TIMEOUT_CODES:
        kind = ProblemKind.TIMED_OUT
    if kind is None:
        missing.append(f"the port of {needed.dependency} ({said[:80] or 'the tool gives no reason'})")
        return
    yield _port(needed, asked, address, kind)


def _shell_tls(needed: Needed, asked: str, said: str) -> TlsAnswer:
    """Return what openssl printed: `Verify return code: 10 (certificate has expired)`."""
    codes = re.findall(r"(?:Verify return code: |verify error:num=)(\d+)[ :(]+([^;)]*)", said)
    bad = next(((int(code), words) for code, words in codes if code != "0"), None)
    shaken = bool(codes) and "no peer certificate" not in said
    seen = _Tls(
        store="own",
        verified=shaken and bad is None,
        code=bad[0] if bad else None,
        message=bad[1] if bad else "" if shaken else said[:200] or "no handshake",
    )
    place = needed.place
    return TlsAnswer(
        name=place.host,
        address=f"{place.host}:{place.port}",
        verified=seen.verified,
        message=seen.message,
        trust=_trust(seen, (), ()),
        name_matches=False if seen.code in _NAME_CODES else None,
        asked=asked,
        dependency=needed.dependency,
        store="own",
        verify_code=seen.code,
    )
