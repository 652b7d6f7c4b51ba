"""The numbers that findings of this technology are judged by. `[thresholds]` overrides each."""

from incident_lib.findings.thresholds import limit

LIMITS = {
    "host.disk.warning_free_ratio": limit(0.1, "APA", "logs and databases need room to work"),
    "host.disk.critical_free_ratio": limit(0.02, "own", "writes are about to fail"),
    "host.inodes.warning_free_ratio": limit(0.1, "APA", "no file can be created without a free inode"),
    "host.inodes.critical_free_ratio": limit(0.01, "own", "new files are about to fail"),
    "host.memory.warning_available_ratio": limit(0.1, "APA", "the kernel will soon kill processes"),
    "host.memory.critical_available_ratio": limit(0.03, "own", "the kernel is about to kill processes"),
    "host.memory.pressure.warning_ratio": limit(0.2, "own", "tasks wait for memory a fifth of the time"),
    "host.load.warning_per_cpu": limit(4, "own", "four tasks per CPU; short peaks are normal"),
    "host.io_wait.warning_ratio": limit(0.5, "own", "in one second; APA says 0.1 over five minutes"),
    "host.io_pressure.warning_ratio": limit(0.5, "own", "of a minute a process waited for a disk"),
    "host.cpu.info_ratio": limit(
        0.95, "own", "in one second; programs use what they can get, so not a fault by itself"
    ),
    "host.cpu.taker.least_ratio": limit(0.4, "own", "of all CPUs, by one program that is not a service"),
    "host.cpu.waiting.least_ratio": limit(0.5, "own", "of the time in which a service could run"),
    "host.cpu.waiting.least_count": limit(0.3, "own", "of its processes at a time; short waits are normal"),
    "host.steal.warning_ratio": limit(0.25, "own", "in one second; APA says 0.1 over five minutes"),
}
