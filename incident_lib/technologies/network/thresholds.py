"""The numbers that findings of this technology are judged by. `[thresholds]` overrides each."""

from incident_lib.findings.thresholds import limit

LIMITS = {
    "network.names.warning_seconds": limit(1.0, "own", "every new connection waits that long"),
    "network.tls.warning_days": limit(20, "APA", "time to renew it in working hours"),
    "network.tls.critical_days": limit(3, "APA", "it may expire over a weekend"),
}
