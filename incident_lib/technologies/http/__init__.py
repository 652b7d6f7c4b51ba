"""What answers HTTP: services of ours and outside dependencies."""

from typing import get_args

from incident_lib.technologies import Technology
from incident_lib.technologies.http import findings, probes
from incident_lib.technologies.http.rows import HttpRow

TECHNOLOGY = Technology(
    name="http",
    kinds=("http",),
    default_port=80,
    schemes=("http", "https"),
    rows=get_args(HttpRow),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    answers="http.health",
    notebook="10_application",
)
