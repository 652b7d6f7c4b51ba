"""Every change that there is: findings propose them by these ids, people type them."""

from incident_lib import config
from incident_lib.connections.change import Action, RefusedError
from incident_lib.remediation import log_rotate, restart, rollback, tls_renew
from incident_lib.technologies import table

# What is the same for every technology, then what each brings.
_COMMON = (restart.ACTION, rollback.ACTION)
_LAST = (log_rotate.ACTION, tls_renew.ACTION)
ACTIONS: dict[str, Action] = {
    action.id: action
    for action in (*_COMMON, *(own for each in table().technologies for own in each.actions), *_LAST)
}


def find_action(name: str) -> Action:
    """Return the action of that id. Errors: RefusedError naming the nearest, and all.

    >>> find_action("restart").title
    'Restart a service'
    """
    if name not in ACTIONS:
        raise RefusedError(
            f"no action is named {name!r}{config.nearest(name, ACTIONS)}; there are: {', '.join(ACTIONS)}"
        )
    return ACTIONS[name]
