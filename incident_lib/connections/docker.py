"""The Docker engine: bounded, read-only. `exec` runs only what its callers have written out."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from incident_lib import clock
from incident_lib.errors import ProblemKind, TargetError

TIMEOUT_SECONDS = 5  # the library's own is 60
_OUTPUT_LIMIT = 4 * 1024 * 1024


class ExecResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a command in a container answered."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    truncated: bool = False


class Engine:
    """A session with a Docker engine. Drivers' errors leave it as TargetError only."""

    def __init__(self, client: Any, vantage: str) -> None:
        self.client = client
        self.vantage = vantage
        self.notes: tuple[str, ...] = ()

    def abort(self) -> None:
        """Break off: closes the connections, so that a waiting read fails."""
        self.client.api.close()

    def close(self) -> None:
        """Close the connections."""
        self.client.api.close()

    def inspect(self, container: str) -> dict[str, Any]:
        """Return what `docker inspect` says. Source: GET /containers/NAME/json. Errors: TargetError NOT_FOUND.

        The environment in it holds secrets: it stays in memory, and only names may become evidence.
        """
        with translated(f"container {container}"):
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
            api = self.client.api
            made = api.exec_create(container, list(argv), environment=dict(environment or {}), user=user)
            stdout, stderr, cut = _drain(api.exec_start(made["Id"], stream=True, demux=True), seconds)
            code = api.exec_inspect(made["Id"])["ExitCode"]
        if code in {126, 127}:
            raise TargetError(ProblemKind.UNSUPPORTED, f"{container} has no {argv[0]}")
        return ExecResult(exit_code=-1 if code is None else code, stdout=stdout, stderr=stderr, truncated=cut)


def _drain(chunks: Iterator[tuple[bytes | None, bytes | None]], seconds: float) -> tuple[bytes, bytes, bool]:
    deadline = clock.monotonic() + seconds
    out, err = bytearray(), bytearray()
    for stdout, stderr in chunks:
        out += stdout or b""
        err += stderr or b""
        if len(out) > _OUTPUT_LIMIT:
            return bytes(out[:_OUTPUT_LIMIT]), bytes(err), True
        if clock.monotonic() > deadline:
            raise TargetError(
                ProblemKind.TIMED_OUT,
                f"the command did not end within {clock.format_duration(seconds)}",
            )
    return bytes(out), bytes(err), False


def open_engine(seconds: int = TIMEOUT_SECONDS) -> Engine:
    """Return a session with the engine that DOCKER_HOST or the default socket names.

    Source: GET /version. Needs: the right to use the socket. Errors: TargetError NO_ENGINE.
    """
    import docker

    with translated("the Docker engine"):
        client = docker.from_env(timeout=seconds)
        return Engine(client, f"Docker engine at {client.api.base_url.removeprefix('http+docker://')}")


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn the errors of the Docker library into TargetError."""
    import docker.errors
    import requests.exceptions

    try:
        yield
    except docker.errors.NotFound as error:
        raise TargetError(
            ProblemKind.NOT_FOUND, f"{what}: not found", str(error.explanation or "")
        ) from error
    except docker.errors.APIError as error:
        text = str(error.explanation or error)
        kind = ProblemKind.UNSUPPORTED if "executable file not found" in text else ProblemKind.PROTOCOL
        raise TargetError(kind, f"{what}: {text}") from error
    except requests.exceptions.Timeout as error:
        raise TargetError(ProblemKind.TIMED_OUT, f"{what}: the engine did not answer in time") from error
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        raise _no_engine(error) from error


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
    return TargetError(
        ProblemKind.NO_ENGINE,
        "no Docker engine here",
        "start it, or set DOCKER_HOST; services that are plain processes need none",
    )
