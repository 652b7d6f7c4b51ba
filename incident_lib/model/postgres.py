"""Records of the postgres probes."""

from incident_lib.model.row import Measurement

PostgresRow = Measurement
