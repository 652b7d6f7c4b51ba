"""The workbench.toml of a stack of containers: their names, and no credentials."""

from collections.abc import Callable

from incident_lib.demo.configuration import Addresses, quote, shop_text

_HEAD = "# The demo stack on Docker: written when it started, and gone when it stops.\n"
_ROLES = {"backend": "backend", "frontend": "frontend", "db": "db", "cache": "redis"}


def render(name: Callable[[str], str], addresses: Addresses) -> str:
    """Return the text for containers called `name(ROLE)` that are reached at `addresses`.

    >>> local = Addresses(backend="http://127.0.0.1:1", frontend="http://127.0.0.1:2", payments="https://127.0.0.1:3")
    >>> 'container = "demo-redis"' in render("demo-{}".format, local)
    True
    """
    where = {service: f"container = {quote(name(role))}" for service, role in _ROLES.items()}
    return shop_text(addresses, head=_HEAD, where=where)
