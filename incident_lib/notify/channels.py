"""The channels a message can go to: their names, and where their addresses come from."""

import msgspec

from incident_lib.config import Settings, nearest
from incident_lib.errors import ConfigError, TargetError, UsageError
from incident_lib.model import IncidentSeverity

PAGERDUTY = "pagerduty"
STATUS_UPDATES = "status_updates"
_KEYS = ("incidents", "incidents_low", "engineering", STATUS_UPDATES, "mail", PAGERDUTY)


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel: `key` of [notify], the name people know, and the reference to its secret address."""

    key: str
    name: str
    reference: str

    @property
    def is_public(self) -> bool:
        """Whether users read it."""
        return self.key == STATUS_UPDATES


def channel_named(settings: Settings, name: str) -> Channel:
    """Return the channel of that key or name. Errors: UsageError naming those there are."""
    wanted = name.strip().replace("-", "_").lstrip("#").casefold()
    for key in _KEYS:
        channel = _channel(settings, key)
        if wanted in {key, channel.name.replace("-", "_").lstrip("#").casefold()}:
            return channel
    raise UsageError(f"no channel is named {name!r}{nearest(wanted, _KEYS)}; there are: {', '.join(_KEYS)}")


def address_of(settings: Settings, channel: Channel) -> str:
    """Return the secret address or key of `channel`. Errors: ConfigError that says what is missing."""
    if not channel.reference:
        raise ConfigError(
            f'{channel.name} has no address: write {channel.key} = "env:NAME" into [notify] of workbench.toml'
        )
    try:
        return settings.resolve(channel.reference).strip()
    except TargetError as error:
        raise ConfigError(f"{channel.name}: {error.message}; {error.advice}") from error


def usual_channel(kind: str, severity: IncidentSeverity) -> str:
    """Return the key of the channel where a draft of that kind usually goes.

    >>> usual_channel("update", IncidentSeverity.SEV3), usual_channel("status-page", IncidentSeverity.SEV1)
    ('incidents_low', 'status_updates')
    """
    fixed = {"executive": "mail", "status-page": STATUS_UPDATES, "engineering": "engineering"}
    loud = severity in {IncidentSeverity.SEV1, IncidentSeverity.SEV2}
    return fixed.get(kind, "incidents" if loud else "incidents_low")


def _channel(settings: Settings, key: str) -> Channel:
    names = settings.document.channels
    known = {"mail": "mail", PAGERDUTY: "PagerDuty"}
    reference = getattr(settings.document.notify, key)
    return Channel(key=key, name=known.get(key) or getattr(names, key), reference=reference)
