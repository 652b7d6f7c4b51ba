"""The numbers that findings of this technology are judged by. `[thresholds]` overrides each."""

from incident_lib.findings.thresholds import limit

LIMITS = {
    "container.restarts.critical_count": limit(3, "own", "it does not stay up"),
    "container.cpu.warning_ratio": limit(0.8, "APA", "of its CPU limit; work begins to queue"),
    "container.throttled.warning_ratio": limit(0.25, "APA", "of the scheduler's periods it had to wait"),
    "container.memory.warning_ratio": limit(0.8, "APA", "of its limit; a spike would end it"),
    "container.memory.critical_ratio": limit(0.9, "own", "of its limit; the kernel is about to kill it"),
    "container.growth.warning_seconds": limit(
        900, "own", "at this rate the limit is reached within 15 minutes"
    ),
    "container.growth.least_ratio": limit(
        0.01, "own", "of the limit in the samples; less is normal variation"
    ),
    "container.growth.warm_up_seconds": limit(20, "own", "a program that just started fills its memory"),
    "container.pids.warning_ratio": limit(0.8, "own", "of its limit; beyond it, no process can be started"),
    "container.dropped.warning_count": limit(1, "own", "packets are being lost in the samples"),
    "container.zombies.warning_count": limit(20, "own", "ended processes that are not reaped fill the table"),
}
