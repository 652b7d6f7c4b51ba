"""What was measured that decides how loudly to call: read from findings, judged by the team's table. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from incident_lib.findings.catalogue import Flag
from incident_lib.model import Analysis, Finding, FindingSeverity
from incident_lib.model.topology import Topology
from incident_lib.technologies import catalogue
from incident_lib.units import format_share, some_of

PAGE, CHAT, LOW, INVESTIGATE = "page", "incidents", "incidents_low", "investigate"
_PAGE_RATIO = 0.05
_CHAT_RATIO = 0.01
_SLOWER_THAN_NORMAL = 2.0
_SLOW_FOR = timedelta(minutes=5)


class Signals(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks for paging a person. None is not known, and never taken as well."""

    down: tuple[str, ...] = ()  # services that do not answer or do not run
    failing: tuple[str, ...] = ()  # services that answer with errors, or whose container is not well
    web: tuple[str, ...] = ()  # services whose health addresses could be judged
    well: tuple[str, ...] = ()  # those whose health addresses all answer
    stores_down: tuple[str, ...] = ()  # PostgreSQL and Redis that take no connection
    error_ratio: float | None = None  # of requests, since the onset where there is one
    slower_times: float | None = None  # share of slow requests, against before
    slow_ratio: float | None = None
    slow_for: timedelta | None = None
    user_reports: int = 0
    maintenance: bool = False

    @property
    def unwell(self) -> tuple[str, ...]:
        """Services that users cannot use."""
        return tuple(sorted({*self.down, *self.failing}))


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """How loudly to call because of one signal, and why."""

    signal: str
    call: str  # page, incidents, incidents_low, investigate
    reason: str


def signals_of(
    analysis: Analysis | None,
    *,
    at: datetime,
    topology: Topology | None = None,
    user_reports: int = 0,
    maintenance: bool = False,
) -> Signals:
    """Return what the findings say about users: who is down, how much fails, how slow it is.

    What others run is left out, as far as `topology` has it: it hurts users only through our services.
    """
    outside = {name for name, kind in (topology.kinds if topology else {}).items() if kind == "outside"}
    findings = tuple(
        finding
        for finding in (analysis.apart if analysis else ())
        if finding.target not in outside and not finding.is_past
    )
    down = {*_critical(findings, Flag.DOWN), *(f.target for f in findings if _is_all_errors(f))}
    failing = _critical(findings, Flag.ILL) - down
    stores = {f.target for f in findings if _has(f, Flag.OF_STORE)} & down
    # A login of ours alone that is refused says nothing about users.
    refused, answering = _critical(findings, Flag.LOGIN_REFUSED), _targets(findings, Flag.ANSWERS)
    stores |= _critical(findings, Flag.NO_SESSION) - refused - answering
    seen = [f for f in findings if f.severity is not FindingSeverity.UNKNOWN]
    slow = next((f for f in findings if _has(f, Flag.SLOW_ONSET)), None)
    before, after = (_number(slow, "before_ratio"), _number(slow, "after_ratio")) if slow else (None, None)
    return Signals(
        down=tuple(sorted(down)),
        failing=tuple(sorted(failing)),
        web=tuple(sorted(_targets(seen, Flag.HEALTH))),
        well=tuple(
            sorted(
                {f.target for f in seen if _has(f, Flag.HEALTH) and _has(f, Flag.ANSWERS)} - down - failing
            )
        ),
        stores_down=tuple(sorted(stores)),
        error_ratio=max(filter(None, map(_error_ratio, findings)), default=None),
        slower_times=after / max(before or 0.0, 0.001) if after is not None else None,
        slow_ratio=after,
        slow_for=max(at - slow.since, timedelta(0)) if slow and slow.since else None,
        user_reports=user_reports,
        maintenance=maintenance,
    )


def page_or_chat(signals: Signals) -> tuple[Advice, ...]:
    """Return what each signal asks for, the loudest first; nothing when no signal is known.

    >>> page_or_chat(Signals(error_ratio=0.02))[0].call
    'incidents'
    """
    found = [*_about_services(signals), *_about_numbers(signals), *_about_reports(signals)]
    if signals.maintenance:
        found.append(_advice("maintenance", LOW, "planned work is announced; no one is paged"))
    order = (PAGE, CHAT, LOW, INVESTIGATE)
    return tuple(sorted(found, key=lambda advice: order.index(advice.call)))


def _about_services(signals: Signals) -> list[Advice]:
    names = tuple(dict.fromkeys((*signals.down, *signals.stores_down)))
    found = []
    if names:
        found.append(_advice("service down", PAGE, f"{some_of(names)}: no answer"))
    if signals.failing:
        failing = some_of(signals.failing)
        found.append(_advice("service failing", PAGE, f"{failing}: health checks fail"))
    return found


def _about_numbers(signals: Signals) -> list[Advice]:
    found, ratio, times = [], signals.error_ratio, signals.slower_times
    if ratio is not None and ratio > _PAGE_RATIO:
        found.append(_advice("error rate", PAGE, f"{format_share(ratio)} of requests fail; above 5 % pages"))
    elif ratio is not None and ratio >= _CHAT_RATIO:
        found.append(
            _advice("error rate", CHAT, f"{format_share(ratio)} of requests fail; 1 to 5 % goes to chat")
        )
    if times is not None and times > _SLOWER_THAN_NORMAL and signals.slow_for is not None:
        minutes = signals.slow_for.total_seconds() / 60
        long = signals.slow_for > _SLOW_FOR
        text = f"slow requests are {times:.0f} times as frequent as before, for {minutes:.0f} minutes"
        rule = "over 2 times for over 5 minutes pages" if long else "it pages after 5 minutes"
        found.append(_advice("latency", PAGE if long else CHAT, f"{text}; {rule}"))
    return found


def _about_reports(signals: Signals) -> list[Advice]:
    if signals.user_reports > 1:
        reason = f"{signals.user_reports} users report it: probably widespread, so probably a page"
        return [_advice("user reports", PAGE, reason)]
    if signals.user_reports == 1:
        return [_advice("user reports", INVESTIGATE, "one user reports it: check before paging")]
    return []


def _advice(signal: str, call: str, reason: str) -> Advice:
    return Advice(signal=signal, call=call, reason=reason)


def _has(finding: Finding, *flags: Flag) -> bool:
    return catalogue().has(finding, *flags)


def _targets(findings: Iterable[Finding], flag: Flag) -> set[str]:
    return {finding.target for finding in findings if _has(finding, flag)}


def _critical(findings: Iterable[Finding], flag: Flag) -> set[str]:
    return _targets((f for f in findings if f.severity is FindingSeverity.CRITICAL), flag)


def _is_all_errors(finding: Finding) -> bool:
    """Return whether every health address of a service answers with an error: as good as down."""
    total = finding.data.get("total")
    is_critical = finding.severity is FindingSeverity.CRITICAL and _has(finding, Flag.HEALTH)
    return bool(is_critical and total and total == finding.data.get("count"))


def _error_ratio(finding: Finding) -> float | None:
    if not _has(finding, Flag.ERROR_RATE):
        return None
    return _number(finding, "error_ratio_since_onset") or _number(finding, "error_ratio")


def _number(finding: Finding, key: str) -> float | None:
    value = finding.data.get(key)
    return float(value) if isinstance(value, int | float) else None
