"""Judges names, ports and TLS."""

from incident_lib.findings.base import Analyzer
from incident_lib.technologies.network.findings.inside import analyze_inside
from incident_lib.technologies.network.findings.names import analyze_names, analyze_names_failure
from incident_lib.technologies.network.findings.ports import analyze_failure, analyze_ports
from incident_lib.technologies.network.findings.tls import analyze_tls

ANALYZERS: dict[str, Analyzer] = {
    "network.names": analyze_names,
    "network.ports": analyze_ports,
    "network.tls": analyze_tls,
    "network.inside": analyze_inside,
}
ON_FAILURE: dict[str, Analyzer] = {
    "network.names": analyze_names_failure,
    "network.ports": analyze_failure,
    "network.tls": analyze_failure,
}
