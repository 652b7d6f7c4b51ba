"""The workbench.toml of a stack of containers: their names, and no credentials."""

from collections.abc import Callable, Mapping

_TEXT = """\
# The demo stack on Docker: written when it started, and gone when it stops.

[[service]]
name = "backend"
kind = "http"
url = "http://127.0.0.1:{backend}"
health = ["/health", "/health/ready", "/api/v1/"]
container = "{backend_name}"
depends_on = ["db", "cache", "payments"]
purpose = "orders and checkout"
owner = "Backend Team"
contact = "@backend-lead"
channel = "#team-backend"

[[service]]
name = "frontend"
kind = "http"
url = "http://127.0.0.1:{frontend}"
health = ["/"]
container = "{frontend_name}"
depends_on = ["backend"]
purpose = "the shop's web pages"
owner = "Web Team"
contact = "@web-lead"
channel = "#team-web"

[[service]]
name = "db"
kind = "postgres"
container = "{db_name}"
purpose = "orders and products"
owner = "Data Team"
contact = "@data-lead"
channel = "#team-data"

[[service]]
name = "cache"
kind = "redis"
container = "{redis_name}"
purpose = "cached orders and checkouts already taken"
owner = "Platform Team"
contact = "@platform-lead"
channel = "#team-platform"

[[dependency]]
name = "payments"
url = "https://127.0.0.1:{payments}/health"
ca = "file:ca.pem"
purpose = "charges cards"
owner = "Example Payments"
contact = "support@payments.example"
"""


def render(name: Callable[[str], str], ports: Mapping[str, int]) -> str:
    """Return the text for containers called `name(ROLE)` whose ports of this machine are `ports`.

    >>> 'container = "demo-db"' in render("demo-{}".format, dict.fromkeys(
    ...     ("backend", "frontend", "payments", "db", "redis"), 18000))
    True
    """
    names = {f"{role}_name": name(role) for role in ports}
    return _TEXT.format(**ports, **names)
