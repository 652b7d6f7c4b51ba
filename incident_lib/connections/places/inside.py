"""Names, ports and TLS as seen from inside a container: two programs, and what they print. Pure.

`view_inside.py` runs in the python3 of the image, `view_inside.sh` in its shell with getent, bash or nc, and
openssl. Nothing else of an interpreter ever runs in a container.
"""

import ipaddress
import json
import socket
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec

from incident_lib.connections.names import to_ascii
from incident_lib.connections.places.base import Output
from incident_lib.connections.sockets import Address, Attempt
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.units import format_bytes

START_SECONDS = 2.0  # for the program to begin, and to end
_KINDS = {
    "ECONNREFUSED": ProblemKind.REFUSED,
    "ECONNRESET": ProblemKind.RESET,
    "ECONNABORTED": ProblemKind.RESET,
    "ETIMEDOUT": ProblemKind.TIMED_OUT,
    "timeout": ProblemKind.TIMED_OUT,
}
_WORDS = (
    ("refused", ProblemKind.REFUSED),
    ("reset by peer", ProblemKind.RESET),
    ("timed out", ProblemKind.TIMED_OUT),
    ("timeout", ProblemKind.TIMED_OUT),
    ("unreachable", ProblemKind.UNREACHABLE),
    ("no route", ProblemKind.UNREACHABLE),
)
TIMEOUT_CODES = frozenset({"124", "143", "137"})  # of timeout(1), and of what it ended


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A host, and how far it is tried: without a port it is a name to resolve."""

    host: str
    port: int = 0
    tls: bool = False
    ca: str = ""  # certificates of a declared authority, as text
    seconds: float


class PortSeen(msgspec.Struct):
    """What came of connecting to one address, as Python printed it."""

    address: str = ""
    port: int = 0
    error: str = ""
    seconds: float | None = None

    @property
    def kind(self) -> ProblemKind | None:
        """What is wrong, None where it connected."""
        return _KINDS.get(self.error, ProblemKind.UNREACHABLE) if self.error else None


class TlsSeen(msgspec.Struct):
    """What came of one handshake, as Python printed it."""

    store: str = ""
    verified: bool = False
    chain: list[str] = []
    code: int | None = None
    message: str = ""
    protocol: str | None = None
    silent: bool = False
    late: bool = False  # there was no time, or no processor, to wait for an answer
    authorities: int = 0


class Answer(msgspec.Struct):
    """What Python printed of one question; `id` is its position."""

    id: int
    stage: str = "name"
    addresses: list[str] = []
    name_error: str = ""
    name_seconds: float | None = None
    ports: list[PortSeen] = []
    tls: list[TlsSeen] = []


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A program that looks."""

    name: str  # "python" or "shell"
    start: tuple[str, ...]  # of its arguments; its text is the next one
    file: str
    needs_bytes: int  # of memory that its container must have left

    def argv(self, questions: Sequence[Question]) -> tuple[str, ...]:
        """Return the command: the text of the program, and the questions as arguments of their own."""
        if self.name == "python":
            asked = [
                {"id": position, **msgspec.structs.asdict(question), "host": to_ascii(question.host)}
                for position, question in enumerate(questions)
            ]
            return (*self.start, _text(self.file), json.dumps(asked))
        words = [
            word
            for position, question in enumerate(questions)
            for word in (position, to_ascii(question.host), question.port, int(question.tls))
        ]
        seconds = max(question.seconds for question in questions)
        return (*self.start, _text(self.file), "view", f"{max(1.0, seconds):.0f}", *map(str, words))

    def is_argv(self, argv: tuple[str, ...]) -> bool:
        """Return whether a command runs this program and no other text."""
        return argv[: len(self.start) + 1] == (*self.start, _text(self.file))


WAYS = (
    Way(
        name="python",
        start=("python3", "-I", "-S", "-B", "-c"),
        file="view_inside.py",
        needs_bytes=64 << 20,  # with the authorities of a whole store in memory, and room to spare
    ),
    Way(name="shell", start=("sh", "-c"), file="view_inside.sh", needs_bytes=12 << 20),
)


@cache
def _text(file: str) -> str:
    return Path(__file__).with_name(file).read_text(encoding="utf-8")


def parse_python(text: str) -> dict[int, Answer]:
    """Return what view_inside.py printed, by the position of the question; {} where it is no answer."""
    try:
        return {answer.id: answer for answer in msgspec.json.decode(text, type=list[Answer])}
    except msgspec.MsgspecError:
        return {}


def parse_shell(text: str) -> dict[tuple[int, str], tuple[str, str]]:
    r"""Return code and words of each step ("name", "port", "tls") that view_inside.sh printed.

    >>> parse_shell("0|name|0|10.0.0.7 \n0|port|1|Connection refused\nnoise")
    {(0, 'name'): ('0', '10.0.0.7'), (0, 'port'): ('1', 'Connection refused')}
    """
    steps = {}
    for line in text.splitlines():
        position, _, rest = line.partition("|")
        step, _, rest = rest.partition("|")
        code, _, words = rest.partition("|")
        if position.isdigit():
            steps[int(position), step] = (code, words.strip())
    return steps


def kind_of_words(code: str, words: str) -> ProblemKind | None:
    """Return why bash or nc did not connect, None where it gives no reason.

    >>> kind_of_words("1", "bash: connect: Connection refused").value, kind_of_words("1", "")
    ('refused', None)
    """
    kind = next((kind for sign, kind in _WORDS if sign in words.lower()), None)
    return ProblemKind.TIMED_OUT if kind is None and code in TIMEOUT_CODES else kind


def attempts(way: Way, output: Output, question: Question) -> tuple[Attempt, ...]:
    """Return what came of connecting to each address of the one question that was asked.

    Errors: TargetError NAME_NOT_RESOLVED, UNSUPPORTED where the image has nothing to connect with.
    """
    text = output.stdout.decode("utf-8", "replace")
    if way.name == "python":
        answer = parse_python(text).get(0, Answer(id=0))
        if answer.ports:
            return tuple(_attempt(seen.address, question, seen.kind, seen.seconds) for seen in answer.ports)
        if answer.stage == "connect":
            raise TargetError(ProblemKind.TIMED_OUT, f"no time was left to connect to {question.host}")
        raise _unresolved(question.host, answer.name_error)
    steps = parse_shell(text)
    name, port = steps.get((0, "name"), ("?", "")), steps.get((0, "port"))
    if port is None and name[0] not in {"0", "?"}:
        raise _unresolved(question.host, "getent finds no such name")
    kind = kind_of_words(*port) if port else None
    if port is None or (port[0] != "0" and kind is None):
        raise TargetError(
            ProblemKind.UNSUPPORTED, f"no connection from there: {port[1] if port else 'no tool'}"
        )
    address = next(iter(name[1].split()), question.host)
    return (_attempt(address, question, kind, None),)


def _attempt(address: str, question: Question, kind: ProblemKind | None, seconds: float | None) -> Attempt:
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    except ValueError:  # a name that the shell has nothing to resolve with
        family = socket.AF_INET
    where = Address(family, (address, question.port))
    return Attempt(address=where, seconds=question.seconds if seconds is None else seconds, kind=kind)


def _unresolved(host: str, reason: str) -> TargetError:
    words = f"{host} does not resolve inside the container: {reason or 'no resolver answered in time'}"
    return TargetError(ProblemKind.NAME_NOT_RESOLVED, words)


def no_room(container: str, room_bytes: int) -> TargetError:
    """Return the problem of a container whose memory limit leaves no room for a process of ours."""
    return TargetError(
        ProblemKind.UNSUPPORTED,
        f"{container} has {format_bytes(room_bytes)} left of its memory limit: another process could get it "
        f"killed",
        "try again when it has room, or from a second container on its network",
    )


def no_program(container: str) -> TargetError:
    """Return the problem of an image that has neither of the two interpreters."""
    return TargetError(
        ProblemKind.UNSUPPORTED,
        f"{container}: its image has neither python3 nor a shell, so nothing can be checked inside it",
        f"from a second container on its network: docker run --rm --network container:{container} IMAGE "
        "getent hosts NAME",
    )
