"""The numbers that findings of this technology are judged by. `[thresholds]` overrides each."""

from incident_lib.findings.thresholds import limit

LIMITS = {
    "process.memory.warning_ratio": limit(0.8, "APA", "of the configured limit"),
    "process.memory.critical_ratio": limit(0.9, "own", "of the configured limit"),
    "process.growth.warning_seconds": limit(
        900, "own", "at this rate the limit is reached within 15 minutes"
    ),
    "process.growth.least_ratio": limit(0.01, "own", "of the limit in the samples; less is normal variation"),
    "process.growth.warm_up_seconds": limit(20, "own", "a program that just started fills its memory"),
    "process.open_files.warning_ratio": limit(0.8, "APA", "of its limit"),
    "process.open_files.critical_ratio": limit(0.95, "own", "of its limit; the next connection fails"),
    "process.cpu.info_cores": limit(0.9, "own", "one thread of Python cannot use more than one CPU"),
}
