"""Text -> Document, or one message with the line, the key and what was expected."""

import difflib
import math
import re
import tomllib
from collections.abc import Iterable
from typing import Any

import msgspec

from incident_lib.config.addresses import wrong_address
from incident_lib.config.kinds import Kinds
from incident_lib.config.own_probes import OwnProbe, ProbeKind
from incident_lib.config.tables import Dependency, Document, Service
from incident_lib.errors import ConfigError


def parse(text: str, name: str = "workbench.toml", kinds: Kinds | None = None) -> Document:
    r"""Return the document that `text` holds. Errors: ConfigError with line, key and what was expected.

    Without `kinds` neither the kinds of services nor the keys that only one kind has are checked.

    >>> parse('[workbench]\nincidents = "outages"').workbench.incidents
    'outages'
    """
    try:
        tables = tomllib.loads(text)
        _check_thresholds(tables.get("thresholds"))
        document = msgspec.convert(_with_options(tables, kinds), Document)
        _check(document, kinds or {})
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: invalid TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error), text, name, kinds)) from error
    except _WrongLimitError as error:
        line = line_of_key(text, "thresholds", error.name)
        raise ConfigError(f"{name}: line {line}: [thresholds] {error.name!r}: {error}") from error
    except _WrongEntryError as error:
        raise ConfigError(f"{name}: line {line_of_name(text, error.name)}: {error}") from error
    return document


class _WrongEntryError(Exception):
    """A document of the right shape that makes no sense: which entry, and why."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class _WrongLimitError(_WrongEntryError):
    """A limit that is no number, or a number that no limit can be."""


def _with_options(tables: dict[str, Any], kinds: Kinds | None) -> dict[str, Any]:
    """Return the tables in which the keys that only one kind of service has stand in `options`.

    Errors: msgspec.ValidationError where such a key holds what it cannot, and for a wrong kind.
    """
    services = tables.get("service")
    if not isinstance(services, list) or not all(isinstance(service, dict) for service in services):
        return tables
    return tables | {"service": [_parted(entry, at, kinds) for at, entry in enumerate(services)]}


def _parted(entry: dict[str, Any], position: int, kinds: Kinds | None) -> dict[str, Any]:
    known = set(Service.__struct_fields__) - {"options"}
    further = {key: value for key, value in entry.items() if key not in known}
    if kinds is None:
        return {key: value for key, value in entry.items() if key in known} | {"options": further or None}
    name = entry.get("kind")
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None and isinstance(name, str):
        message = f"{name!r} is none of {', '.join(kinds)}{nearest(name, kinds)}"
        raise msgspec.ValidationError(f"{message} - at `$.service[{position}].kind`")
    fields = kind.keys.__struct_fields__ if kind and kind.keys else ()
    own = {key: value for key, value in further.items() if key in fields}
    rest = {key: value for key, value in entry.items() if key not in own}
    if kind is None or kind.keys is None:
        return rest
    try:
        return rest | {"options": msgspec.convert(own, kind.keys)}
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at ")
        place = path.strip("`").removeprefix("$")
        raise msgspec.ValidationError(f"{problem} - at `$.service[{position}]{place}`") from error


def _check_thresholds(limits: object) -> None:
    """Refuse what is no limit; whether one of that name exists is known where things are judged."""
    for name, value in limits.items() if isinstance(limits, dict) else ():
        if isinstance(value, dict):
            raise _WrongLimitError(name, 'put the whole name in quotes: "postgres.saturation..." = 0.8')
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _WrongLimitError(name, "expected a number; its unit is the last word of the name")
        if not 0 <= value < math.inf:
            raise _WrongLimitError(name, f"{value} is not a limit; expected a number of 0 or more")


def _check(document: Document, kinds: Kinds) -> None:
    entries: tuple[Service | Dependency, ...] = (*document.service, *document.dependency)
    host = document.host[0].name if document.host else "host"
    seen = {"docker": "the Docker engine", "deploys": "the deploy log", host: "the host"}
    for entry in entries:
        if entry.name in seen:
            raise _WrongEntryError(
                entry.name, f"the name {entry.name!r} is already used by {seen[entry.name]}"
            )
        seen[entry.name] = "another service or dependency"
    for entry in entries:
        _check_no_secret(entry)
        _check_references(entry, seen, kinds)
    _check_no_circle(document.service)
    names = [probe.name for probe in document.probe]
    for probe in document.probe:
        if names.count(probe.name) > 1:
            raise _WrongEntryError(probe.name, f"the probe {probe.name!r} is defined twice")
        _check_probe(probe, document, host, kinds)


def _check_probe(probe: OwnProbe, document: Document, host: str, kinds: Kinds) -> None:
    """Refuse a probe whose target is not there, or cannot be asked in its way."""
    entries: tuple[Service | Dependency, ...] = (*document.service, *document.dependency)
    known = {entry.name: entry for entry in entries}
    target = known.get(probe.target)
    if target is None and probe.target != host:
        hint = nearest(probe.target, (*known, host))
        raise _WrongEntryError(
            probe.name, f"key `target` of {probe.name!r}: {probe.target!r} does not exist{hint}"
        )
    service = target if isinstance(target, Service) else None
    lacks = {
        ProbeKind.SQL: service is None or (bool(kinds) and not kinds[service.kind].has_sql),
        ProbeKind.COMMAND: service is None or not service.container,
        ProbeKind.HTTP: probe.url.startswith("/") and not getattr(target, "url", ""),
        ProbeKind.FILE: False,
    }
    needed = {
        ProbeKind.SQL: "a service of kind postgres",
        ProbeKind.COMMAND: "a service with a container",
        ProbeKind.HTTP: "a target with a url, or a full address",
    }
    if lacks[probe.kind]:
        raise _WrongEntryError(
            probe.name, f"key `target` of {probe.name!r}: {probe.kind.value} needs {needed[probe.kind]}"
        )


def _check_references(entry: Service | Dependency, known: Iterable[str], kinds: Kinds) -> None:
    for needed in entry.depends_on:
        if needed not in known:
            hint = nearest(needed, known)
            raise _WrongEntryError(
                entry.name, f"{entry.name!r} depends on {needed!r}, which does not exist{hint}"
            )
    kind = kinds.get(entry.kind) if isinstance(entry, Service) else None
    if wrong := wrong_address(entry, kind.url_schemes if kind else ()):
        raise _WrongEntryError(entry.name, f"key `url` of {entry.name!r}: {wrong}")


def _check_no_secret(entry: Service | Dependency) -> None:
    texts = {key: getattr(entry, key, "") for key in ("url", "dsn", "change_dsn", "change_url", "pooler_dsn")}
    for key, value in (texts | option_texts(entry)).items():
        if re.search(r"://[^/@\s]*:[^/@\s]+@|password\s*=", value):
            raise _WrongEntryError(
                entry.name,
                f"key `{key}` of {entry.name!r} holds a password; expected a reference: "
                f'{key} = "env:NAME" or "file:PATH"',
            )


def option_texts(entry: Service | Dependency) -> dict[str, str]:
    """Return the texts among the keys that only the kind of a service has."""
    options = getattr(entry, "options", None)
    if isinstance(options, msgspec.Struct):
        options = msgspec.structs.asdict(options)
    return {key: value for key, value in (options or {}).items() if isinstance(value, str)}


def _check_no_circle(services: tuple[Service, ...]) -> None:
    needs = {service.name: service.depends_on for service in services}

    def walk(name: str, path: tuple[str, ...]) -> None:
        """Follow what `name` needs. Errors: _WrongEntryError where that leads back to it."""
        if name in path:
            circle = " -> ".join((*path[path.index(name) :], name))
            raise _WrongEntryError(name, f"depends_on has a cycle: {circle}")
        for needed in needs.get(name, ()):
            walk(needed, (*path, name))

    for name in needs:
        walk(name, ())


def _explain(message: str, text: str, name: str, kinds: Kinds | None) -> str:
    """Return msgspec's message with the line, the full key and the nearest known key."""
    problem, _, path = message.partition(" - at ")
    keys = re.findall(r"\.(\w+)|\[(\d+)\]", path)
    steps = [int(index) if index else key for key, index in keys]
    if unknown := re.search(r"unknown field `(.+)`", problem):
        hint = nearest(unknown[1], _known_keys(steps, kinds or {}))
        line = _line_of(text, [*steps, unknown[1]])
        return f"{name}: line {line}: unknown key `{unknown[1]}`{hint}"
    if missing := re.search(r"missing required field `(.+)`", problem):
        return f"{name}: line {_line_of(text, steps)}: key `{missing[1]}` is missing"
    key = next((step for step in reversed(steps) if isinstance(step, str)), "?")
    said = _in_words(problem, of_probe="probe" in steps)
    return f"{name}: line {_line_of(text, steps)}: key `{key}`: {said}"


def _in_words(problem: str, *, of_probe: bool) -> str:
    """Return msgspec's words, with what may stand there where they do not say so.

    >>> _in_words("Invalid enum value 'sqll'", of_probe=True)
    "'sqll' is none of sql, http, command, file"
    """
    if wrong := re.fullmatch(r"Invalid enum value (.+)", problem):
        return f"{wrong[1]} is none of {', '.join(ProbeKind)}"
    if "matching regex" in problem:
        dots = ", two or more joined by dots" if of_probe else ""
        return f"expected lowercase letters, digits and hyphens{dots}"
    for word, plain in _WORDS.items():
        problem = problem.replace(f"`{word}`", plain)
    return f"{problem[:1].lower()}{problem[1:]}"


# What msgspec calls the kinds of values, and what people do.
_WORDS = {
    "array": "a list",
    "array | null": "a list",
    "str": "a text",
    "str | null": "a text",
    "int": "a whole number",
    "int | null": "a whole number",
    "float": "a number",
    "float | null": "a number",
    "bool": "true or false",
    "object": "a table",
    "datetime": "a time",
    "null": "nothing",
}


def _known_keys(steps: list[str | int], kinds: Kinds) -> tuple[str, ...]:
    struct: Any = Document
    for step in steps:
        if isinstance(step, str):
            hint = struct.__annotations__[step]
            struct = next((arg for arg in getattr(hint, "__args__", ()) if arg is not ...), hint)
    names = [name for name in getattr(struct, "__struct_fields__", ()) if name != "options"]
    if struct is Service:
        names += [name for kind in kinds.values() if kind.keys for name in kind.keys.__struct_fields__]
    return tuple(names)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the known word closest to `word`, "" when none is close."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean `{close[0]}`?" if close else ""


def _line_of(text: str, steps: list[str | int]) -> int:
    """Return the line of the key that `steps` lead to, or of the table it should be in."""
    table = next((step for step in steps if isinstance(step, str)), "")
    wanted = steps[1] if len(steps) > 1 and isinstance(steps[1], int) else 0  # of the tables of that name
    key = next((step for step in reversed(steps) if isinstance(step, str)), "")
    key = "" if key == table and len(steps) > 1 else key
    line_of_table, count, inside = 1, -1, False
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\[?\s*([\w.\"-]+)\s*\]?\]", line):
            count += header[1] == table
            inside = header[1] == table and count == wanted
            line_of_table = number if inside or header[1] == key else line_of_table
        elif re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line) and key and (inside or key == table):
            return number
    return line_of_table


def line_of_key(text: str, table: str, key: str) -> int:
    r"""Return the line of a key, that of its table where the key is not there, 1 without either.

    >>> line_of_key('[workbench]\n\n[redact]\npatterns = ["("]', "redact", "patterns")
    4
    """
    return _line_of(text, [table, key])


def line_of_name(text: str, name: str) -> int:
    """Return the line where the entry of that name has its name, 1 where there is none."""
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"\s*name\s*=\s*[\"']{re.escape(name)}[\"']", line):
            return number
    return 1
