"""Redis and Valkey."""

from typing import get_args

from incident_lib.technologies import Technology
from incident_lib.technologies.redis import actions, findings, probes
from incident_lib.technologies.redis.rows import RedisRow

TECHNOLOGY = Technology(
    name="redis",
    kinds=("redis",),
    default_port=6379,
    schemes=("redis", "rediss", "valkey"),
    programs=("redis-server", "valkey-server"),
    rows=get_args(RedisRow),
    probes=probes.PROBES,
    lanes=probes.lanes,
    analyzers=findings.ANALYZERS,
    on_failure=findings.ON_FAILURE,
    answers="redis.connection",
    actions=(actions.ACTION,),
    notebook="30_redis",
)
