"""Redis and Valkey."""

from incident_lib.config import Kind
from incident_lib.model.rows import rows_of
from incident_lib.technologies import Access, Discovery, Technology
from incident_lib.technologies.redis import (
    actions,
    catalogue,
    findings,
    health,
    probes,
    readings,
    rows,
    runbook,
    thresholds,
)
from incident_lib.technologies.redis.connect.stream import PROGRAMS
from incident_lib.technologies.redis.findings.flushes import flushes_since
from incident_lib.technologies.redis.findings.replication import failovers_since

TECHNOLOGY = Technology(
    name="redis",
    kind=Kind(
        name="redis",
        default_port=6379,
        schemes=("redis", "rediss", "valkey"),
        variables=("REDIS", "VALKEY", "CACHE"),
    ),
    discovery=Discovery(
        images=("redis", "valkey", "keydb"),
        port=6379,
        hint='url = "env:REDIS_URL"  # a separate user is better: `incident init` printed the ACL rule',
        access=Access(
            key="redis_acl",
            title="For Redis or Valkey, a user that may only read (choose its password)",
            text=f"ACL SETUSER incident-workbench on >PASSWORD {probes.ACL_RULE}",
        ),
    ),
    programs=PROGRAMS,
    rows=rows_of(rows),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    readings=readings.READINGS,
    novelties=readings.NOVELTIES,
    changes={"redis.memory": flushes_since, "redis.replication": failovers_since},
    first_probes=runbook.FIRST,
    by_hand=runbook.by_hand,
    health=health.checks,
    findings=catalogue.FINDINGS,
    thresholds=thresholds.LIMITS,
    answers="redis.connection",
    actions=(actions.ACTION,),
    restart_risks=(
        "unsaved data is lost",
        "until it is warm again, the database has to serve its requests",
    ),
    notebook="30_redis",
)
