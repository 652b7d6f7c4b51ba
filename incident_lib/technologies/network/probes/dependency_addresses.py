"""What a container's application needs, and at which address it connects to it: pure.

Its environment says so best. The configured address is what is reached from this machine, and `127.0.0.1`
in it means something else in there.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from incident_lib.config import Kinds
from incident_lib.connections.names import is_literal
from incident_lib.technologies.network.probes.endpoint import Endpoint, parse_endpoint

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:%-]*")  # what may be a host: never an option of a command
_HOST = re.compile(r"^(?P<stem>\w*?)_?(?:HOST|HOSTNAME|SERVER|ADDR)$|^PGHOST$")


class ConfiguredDependency(msgspec.Struct, frozen=True, kw_only=True):
    """A dependency of a service, as it is configured."""

    name: str
    kind: str  # of the service, or outside
    endpoint: Endpoint | None = None
    container: str = ""


class DependencyAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a dependency is expected from inside a container."""

    dependency: str
    endpoint: Endpoint
    source: str  # "PAYMENTS_URL of the container", "workbench.toml"


class Named(msgspec.Struct, frozen=True):
    """An address in the environment of a container, without anything secret."""

    variable: str
    scheme: str
    endpoint: Endpoint


def dependency_addresses(
    dependencies: Iterable[ConfiguredDependency],
    environment: Mapping[str, str],
    *,
    on_host: bool,
    known_as: Mapping[str, set[str]],
    kinds: Kinds | None = None,
) -> tuple[DependencyAddress, ...]:
    """Return where each dependency is expected from inside; without a source it is left out.

    `known_as` holds the names and addresses of each dependency's container; `on_host` whether the
    application's container shares the network of its machine.

    >>> endpoint = Endpoint(host="pay.example", port=443)
    >>> pay = ConfiguredDependency(name="pay", kind="outside", endpoint=endpoint)
    >>> [found.endpoint.host for found in dependency_addresses((pay,), {}, on_host=False, known_as={})]
    ['pay.example']
    """
    kinds = kinds or {}
    named = tuple(addresses_in(environment, kinds))
    everything = tuple(dependencies)
    found = (
        _address_of(dependency, everything, named, known_as, on_host=on_host, kinds=kinds)
        for dependency in everything
    )
    return tuple(address for address in found if address)


def _address_of(
    dependency: ConfiguredDependency,
    everything: tuple[ConfiguredDependency, ...],
    named: tuple[Named, ...],
    known_as: Mapping[str, set[str]],
    *,
    on_host: bool,
    kinds: Kinds,
) -> DependencyAddress | None:
    named_address = _named_address(dependency, everything, named, known_as.get(dependency.name, set()), kinds)
    if named_address:
        by = f"{named_address.variable} of the container"
        return DependencyAddress(
            dependency=dependency.name,
            endpoint=_with_authority(named_address.endpoint, dependency.endpoint),
            source=by,
        )
    endpoint = dependency.endpoint
    if endpoint is None or not _NAME.fullmatch(endpoint.host) or (is_loopback(endpoint.host) and not on_host):
        return None
    return DependencyAddress(dependency=dependency.name, endpoint=endpoint, source="workbench.toml")


def _named_address(
    dependency: ConfiguredDependency,
    everything: tuple[ConfiguredDependency, ...],
    named: tuple[Named, ...],
    known_as: set[str],
    kinds: Kinds,
) -> Named | None:
    """Return the one address in the environment that leads to a dependency; None for none or several."""
    names = {name for name in (dependency.container, dependency.name, *known_as) if name}
    port = dependency.endpoint.port if dependency.endpoint else None
    configured = (dependency.endpoint.host, port) if dependency.endpoint else None
    schemes = (dependency.kind, *kinds[dependency.kind].schemes) if dependency.kind in kinds else ()
    only_one = sum(other.kind == dependency.kind for other in everything) == 1
    for fits in (
        [address for address in named if address.endpoint.host in names],
        [address for address in named if (address.endpoint.host, address.endpoint.port) == configured],
        [address for address in named if address.scheme in schemes and only_one],
    ):
        endpoints = {(address.endpoint.host, address.endpoint.port) for address in fits}
        if len(endpoints) == 1:
            return fits[0]
        if endpoints:
            return None
    return None


def _with_authority(endpoint: Endpoint, configured: Endpoint | None) -> Endpoint:
    return msgspec.structs.replace(endpoint, ca=configured.ca) if configured and configured.ca else endpoint


def addresses_in(environment: Mapping[str, str], kinds: Kinds) -> Iterator[Named]:
    """Yield the addresses that environment variables hold, without credentials and paths.

    >>> from incident_lib.config import Kind
    >>> redis = Kind(name="redis", default_port=6379, variables=("REDIS",))
    >>> [(address.variable, address.endpoint.host, address.endpoint.port) for address in addresses_in(
    ...     {"DATABASE_URL": "postgresql+asyncpg://u:p@db/shop", "REDIS_HOST": "cache", "LANG": "C"},
    ...     {"redis": redis})]
    [('DATABASE_URL', 'db', 5432), ('REDIS_HOST', 'cache', 6379)]
    """
    for variable, value in environment.items():
        scheme, separator, rest = value.partition("://")
        if separator and len(value) < 2_000:
            scheme = scheme.partition("+")[0].lower()
            endpoint: Endpoint | None = parse_endpoint(f"{scheme}://{rest}")
        else:
            scheme, endpoint = _of_pair(variable, value, environment, kinds)
        if endpoint and endpoint.port and _NAME.fullmatch(endpoint.host):
            yield Named(variable, scheme, endpoint)


def _of_pair(
    variable: str, value: str, environment: Mapping[str, str], kinds: Kinds
) -> tuple[str, Endpoint | None]:
    """Return the endpoint that `DB_HOST` and `DB_PORT` name together."""
    match = _HOST.match(variable)
    if not match or not _NAME.fullmatch(value):
        return "", None
    stem = match["stem"] or ""
    port = environment.get("PGPORT" if variable == "PGHOST" else f"{stem}_PORT", "")
    kind = next((kind for kind in kinds.values() if any(part in variable for part in kind.variables)), None)
    number = int(port) if port.isdigit() else kind.default_port if kind else None
    name = kind.name if kind else ""
    return (name, Endpoint(host=value, port=number)) if number and stem + name else ("", None)


def is_loopback(host: str) -> bool:
    """Return whether a host is the machine, or the container, itself.

    >>> is_loopback("localhost"), is_loopback("127.0.0.1"), is_loopback("10.0.0.7")
    (True, True, False)
    """
    if is_literal(host):
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    return host.lower().rstrip(".") == "localhost"


def names_of(details: Mapping[str, Any]) -> set[str]:
    """Return the names and addresses of a container on its networks, from what `inspect` says."""
    networks = (details.get("NetworkSettings") or {}).get("Networks") or {}
    found = {str(details.get("Name") or "").lstrip("/")}
    for attached in networks.values():
        found |= {*(attached.get("Aliases") or ()), *(attached.get("DNSNames") or ())}
        found |= {attached.get("IPAddress") or "", attached.get("GlobalIPv6Address") or ""}
    return found - {""}
