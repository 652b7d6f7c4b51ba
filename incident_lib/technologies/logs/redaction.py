"""A digest without secrets: what leaves the pipeline is redacted, where it was counted."""

from typing import Any

import msgspec

from incident_lib.redact import MARK, Redactor
from incident_lib.redact.excerpt import shortened
from incident_lib.technologies.logs.probes.digest import (
    Digest,
    EndpointCount,
    Requests,
    Slot,
    Tally,
    merge,
    merge_tallies,
)

_EXAMPLE = 500  # characters that are kept


class Redaction(msgspec.Struct, frozen=True):
    """What a redactor is made of, as a value that can be sent to where the lines are read."""

    secrets: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def redactor(self) -> Redactor:
        """Return a new redactor. Errors: RedactionError for a pattern that cannot be used."""
        return Redactor(self.secrets, self.patterns, self.keys)


def redacted(digest: Digest, redactor: Redactor) -> Digest:
    """Return the digest with its templates, examples and names redacted.

    In a template, what was hidden is a variable like any other, so that lines which differ in nothing but
    a secret are of the same template. Errors: RedactionError, and then nothing may be kept.

    >>> counted = Digest(templates={("ERROR", "login with password=x1"): Tally(1)})
    >>> list(redacted(counted, Redactor()).templates)
    [('ERROR', 'login with password=<*>')]
    """
    found = {name: getattr(digest, name) for name in digest.__struct_fields__}
    for name, value in found.items():
        if isinstance(value, dict) and name != "slots":
            found[name] = _table(value, redactor)
    return Digest(**found)


def _table(table: dict[Any, Any], redactor: Redactor) -> dict[Any, Any]:
    safe: dict[Any, Any] = {}
    for key, value in table.items():
        new_key, new_value = _key(key, redactor), _value(value, redactor)
        safe[new_key] = _both(safe[new_key], new_value) if new_key in safe else new_value
    return safe


def _key(key: Any, redactor: Redactor) -> Any:
    if isinstance(key, tuple):
        return tuple(_key(part, redactor) for part in key)
    return MARK.sub("<*>", redactor.text(key)) if isinstance(key, str) else key


def _value(value: Any, redactor: Redactor) -> Any:
    """Return a value of a table without secrets. Errors: TypeError for a kind that is not known here."""
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, Tally):
        return msgspec.structs.replace(value, example=shortened(redactor.text(value.example), _EXAMPLE))
    if isinstance(value, Requests):
        return msgspec.structs.replace(value, endpoints=_table(value.endpoints, redactor))
    if isinstance(value, int | float | Slot | EndpointCount):
        return value
    raise TypeError(f"{type(value).__name__} in a digest: redaction does not know it")


def _both(first: Any, second: Any) -> Any:
    """Return what two entries hold together whose keys differed in what was hidden."""
    if isinstance(first, Tally):
        return merge_tallies(first, second)
    if isinstance(first, EndpointCount):
        merged = merge(
            Digest(requests={"": Requests(endpoints={("", ""): first})}),
            Digest(requests={"": Requests(endpoints={("", ""): second})}),
        )
        return merged.requests[""].endpoints["", ""]
    return first + second if isinstance(first, int) else first
