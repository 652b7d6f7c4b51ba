"""A server in a container: what inspection says about reaching it, and redis-cli inside it.

`redis-cli --no-raw` prints the same in every version: strings quoted with everything odd escaped, lists
numbered. INFO, CLIENT LIST and CLUSTER INFO are printed as they are.
"""

import itertools
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from incident_lib.connections.docker import Engine
from incident_lib.connections.places.base import Output
from incident_lib.connections.places.container import Container, OpenContainer
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.redact.excerpt import excerpt
from incident_lib.redact.found import remember
from incident_lib.technologies.redis.connect.address import PORT, Address
from incident_lib.technologies.redis.connect.commands import check, name_of
from incident_lib.technologies.redis.connect.problems import ReplyError
from incident_lib.technologies.redis.connect.stream import Command

_EXEC_SECONDS = 3.0
_PASSWORDS = ("REDIS_PASSWORD", "VALKEY_PASSWORD", "REDISCLI_AUTH", "VALKEYCLI_AUTH")
_PLAIN = frozenset({("INFO",), ("CLIENT", "LIST"), ("CLUSTER", "INFO")})
_PREFIX = re.compile(r"\s*\d+(\)) ")
_ESCAPE = re.compile(r'\\(?:x([0-9a-f]{2})|(["\\nrtab]))')
_NAMED = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b"}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What inspection found. `address` is None where no port can be reached from here."""

    address: Address | None
    inside: Address  # as seen in the container


def find(place: OpenContainer) -> Found:
    """Return where the server in a container is, with its own password, which stays in memory.

    Source: GET /containers/NAME/json. Errors: TargetError REFUSED where the container does not run.
    """
    details = place.inspect()
    state = details.get("State") or {}
    if not state.get("Running"):
        raise TargetError(
            ProblemKind.REFUSED,
            f"container {place.name} is not running: {state.get('Status')}, "
            f"exit code {state.get('ExitCode')}",
            "check its last log lines for why it exited, then start it",
        )
    inside = _inside(details)
    return Found(address=_from_here(place.engine, details, inside), inside=inside)


def memory_limit(place: Container) -> int | None:
    """Return the container's memory limit, None where it has none. Errors: TargetError."""
    return (place.inspect().get("HostConfig") or {}).get("Memory") or None


def _inside(details: dict[str, Any]) -> Address:
    config = details.get("Config") or {}
    environment = dict(item.split("=", 1) for item in config.get("Env") or () if "=" in item)
    extra = [environment.get(name, "") for name in ("REDIS_ARGS", "VALKEY_EXTRA_FLAGS")]
    arguments = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ()), *extra]
    options = dict(read_options(arguments, environment))
    passwords = (environment.get(name) for name in _PASSWORDS)
    password = options.get("requirepass") or next((password for password in passwords if password), "")
    remember([password])
    port = options.get("port", "")
    return Address(port=int(port) if port.isdigit() and int(port) else PORT, password=password)


def read_options(arguments: Sequence[str], environment: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield name and value of each `--name value` of a server's command line, also of one inside `sh -c`.

    >>> dict(read_options(["sh", "-c", "exec redis-server --requirepass ${PW}"], {"PW": "x"}))
    {'requirepass': 'x'}
    """
    words = [word for argument in arguments for word in _words(argument)]
    for name, value in itertools.pairwise(words):
        if name.startswith("--") and not value.startswith("--"):
            yield (
                name[2:].lower(),
                re.sub(r"\$\{?(\w+)\}?", lambda found: environment.get(found[1], ""), value),
            )


def _words(argument: str) -> list[str]:
    if "--" not in argument or " " not in argument:
        return [argument]
    try:
        return shlex.split(argument)
    except ValueError:
        return argument.split()


def _from_here(engine: Engine, details: dict[str, Any], inside: Address) -> Address | None:
    """Return a published port, else the container's own address on an engine of this machine, else None."""
    network = details.get("NetworkSettings") or {}
    host = _engine_host(engine)
    for published in (network.get("Ports") or {}).get(f"{inside.port}/tcp") or ():
        bound = published.get("HostIp") or ""
        shown = host if bound in {"", "0.0.0.0", "::"} else bound  # noqa: S104 - compared, not bound to
        return msgspec.structs.replace(inside, host=shown, port=int(published["HostPort"]))
    if host != "127.0.0.1":
        return None
    if (details.get("HostConfig") or {}).get("NetworkMode") == "host":
        return inside
    for attached in (network.get("Networks") or {}).values():
        if address := attached.get("IPAddress"):
            return msgspec.structs.replace(inside, host=address)
    return None


def _engine_host(engine: Engine) -> str:
    parts = urlsplit(str(engine.client.api.base_url))
    return parts.hostname or "127.0.0.1" if parts.scheme in {"http", "https"} else "127.0.0.1"


class ContainerCli:
    """redis-cli, or valkey-cli, inside a container: a process for each command."""

    connect_seconds: float | None = None
    local = ""
    ends = ("", "")

    def __init__(self, place: OpenContainer, address: Address) -> None:
        self.where = f"{address} inside container {place.name}"
        self._place = place
        self._address = address
        self._program = "redis-cli"

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Return a reply for each command, as `Wire.exchange` does. Cost: a process in the container each."""
        for command in commands:
            check(command)
        return [self._run(command) for command in commands]

    def abort(self) -> None:
        """Break off the connection with the engine."""
        self._place.abort()

    def close(self) -> None:
        """Close the connection with the engine."""
        self._place.close()

    def _run(self, command: Command) -> Any:
        result = self._execute(command)
        output = (result.stderr + result.stdout).decode("utf-8", "replace")
        if "Could not connect" in output:
            raise TargetError(
                ProblemKind.REFUSED,
                f"{self.where} refused the connection",
                "check the log of the container",
            )
        if result.exit_code not in {0, 1} or (result.exit_code and not result.stdout):
            first = excerpt(output.strip().partition("\n")[0], 200)
            raise TargetError(ProblemKind.PROTOCOL, f"{self._program} inside the container failed: {first}")
        return parse_output(command, result.stdout.decode("utf-8", "surrogateescape"))

    def _execute(self, command: Command) -> Output:
        try:
            return self._execute_with(self._program, command)
        except TargetError as error:
            if error.kind is not ProblemKind.UNSUPPORTED or self._program == "valkey-cli":
                raise
        self._program = "valkey-cli"
        return self._execute_with(self._program, command)

    def _execute_with(self, program: str, command: Command) -> Output:
        words = [word.decode("latin-1") if isinstance(word, bytes) else str(word) for word in command]
        return self._place.run(
            (program, *self._options(), *words),
            environment=self._login(),
            seconds=_EXEC_SECONDS,
        )

    def _options(self) -> tuple[str, ...]:
        address = self._address
        place = ("-s", address.path) if address.path else ("-p", str(address.port))
        user = ("--user", address.user) if address.user else ()
        tls = ("--tls", "--insecure") if address.tls else ()
        return ("--no-raw", *place, *user, *tls)

    def _login(self) -> dict[str, str]:
        """Return the password where the process list does not show it."""
        password = self._address.password
        return {"REDISCLI_AUTH": password, "VALKEYCLI_AUTH": password} if password else {}


def parse_output(command: Command, text: str) -> Any:
    r"""Return the reply to `command` that `redis-cli --no-raw` printed as `text`.

    >>> parse_output(["SCAN", 0], '1) "0"\n2) 1) "a\\"b"\n   2) "c"\n')
    [b'0', [b'a"b', b'c']]
    """
    if name_of(command) in _PLAIN:
        if re.match(r"[A-Z]{3,} [^\n]+\s*\Z", text):
            return ReplyError(text.strip())
        return text.encode("utf-8", "surrogateescape")
    root: list[Any] = []
    levels: list[tuple[int, list[Any]]] = [(-1, root)]  # the column of its `)`, and the list so far
    for line in text.splitlines():
        if line:
            _add(levels, line)
    return root[0] if root else None


def _add(levels: list[tuple[int, list[Any]]], line: str) -> None:
    """Put the value at the end of `line` into the list that its numbers name."""
    start = 0
    while prefix := _PREFIX.match(line, start):
        column, start = prefix.start(1), prefix.end()
        while levels[-1][0] > column:
            levels.pop()
        if levels[-1][0] < column:
            fresh: list[Any] = []
            levels[-1][1].append(fresh)
            levels.append((column, fresh))
    if start == 0:
        del levels[1:]
    levels[-1][1].append(_value(line[start:]))


def _value(text: str) -> Any:
    r"""Return one value.

    >>> _value('"a\\x00\\n"'), _value("(integer) 7"), _value("(nil)"), _value("none")
    (b'a\x00\n', 7, None, b'none')
    """
    if text.startswith('"'):
        return _ESCAPE.sub(_unescape, text[1:-1]).encode("latin-1", "replace")
    if text.startswith("(integer) "):
        return int(text.removeprefix("(integer) "))
    if text.startswith("(error) "):
        return ReplyError(text.removeprefix("(error) ").strip())
    if text.startswith("(empty "):
        return []
    return None if text == "(nil)" else text.encode()


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else _NAMED[match[2]]
