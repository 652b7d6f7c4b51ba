from pathlib import Path

from incident_lib import config
from incident_lib.demo.configuration import MEMORY_LIMIT_BYTES, Addresses, render
from incident_lib.demo.layout import Layout

ADDRESSES = Addresses(
    backend="http://127.0.0.1:18000",
    frontend="http://127.0.0.1:18001",
    payments="https://127.0.0.1:18002",
)


def test_the_configuration_is_one_that_the_workbench_reads():
    document = config.parse(render(Layout(Path('/srv/a "shop"')), ADDRESSES, None))
    assert [service.name for service in document.service] == ["backend", "frontend", "db", "cache"]
    backend = document.service[0]
    assert backend.depends_on == ("db", "cache", "payments")
    assert backend.memory_limit_bytes == MEMORY_LIMIT_BYTES
    assert document.dependency[0].url == "https://127.0.0.1:18002/health"
    assert '/srv/a "shop"' in document.deploy.rollback
    assert document.workbench.incidents == "incidents"


def test_incidents_can_be_kept_elsewhere():
    document = config.parse(render(Layout(Path("/srv/shop")), ADDRESSES, Path("/home/me/incidents")))
    assert document.workbench.incidents == "/home/me/incidents"
    assert document.workbench.runbooks == "/home/me/docs/runbooks"
