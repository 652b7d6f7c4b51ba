"""Which processes a test leaves behind."""

import psutil

_SERVERS = {"dockerd"}  # other tests of this worker may share an engine until the end of the run


def left_behind() -> list[psutil.Process]:
    """Return what runs below this process and is no server that the whole run shares.

    Nor is it the tracker of multiprocessing, which stays for as long as the process that used workers.
    """
    own = psutil.Process()
    shared = [child for child in own.children() if child.name() in _SERVERS or _is_tracker(child)]
    served = {one.pid for server in shared for one in (server, *server.children(recursive=True))}
    return [child for child in own.children(recursive=True) if child.pid not in served]


def _is_tracker(child: psutil.Process) -> bool:
    return any("multiprocessing.resource_tracker" in word for word in child.cmdline())
