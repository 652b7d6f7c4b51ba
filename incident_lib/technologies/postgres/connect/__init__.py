"""PostgreSQL: one bounded, read-only session, by the first way that leads to the server."""

from incident_lib.technologies.postgres.connect.session import Attempt, PostgresSession, Transport
from incident_lib.technologies.postgres.connect.ways import open_pooler, open_postgres

__all__ = ["Attempt", "PostgresSession", "Transport", "open_pooler", "open_postgres"]
