"""Which configuration it is: names, kinds and addresses of its targets, as a digest without a secret."""

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from urllib.parse import urlsplit

import msgspec

from incident_lib.config import Dependency, Service, Settings
from incident_lib.errors import TargetError

_DIGITS = 12
_LISTED = 6
_NOT_KNOWN = "-"  # the reference of an address is not set here, so it may be the same


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What a configuration is about."""

    file: str = ""  # "" for the common stack, without a file
    targets: dict[str, tuple[str, str]] = {}  # name -> kind, and the digest of its address

    @property
    def digest(self) -> str:
        """Twelve hex digits, the same for the same names, kinds and addresses."""
        return _digest("\n".join(self.lines))

    @property
    def lines(self) -> tuple[str, ...]:
        """One line a target, as events keep it."""
        return tuple(f"{name} {kind} {address}" for name, (kind, address) in sorted(self.targets.items()))

    def __str__(self) -> str:
        """Return it for people.

        >>> str(Identity(file="/srv/shop/workbench.toml", targets={"db": ("postgres", "-")}))[:37]
        '/srv/shop/workbench.toml (db; digest '
        """
        names = sorted(self.targets)
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        listed = ", ".join(names[:_LISTED]) + more
        return f"{self.file or 'the common stack'} ({listed or 'no target'}; digest {self.digest})"


def identity_of(settings: Settings) -> Identity:
    """Return what a configuration is about. Cost: references to addresses are read, and nothing else."""
    targets: tuple[Service | Dependency, ...] = (*settings.services, *settings.dependencies)
    return Identity(
        file=str(settings.path or ""),
        targets={target.name: (_kind(target), _address(settings, target)) for target in targets},
    )


def parse_identity(file: str, lines: Iterable[str]) -> Identity:
    """Return what an event keeps; a line that is none is left out.

    >>> parse_identity("", ["db postgres 3f2a", "nonsense"]).targets
    {'db': ('postgres', '3f2a')}
    """
    parts = (line.split(" ") for line in lines)
    return Identity(file=file, targets={part[0]: (part[1], part[2]) for part in parts if len(part) == 3})


def differences(before: Identity, now: Identity) -> Iterator[str]:
    """Yield what differs, in a few words each.

    >>> before = Identity(targets={"db": ("postgres", "1"), "web": ("http", "2"), "pay": ("outside", "-")})
    >>> now = Identity(targets={"db": ("postgres", "7"), "pay": ("outside", "3"), "new": ("http", "4")})
    >>> list(differences(before, now))
    ['db has a different address', 'web is not in it', 'new is only in it']
    """
    for name, (kind, address) in before.targets.items():
        other = now.targets.get(name)
        if other is None:
            yield f"{name} is not in it"
        elif other[0] != kind:
            yield f"{name} is of kind {other[0]}, not {kind}"
        elif _NOT_KNOWN not in {address, other[1]} and other[1] != address:
            yield f"{name} has a different address"
    yield from (f"{name} is only in it" for name in now.targets if name not in before.targets)


def has_grown(before: Identity, now: Identity) -> bool:
    """Return whether it is the same file, with more targets and none that is another."""
    same = before.file == now.file and bool(before.file)
    known = {name: target for name, target in now.targets.items() if name in before.targets}
    return same and not list(differences(before, Identity(targets=known)))


def _kind(target: Service | Dependency) -> str:
    return target.kind if isinstance(target, Service) else "outside"


def _address(settings: Settings, target: Service | Dependency) -> str:
    if isinstance(target, Dependency):
        places: tuple[str, ...] = (target.url,)
    else:
        places = (target.dsn or target.url, target.container, target.pid_file, target.journal, target.log)
    written = next(filter(None, places), "")
    try:
        text = settings.resolve(written) if written == places[0] else written
    except TargetError:
        return _NOT_KNOWN
    return _digest(_place(text))


def _place(address: str) -> str:
    """Return where an address leads, without login and query.

    >>> _place("postgresql://app:hunter2@DB.example:5432/shop?sslmode=require")
    'db.example:5432/shop'
    >>> _place("host=db port=5433 dbname=shop password=hunter2"), _place("https://u:p@api.example/v1?key=1")
    ('db:5433/shop', 'api.example:')
    """
    if "://" in address:
        try:
            parts = urlsplit(address)
            place = f"{(parts.hostname or '').lower()}:{parts.port or ''}"
        except ValueError:
            return ""
        return place if parts.scheme in {"http", "https"} else place + parts.path.rstrip("/")
    fields = dict(re.findall(r"(\w+)\s*=\s*'?([^\s']*)'?", address))
    if "host" in fields or "hostaddr" in fields or "dbname" in fields:
        host = fields.get("host") or fields.get("hostaddr", "")
        return f"{host.lower()}:{fields.get('port', '')}/{fields.get('dbname', '')}"
    return address


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_DIGITS]
