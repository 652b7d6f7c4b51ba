"""The workbench.toml of a stack: one text for the shop, and what each kind of stack adds to it."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from incident_lib.demo.layout import Layout

MEMORY_LIMIT_BYTES = 512 * 1024 * 1024

# What a kind of stack says of itself stands at `head`, at `end`, and under the name of each service.
_TEXT = """\
{head}
[[service]]
name = "backend"
kind = "http"
url = {backend_url}
health = ["/health", "/health/ready", "/api/v1/"]
{backend}
depends_on = ["db", "cache", "payments"]
purpose = "orders and checkout"
owner = "Backend Team"
contact = "@backend-lead"
channel = "#team-backend"

[[service]]
name = "frontend"
kind = "http"
url = {frontend_url}
health = ["/"]
{frontend}
depends_on = ["backend"]
purpose = "the shop's web pages"
owner = "Web Team"
contact = "@web-lead"
channel = "#team-web"

[[service]]
name = "db"
kind = "postgres"
{db}
purpose = "orders and products"
owner = "Data Team"
contact = "@data-lead"
channel = "#team-data"

[[service]]
name = "cache"
kind = "redis"
{cache}
purpose = "cached orders and checkouts already taken"
owner = "Platform Team"
contact = "@platform-lead"
channel = "#team-platform"

[[dependency]]
name = "payments"
url = {payments_url}
ca = "file:ca.pem"
purpose = "charges cards"
owner = "Example Payments"
contact = "support@payments.example"
{end}"""

_HEAD = """\
# The demo stack: written when it started, and gone when it stops.

[workbench]
incidents = {incidents}
runbooks = {runbooks}
"""

_END = """
[deploy]
log = "deploys.jsonl"
rollback = {rollback}

[[contact]]
role = "on-call"
name = "Backend on-call"
chat = "@backend-on-call"

[[contact]]
role = "engineering manager"
name = "Engineering manager"
chat = "@engineering-manager"
"""
_STORES = {
    "db": 'dsn = "file:secrets/db.dsn"\nchange_dsn = "file:secrets/db-change.dsn"\n',
    "cache": 'url = "file:secrets/cache.url"\n',
}


@dataclass(frozen=True)
class Addresses:
    """Where the stack is reached, without any secret."""

    backend: str
    frontend: str
    payments: str


def render(layout: Layout, addresses: Addresses, incidents: Path | None) -> str:
    """Return the text for a stack of processes. Without `incidents`, they are kept in its directory."""
    restart = [sys.executable, "-P", "-m", "incident_lib.demo.deploy", "--directory", str(layout.directory)]
    own = f"\nrestart = {_list(restart)}\nmemory_limit_bytes = {MEMORY_LIMIT_BYTES}"
    return shop_text(
        addresses,
        head=_HEAD.format(
            incidents=quote(str(incidents) if incidents else "incidents"),
            runbooks=quote(str(incidents.parent / "docs/runbooks") if incidents else "docs/runbooks"),
        ),
        where={
            "backend": f"{_files('backend')}{own}",
            "frontend": _files("frontend"),
            **{name: f"{address}{_files(name)}" for name, address in _STORES.items()},
        },
        end=_END.format(rollback=_list([*restart, "--version", "{previous}"])),
    )


def render_for_containers(name: Callable[[str], str], addresses: Addresses) -> str:
    """Return the text for containers called `name(ROLE)` that are reached at `addresses`: no credentials.

    >>> local = Addresses(backend="http://127.0.0.1:1", frontend="http://127.0.0.1:2", payments="https://127.0.0.1:3")
    >>> 'container = "demo-redis"' in render_for_containers("demo-{}".format, local)
    True
    """
    roles = {"backend": "backend", "frontend": "frontend", "db": "db", "cache": "redis"}
    where = {service: f"container = {quote(name(role))}" for service, role in roles.items()}
    head = "# The demo stack on Docker: written when it started, and gone when it stops.\n"
    return shop_text(addresses, head=head, where=where)


def shop_text(addresses: Addresses, *, head: str, where: Mapping[str, str], end: str = "") -> str:
    """Return the text for the shop; `where` says of each service how it runs and is reached."""
    return _TEXT.format(
        head=head,
        backend_url=quote(addresses.backend),
        frontend_url=quote(addresses.frontend),
        payments_url=quote(f"{addresses.payments}/health"),
        end=end,
        **where,
    )


def _files(name: str) -> str:
    r"""Return the files of a process.

    >>> _files("db")
    'pid_file = "run/db.pid"\nlog = "log/db.log"'
    """
    return f'pid_file = "run/{name}.pid"\nlog = "log/{name}.log"'


def _list(words: list[str]) -> str:
    return "[" + ", ".join(map(quote, words)) + "]"


def quote(text: str) -> str:
    r"""Return a TOML string; those of JSON are.

    >>> quote('a "b"')
    '"a \\"b\\""'
    """
    return json.dumps(text, ensure_ascii=False)
