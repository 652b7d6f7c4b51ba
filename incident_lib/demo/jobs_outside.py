"""A listener on the provider's port that takes no connection: to callers, packets are swallowed."""

import socket
import time
from contextlib import suppress

from incident_lib.demo.jobs_database import BOUND_SECONDS, say


def swallow(port: str) -> None:
    """Listen, never accept, and keep the queue full, so that the kernel drops every new connection."""
    address = ("127.0.0.1", int(port))
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(0)
        waiting = []
        with suppress(TimeoutError):
            while True:
                waiting.append(socket.create_connection(address, timeout=0.5))
        say(f"queue is full with {len(waiting)}")
        time.sleep(BOUND_SECONDS)


JOBS = {"swallow": swallow}
