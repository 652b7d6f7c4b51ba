"""The workbench.toml of a stack."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from incident_lib.demo.layout import Layout

MEMORY_LIMIT_BYTES = 512 * 1024 * 1024

_TEXT = """\
# The demo stack: written when it started, and gone when it stops.

[workbench]
incidents = {incidents}
runbooks = {runbooks}

[[service]]
name = "backend"
kind = "http"
url = {backend_url}
health = ["/health", "/health/ready", "/api/v1/"]
pid_file = "run/backend.pid"
log = "log/backend.log"
restart = {restart}
memory_limit_bytes = {memory_limit}
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
pid_file = "run/frontend.pid"
log = "log/frontend.log"
depends_on = ["backend"]
purpose = "the shop's web pages"
owner = "Web Team"
contact = "@web-lead"
channel = "#team-web"

[[service]]
name = "db"
kind = "postgres"
dsn = "file:secrets/db.dsn"
change_dsn = "file:secrets/db-change.dsn"
pid_file = "run/db.pid"
log = "log/db.log"
purpose = "orders and products"
owner = "Data Team"
contact = "@data-lead"
channel = "#team-data"

[[service]]
name = "cache"
kind = "redis"
url = "file:secrets/cache.url"
pid_file = "run/cache.pid"
log = "log/cache.log"
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


@dataclass(frozen=True)
class Addresses:
    """Where the stack is reached, without any secret."""

    backend: str
    frontend: str
    payments: str


def render(layout: Layout, addresses: Addresses, incidents: Path | None) -> str:
    """Return the text of workbench.toml. Without `incidents`, they are kept in the stack's directory."""
    restart = [sys.executable, "-m", "incident_lib.demo.deploy", "--directory", str(layout.directory)]
    return _TEXT.format(
        incidents=_quote(str(incidents) if incidents else "incidents"),
        runbooks=_quote(str(incidents.parent / "docs/runbooks") if incidents else "docs/runbooks"),
        backend_url=_quote(addresses.backend),
        frontend_url=_quote(addresses.frontend),
        payments_url=_quote(f"{addresses.payments}/health"),
        memory_limit=MEMORY_LIMIT_BYTES,
        restart=_list(restart),
        rollback=_list([*restart, "--version", "{previous}"]),
    )


def _list(words: list[str]) -> str:
    return "[" + ", ".join(map(_quote, words)) + "]"


def _quote(text: str) -> str:
    r"""Return a TOML string; those of JSON are.

    >>> _quote('a "b"')
    '"a \\"b\\""'
    """
    return json.dumps(text, ensure_ascii=False)
