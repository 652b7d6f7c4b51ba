"""Who has the pager, by weeks, handover, zone and overrides."""

from datetime import UTC, datetime, timedelta

import pytest

from incident_lib.config.on_call import duty_at, stand_in_at
from incident_lib.config.parse import parse
from incident_lib.config.tables import OnCall, Override
from incident_lib.errors import ConfigError


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


TWO = OnCall(rotation=("Ada", "Kim"))


@pytest.mark.parametrize(
    ("when", "who"),
    [
        ("2026-01-12T09:00", "Ada"),  # Monday of week 3
        ("2026-01-12T08:59:59", "Kim"),  # still the week before
        ("2026-01-18T23:59", "Ada"),
        ("2026-01-19T08:59", "Ada"),
        ("2026-01-19T09:00", "Kim"),
        ("2026-12-30T12:00", "Ada"),  # week 53
        ("2027-01-04T12:00", "Ada"),  # week 1: two odd weeks in a row, as ISO counts
        ("2027-01-11T12:00", "Kim"),
    ],
)
def test_odd_and_even_weeks_change_at_the_handover(when, who):
    assert duty_at(TWO, at(when)).who == who


def test_a_duty_ends_at_the_next_handover_or_override():
    assert duty_at(TWO, at("2026-01-14T12:00")).until == at("2026-01-19T09:00")
    override = Override(start=at("2026-01-15T00:00"), to=at("2026-01-16T00:00"), who="Lee")
    table = OnCall(rotation=("Ada", "Kim"), overrides=(override,))
    assert duty_at(table, at("2026-01-14T12:00")).until == at("2026-01-15T00:00")


def test_an_override_holds_from_its_start_to_before_its_end_and_the_last_wins():
    first = Override(start=at("2026-01-15T00:00"), to=at("2026-01-16T00:00"), who="Lee")
    second = Override(start=at("2026-01-15T12:00"), to=at("2026-01-15T13:00"), who="Mo")
    table = OnCall(rotation=("Ada", "Kim"), overrides=(first, second))
    told = [
        duty_at(table, at(f"2026-01-{when}")).who for when in ("15T00:00", "15T12:00", "15T13:00", "16T00:00")
    ]
    assert told == ["Lee", "Mo", "Lee", "Ada"]


def test_more_than_two_take_turns_without_a_jump_at_new_year():
    table = OnCall(rotation=("Ada", "Kim", "Lee"))
    names = [duty_at(table, at("2026-11-30T12:00") + timedelta(weeks=week)).who for week in range(12)]
    assert all(len(set(names[n : n + 3])) == 3 for n in range(10))


def test_the_handover_is_in_the_zone_of_the_team_in_summer_and_winter():
    table = OnCall(rotation=("Ada", "Kim"), timezone="Europe/Berlin")
    assert duty_at(table, at("2026-07-13T06:59")).who == "Kim"
    assert duty_at(table, at("2026-07-13T07:00")).who == "Ada"
    assert duty_at(table, at("2026-01-12T08:00")).who == "Ada"
    assert duty_at(table, at("2026-01-12T07:59")).who == "Kim"


def test_nobody_configured_is_none_and_one_is_always_on():
    assert duty_at(OnCall(), at("2026-01-14T12:00")) is None
    assert stand_in_at(OnCall(), at("2026-01-14T12:00")) == ""
    alone = OnCall(rotation=("Ada",))
    assert duty_at(alone, at("2026-01-14T12:00")).who == "Ada"
    assert stand_in_at(alone, at("2026-01-14T12:00")) == ""


def test_the_stand_in_is_never_the_one_on_call():
    override = Override(start=at("2026-01-14T00:00"), to=at("2026-01-15T00:00"), who="Kim")
    table = OnCall(rotation=("Ada", "Kim"), overrides=(override,))
    assert stand_in_at(table, at("2026-01-14T12:00")) == "Ada"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[on_call]\nhandover = "Monday 9"', "use Monday 09:00"),
        ('[on_call]\ntimezone = "Mars/Base"', "unknown time zone 'Mars/Base'"),
        ('[on_call]\nrotations = ["x"]', "did you mean `rotation`"),
        (
            "[on_call]\noverrides = [{from = 2026-01-02T00:00:00Z, to = 2026-01-01T00:00:00Z, who = 'A'}]",
            "ends before it begins",
        ),
        (
            "[on_call]\noverrides = [{from = 2026-01-01T00:00:00, to = 2026-01-02T00:00:00Z, who = 'A'}]",
            "zone",
        ),
        ('[notify]\nincidents = "slack://a/b/c"', 'incidents = "env:NAME"'),
        ('[notify]\npagerduty = "0123456789"', 'pagerduty = "env:NAME"'),
        ('[notify]\npagerduty_url = "ftp://x"', "http:// or https://"),
    ],
)
def test_a_wrong_configuration_is_told_with_what_was_expected(text, told):
    with pytest.raises(ConfigError, match=r"line \d") as caught:
        parse(text)
    assert told in str(caught.value)
    assert "0123456789" not in str(caught.value)
    assert "a/b/c" not in str(caught.value)
