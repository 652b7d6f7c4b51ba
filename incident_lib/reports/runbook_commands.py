"""The commands of a runbook: what a person types first, and what shows by hand what a probe sees."""

from incident_lib.config import Dependency, Service
from incident_lib.model.runbook import Command
from incident_lib.technologies import table


def first_commands(target: Service | Dependency) -> tuple[Command, ...]:
    """Return what to type first, whatever is wrong."""
    return tuple(
        command
        for technology in table().technologies
        for probe in technology.first_probes
        for command in technology.by_hand(probe, target)
    )


def commands_of(probe: str, target: Service | Dependency) -> tuple[Command, ...]:
    """Return the commands that show by hand what a probe sees; none where no command is known.

    Of an outside dependency all are returned: how far it can be reached is one question.
    """
    technology = table().of_probe(probe)
    found = tuple(technology.by_hand(probe, target)) if technology else ()
    return first_commands(target) if found and isinstance(target, Dependency) else found
