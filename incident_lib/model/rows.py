"""Every record type there is: one union a technology, kept in that technology's file."""

from incident_lib.model.row import Measurement, Row
from incident_lib.technologies.deploys.rows import DeploysRow
from incident_lib.technologies.docker.rows import DockerRow
from incident_lib.technologies.host.rows import HostRow
from incident_lib.technologies.http.rows import HttpRow
from incident_lib.technologies.logs.rows import LogsRow
from incident_lib.technologies.network.rows import NetworkRow
from incident_lib.technologies.postgres.rows import PostgresRow
from incident_lib.technologies.process.rows import ProcessRow
from incident_lib.technologies.redis.rows import RedisRow

AnyRow = (
    DeploysRow
    | DockerRow
    | PostgresRow
    | RedisRow
    | NetworkRow
    | LogsRow
    | HostRow
    | HttpRow
    | ProcessRow
    | Measurement
)

__all__ = ["AnyRow", "Measurement", "Row"]
