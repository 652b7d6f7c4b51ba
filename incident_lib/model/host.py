"""Records of the host probes."""

from incident_lib.model.row import Measurement

HostRow = Measurement
