"""Records of the docker probes."""

from incident_lib.model.row import Measurement

DockerRow = Measurement
