"""workbench.toml -> Settings. Secrets stay references until the moment a connection needs them."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from incident_lib.config.kinds import Kind, Kinds
from incident_lib.config.own_probes import OwnProbe, ProbeKind
from incident_lib.config.parse import line_of_key, line_of_name, nearest, option_texts, parse
from incident_lib.config.tables import Dependency, Document, Host, Limits, Service, common_stack
from incident_lib.errors import ConfigError, ProblemKind, TargetError, UsageError
from incident_lib.model.commands import Commands

FILE_NAME = "workbench.toml"
_EVENT = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{16}\.json")

__all__ = [
    "FILE_NAME",
    "Dependency",
    "Document",
    "Host",
    "Kind",
    "Kinds",
    "Limits",
    "OwnProbe",
    "ProbeKind",
    "Service",
    "Settings",
    "find_file",
    "line_of_key",
    "line_of_name",
    "load",
    "nearest",
    "parse",
]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is configured. `path` is None if there is no file and the defaults apply."""

    document: Document
    root: Path
    path: Path | None = None
    kinds: Kinds = {}  # what `kind` of a service may be

    @property
    def services(self) -> tuple[Service, ...]:
        """Services, in the order of the file."""
        return self.document.service

    @property
    def dependencies(self) -> tuple[Dependency, ...]:
        """External dependencies, in the order of the file."""
        return self.document.dependency

    @property
    def host(self) -> Host:
        """The machine the workbench runs on."""
        return self.document.host[0] if self.document.host else Host()

    @property
    def limits(self) -> Limits:
        """Bounds of a collection."""
        return self.document.limits

    @property
    def incidents(self) -> Path:
        """The folder for incidents."""
        return self.root / self.document.workbench.incidents

    def commands(self, incident: Path | None = None) -> Commands:
        """Return the options of commands proposed with this configuration, for an incident's folder."""
        if self.path is None:
            return Commands(incident=str(incident.resolve()) if incident else "")
        within = incident and incident.resolve().parent == self.incidents.resolve()
        name = incident.name if incident and within else str(incident.resolve()) if incident else ""
        return Commands(config=str(self.path.resolve()), incident=name)

    def service(self, name: str) -> Service:
        """Return the service of that name. Errors: UsageError naming the existing ones."""
        for service in self.services:
            if service.name == name:
                return service
        known = ", ".join(service.name for service in self.services)
        raise UsageError(f"no service is named {name!r}; configured: {known}")

    def resolve(self, value: str) -> str:
        """Return the value behind `env:NAME` or `file:PATH`, or `value` itself.

        Errors: TargetError NOT_CONFIGURED, which makes that target unknown and lets the rest go on.
        """
        scheme, _, rest = value.partition(":")
        if scheme == "env":
            return _from_environment(rest)
        return _from_file(self.root / rest) if scheme == "file" else value

    def file(self, value: str) -> Path:
        """Return the path that a `file:PATH` or plain path names, relative to the configuration file."""
        return self.root / value.removeprefix("file:")

    def secrets(self) -> Iterator[str]:
        """Yield every secret value that is known now, so that redaction can hide it anywhere."""
        for reference in self._references():
            if reference.startswith(("env:", "file:")):
                try:
                    yield self.resolve(reference)
                except TargetError:
                    continue

    def addresses(self) -> Iterator[str]:
        """Yield the addresses of services and dependencies that are known now; they may hold passwords."""
        references = [entry.url for entry in self.dependencies]
        for service in self.services:
            references += service.url, service.dsn, service.pooler_dsn
        for reference in references:
            with suppress(TargetError):
                yield self.resolve(reference)

    def _references(self) -> Iterator[str]:
        for service in self.services:
            yield from (service.url, service.dsn, service.change_dsn, service.change_url, service.pooler_dsn)
            yield from option_texts(service).values()
        yield from (probe.url for probe in self.document.probe)
        notify = self.document.notify
        yield from (notify.incidents, notify.incidents_low, notify.engineering, notify.status_updates)
        yield from (notify.mail, notify.pagerduty)
        yield self.document.sign.key


def _from_environment(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise TargetError(
        ProblemKind.NOT_CONFIGURED,
        f"the environment variable {name} is not set",
        f"export {name}=..., then run again",
    )


def _from_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise TargetError(
            ProblemKind.NOT_CONFIGURED,
            f"cannot read {path}: {reason}",
            "correct the path or its permissions",
        ) from error


def load(path: Path | str | None = None, kinds: Kinds | None = None) -> Settings:
    """Return the settings of `path`, else of the nearest workbench.toml here or above, else the defaults.

    Here and above, but outside of an incident's folder.

    `kinds` are those of the installed technologies; without them what depends on the kind is not checked.
    Errors: ConfigError with the line, the key and what was expected.
    """
    found = Path(path) if path else find_file(Path.cwd())
    if found is None:
        return Settings(document=common_stack(), root=Path.cwd(), kinds=kinds or {})
    try:
        text = found.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{found}: cannot be read: {getattr(error, 'strerror', error)}") from error
    document = parse(text, str(found), kinds)
    root = found.resolve().parent
    return Settings(document=document, root=root, path=found.resolve(), kinds=kinds or {})


def find_file(start: Path) -> Path | None:
    """Return the workbench.toml of `start` or of the nearest folder above, also one that is no file.

    None is taken from within an incident's folder: what is in there may be another team's.
    """
    candidates = (start, *start.parents)
    inside = [index for index, folder in enumerate(candidates) if is_incident(folder)]
    for folder in candidates[inside[-1] + 1 if inside else 0 :]:
        if os.path.lexists(folder / FILE_NAME):
            return folder / FILE_NAME
    return None


def is_incident(folder: Path) -> bool:
    """Return whether a folder holds events as only an incident has them."""
    try:
        with os.scandir(folder / "events") as entries:
            return any(_EVENT.fullmatch(entry.name) for entry in entries)
    except OSError:
        return False
