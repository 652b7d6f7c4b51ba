"""What the evidence of the docker probes means."""

from incident_lib.findings.base import Analyzer
from incident_lib.technologies.docker.findings.container import analyze_container, judge_missing
from incident_lib.technologies.docker.findings.engine import (
    analyze_containers,
    analyze_engine,
    analyze_processes,
    judge_engine,
)
from incident_lib.technologies.docker.findings.events import analyze_events
from incident_lib.technologies.docker.findings.stats import analyze_stats

ANALYZERS: dict[str, Analyzer] = {
    "docker.engine": analyze_engine,
    "docker.events": analyze_events,
    "docker.containers": analyze_containers,
    "docker.container": analyze_container,
    "docker.processes": analyze_processes,
    "docker.stats": analyze_stats,
}
ON_FAILURE: dict[str, Analyzer] = {
    "docker.engine": judge_engine,
    "docker.container": judge_missing,
}
