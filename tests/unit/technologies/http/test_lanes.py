"""Which services have a lane of their own, from the configuration alone."""

from pathlib import Path

import pytest

from incident_lib.config import Document, Service, Settings
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.http import probes as http


def settings(**fields):
    service = Service(name="backend", **({"kind": "http"} | fields))
    return Settings(document=Document(service=(service,)), root=Path("/"))


@pytest.mark.parametrize("kind", ["http", "process"])
def test_a_service_that_is_nowhere_says_so_and_does_not_seem_well(kind):
    (lane,) = http.lanes(settings(kind=kind))
    with pytest.raises(TargetError, match="no address of backend is configured") as told:
        lane.open()
    assert told.value.kind is ProblemKind.NOT_CONFIGURED
    assert told.value.kind.is_ours


@pytest.mark.parametrize("fields", [{"container": "app"}, {"pid_file": "a.pid"}, {"log": "a.log"}])
def test_a_service_without_an_address_is_left_to_who_can_see_it(fields):
    assert http.lanes(settings(**fields)) == ()
