"""What each finding about processes means."""

from incident_lib.findings.catalogue import CHANGE, STATE, SYMPTOM, Flag, entry

FINDINGS = (
    entry("process.state.ok", STATE, "The process runs",
          fields="cpu_cores memory_ratio open_file_ratio pid resident_bytes"),
    entry("process.state.not_running", SYMPTOM, "The process does not run", Flag.DOWN, fields="pid",
          manner="gone"),
    entry("process.state.halted", SYMPTOM, "A signal halted the process", fields="pid"),
    entry("process.state.restarted", CHANGE, "The process was started", fields="pid", event="change",
          precedence=9),
    entry("process.state.cpu", STATE, "The process takes much of a processor",
          fields="cpu_cores memory_ratio open_file_ratio pid resident_bytes"),
    entry("process.state.memory", SYMPTOM, "The process takes most of the memory it may use",
          fields="cpu_cores memory_ratio open_file_ratio pid resident_bytes"),
    entry("process.state.growth", SYMPTOM, "The memory of the process grows towards its limit",
          fields="bytes_per_second cpu_cores limit_seconds memory_ratio open_file_ratio pid resident_bytes"),
    entry("process.state.open_files", SYMPTOM, "The process has most of the files open that it may",
          fields="count limit"),
)  # fmt: skip
