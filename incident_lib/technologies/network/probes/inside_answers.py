"""What Python printed inside a container -> records. Pure, and distrustful of what it reads."""

import base64
import binascii
from collections.abc import Iterator

import msgspec

from incident_lib.connections.names import is_literal
from incident_lib.errors import ProblemKind
from incident_lib.technologies.network.certificates import matches_name
from incident_lib.technologies.network.probes.inside_rows import (
    TRUST_CODES,
    Rows,
    parsed,
    port_answer,
    trust_of,
)
from incident_lib.technologies.network.probes.needed import Needed
from incident_lib.technologies.network.rows import NameAnswer, PortAnswer, TlsAnswer

_KINDS = {
    "ECONNREFUSED": ProblemKind.REFUSED,
    "ECONNRESET": ProblemKind.RESET,
    "ECONNABORTED": ProblemKind.RESET,
    "ETIMEDOUT": ProblemKind.TIMED_OUT,
    "timeout": ProblemKind.TIMED_OUT,
}
_NO_SUCH_NAME = frozenset({"EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY"})


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
    late: bool = False  # there was no time, or no processor, to wait for an answer
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
    """Return the records of what view_inside.py printed, and what is missing from them."""
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
        if any(not seen.late for seen in answer.tls) and not _told_of_trust(answer, needed):
            missing.append(f"TLS of {needed.dependency} (the declared authority could not be sent along)")
        missing += _unseen(answer, needed)
    return tuple(rows), tuple(missing)


def _unseen(answer: _Answer, needed: Needed) -> Iterator[str]:
    """Yield what was not looked at: for want of time, or of TLS in that Python."""
    if answer.stage == "connect":
        yield f"the port of {needed.dependency} (no time was left)"
    elif answer.stage == "tls" or any(seen.late for seen in answer.tls):
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
        yield port_answer(needed, asked, one.address, kind, seconds=one.seconds)
    for seen in _told_of_trust(answer, needed):
        yield _tls(seen, needed, asked, answer)


def _told_of_trust(answer: _Answer, needed: Needed) -> list[_Tls]:
    """Return the handshakes that tell something: on trust none, where the declared authority was not sent."""
    told = [seen for seen in answer.tls if not seen.late]
    sent = any(seen.store == "declared" for seen in told)
    return [seen for seen in told if sent or not needed.place.ca or seen.code not in TRUST_CODES]


def _code(answer: _Answer) -> str | None:
    """Return the code that stands for what getaddrinfo said; None where no resolver answered."""
    if answer.addresses:
        return "NOERROR"
    return "NXDOMAIN" if answer.name_error in _NO_SUCH_NAME else None


def _in_words(error: str) -> str:
    words = {"EAI_AGAIN": "no resolver gave an answer", "EAI_FAIL": "the resolver failed"}
    return words.get(error, "no such name" if error in _NO_SUCH_NAME else error[:200])


def _tls(seen: _Tls, needed: Needed, asked: str, answer: _Answer) -> TlsAnswer:
    ders = tuple(_decoded(seen.chain))
    certificates = parsed(ders)
    host = needed.place.host
    address = next((one.address for one in answer.ports if not one.error), host)
    return TlsAnswer(
        name=host,
        address=f"{address}:{needed.place.port}",
        verified=seen.verified,
        message=seen.message[:300],
        protocol=seen.protocol,
        silent=seen.silent,
        trust=trust_of(seen.code, verified=seen.verified, store=seen.store, ders=ders),
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
