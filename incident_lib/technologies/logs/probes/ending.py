"""How a log ends: its newest lines, the error in them, and what is appended while it is watched."""

from incident_lib.technologies.logs.probes.digest import Digest
from incident_lib.technologies.logs.probes.records import chosen_requests
from incident_lib.technologies.logs.rows import LogGrowth


def growth(appended: Digest, seconds: float) -> LogGrowth:
    """Return what was appended in so many seconds.

    >>> growth(Digest(lines=12, errors=5), 2.0).errors_count
    5
    """
    requests = chosen_requests(appended)
    return LogGrowth(
        seconds=seconds,
        lines_count=appended.lines,
        errors_count=appended.errors,
        requests_count=requests.count,
        server_errors_count=sum(endpoint.statuses.get(5, 0) for endpoint in requests.endpoints.values()),
    )
