"""Records of the redis probes."""

from incident_lib.model.row import Measurement

RedisRow = Measurement
