"""The Docker engine: bounded, read-only. `exec_read` runs only what its callers have written out."""

import os
import re
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.units import format_duration

TIMEOUT_SECONDS = 5  # the library's own is 60
_OUTPUT_LIMIT = 4 * 1024 * 1024
_STDOUT, _FRAME_HEADER_BYTES = 1, 8
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")  # the engine allows no other name or id
_ANY_VERSION = "1.24"  # the library wants one before we know which; /version is asked without


class ExecResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a command in a container answered."""

    exit_code: int  # -1 where it is not known, as after a cut
    stdout: bytes
    stderr: bytes
    truncated: bool = False


class Engine:
    """A session with a Docker engine. Drivers' errors leave it as TargetError only."""

    def __init__(
        self, client: Any, vantage: str, *, version: Mapping[str, Any] | None = None, adapter: Any = None
    ) -> None:
        self.client = client
        self.vantage = vantage
        self.notes: tuple[str, ...] = ()
        self.version: dict[str, Any] = dict(version or {})  # what GET /version said when it was opened
        self._adapter = adapter
        self._broken_off = 0  # how often

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
            return dict(self.client.api.inspect_container(container))

    def exec_read(
        self,
        container: str,
        argv: tuple[str, ...],
        *,
        environment: Mapping[str, str] | None = None,
        user: str = "",
        seconds: float = TIMEOUT_SECONDS,
    ) -> ExecResult:
        """Return what a read-only command answers inside `container`.

        Source: POST /containers/NAME/exec and /exec/ID/start. Cost: one process in the container.
        Errors: TargetError UNSUPPORTED where the image does not have the command, TIMED_OUT at the deadline.
        """
        with translated(f"container {container}"):
            _check_name(container)
            api = self.client.api
            made = api.exec_create(container, list(argv), environment=dict(environment or {}), user=user)
            stdout, stderr, cut = self._output(made["Id"], seconds)
            # After a cut the code says how its output was taken away, not how the command ended.
            code = None if cut else api.exec_inspect(made["Id"])["ExitCode"]
        if code in {126, 127}:
            raise TargetError(ProblemKind.UNSUPPORTED, f"{container} has no {argv[0]}")
        return ExecResult(exit_code=-1 if code is None else code, stdout=stdout, stderr=stderr, truncated=cut)

    def _output(self, execution: str, seconds: float) -> tuple[bytes, bytes, bool]:
        """Return what comes out. The library's own reader waits for ever where a command is silent."""
        import docker.errors
        import requests.exceptions

        api, before = self.client.api, self._broken_off
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
            told = _drain(response.raw, seconds)
        if self._broken_off > before:  # an answer that was cut short looks like one that ended
            raise TargetError(ProblemKind.TIMED_OUT, "the command was broken off")
        return told


def _check_name(container: str) -> None:
    """Refuse what no container can be called: `../images` in it would make another request of ours."""
    if not _NAME.fullmatch(container):
        raise TargetError(ProblemKind.NOT_FOUND, f"no container can be called {container!r}")


def _drain(stream: Any, seconds: float) -> tuple[bytes, bytes, bool]:
    """Return standard output, standard error and whether it was cut. Errors: TargetError TIMED_OUT."""
    import urllib3.exceptions

    deadline = clock.monotonic() + seconds
    out, err = bytearray(), bytearray()
    try:
        while len(header := stream.read(_FRAME_HEADER_BYTES)) == _FRAME_HEADER_BYTES:
            kind, size = struct.unpack(">BxxxL", header)
            into = out if kind == _STDOUT else err
            into += stream.read(size)
            if len(into) > _OUTPUT_LIMIT:
                return bytes(out[:_OUTPUT_LIMIT]), bytes(err[:_OUTPUT_LIMIT]), True
            if clock.monotonic() > deadline:
                raise _too_slow(seconds)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise _too_slow(seconds) from error
    return bytes(out), bytes(err), False


def _too_slow(seconds: float) -> TargetError:
    return TargetError(ProblemKind.TIMED_OUT, f"the command did not end within {format_duration(seconds)}")


def open_engine(seconds: int = TIMEOUT_SECONDS) -> Engine:
    """Return a session with the engine that DOCKER_HOST names, else with the one of this machine.

    Without DOCKER_HOST the usual sockets are looked for: the system's, then a rootless engine's.
    Source: GET /version. Needs: the right to use the socket. Errors: TargetError NO_ENGINE.
    """
    address = _address()
    with translated(f"the Docker engine at {address}"):
        first, _ = _client(address, _ANY_VERSION, seconds)
        try:
            version = first.api.version(api_version=False)
        finally:
            first.api.close()
        if not isinstance(version, dict) or "ApiVersion" not in version:
            raise TargetError(ProblemKind.PROTOCOL, f"what answers at {address} is no Docker engine")
        client, adapter = _client(address, version["ApiVersion"], seconds)
    return Engine(client, f"Docker engine at {address}", version=version, adapter=adapter)


def _client(address: str, version: str, seconds: int) -> tuple[Any, Any]:
    import docker
    import docker.utils

    options: dict[str, Any] = {**docker.utils.kwargs_from_env(), "base_url": address}
    client = docker.DockerClient(version=version, timeout=seconds, **options)
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
    except docker.errors.APIError as error:
        raise _api_error(what, str(error.explanation or error)) from error
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


def _api_error(what: str, text: str) -> TargetError:
    if "executable file not found" in text:
        return TargetError(ProblemKind.UNSUPPORTED, f"{what}: {text}")
    if "is not running" in text or "is paused" in text:
        state = "paused" if "is paused" in text else "not running"
        return TargetError(ProblemKind.REFUSED, f"{what} is {state}", "look at its exit code and its log")
    return TargetError(ProblemKind.PROTOCOL, f"{what}: {text}")


def _no_engine(error: BaseException) -> TargetError:
    text = str(error)
    if "Permission denied" in text:
        return TargetError(
            ProblemKind.NO_ENGINE,
            "no right to use the Docker socket",
            "run as a member of the docker group, or set DOCKER_HOST",
        )
    if "Timeout" in text or "timed out" in text:
        return TargetError(ProblemKind.TIMED_OUT, "the Docker engine does not answer")
    if "paramiko" in text:
        return TargetError(
            ProblemKind.NO_ENGINE,
            "DOCKER_HOST is an ssh address, which needs the package paramiko",
            "install paramiko, or forward the socket with ssh -L and set DOCKER_HOST=unix://...",
        )
    return TargetError(
        ProblemKind.NO_ENGINE,
        "no Docker engine here",
        "start it, or set DOCKER_HOST; services that are plain processes need none",
    )
