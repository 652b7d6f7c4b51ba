"""Every change that there is, written out by hand: findings propose them by these ids, people type them."""

from incident_lib import config
from incident_lib.connections.change import Action, RefusedError
from incident_lib.remediation import log_rotate, restart, rollback, tls_renew
from incident_lib.technologies.docker import actions as docker_prune
from incident_lib.technologies.postgres import actions as postgres
from incident_lib.technologies.redis import actions as redis_keys

ACTIONS: dict[str, Action] = {
    "restart": restart.ACTION,
    "rollback": rollback.ACTION,
    "postgres.cancel": postgres.CANCEL,
    "postgres.terminate": postgres.TERMINATE,
    "redis.delete_keys": redis_keys.ACTION,
    "docker.prune": docker_prune.ACTION,
    "log.rotate": log_rotate.ACTION,
    "tls.renew": tls_renew.ACTION,
}


def find_action(name: str) -> Action:
    """Return the action of that id. Errors: RefusedError naming the nearest, and all.

    >>> find_action("restart").title
    'Restart a service'
    """
    if name not in ACTIONS:
        raise RefusedError(
            f"no action is called {name!r}{config.nearest(name, ACTIONS)}; there are: {', '.join(ACTIONS)}"
        )
    return ACTIONS[name]
