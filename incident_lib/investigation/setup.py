"""What an investigation starts with: settings, redactor, limits and patterns, all from the configuration."""

import logging
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec

from incident_lib import config
from incident_lib.config import Settings, line_of_name
from incident_lib.errors import ConfigError, RedactionError, TargetError
from incident_lib.findings.thresholds import KNOWN, Thresholds
from incident_lib.hypotheses import Pattern, parse_patterns
from incident_lib.hypotheses.custom_clues import with_custom_clues
from incident_lib.incident.files import share
from incident_lib.incident.marks_key import FolderMarks
from incident_lib.incident.signing import Signer, parse_public
from incident_lib.model.renamed import current_key
from incident_lib.redact import Redactor
from incident_lib.redact.excerpt import quote_with
from incident_lib.redact.known import ORDINARY, names, parts
from incident_lib.redact.marks import Marks
from incident_lib.resources import resource, text_of
from incident_lib.technologies import table

_LOG = logging.getLogger(__name__)


def load_settings(path: str, incident: str = "", *, check: bool = True) -> Settings:
    """Return the settings of `path`, else of the nearest file above an incident's folder, or here or above.

    Without `check` the technologies are not loaded, and what depends on them is not checked: writing a note
    needs none of them.
    """
    found: Path | str | None = path or None
    if not path and incident and Path(incident).is_dir():
        found = config.find_file(Path(incident).resolve().parent)
    return _checked(config.load(found, table().kinds)) if check else config.load(found)


def with_kinds(settings: Settings) -> Settings:
    """Return the settings, checked against the installed technologies if they were loaded without."""
    if settings.kinds:
        return settings
    if settings.path:
        return _checked(config.load(settings.path, table().kinds))
    return msgspec.structs.replace(settings, kinds=table().kinds)


def _checked(settings: Settings) -> Settings:
    """Return the settings. Errors: ConfigError if a custom probe has the name of a technology."""
    names = {technology.name for technology in table().technologies}
    for probe in settings.document.probe:
        if probe.name.partition(".")[0] in names:
            line = line_of_name(_text(settings), probe.name)
            wrong = f"the name {probe.name!r} uses a reserved prefix; use your own"
            raise ConfigError(f"{settings.path}: line {line}: {wrong}")
    return settings


def share_places(settings: Settings, *further: Path) -> None:
    """If a group is configured, let it share the incidents' folder and further ones.

    What is created in them is shared, too. Errors: ConfigError if there is no such group or the user is not
    in it, FolderError.
    """
    group = settings.document.workbench.group
    for folder in (settings.incidents, *further) if group else ():
        try:
            share(folder, group)
        except ConfigError as error:
            line = config.line_of_key(_text(settings), "workbench", "group")
            raise ConfigError(f"{settings.path}: line {line}: key `group`: {error}") from error


def signer_for(settings: Settings) -> Signer | None:
    """Return the key that signs what is sealed, None if there is none.

    A missing key is reported once, and the work continues unsigned. Errors: ConfigError, with the line, for a
    key that cannot be used.
    """
    reference = settings.document.sign.key
    if not reference:
        return None
    try:
        return Signer(settings.resolve(reference))
    except TargetError as error:
        _report_once(f"Not signed: {error.message}")
        return None
    except ConfigError as error:
        line = config.line_of_key(_text(settings), "sign", "key")
        raise ConfigError(f"{settings.path}: line {line}: [sign] key: {error}") from error


def trusted_keys(settings: Settings) -> dict[str, str]:
    """Return the owner of each public key; the key of this configuration is trusted, too.

    Errors: ConfigError, with the line, for anything that is not a key.
    """
    known: dict[str, str] = {}
    if own := settings.document.sign.key:
        with suppress(TargetError, ConfigError):  # it is missing or unusable: others may not be
            known[Signer(settings.resolve(own)).public] = "the key of this configuration"
    for entry in settings.document.sign.trusted:
        try:
            known[parse_public(entry.key)] = entry.name
        except ConfigError as error:
            line = config.line_of_name(_text(settings), entry.name)
            raise ConfigError(f"{settings.path}: line {line}: the key of {entry.name!r}: {error}") from error
    return known


def redactor_for(settings: Settings, marks: Marks | None = None) -> Redactor:
    """Return a redactor that knows the configured secrets and what the team wants hidden.

    Its marks are those of the incidents' folder; what is written elsewhere has `marks` without a key.
    Errors: ConfigError, with its line, for a pattern that cannot be used.
    """
    extra = settings.document.redact
    try:
        made = Redactor(
            settings.secrets(),
            extra.patterns,
            extra.keys,
            ordinary=ordinary_names(settings),
            marks=marks_for(settings) if marks is None else marks,
        )
    except RedactionError as error:
        line = config.line_of_key(_text(settings), "redact", "patterns")
        raise ConfigError(f"{settings.path}: line {line}: key `patterns`: {error}") from error
    return quote_with(made)


def ordinary_names(settings: Settings) -> frozenset[str]:
    """Return the names that stay readable, even if one of them was chosen as a password."""
    found = {settings.host.name, *(dependency.name for dependency in settings.dependencies)}
    found |= {name for service in settings.services for name in (service.name, service.container)}
    for address in settings.addresses():
        found |= names(address)
    return frozenset(found - {""})


def readable_secrets(settings: Settings) -> tuple[str, ...]:
    """Return a sentence for each configured password that is hidden only where it is used as one.

    It is an ordinary word or a name: hiding it everywhere would make every page unreadable.
    """
    ordinary = {name.casefold() for name in ordinary_names(settings)} | ORDINARY
    found = []
    for service in settings.services:
        for key in ("url", "dsn", "change_dsn", "change_url", "pooler_dsn"):
            reference = getattr(service, key)
            with suppress(TargetError):
                value = settings.resolve(reference) if reference.startswith(("env:", "file:")) else ""
                if any(part.casefold() in ordinary for part in parts(value)):
                    found.append(
                        f"{service.name}: the password in its `{key}` is an ordinary word or a name from "
                        f"this configuration, so it is hidden only where a password is expected; choose "
                        f"another"
                    )
    return tuple(found)


def marks_for(settings: Settings, *, begin: bool = False) -> Marks:
    """Return the marks of the incidents' folder; their key is created when the first secret is hidden.

    With `begin` the folder itself is also created: the first incident is about to be written into it.
    """
    return FolderMarks(settings.incidents, _report_once, begin=begin)


@cache
def _report_once(problem: str) -> None:
    _LOG.warning("%s", problem)


def thresholds_for(settings: Settings) -> Thresholds:
    """Return the limits with the team's own. Errors: ConfigError for an invalid name or value."""
    table()  # the technologies add their limits
    limits: dict[str, float] = {}
    for key, value in settings.document.thresholds.items():
        current = current_key(key)
        if key not in KNOWN and current not in KNOWN:
            wrong = f"no such limit{config.nearest(key, KNOWN)}"
        elif current.endswith("_ratio") and value > 1 >= KNOWN[current].value:
            wrong = f"a share lies between 0 and 1: write {value / 100:g} for {value:g} %"
        elif current != key and current in settings.document.thresholds:
            wrong = f"it is now named {current}, which is also set"
        else:
            if current != key:
                _notify_renamed(f"{settings.path}: [thresholds]", key, current)
            limits[current] = value
            continue
        line = config.line_of_key(_text(settings), "thresholds", key)
        raise ConfigError(f"{settings.path}: line {line}: [thresholds] {key!r}: {wrong}")
    return Thresholds(limits)


@cache
def _notify_renamed(place: str, old: str, new: str) -> None:
    """Report once, on standard error, that a name in a team's file is deprecated and still works."""
    _LOG.warning("%s: %s is now named %s; the old name still works", place, old, new)


def _text(settings: Settings) -> str:
    return settings.path.read_text(encoding="utf-8") if settings.path else ""


def patterns_for(settings: Settings) -> tuple[Pattern, ...]:
    """Return the built-in patterns and the team's own. Errors: ConfigError naming file and key."""
    paths = [resource("templates", "patterns.toml")]
    paths += [path for technology in table().technologies for path in technology.patterns]
    paths += [settings.file(entry.path) for entry in settings.document.pattern_file]
    patterns: dict[str, Pattern] = {}
    for path in paths:
        for written in parse_patterns(text_of(path), str(path)):
            pattern, renamed = written.in_current_names()
            for old, new in renamed.items():
                _notify_renamed(f"{path}: pattern {pattern.id}", old, new)
            if pattern.id in patterns:
                raise ConfigError(f"{path}: the pattern {pattern.id!r} already exists; use your own prefix")
            patterns[pattern.id] = pattern
    for probe in settings.document.probe:
        for key, named in (("supports", probe.supports), ("refutes", probe.refutes)):
            _check_causes(settings, probe.name, key, named, patterns)
    return with_custom_clues(tuple(patterns.values()), settings.document.probe)


def _check_causes(
    settings: Settings, probe: str, key: str, named: Iterable[str], known: Iterable[str]
) -> None:
    """Raise ConfigError if a probe supports a cause that does not exist."""
    for name in named:
        if name not in known:
            place = f"{settings.path}: line {line_of_name(_text(settings), probe)}: key `{key}` of {probe!r}"
            raise ConfigError(f"{place}: no hypothesis is named {name!r}{config.nearest(name, known)}")
