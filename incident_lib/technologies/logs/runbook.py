"""What a person types to see the last lines of a service's log."""

from shlex import quote

from incident_lib.config import Dependency, Service
from incident_lib.model.runbook import Command

FIRST = ("logs.lines",)


def by_hand(_probe: str, target: Service | Dependency) -> tuple[Command, ...]:
    """Return the command that shows the last lines."""
    if isinstance(target, Service) and target.container:
        text = f"docker logs --timestamps --since 15m --tail 200 {quote(target.container)}"
        return (Command(text=text, shows="its last lines"),)
    if isinstance(target, Service) and target.log:
        return (Command(text=f"tail -n 200 {quote(target.log)}", shows="its last lines"),)
    if isinstance(target, Service) and target.journal:
        where = f" --directory={quote(target.journal_directory)}" if target.journal_directory else ""
        text = f"journalctl --no-pager --lines=200{where} --unit={quote(target.journal)}"
        return (Command(text=text, shows="its last lines"),)
    return ()
