"""Which processes a test leaves behind."""

import psutil

from incident_lib.run import parents

_SERVERS = {"dockerd"}  # other tests of this worker may share an engine until the end of the run


def left_behind() -> list[psutil.Process]:
    """Return what runs below this process and is no server that the whole run shares.

    Nor is it the tracker of multiprocessing, which stays for as long as the process that used workers, or the
    parent of kernels, which stays until it was idle for a while; a kernel below it is left behind.
    """
    own = psutil.Process()
    forked_from = [child.pid for child in own.children() if is_parent(child)]
    others = [child for child in own.children() if child.pid not in forked_from]
    shared = [child for child in others if child.name() in _SERVERS or _is_tracker(child)]
    served = {one.pid for server in shared for one in (server, *server.children(recursive=True))}
    return [child for child in own.children(recursive=True) if child.pid not in {*served, *forked_from}]


def is_parent(child: psutil.Process) -> bool:
    """Return whether kernels are forked from a process, or were until it ended."""
    try:
        return "incident_lib.run.forking" in child.cmdline() and child.ppid() == psutil.Process().pid
    except psutil.ZombieProcess:
        return child.pid in [parent.pid for parent in parents._current]


def _is_tracker(child: psutil.Process) -> bool:
    return any("multiprocessing.resource_tracker" in word for word in child.cmdline())
