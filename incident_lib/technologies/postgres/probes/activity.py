"""Who is connected, doing what, and how full is it?"""

from msgspec.structs import replace

from incident_lib.technologies.postgres.probes.reading import probe_of
from incident_lib.technologies.postgres.rows import (
    PostgresActiveSession,
    PostgresCapacity,
    PostgresSessionGroup,
)

SATURATION = replace(probe_of("saturation", PostgresCapacity, "How many connections are left?"), in_watch={})
ACTIVITY = probe_of(
    "activity", PostgresSessionGroup, "Who holds the connections, and in which state?", needs="pg_monitor"
)
TRANSACTIONS = probe_of(
    "transactions",
    PostgresActiveSession,
    "Which queries and transactions run for long, and which sit idle?",
    needs="pg_monitor",
)
