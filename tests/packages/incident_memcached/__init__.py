"""Memcached for the incident workbench, as another package would bring it: one folder, one record."""

from pathlib import Path

from incident_lib.config import Kind
from incident_lib.technologies import Discovery, Technology

from . import findings, probes, service

TECHNOLOGY = Technology(
    name="memcached",
    kind=Kind(
        name="memcached",
        keys=service.Keys,
        default_port=11211,
        schemes=("memcached",),
        variables=("MEMCACHE",),
    ),
    programs=("memcached",),
    rows=(probes.MemcachedStats,),
    probes=probes.PROBES,
    lanes=probes.lanes,
    answers="memcached.connection",
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    thresholds=findings.THRESHOLDS,
    findings=findings.FINDINGS,
    patterns=(Path(__file__).with_name("patterns.toml"),),
    log_classes=(Path(__file__).with_name("log_classes.toml"),),
    readings={"memcached.stats": findings.readings},
    health=service.checks,
    discovery=Discovery(images=("memcached",), port=11211, url="memcached://localhost:{port}"),
    first_probes=("memcached.connection",),
    by_hand=service.by_hand,
    restart_risks=("all keys are lost, and the database has to answer in its place",),
    notebook="10_application",
    tables={"memcached.stats": "version connection_count connection_limit_count used_bytes limit_bytes"},
)
