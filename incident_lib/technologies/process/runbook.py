"""What a person types to see what the process probe sees."""

from shlex import quote

from incident_lib.config import Dependency, Service
from incident_lib.model.runbook import Command

FIRST = ("process.state",)


def by_hand(_probe: str, target: Service | Dependency) -> tuple[Command, ...]:
    """Return the command that shows the process of a service; none for one in a container."""
    if not isinstance(target, Service) or target.container or not target.pid_file:
        return ()
    pid = f'"$(head -n 1 {quote(target.pid_file)})"'
    text = f"ps -o pid,etime,pcpu,rss,stat,args -p {pid}"
    return (Command(text=text, shows="whether it runs, since when"),)
