"""Free ports of this machine."""

import random
import socket
from collections.abc import Callable

from incident_lib.errors import WorkbenchError

# Below the range that systems give to outgoing connections (32768 on Linux, 49152 on macOS): while a server
# is down, no client may be handed its port, or it could not come back.
_FIRST, _LAST = 18000, 32000
ATTEMPTS = 4


class PortTakenError(WorkbenchError):
    """Another process was faster on this port."""


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 on which nothing listens now."""
    choices = random.SystemRandom()
    for _ in range(200):
        port = choices.randrange(_FIRST, _LAST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise WorkbenchError(f"no free port between {_FIRST} and {_LAST}; stop something and try again")


def on_free_port(start: Callable[[int], None]) -> int:
    """Return the port that `start` succeeded on; a port that was taken meanwhile is tried anew elsewhere."""
    for _ in range(ATTEMPTS - 1):
        port = free_port()
        try:
            start(port)
        except PortTakenError:
            continue
        return port
    port = free_port()
    start(port)
    return port
