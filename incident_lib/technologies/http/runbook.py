"""What a person types to see what the HTTP probe sees."""

from shlex import quote

from incident_lib.config import Dependency, Service
from incident_lib.model.runbook import Command, shell_reference

FIRST = ("http.health",)


def by_hand(probe: str, target: Service | Dependency) -> tuple[Command, ...]:
    """Return the commands that show by hand what a probe sees."""
    if probe not in FIRST:
        return ()
    if isinstance(target, Service):
        paths = target.health or ("/",) if target.kind == "http" and target.url else ()
        return tuple(_curl(target.url.rstrip("/") + path) for path in paths)
    if not target.url.startswith(("http://", "https://")):
        return ()
    return (_curl(target.url, target.ca.removeprefix("file:")),)


def _curl(url: str, authority: str = "") -> Command:
    wanted = quote(r"\n%{http_code} in %{time_total} s\n")
    trusted = f" --cacert {quote(authority)}" if authority else ""
    text = f"curl -sS{trusted} -m 10 -w {wanted} {shell_reference(url)}"
    return Command(text=text, shows="status, body and time")
