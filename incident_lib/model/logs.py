"""Records of the logs probes."""

from incident_lib.model.row import Measurement

LogsRow = Measurement
