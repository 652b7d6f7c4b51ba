"""The numbers that findings of this technology are judged by. `[thresholds]` overrides each."""

from incident_lib.findings.thresholds import limit

LIMITS = {
    "http.clock.warning_seconds": limit(
        5, "own", "beyond the Date header's one-second precision and the network delay"
    ),
    "http.slow.warning_seconds": limit(1.0, "APA", "users notice, and callers begin to time out"),
    "http.slow.busy_machine.least_seconds": limit(3.0, "own", "less may be the workbench's own wait for CPU"),
}
