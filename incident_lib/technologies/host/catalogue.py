"""What each finding about the machine means."""

from incident_lib.findings.catalogue import STATE, SYMPTOM, Flag, entry

FINDINGS = (
    entry("host.disk.ok", STATE, "All file systems have room"),
    entry("host.disk.full", SYMPTOM, "A file system is nearly full", fields="free_bytes free_ratio path"),
    entry("host.disk.inodes", SYMPTOM, "A file system is nearly out of inodes",
          fields="free_bytes free_ratio path"),
    entry("host.memory.ok", STATE, "The machine has free memory", fields="available_bytes available_ratio"),
    entry("host.memory.no_kills", STATE, "The OOM killer has not run since the machine started"),
    entry("host.memory.low", SYMPTOM, "The machine is low on memory",
          fields="available_bytes available_ratio"),
    entry("host.memory.pressure", SYMPTOM, "Tasks wait for memory", fields="available_bytes available_ratio"),
    entry("host.load.ok", STATE, "The CPUs have spare time",
          fields="io_wait_ratio load_per_cpu steal_ratio"),
    entry("host.load.high", SYMPTOM, "Many more tasks want to run than there are CPUs", Flag.OVERLOADED,
          fields="io_wait_ratio load_per_cpu steal_ratio"),
    entry("host.load.io_wait", SYMPTOM, "The CPUs wait for disks",
          fields="io_wait_ratio load_per_cpu steal_ratio"),
    entry("host.load.io_pressure", SYMPTOM, "Tasks wait for disks",
          fields="io_wait_ratio load_per_cpu steal_ratio"),
    entry("host.load.steal", SYMPTOM, "The hypervisor takes CPU time away (steal)",
          fields="io_wait_ratio load_per_cpu steal_ratio"),
    entry("host.load.saturated", STATE, "All CPUs are busy, mostly with one program",
          Flag.SATURATED,
          fields="busy_ratio load_per_cpu pid process program share_ratio stalled_ratio steal_ratio"),
)  # fmt: skip
