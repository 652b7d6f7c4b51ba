"""What is known of an incident over all of its snapshots: the cause, the changes, the drafts. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from incident_lib.model import Event, EventKind
from incident_lib.model.remediation import Plan
from incident_lib.model.run import RunStatus
from incident_lib.units import format_bytes, format_count, some_of

_MOST_TITLES = 2


class Conclusion(msgspec.Struct, frozen=True, kw_only=True):
    """What one snapshot concluded, without its findings."""

    snapshot: str
    at: datetime | None
    text: str  # in a sentence
    hypotheses: tuple[tuple[str, str, float], ...] = ()  # "db:lock-contention", its title, its score
    bad_count: int = 0


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """One run: its pages, and what its snapshot concluded."""

    id: str
    at: datetime | None
    status: str
    snapshot: str = ""
    page: str = ""  # relative to the incident's folder, "" where there is none
    text: str = ""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is known of the cause, who says so, and when."""

    kind: str  # confirmed, written, reported, concluded, before, refuted
    text: str
    source: str
    at: datetime | None = None


class MitigationLine(msgspec.Struct, frozen=True, kw_only=True):
    """One change to a target, with what was there before it and what was seen after it."""

    title: str
    begun_at: datetime
    ended_at: datetime | None = None
    status: str = "started, no outcome recorded"
    commands: tuple[str, ...] = ()
    before: str = ""
    after: str = ""


class DraftLine(msgspec.Struct, frozen=True, kw_only=True):
    """One message: the draft, and what became of it."""

    name: str  # relative to the incident's folder
    at: datetime
    fate: str


def conclude(titles: Sequence[str], bad: Sequence[str], past: Sequence[str], *, well: bool) -> str:
    """Return in a sentence what a snapshot concluded, from the titles of what it holds.

    >>> conclude(("sessions wait for a lock",), (), (), well=False), conclude((), (), (), well=False)
    ('Most likely: sessions wait for a lock', 'Nothing could be judged')
    """
    if titles:
        return f"Most likely: {titles[0]}"
    if bad:
        return f"No known cause; {format_count(len(bad), 'finding')}: {'; '.join(bad[:_MOST_TITLES])}"
    if past:
        return f"Recovered: {'; '.join(past[:_MOST_TITLES])}"
    return "No problem was found" if well else "Nothing could be judged"


def known_causes(
    events: Sequence[Event], conclusions: Sequence[Conclusion], written: str = ""
) -> tuple[Known, ...]:
    """Return what is known of the cause, the surest first; `written` is what the post-mortem says.

    What a newer snapshot does not show any more stays, with when it was seen.
    """
    verdicts = {
        str(event.data["hypothesis"]): event
        for event in events
        if event.kind is EventKind.DECISION and {"hypothesis", "verdict"} <= event.data.keys()
    }
    titles = {name: title for each in conclusions for name, title, _ in each.hypotheses}
    found = [_judged(name, event, titles) for name, event in verdicts.items()]
    known = [each for each in found if each.kind == "confirmed"]
    if written:
        known.append(Known(kind="written", text=written, source="the post-mortem"))
    known += _reported(events)
    refuted = {name.rpartition(":")[2] for name, event in verdicts.items() if _verdict(event) == "refuted"}
    known += _concluded(conclusions, refuted)
    return (*known, *(each for each in found if each.kind == "refuted"))


def _verdict(event: Event) -> str:
    return str(event.data["verdict"])


def _judged(name: str, event: Event, titles: Mapping[str, str]) -> Known:
    id_ = name.rpartition(":")[2]
    title = titles.get(name) or next((text for key, text in titles.items() if key.endswith(f":{id_}")), name)
    return Known(
        kind=_verdict(event), text=title, source=f"{_verdict(event)} by a person", at=event.occurred_at
    )


def _reported(events: Sequence[Event]) -> Iterable[Known]:
    for event in reversed(events):
        if event.kind is EventKind.STATUS and (text := str(event.data.get("findings", ""))):
            yield Known(kind="reported", text=text, source="status update", at=event.occurred_at)
            return


def _concluded(conclusions: Sequence[Conclusion], refuted: set[str]) -> Iterable[Known]:
    """Yield the newest conclusion, then the best of the earlier ones where the newest shows another."""
    if not conclusions:
        return
    newest = conclusions[-1]
    yield Known(kind="concluded", text=newest.text, source=f"snapshot {newest.snapshot}", at=newest.at)
    shown = {newest.hypotheses[0][0]} if newest.hypotheses else set()
    earlier = [
        (score, each, name, title)
        for each in conclusions[:-1]
        for name, title, score in each.hypotheses[:1]
        if name not in shown and name.rpartition(":")[2] not in refuted
    ]
    best: dict[str, tuple[float, Conclusion, str]] = {}
    for score, each, name, title in earlier:
        if name not in best or score >= best[name][0]:
            best[name] = (score, each, title)
    for _, each, title in sorted(best.values(), key=lambda held: -held[0])[:2]:
        source = f"snapshot {each.snapshot}; the newest snapshot ranks something else first"
        yield Known(kind="before", text=f"Most likely at that time: {title}", source=source, at=each.at)


def mitigation_lines(events: Iterable[Event], plans: Mapping[str, Plan]) -> tuple[MitigationLine, ...]:
    """Return every change that was begun, oldest first. `plans`: by id, as they were approved."""
    lines: dict[str, MitigationLine] = {}
    for event in events:
        if event.kind is not EventKind.MITIGATION:
            continue
        key = str(event.data.get("plan", event.id))
        phase = event.data.get("phase", "ended")
        if phase == "begun" or key not in lines:
            if phase not in {"begun", "ended"}:
                continue
            lines[key] = _begun(event, plans.get(key))
        if phase == "ended":
            lines[key] = msgspec.structs.replace(
                lines[key],
                ended_at=event.occurred_at,
                status=str(event.data.get("status", "recorded")),
                after=str(event.data.get("seen", "")) or event.text,
            )
    return tuple(lines.values())


def _begun(event: Event, plan: Plan | None) -> MitigationLine:
    commands = event.data.get("commands", [])
    return MitigationLine(
        title=plan.title if plan else event.text,
        begun_at=event.occurred_at,
        commands=tuple(commands) if isinstance(commands, list) else (commands,),
        before="; ".join(_affected(plan)) if plan else "",
    )


def _affected(plan: Plan) -> Iterable[str]:
    for each in plan.affected:
        amount = (
            "" if each.count is None else format_bytes(each.count) if each.unit == "B" else f"{each.count:,}"
        )
        yield f"{each.what}: {amount}" if amount else each.what
    if not plan.affected and plan.world:
        yield some_of([f"{name} {value}" for name, value in plan.world.items()])


def draft_lines(events: Iterable[Event]) -> tuple[DraftLine, ...]:
    """Return every message that was drafted, oldest first, with where it was sent."""
    lines: dict[str, DraftLine] = {}
    for event in events:
        if event.kind is EventKind.NOTE and str(event.data.get("file", "")).startswith("communication/"):
            name = str(event.data["file"])
            lines[name] = DraftLine(name=name, at=event.occurred_at, fate="draft")
        elif event.kind is EventKind.MESSAGE and (line := lines.get(str(event.data.get("draft", "")))):
            fate = f"{event.data.get('result', 'sent')} to {event.data.get('name', 'a channel')}"
            before = "" if line.fate == "draft" else f"{line.fate}; "
            lines[line.name] = msgspec.structs.replace(line, fate=f"{before}{fate}")
    return tuple(lines.values())


RUN_STATES = {
    RunStatus.DONE: "complete",
    RunStatus.PARTIAL: "in part",
    RunStatus.INTERRUPTED: "interrupted",
    RunStatus.RUNNING: "in progress",
}
