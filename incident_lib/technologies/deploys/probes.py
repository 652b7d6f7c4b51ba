"""What was deployed: the team's log, a command that prints one, or the commits of a repository."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec

from incident_lib.clock import parse_time
from incident_lib.config import Settings
from incident_lib.connections.places.machine import ThisMachine
from incident_lib.connections.session import NoSession
from incident_lib.errors import ProblemKind, TargetError, UsageError
from incident_lib.incident import decode
from incident_lib.model import Problem, Window
from incident_lib.probes.base import Fetched, Lane, Probe
from incident_lib.technologies.deploys.rows import Deployment
from incident_lib.units import format_count

TARGET = "deploys"
_NEWEST = 50
_READ_BYTES = 1024 * 1024
_PRINTED_BYTES = 64 * 1024 * 1024  # of which the last megabyte is read
_SECONDS = 5
_SHOWN = 80  # characters of a line that is no deployment
_HERE = ThisMachine()


def lanes(settings: Settings) -> tuple[Lane, ...]:
    """Return the one lane of the deployment log, none when nothing is configured."""
    deploy = settings.document.deploy
    if not (deploy.log or deploy.command or deploy.git):
        return ()
    return (Lane(target=TARGET, open=partial(_Source, settings), probes=PROBES, name=TARGET),)


class _Source(NoSession):
    """Where deployments are written down."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings


def _fetch(session: _Source, _window: Window) -> Fetched:
    settings = session.settings
    deploy = settings.document.deploy
    if deploy.log:
        path = settings.file(deploy.log)
        return _fetched(_tail(path), f"read {path}")
    if deploy.command:
        return _fetched(_output(deploy.command, settings.root), " ".join(deploy.command))
    argv = ("git", "-C", str(settings.file(deploy.git)), "log", f"-{_NEWEST}", "--format=%cI%x09%h %s")
    return _fetched(_output(argv, settings.root), " ".join(argv), _commit)


def _commit(line: str) -> Deployment:
    at, _, text = line.partition("\t")
    return Deployment(at=parse_time(at), service="", version=text)


def _fetched(lines: Iterable[str], source: str, parse: Callable[[str], Deployment] | None = None) -> Fetched:
    """Return the deployments of all lines that are ones; a problem counts the others, and names the first."""
    rows, wrong, first = [], 0, ""
    for line in lines:
        try:
            rows += [(parse or parse_line)(line)] if line.strip() else []
        except Exception as error:  # noqa: BLE001 - whatever a line holds, it hides no other
            first = first or f"{line.strip()[:_SHOWN]!r} ({type(error).__name__}: {str(error)[:_SHOWN]})"
            wrong += 1
    share = f"{format_count(wrong, 'line')} of {wrong + len(rows):,}"
    problem = Problem(
        kind=ProblemKind.PROTOCOL,
        message=f"no deployment: {share}; the first: {first}",
        advice='each line is {"at": time, "service": name, "version": text}',
    )
    with_previous = tuple(_with_previous(sorted(rows, key=lambda row: row.at)))
    return Fetched(rows=with_previous[-_NEWEST:], source=source, problem=problem if wrong else None)


def parse_line(line: str) -> Deployment:
    """Return the deployment of one line of the log. Errors: what msgspec and the clock raise.

    >>> parse_line('{"at": "2026-01-15T14:30:00Z", "service": "backend", "version": "1.4"}').version
    '1.4'
    """
    entry = decode.document(line.encode("utf-8", "replace"))
    at = entry["at"]
    moment = datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) else parse_time(str(at))
    if not decode.EARLIEST <= moment <= decode.LATEST:
        raise UsageError(f"{at} is not a valid date")
    return Deployment(at=moment, service=str(entry["service"]), version=str(entry["version"]))


def _with_previous(rows: list[Deployment]) -> Iterator[Deployment]:
    version: dict[str, str] = {}
    for row in rows:
        yield msgspec.structs.replace(row, previous=version.get(row.service))
        version[row.service] = row.version


def _tail(path: Path) -> list[str]:
    try:
        content = _HERE.read(str(path), start=-_READ_BYTES, most_bytes=_READ_BYTES)
    except TargetError as error:
        kind = error.kind if error.kind is ProblemKind.PRIVILEGE else ProblemKind.NOT_CONFIGURED
        raise TargetError(kind, error.message, "correct [deploy] log") from error
    lines = content.data.decode("utf-8", "replace").splitlines()
    return lines[1:] if content.truncated else lines


def _output(argv: tuple[str, ...], root: Path) -> list[str]:
    try:
        output = _HERE.run(argv, seconds=_SECONDS, most_bytes=_PRINTED_BYTES, directory=str(root))
    except TargetError as error:
        raise TargetError(ProblemKind.NOT_CONFIGURED, error.message, "correct [deploy]") from error
    if output.exit_code:
        reason = "it prints without end" if output.truncated else f"exit code {output.exit_code}"
        raise TargetError(ProblemKind.NOT_CONFIGURED, f"{argv[0]} failed: {reason}", "correct [deploy]")
    return output.stdout[-_READ_BYTES:].decode("utf-8", "replace").splitlines()


PROBES = (
    Probe(
        name="deploys.log",
        fetch=_fetch,
        question="What was deployed, and when?",
        source="[deploy] log, command or git",
        needs="read permission",
        cost="one read of a file, or one run of the team's command",
        deadline_seconds=_SECONDS + 1,
        looks_back=True,
    ),
)
