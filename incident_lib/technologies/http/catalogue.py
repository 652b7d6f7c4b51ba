"""What each finding about health addresses means."""

from incident_lib.findings.catalogue import STATE, SYMPTOM, Flag, entry, failures, flagged

FINDINGS = flagged((
    *failures("http.health", fields="count path url", refused=(Flag.DOWN, Flag.UNWELL),
          timed_out=(Flag.DOWN, Flag.UNWELL, Flag.WAITS), unreachable=(Flag.DOWN, Flag.UNWELL),
          reset=(Flag.DOWN, Flag.UNWELL), protocol=(Flag.DOWN,), name_not_resolved=(Flag.DOWN,),
          tls=(Flag.DOWN,)),
    entry("http.health.ok", STATE, "All health addresses answer as expected", Flag.ANSWERS,
          fields="count seconds url"),
    entry("http.health.silent", SYMPTOM, "It accepts connections but sends nothing", Flag.DOWN, Flag.UNWELL,
          Flag.WAITS, fields="count path url", manner="silent"),
    entry("http.health.reset_all", SYMPTOM, "Every health address closes connections without an answer",
          Flag.DOWN, fields="count path url", manner="reset"),
    entry("http.health.status", SYMPTOM, "A health address answers with an error", Flag.ILL, Flag.UNWELL,
          Flag.ANY_FAILURE, fields="count endpoint path status total url", manner="error"),
    entry("http.health.part", SYMPTOM, "Its readiness names a part that is down", Flag.UNWELL, Flag.PART_DOWN,
          fields="endpoint part path status url"),
    entry("http.health.slow", SYMPTOM, "A health address is slow", Flag.SLOW, Flag.WAITS,
          fields="path phase seconds url"),
    entry("http.health.clock", SYMPTOM, "Its clock differs from this machine's by more than the Date "
                                        "header's precision",
          Flag.OUT_OF_STEP, fields="difference_seconds error_seconds path url"),
), Flag.HEALTH, Flag.CHECK, Flag.FAILS)  # fmt: skip
