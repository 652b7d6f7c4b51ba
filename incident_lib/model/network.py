"""Records of the network probes."""

from incident_lib.model.row import Measurement

NetworkRow = Measurement
