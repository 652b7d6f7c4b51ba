"""Addresses in workbench.toml: what can be seen to be wrong in them before anything is asked."""

from urllib.parse import SplitResult, urlsplit

from incident_lib.config.tables import Dependency, Service

_OUTSIDE = ("https", "http", "tls", "tcp", "dns")
_REFERENCES = ("env:", "file:")


def wrong_address(entry: Service | Dependency, schemes: tuple[str, ...] = ()) -> str:
    """Return what is wrong with an entry's `url`, "" where nothing is, or where it is known only later.

    `schemes` are those that the `url` of a service must have, any if empty.

    >>> wrong_address(Dependency(name="vendor", url="tcp://vendor.example"))
    'tcp:// needs a port, as in tcp://vendor.example:5432'
    """
    if isinstance(entry, Service):
        if not schemes or not entry.url or entry.url.startswith(_REFERENCES):
            return ""
        return _wrong(entry.url, schemes)
    return _wrong(entry.url, _OUTSIDE)


def _wrong(url: str, schemes: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"not an address: {error}"
    if parts.scheme not in schemes:
        return f"expected {', '.join(schemes)}://..."
    return _wrong_place(parts, port)


def _wrong_place(parts: SplitResult, port: int | None) -> str:
    if not parts.hostname:
        return f"{parts.scheme}:// has no host"
    if port == 0:
        return "0 is not a valid port"
    if parts.scheme == "tcp" and port is None:
        return f"tcp:// needs a port, as in tcp://{parts.hostname}:5432"
    return ""
