"""The parameters of notebooks as the intended texts: papermill turns some into numbers and dates."""

from datetime import date

import msgspec

from incident_lib.errors import UsageError


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Which incident and snapshot, since when, and with which configuration."""

    incident: str
    snapshot: str
    since: str
    config: str


def read_parameters(*, incident: object, snapshot: object, since: object, config: object) -> Parameters:
    """Return the parameters as texts; a bare number as `since` is seconds. Errors: UsageError.

    >>> read_parameters(incident=20260115, snapshot="new", since=900, config=None)
    Parameters(incident='20260115', snapshot='new', since='900s', config='')
    """
    period = _text_of("since", since)
    is_bare = not isinstance(since, date) and period.replace(".", "", 1).isdecimal()
    return Parameters(
        incident=_text_of("incident", incident),
        snapshot=_text_of("snapshot", snapshot),
        since=f"{period}s" if is_bare else period,
        config=_text_of("config", config),
    )


def _text_of(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(f"the parameter {name} is {value!r}, but must be a string such as {name}='...'")
    return str(value)
