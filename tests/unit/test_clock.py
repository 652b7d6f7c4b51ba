from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_lib import clock
from incident_lib.errors import UsageError

AT = datetime(2026, 1, 15, 14, 31, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-15T14:00:00+02:00", datetime(2026, 1, 15, 12, tzinfo=UTC)),
        ("2026-01-15 14:00", datetime(2026, 1, 15, 14, tzinfo=UTC)),
        ("2026-01-15", datetime(2026, 1, 15, tzinfo=UTC)),
        ("14:05", datetime(2026, 1, 15, 14, 5, tzinfo=UTC)),
        ("9:05 UTC", datetime(2026, 1, 15, 9, 5, tzinfo=UTC)),
        ("15m", AT - timedelta(minutes=15)),
        ("2h", AT - timedelta(hours=2)),
        ("15 minutes ago", AT - timedelta(minutes=15)),
        ("1 hour ago", AT - timedelta(hours=1)),
        (" NOW ", AT),
    ],
)
def test_every_documented_form_is_read(text, expected):
    assert clock.parse_time(text, at=AT) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "14:61", "2026-13-01", "15 parsecs", "-15m", "9" * 400 + "d", "99999999d"]
)
def test_what_is_no_time_is_wrong_usage(text):
    with pytest.raises(UsageError):
        clock.parse_time(text, at=AT)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_wrong_usage(text):
    with suppress(UsageError):
        assert clock.parse_time(text, at=AT).tzinfo is not None


def test_a_missing_zone_is_noticed():
    assert not clock.has_zone("2026-01-15T14:00")
    assert not clock.has_zone("14:00")
    assert clock.has_zone("2026-01-15T14:00+01:00")
    assert clock.has_zone("20 minutes ago")
