"""The Docker engine: bounded, read-only. What may run in a container is written out in `places`."""

import os
import socket
import struct
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from incident_lib import clock
from incident_lib.connections.docker_answers import broken_off, documents, limit_answers
from incident_lib.connections.places.base import Output
from incident_lib.connections.received import too_large
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.expressions import expression
from incident_lib.redact.found import remember_container
from incident_lib.units import format_duration

TIMEOUT_SECONDS = 5  # the library's own is 60
NO_COMMAND = frozenset({126, 127})  # how an exec ends whose program is not in the image
_STDOUT, _FRAME_HEADER_BYTES, _CHUNK_BYTES = 1, 8, 65_536
_MOST_ERRORS_BYTES = 65_536
ANSWER_BYTES = 16 * 1024 * 1024  # of an answer that is read as a whole; lists of thousands of containers fit
FRAME_BYTES = 8 * 1024 * 1024  # of output between a header and the next; engines send some kilobytes
_NAME = expression(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")  # the engine allows no other name or id
_DENIED = frozenset({401, 403})
_BROKEN_OFF = expression(r"RemoteDisconnected|IncompleteRead|InvalidChunkLength|reset by peer|Broken pipe")
_ANY_VERSION = "1.24"  # the library wants one before we know which; /version is asked without


class Engine:
    """A session with a Docker engine. Drivers' errors leave it as TargetError only."""

    def __init__(
        self, client: Any, vantage: str, *, version: Mapping[str, Any] | None = None, adapter: Any = None
    ) -> None:
        self.client = client
        self.vantage = vantage
        self.notes: tuple[str, ...] = ()
        self.version: dict[str, Any] = dict(version or {})  # the answer of GET /version when it was opened
        self._adapter = adapter
        self._broken_off = 0  # how often

    @property
    def is_here(self) -> bool:
        """Whether it is an engine of this machine: it is reached through a socket of the file system."""
        return self._adapter is not None

    def abort(self) -> None:
        """Break off: shuts the connections down, so that a waiting read fails."""
        self._broken_off += 1
        if self._adapter is not None:
            self._adapter.break_off()
        self.client.api.close()

    def close(self) -> None:
        """Close the connections."""
        self.client.api.close()

    def names(self) -> tuple[str, ...]:
        """Return the names of all containers, running or not. Source: GET /containers/json?all=1."""
        with translated("the list of containers"):
            listed = self.client.api.containers(all=True)
        return tuple(sorted(name.lstrip("/") for entry in listed for name in (entry["Names"] or ())[:1]))

    def inspect(self, container: str) -> dict[str, Any]:
        """Return what `docker inspect` says. Source: GET /containers/NAME/json. Errors: TargetError.

        The environment in it holds secrets: it stays in memory, and only names may become evidence.
        """
        with translated(f"container {container}"):
            _check_name(container)
            about = dict(self.client.api.inspect_container(container))
        remember_container(about)
        return about

    def processes(self, container: str, columns: str) -> list[list[str]]:
        """Return the processes of a container, as `ps` with these columns shows them.

        Source: GET /containers/NAME/top, which needs nothing in the image. Errors: TargetError.
        """
        with translated(f"container {container}"):
            _check_name(container)
            return list(self.client.api.top(container, columns).get("Processes") or ())

    def events(self, since: int, until: str) -> list[dict[str, Any]]:
        """Return what happened between two moments, oldest first.

        Source: GET /events, which ends at `until`. Errors: TargetError.
        """
        api = self.client.api
        with translated("the events"):
            response = api.get(
                f"{api.base_url}/v{api.api_version}/events",
                params={"since": since, "until": until},
                timeout=api.timeout,
            )
            response.raise_for_status()
            return documents(response.content)

    def archive(self, container: str, path: str) -> tuple[Generator[bytes], dict[str, Any]]:
        """Return a file of a container as a tar archive in pieces, and what `stat` says of it.

        Source: GET /containers/NAME/archive, which needs no program in it. Errors: TargetError.
        """
        with translated(f"{path} in container {container}"):
            _check_name(container)
            pieces, about = self.client.api.get_archive(container, path)
            return pieces, dict(about)

    def execute(
        self,
        container: str,
        argv: tuple[str, ...],
        *,
        environment: Mapping[str, str],
        seconds: float,
        most_bytes: int,
    ) -> Output:
        """Return what a command answers inside `container`; `places` decides which ones may run.

        Source: POST /containers/NAME/exec and /exec/ID/start. Cost: one process in the container.
        Errors: TargetError UNSUPPORTED where the image does not have the command, TIMED_OUT where it is
        silent for `seconds` or was broken off.
        """
        import docker.errors
        import requests.exceptions

        api, before = self.client.api, self._broken_off
        with translated(f"container {container}"):
            _check_name(container)
            execution = api.exec_create(container, list(argv), environment=dict(environment))["Id"]
            # The library's own reader waits for ever where a command is silent.
            response = api.post(
                f"{api.base_url}/v{api.api_version}/exec/{execution}/start",
                json={"Detach": False, "Tty": False},
                stream=True,
                timeout=seconds,
            )
            with response:
                try:
                    response.raise_for_status()
                except requests.exceptions.HTTPError as error:
                    docker.errors.create_api_error_from_http_exception(error)
                stdout, stderr, cut = _drain(response.raw, seconds, most_bytes)
            if self._broken_off > before:  # an answer that was cut short looks like one that ended
                raise TargetError(ProblemKind.TIMED_OUT, "the command was interrupted")
            # After a cut the code says how its output was taken away, not how the command ended.
            code = None if cut else api.exec_inspect(execution)["ExitCode"]
        if code in NO_COMMAND:
            raise TargetError(ProblemKind.UNSUPPORTED, f"{container} has no {argv[0]}")
        return Output(exit_code=-1 if code is None else code, stdout=stdout, stderr=stderr, truncated=cut)


def _check_name(container: str) -> None:
    """Refuse what no container can be called: `../images` in it would make another request of ours."""
    if not _NAME.fullmatch(container):
        raise TargetError(ProblemKind.NOT_FOUND, f"no container can be called {container!r}")


def _drain(stream: Any, seconds: float, most_bytes: int) -> tuple[bytes, bytes, bool]:
    """Return standard output, standard error and whether it was cut. Errors: TargetError TIMED_OUT."""
    import urllib3.exceptions

    out, err = bytearray(), bytearray()
    try:
        while len(header := stream.read(_FRAME_HEADER_BYTES)) == _FRAME_HEADER_BYTES:
            kind, size = struct.unpack(">BxxxL", header)
            into = out if kind == _STDOUT else err
            while size and (content := stream.read(min(size, _CHUNK_BYTES))):
                size -= len(content)
                into += content
                if len(into) > most_bytes:
                    return bytes(out[:most_bytes]), bytes(err[:most_bytes]), True
    except urllib3.exceptions.ReadTimeoutError as error:
        message = f"the command did not finish within {format_duration(seconds)}"
        raise TargetError(ProblemKind.TIMED_OUT, message) from error
    return bytes(out), bytes(err), False


class Stream:
    """A process in a container with its input and output. Its end is the end of the connection."""

    def __init__(
        self, engine: Engine, container: str, argv: tuple[str, ...], environment: Mapping[str, str]
    ) -> None:
        """Start it. Source: POST /containers/NAME/exec and /exec/ID/start. Errors: TargetError."""
        self._engine = engine
        self._wire: socket.socket | None = None
        self._received, self.stderr = bytearray(), bytearray()
        self.was_cut_off = False  # by us
        with translated(f"container {container}"):
            api = engine.client.api
            made = api.exec_create(container, list(argv), environment=dict(environment), stdin=True)
            self._execution = made["Id"]
            self._response = api.exec_start(self._execution, socket=True)
        # The library hands out a reader; what can be written to and shut down is the socket in it.
        self._wire = getattr(self._response, "_sock", self._response)

    def exit_code(self) -> int | None:
        """Return how the command ended, None while it runs. Source: GET /exec/ID/json."""
        with translated("the command"):
            code = self._engine.client.api.exec_inspect(self._execution)["ExitCode"]
        return None if code is None else int(code)

    def send(self, text: str) -> None:
        """Write to its input. Errors: TargetError RESET when it has ended."""
        try:
            self._open_wire().sendall(text.encode())
        except OSError as error:
            raise _ended() from error

    def read_until(self, mark: bytes, *, seconds: float, most_bytes: int) -> tuple[bytes, bytes, bool]:
        """Return its output before the line that begins with `mark`, that line, and whether it was cut.

        Errors: TargetError TIMED_OUT at the deadline, RESET when the command ended before.
        """
        deadline = clock.monotonic() + seconds
        output, cut = bytearray(), False
        while True:
            at = output.find(mark)
            end = output.find(b"\n", at) if at >= 0 else -1
            if end >= 0:
                return bytes(output[:at]), bytes(output[at:end]), cut or at > most_bytes
            if len(output) > most_bytes:  # its end is still waited for, so that the next answer begins there
                del output[: -len(mark)]
                cut = True
            output += self._next_output(deadline, seconds)

    def _next_output(self, deadline: float, seconds: float) -> bytes:
        kind, size = struct.unpack(">BxxxL", self._take(_FRAME_HEADER_BYTES, deadline, seconds))
        if size > FRAME_BYTES:
            self.abort()
            raise too_large("a piece of its output", FRAME_BYTES)
        content = self._take(size, deadline, seconds)
        if kind == _STDOUT:
            return content
        self.stderr += content
        if len(self.stderr) > _MOST_ERRORS_BYTES:  # from a whole line on: half a line may be half a secret
            self.stderr = self.stderr[-_MOST_ERRORS_BYTES:].partition(b"\n")[2]
        return b""

    def _take(self, size: int, deadline: float, seconds: float) -> bytes:
        while len(self._received) < size:
            self._received += self._receive(deadline, seconds)
        content = bytes(self._received[:size])
        del self._received[:size]
        return content

    def _receive(self, deadline: float, seconds: float) -> bytes:
        wire = self._open_wire()
        try:
            wire.settimeout(max(deadline - clock.monotonic(), 0.001))
            content = wire.recv(_CHUNK_BYTES)
        except TimeoutError as error:
            self.abort()
            raise TargetError(
                ProblemKind.TIMED_OUT, f"no answer within {format_duration(seconds)}"
            ) from error
        except OSError as error:
            raise _ended() from error
        if not content:
            raise _ended()
        return content

    def _open_wire(self) -> socket.socket:
        if self._wire is None:
            raise _ended()
        return self._wire

    def abort(self) -> None:
        """Cut the connection, from any thread: the command's input ends, and with it the command."""
        self.was_cut_off = True
        if self._wire is not None:
            with suppress(OSError):
                self._wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the connection back. Never raises, never waits."""
        self.abort()
        held: tuple[Any, ...] = (self._wire, self._response)
        self._wire = None
        for resource in held:
            with suppress(OSError):
                resource.close()


def _ended() -> TargetError:
    return TargetError(ProblemKind.RESET, "the command in the container has ended")


def open_engine(seconds: int = TIMEOUT_SECONDS, address: str = "") -> Engine:
    """Return a session with the engine at `address`, else the one of DOCKER_HOST, else that of this machine.

    Without DOCKER_HOST the usual sockets are tried: the system's, then a rootless engine's.
    Source: GET /version. Needs: the right to use the socket. Errors: TargetError NO_ENGINE.
    """
    address = address or _address()
    with translated(f"the Docker engine at {address}"):
        first, _ = _client(address, _ANY_VERSION, seconds)
        try:
            version = first.api.version(api_version=False)
        finally:
            first.api.close()
        if not isinstance(version, dict) or "ApiVersion" not in version:
            raise TargetError(ProblemKind.PROTOCOL, f"what answers at {address} is not a Docker engine")
        client, adapter = _client(address, version["ApiVersion"], seconds)
    return Engine(client, f"Docker engine at {address}", version=version, adapter=adapter)


def _client(address: str, version: str, seconds: int) -> tuple[Any, Any]:
    import docker
    import docker.utils

    options: dict[str, Any] = {**docker.utils.kwargs_from_env(), "base_url": address}
    client = docker.DockerClient(version=version, timeout=seconds, **options)
    limit_answers(client.api, ANSWER_BYTES)
    if not address.startswith("unix://"):
        return client, None
    from incident_lib.connections.docker_transport import mount

    return client, mount(client.api, address.removeprefix("unix://"), seconds)


def _address() -> str:
    if host := os.environ.get("DOCKER_HOST"):
        return host
    system = Path("/var/run/docker.sock")
    rootless = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}", "docker.sock")
    desktop = Path.home() / ".docker/run/docker.sock"
    found = (path for path in (system, rootless, desktop) if path.exists())
    usable = sorted(found, key=lambda path: not _accepts(path))  # a socket that lets us in comes first
    return f"unix://{usable[0] if usable else system}"


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as made:
        made.settimeout(1)
        return made.connect_ex(str(path)) == 0


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn the errors of the Docker library into TargetError."""
    import docker.errors
    import requests.exceptions
    import urllib3.exceptions

    try:
        yield
    except docker.errors.NotFound as error:
        raise TargetError(
            ProblemKind.NOT_FOUND, f"{what}: not found", str(error.explanation or "")
        ) from error
    except requests.exceptions.HTTPError as error:  # the library's own, too
        raise _api_error(what, error) from error
    except (requests.exceptions.Timeout, urllib3.exceptions.ReadTimeoutError, TimeoutError) as error:
        raise TargetError(ProblemKind.TIMED_OUT, f"{what}: the engine did not answer in time") from error
    except (
        docker.errors.DockerException,
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
        OSError,
        ValueError,  # what answered is no engine, or DOCKER_HOST is no address
    ) as error:
        raise _no_engine(error) from error


def _api_error(what: str, error: Any) -> TargetError:
    response = error.response
    text = str(getattr(error, "explanation", None) or error)
    if response is not None and response.status_code in _DENIED:
        asked = f"{response.request.method} {urlsplit(response.request.url).path}"
        return TargetError(
            ProblemKind.PRIVILEGE,
            f"{what}: the Docker API denies this ({response.status_code})",
            f"a proxy or plugin in front of the engine decides that: allow {asked} there",
            numbers={"barred_count": 1},
        )
    if response is not None and text.lstrip().startswith("<"):  # the page of a proxy
        text = f"it answers {response.status_code} {response.reason}"
    if "executable file not found" in text:
        return TargetError(ProblemKind.UNSUPPORTED, f"{what}: {text}")
    if "is not running" in text or "is paused" in text:
        state = "paused" if "is paused" in text else "not running"
        return TargetError(ProblemKind.REFUSED, f"{what} is {state}", "check its exit code and its log")
    return TargetError(ProblemKind.PROTOCOL, f"{what}: {text}")


def _no_engine(error: BaseException) -> TargetError:
    text = str(error)
    if _BROKEN_OFF.search(text):
        return broken_off()
    if "Permission denied" in text:
        return TargetError(
            ProblemKind.NO_ENGINE,
            "no permission to use the Docker socket",
            "run as a member of the docker group, or set DOCKER_HOST",
            numbers={"barred_count": 1},
        )
    if "Timeout" in text or "timed out" in text:
        return TargetError(ProblemKind.TIMED_OUT, "the Docker engine does not answer")
    if "paramiko" in text:
        return TargetError(
            ProblemKind.NO_ENGINE,
            "DOCKER_HOST is an ssh address, which needs the package paramiko",
            "install paramiko, or forward the socket with ssh -L and set DOCKER_HOST=unix://...",
            numbers={"barred_count": 1},
        )
    return TargetError(
        ProblemKind.NO_ENGINE,
        "no Docker engine here",
        "start it, or set DOCKER_HOST; services that are plain processes do not need it",
    )
