"""Which processes a test leaves behind."""

import psutil

_SERVERS = {"dockerd"}  # other tests of this worker may share an engine until the end of the run


def left_behind() -> list[psutil.Process]:
    """Return what runs below this process and is no server that the whole run shares."""
    own = psutil.Process()
    shared = [child for child in own.children() if child.name() in _SERVERS]
    served = {one.pid for server in shared for one in (server, *server.children(recursive=True))}
    return [child for child in own.children(recursive=True) if child.pid not in served]
