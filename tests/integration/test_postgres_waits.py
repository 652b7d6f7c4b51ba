"""The servers' own lists of wait events and processes: each is judged, or listed as not judged."""

import pytest

from incident_lib.technologies.postgres.roots import PROCESSES
from incident_lib.technologies.postgres.waits import TYPES, is_listed
from tests.integration import postgres_service
from tests.integration.postgres_service import Server
from tests.integration.server_lists import lists_of, stored

pytestmark = pytest.mark.postgres
server = postgres_service.server
_VIEW_SINCE = 17  # from this version on the server lists its wait events with their types


def test_the_lists_are_those_of_the_servers(server: Server) -> None:
    kept = stored()[str(server.installation.major)]
    assert lists_of(server) == kept, "python -m tests.integration.server_lists writes them"


def test_every_wait_event_is_judged_or_listed(server: Server) -> None:
    if server.installation.major < _VIEW_SINCE:
        pytest.skip("it lists no types; its names are in tests/data/postgres_lists.json")
    with server.connect() as connection:
        events = connection.execute("SELECT type, name FROM pg_wait_events").fetchall()
    assert len(events) > 200
    assert [event for event in events if not is_listed(*event)] == []


def test_every_process_is_judged(server: Server) -> None:
    with server.connect() as connection:
        running = connection.execute("SELECT DISTINCT backend_type FROM pg_stat_activity").fetchall()
    assert [name for (name,) in running if name not in PROCESSES] == []


def test_every_type_of_waits_that_a_server_reports_is_known(server: Server) -> None:
    with server.connect() as connection:
        seen = connection.execute(
            "SELECT DISTINCT wait_event_type, wait_event FROM pg_stat_activity WHERE wait_event IS NOT NULL"
        ).fetchall()
    assert [event for event in seen if not is_listed(*event) or event[0].lower() not in TYPES] == []
