"""What each finding about processes means."""

from incident_lib.findings.catalogue import CHANGE, STATE, SYMPTOM, Flag, entry

FINDINGS = (
    entry("process.state.ok", STATE, "The process is running",
          fields="cpu_cores memory_ratio open_file_ratio pid resident_bytes"),
    entry("process.state.not_running", SYMPTOM, "The process is not running", Flag.DOWN, fields="pid",
          manner="gone"),
    entry("process.state.halted", SYMPTOM, "The process was stopped by a signal", fields="pid"),
    entry("process.state.restarted", CHANGE, "The process was started recently", fields="pid", event="change",
          precedence=9),
    entry("process.state.cpu", STATE, "The process uses much of a CPU",
          fields="cpu_cores memory_ratio open_file_ratio pid resident_bytes"),
    entry("process.state.memory", SYMPTOM, "The process uses most of its memory limit",
          fields="cpu_cores memory_ratio open_file_ratio pid resident_bytes"),
    entry("process.state.growth", SYMPTOM, "The memory of the process grows toward its limit",
          fields="bytes_per_second cpu_cores limit_seconds memory_ratio open_file_ratio pid resident_bytes"),
    entry("process.state.open_files", SYMPTOM, "The process is near its limit of open files",
          fields="count limit"),
)  # fmt: skip
