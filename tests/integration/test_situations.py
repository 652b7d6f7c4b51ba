"""A share of the situations that people met; `make situations` plays all of them."""

import pytest

from tests import services
from tests.integration import postgres_service
from tests.situations.playing import played

pytestmark = pytest.mark.postgres
_SHARE = (
    "truncate_behind_a_dump",
    "code_before_its_migration",
    "a_key_of_another_type",
    "nginx_keeps_an_old_address",
    "scanners_from_the_internet",
    "old_primary_after_a_failover",
    "writes_are_paused",
    "resolver_failed_and_is_back",
)


@pytest.mark.parametrize("name", _SHARE)
def test_the_answer_is_right_and_what_it_offers_helps(name: str) -> None:
    if not postgres_service.INSTALLATIONS:
        services.missing("no PostgreSQL is installed here")
    wrong, _ = played(name, act=True)
    assert wrong == []
