"""The lists of PostgreSQL 13 to 18 themselves: each entry is judged, or listed as not judged."""

import pytest

from incident_lib.technologies.logs.classes import log_classes
from incident_lib.technologies.postgres.roots import PROCESSES
from incident_lib.technologies.postgres.sqlstates import NOT_JUDGED as CODES_NOT_JUDGED
from incident_lib.technologies.postgres.sqlstates import NOT_JUDGED_CLASSES
from incident_lib.technologies.postgres.waits import JUDGED, NOT_JUDGED
from tests.integration.server_lists import stored

LISTS = stored()
EVENTS = {name.partition(":")[2] for name in JUDGED | NOT_JUDGED}
CODES = {code for row in log_classes().values() for code in row.sqlstate} | CODES_NOT_JUDGED.keys()


def test_each_version_has_its_lists() -> None:
    assert sorted(LISTS) == ["13", "14", "15", "16", "17", "18"]
    for lists in LISTS.values():
        assert len(lists["wait_events"]) > 200
        assert len(lists["sqlstates"]) > 250
        assert len(lists["processes"]) > 15


@pytest.mark.parametrize("version", LISTS)
def test_every_wait_event_of_a_version_is_judged_or_listed(version: str) -> None:
    assert [name for name in LISTS[version]["wait_events"] if name.lower() not in EVENTS] == []


@pytest.mark.parametrize("version", LISTS)
def test_every_process_of_a_version_is_judged(version: str) -> None:
    assert [name for name in LISTS[version]["processes"] if name not in PROCESSES] == []


@pytest.mark.parametrize("version", LISTS)
def test_every_code_of_a_version_is_judged_or_its_class_is_listed(version: str) -> None:
    codes = LISTS[version]["sqlstates"]
    assert [code for code in codes if code not in CODES and code[:2] not in NOT_JUDGED_CLASSES] == []


def test_no_wait_event_is_made_up() -> None:
    of_servers = {name.lower() for lists in LISTS.values() for name in lists["wait_events"]}
    assert sorted(EVENTS - of_servers) == []
