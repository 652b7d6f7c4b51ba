"""What a person types to see what the network probes see."""

from shlex import quote
from urllib.parse import urlsplit

from incident_lib.config import Dependency, Service
from incident_lib.model.runbook import Command

FIRST = ("network.names", "network.tls", "network.ports")


def by_hand(probe: str, target: Service | Dependency) -> tuple[Command, ...]:
    """Return the commands that show by hand what a probe sees of an outside dependency."""
    if not isinstance(target, Dependency):
        return ()
    parts = urlsplit(target.url)
    host = parts.hostname or parts.path.strip("/")
    port = parts.port or {"https": 443, "tls": 443, "http": 80}.get(parts.scheme)
    if probe == "network.names":
        return (Command(text=f"getent hosts {quote(host)}", shows="whether its name resolves here"),)
    if probe == "network.tls" and parts.scheme in {"https", "tls"}:
        text = (
            f"openssl s_client -connect {quote(f'{host}:{port}')} -servername {quote(host)}"
            " </dev/null 2>/dev/null | openssl x509 -noout -subject -issuer -dates"
        )
        return (Command(text=text, shows="its certificate"),)
    if probe == "network.ports" and parts.scheme == "tcp" and port:
        text = f"timeout 5 bash -c {quote(f'</dev/tcp/{host}/{port}')} && echo open"
        return (Command(text=text, shows="whether the port answers"),)
    return ()
