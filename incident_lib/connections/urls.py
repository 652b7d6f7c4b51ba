"""Addresses: taken apart, joined, and shown without what is secret in them."""

from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from incident_lib.errors import ProblemKind, TargetError

_PORTS = {"http": 80, "https": 443}


def safe_url(url: str) -> str:
    """Return `url` without credentials and query, for people and files.

    >>> safe_url("https://app:hunter2@api.example.com/pay?card=1")
    'https://api.example.com/pay?[query]'
    """
    try:
        parts = urlsplit(url)
        place = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "[no address]"
    query = "[query]" if parts.query else ""
    return urlunsplit((parts.scheme, place, parts.path, query, ""))


def join(base: str, path: str) -> str:
    """Return the address of a health path below a service's own.

    >>> join("http://127.0.0.1:8000/", "/health")
    'http://127.0.0.1:8000/health'
    """
    return f"{base.rstrip('/')}/{path.lstrip('/')}"


def split(url: str) -> SplitResult:
    """Return the parts of an http or https address. Errors: TargetError NOT_CONFIGURED for anything else."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise TargetError(ProblemKind.NOT_CONFIGURED, f"not an address: {error}") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        message = f"{safe_url(url)!r} is not an http or https address"
        raise TargetError(ProblemKind.NOT_CONFIGURED, message, "use http://host:port")
    return parts


def port_of(parts: SplitResult) -> int:
    """Return the port, the scheme's own if none is written.

    >>> port_of(urlsplit("https://example.com"))
    443
    """
    return parts.port or _PORTS[parts.scheme]


def host_header(parts: SplitResult, host: str) -> str:
    """Return the value of the Host header.

    >>> host_header(urlsplit("http://[::1]:8000/"), "::1")
    '[::1]:8000'
    """
    place = f"[{host}]" if ":" in host else host
    return place if parts.port in {None, _PORTS[parts.scheme]} else f"{place}:{parts.port}"


def following(here: str, location: str) -> str | None:
    """Return where a redirect leads, None if that is no address on the same host.

    >>> following("http://a.example/", "/login"), following("http://a.example/", "http://b.example/")
    ('http://a.example/login', None)
    """
    try:
        there = urljoin(here, location)
        target = urlsplit(there)
    except ValueError:
        return None
    source = urlsplit(here)
    same = target.scheme in _PORTS and target.hostname == source.hostname
    if not same or source.username is None or target.username or target.scheme != source.scheme:
        return there if same else None
    user = source.netloc.rpartition("@")[0]
    return urlunsplit(target._replace(netloc=f"{user}@{target.netloc}"))
