"""Who has the pager at a moment. Pure: the clock is the caller's."""

from datetime import UTC, date, datetime, timedelta

import msgspec

from incident_lib.config.tables import OnCall

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEK = timedelta(weeks=1)
_FIRST = date(2024, 1, 1)  # a Monday, week 1: where a rotation of more than two is counted from


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """Who has the pager, until when, and why it is them."""

    who: str
    until: datetime | None
    why: str


def duty_at(table: OnCall, at: datetime) -> Duty | None:
    """Return who is on call at `at`; None when no person is configured for then.

    >>> duty_at(OnCall(rotation=("Ada", "Kim")), datetime(2026, 1, 14, 12, tzinfo=UTC)).who
    'Ada'
    """
    for override in reversed(table.overrides):
        if override.start <= at < override.to:
            return Duty(who=override.who, until=override.to.astimezone(UTC), why="an override")
    if not table.rotation:
        return None
    begun = _handover_before(table, at)
    week = begun.isocalendar().week
    ends = [(begun + _WEEK).astimezone(UTC), *(o.start for o in table.overrides if o.start > at)]
    return Duty(
        who=table.rotation[_turn(begun.date(), len(table.rotation))],
        until=min(ends).astimezone(UTC),
        why=f"week {week}, {'odd' if week % 2 else 'even'}" if len(table.rotation) == 2 else f"week {week}",
    )


def stand_in_at(table: OnCall, at: datetime) -> str:
    """Return the one of the rotation who comes next, and can step in; "" when there is none.

    >>> stand_in_at(OnCall(rotation=("Ada", "Kim")), datetime(2026, 1, 14, 12, tzinfo=UTC))
    'Kim'
    """
    duty = duty_at(table, at)
    following = _handover_before(table, at)
    for _ in table.rotation:
        following += _WEEK
        name = table.rotation[_turn(following.date(), len(table.rotation))]
        if duty is None or name != duty.who:
            return name
    return ""


def _handover_before(table: OnCall, at: datetime) -> datetime:
    """Return the last handover at or before `at`, in the zone of the team."""
    day, _, clock = table.handover.partition(" ")
    hour, minute = (int(part) for part in clock.split(":"))
    local = at.astimezone(table.zone)
    back = timedelta(days=(local.weekday() - _DAYS.index(day.lower())) % 7)
    moment = (local - back).replace(hour=hour, minute=minute, second=0, microsecond=0)
    return moment if moment <= local else moment - _WEEK


def _turn(day: date, people: int) -> int:
    """Return whose week the one of `day` is: odd and even ISO weeks for two, else one after the other.

    A year of 53 weeks ends and the next begins odd: the first of two then has two weeks, as everywhere
    where people count odd and even weeks; an override corrects it.
    """
    if people == 2:
        return 0 if day.isocalendar().week % 2 else 1
    return (day - _FIRST).days // 7 % people
