"""Every record type there is: one union a technology, kept in that technology's file."""

from incident_lib.model.deploys import DeploysRow
from incident_lib.model.docker import DockerRow
from incident_lib.model.host import HostRow
from incident_lib.model.logs import LogsRow
from incident_lib.model.network import NetworkRow
from incident_lib.model.postgres import PostgresRow
from incident_lib.model.redis import RedisRow
from incident_lib.model.row import Measurement, Row

AnyRow = DeploysRow | DockerRow | PostgresRow | RedisRow | NetworkRow | LogsRow | HostRow | Measurement

__all__ = ["AnyRow", "Measurement", "Row"]
