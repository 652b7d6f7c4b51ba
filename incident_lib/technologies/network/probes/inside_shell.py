"""What a shell printed inside a container without Python -> records. Pure."""

import re
from collections.abc import Iterator

from incident_lib.connections.names import is_literal
from incident_lib.errors import ProblemKind
from incident_lib.technologies.network.probes.inside_rows import TRUST_CODES, Rows, port_answer, trust_of
from incident_lib.technologies.network.probes.needed import Needed
from incident_lib.technologies.network.rows import NameAnswer, PortAnswer, TlsAnswer

_SAID = (
    ("refused", ProblemKind.REFUSED),
    ("reset by peer", ProblemKind.RESET),
    ("timed out", ProblemKind.TIMED_OUT),
    ("timeout", ProblemKind.TIMED_OUT),
    ("unreachable", ProblemKind.UNREACHABLE),
    ("no route", ProblemKind.UNREACHABLE),
)
_TIMEOUT_CODES = frozenset({"124", "143", "137"})  # of timeout(1), and of what it ended
_NAME_CODES = frozenset({62, 64})


def rows_of_shell(text: str, asked: tuple[Needed, ...], container: str) -> tuple[Rows, tuple[str, ...]]:
    """Return the records of what view_inside.sh printed, and what is missing from them."""
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
        seen = _shell_tls(needed, asked, *tls)
        if needed.place.ca and seen.verify_code in TRUST_CODES:
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
        yield port_answer(needed, asked, address, None)
        return
    words = said.lower()
    kind = next((kind for sign, kind in _SAID if sign in words), None)
    if kind is None and code in _TIMEOUT_CODES:
        kind = ProblemKind.TIMED_OUT
    if kind is None:
        missing.append(f"the port of {needed.dependency} ({said[:80] or 'the tool gives no reason'})")
        return
    yield port_answer(needed, asked, address, kind)


def _shell_tls(needed: Needed, asked: str, code: str, said: str) -> TlsAnswer:
    """Return what openssl printed: `Verify return code: 10 (certificate has expired)`."""
    codes = re.findall(r"(?:Verify return code: |verify error:num=)(\d+)[ :(]+([^;)]*)", said)
    bad = next(((int(code), words) for code, words in codes if code != "0"), None)
    shaken = bool(codes) and "no peer certificate" not in said
    verified = shaken and bad is None
    place = needed.place
    return TlsAnswer(
        name=place.host,
        address=f"{place.host}:{place.port}",
        verified=verified,
        message=(bad[1] if bad else "" if shaken else said[:200] or "no handshake")[:300],
        silent=not codes and code in _TIMEOUT_CODES,
        trust=trust_of(bad[0] if bad else None, verified=verified),
        name_matches=False if bad and bad[0] in _NAME_CODES else None,
        asked=asked,
        dependency=needed.dependency,
        store="own",
        verify_code=bad[0] if bad else None,
    )
