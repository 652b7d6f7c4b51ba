"""What a person types to see what the container probes see."""

from shlex import quote

from incident_lib.config import Dependency, Service
from incident_lib.model.runbook import Command

FIRST = ("docker.container",)
_STATE = (
    "{{.State.Status}} exit={{.State.ExitCode}} oom={{.State.OOMKilled}}"
    " restarts={{.RestartCount}} since={{.State.StartedAt}}"
)


def by_hand(_probe: str, target: Service | Dependency) -> tuple[Command, ...]:
    """Return the commands that show state and use of a service's container."""
    if not isinstance(target, Service) or not target.container:
        return ()
    name = quote(target.container)
    state = f"docker inspect --format {quote(_STATE)} {name}"
    return (
        Command(text=state, shows="state, exit code, restarts"),
        Command(text=f"docker stats --no-stream {name}", shows="CPU and memory"),
    )
