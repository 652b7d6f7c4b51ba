"""`mitigate` killed, refused or torn at each call, for every action there is, against real targets.

    python -m tests.changes PLACE [--every N] [ACTION ...]    prints a line of JSON for each action

At each point a new target is planned for, and the plan is carried out with the fault and then without it.
How often the target was changed is counted by the target itself: at most once, never without a record that it
began, and never once the plan has run out.
"""

import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec

from incident_lib import clock
from incident_lib.incident import decode
from incident_lib.incident.folder import IncidentFolder
from incident_lib.model.remediation import PLANS, Plan
from incident_lib.redact import Redactor
from incident_lib.remediation import ACTIONS, journal, planning
from tests import faults
from tests.integration import change_targets
from tests.integration.change_targets import Target

EXECUTABLE = [name for name, action in ACTIONS.items() if action.carry_out]
_COUNT, _FILES, _LATER = "count", "files", "later"
_BEGUN = "Approved and begun"
_MOMENTS = {"socket.connect": ("kill", "refused"), "time.sleep": ("kill",)}


class Counting(faults.Fault):
    """Counts calls of each kind, and writes down how many there were."""

    def __init__(self, place: Path) -> None:
        super().__init__(place, 0, "")
        self.to = place.with_name(f"{place.name}-counts")
        self._counts = Counter[str]()
        self._later = Later(place, 0)

    def install(self) -> None:
        """Count from now on."""
        super().install()
        self._later.install()

    def end(self) -> None:
        """Write down the counts."""
        counts = {**self._counts, _FILES: self.calls, _LATER: self._later.calls}
        self.to.write_bytes(msgspec.json.encode(counts))

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _MOMENTS:
            self._counts[event] += 1
        super()._audit(event, arguments)


class Moment(faults.Hook):
    """Hits the call with a number that reaches a target, or waits for it."""

    def __init__(self, place: Path, event: str, number: int, what: str) -> None:
        super().__init__(place)
        self._event, self._number, self._what = event, number, what

    def hit(self) -> None:
        """Count the call, and refuse it or end where it is the one."""
        super().hit()
        if self.calls == self._number:
            if self._what == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise ConnectionRefusedError

    def _audit(self, event: str, _arguments: tuple[Any, ...]) -> None:
        if event == self._event:
            self.hit()


class Later(faults.Hook):
    """Lets the plan run out when the clock is read for the n-th time."""

    def __init__(self, place: Path, number: int) -> None:
        super().__init__(place)
        self._number, self._now = number, clock.now

    def install(self) -> None:
        """Replace the clock of this process."""
        clock.now = self._read

    def _read(self) -> datetime:
        self.hit()
        return self._now() + (planning.LIFETIME if 0 < self._number <= self.calls else planning.LIFETIME * 0)


def sweep(place: Path, action: str, target: Target, *, every: int = 1) -> faults.Result:
    """Return what became of an action at every n-th point. `place` is prepared, and stays as it is."""
    case = _Case(place, action, target)
    ended = case.hit(_COUNT)
    counts = case.counts()
    if ended not in {0, 1} or case.times() != 1:
        problem = f"without a fault: exit {ended}: {case.said}"
        return faults.Result(command=action, calls=0, tried=0, failed=(problem,))
    points = list(_points(counts))[crc32(action.encode()) % every :: every]
    failed: list[str] = []
    begun_late = 0
    for fault, number in points:
        code = case.hit(fault, number)
        begun_late += case.has_begun_late()
        found = [*case.problems(0 if code == ended else code), *case.repeated()]
        failed += (f"{fault} at {number}: {problem}" for problem in found)
    if begun_late > 1:  # the clock may be read once more for the record itself
        failed.append(f"begun at {begun_late} points although the plan had run out")
    case.remove()
    return faults.Result(command=action, calls=counts[_FILES], tried=len(points), failed=tuple(failed))


def _points(counts: dict[str, int]) -> Iterator[tuple[str, int]]:
    for number in range(1, counts[_FILES] + 1):
        yield from ((fault, number) for fault in faults.FAULTS)
    for size in faults.SIZES:
        yield from ((fault, size) for fault in ("torn", "torn and killed"))
    for event, hows in _MOMENTS.items():
        for number in range(1, counts.get(event, 0) + 1):
            yield from ((f"{event} {how}", number) for how in hows)
    yield from ((_LATER, number) for number in range(1, counts[_LATER] + 1))


class _Case:
    """One action with its target: planned anew and carried out, as often as there are points."""

    def __init__(self, place: Path, action: str, target: Target) -> None:
        self._place, self._action, self._target = place, action, target
        self._copy = place.with_name(f"{place.name}-hit")
        self._planned = place.with_name(f"{place.name}-planned")
        self._words: tuple[str, ...] = ()
        self.said = ""

    def hit(self, fault: str, number: int = 0) -> int:
        """Return the exit code of a new plan that is carried out with this fault."""
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._place, self._copy, symlinks=True)
        given = self._target.renew(self._copy)
        typed = tuple(word for name, value in given.items() for word in ("--arg", f"{name}={value}"))
        self._plan_words = ("mitigate", self._action, self._target.name, *typed)
        code, _, said = self._type(self._plan_words, faults.Fault(self._copy, 0, ""))
        assert code == 0, said
        shutil.rmtree(self._planned, ignore_errors=True)
        shutil.copytree(self._copy, self._planned, symlinks=True)
        self._words = ("mitigate", self._action, self._target.name, "--yes", self._plan().id)
        code, _, self.said = self._type(self._words, self._hook(fault, number))
        return code

    def counts(self) -> dict[str, int]:
        """Return how many calls of each kind the run made that only counted."""
        return msgspec.json.decode(Counting(self._copy).to.read_bytes(), type=dict[str, int])

    def _hook(self, fault: str, number: int) -> faults.Hook:
        event, _, how = fault.partition(" ")
        if event in _MOMENTS:
            return Moment(self._copy, event, number, how)
        if fault == _COUNT:
            return Counting(self._copy)
        if fault == _LATER:
            return Later(self._copy, number)
        return faults.Fault(self._copy, number, fault)

    def _type(self, words: tuple[str, ...], hook: faults.Hook) -> tuple[int, int, str]:
        return faults.in_child(self._copy, words, hook)

    def _folder(self) -> IncidentFolder:
        return IncidentFolder(next((self._copy / "incidents").glob("2*")), Redactor())

    def _plan(self) -> Plan:
        path = next((self._folder().path / PLANS).glob("*.json"))
        return decode.load(path, Plan, whole=True)

    def times(self) -> int:
        """Return how often the target was changed."""
        return self._target.times(self._copy)

    def has_begun_late(self) -> bool:
        """Return whether it was begun when the plan had run out."""
        expires_at = self._plan().expires_at
        return any(
            event.data["phase"] == "begun" and event.recorded_at >= expires_at
            for event in journal.events_of(self._folder())
        )

    def problems(self, code: int) -> Iterator[str]:
        """Yield everything that is not as it was promised."""
        changed = self.times()
        phases = {str(event.data["phase"]): event for event in journal.events_of(self._folder())}
        if changed > 1:
            yield f"changed {changed} times"
        if changed and "begun" not in phases:
            yield "changed without a word of it"
        if not changed and code == 0:
            yield f"not changed, and it says that it was: {self.said[-300:]}"
        if not changed and "ended" in phases and phases["ended"].data["status"] == "verified":
            yield "not changed, and its record says that it was"
        yield from faults.problems(self._planned, self._copy, _BEGUN, code, self.said)

    def repeated(self) -> Iterator[str]:
        """Yield what goes wrong when the command is typed again: too late, at once, and once more."""
        before = self.times()
        code, _, said = self._type(self._words, Later(self._copy, 1))
        if code != 2:
            yield f"too late, and not refused: exit {code}: {said[-300:]}"
        if self.times() != before:
            yield "changed by a plan that had run out"
        self._target.again(self._copy)
        for _ in range(1 if before else 2):
            code, _, said = self._type(self._words, faults.Fault(self._copy, 0, ""))
            if "Traceback" in said or code not in {0, 1, 2}:
                yield f"again: exit {code}: {said[-300:]}"
            self._target.again(self._copy)
        if (changed := self.times()) > 1:
            yield f"changed {changed} times by one plan: {said[-300:]}"
        yield from self._target.damage(self._copy)
        self._type(self._plan_words, faults.Fault(self._copy, 0, ""))  # which settles what was left open
        phases = [str(event.data["phase"]) for event in journal.events_of(self._folder())]
        if phases.count("begun") != phases.count("ended"):
            yield f"begun, and its end is not known to be unknown: {phases}"
        if changed and "begun" not in phases:
            yield "changed without a word of it"
        if bad := [found for found in self._folder().verify() if found.is_bad]:
            yield f"verify at the end: {bad}"

    def remove(self) -> None:
        """Remove the copies."""
        for path in (self._copy, self._planned):
            shutil.rmtree(path, ignore_errors=True)


def prepare(place: Path, targets: dict[str, Target]) -> None:
    """Make a configuration with all targets and an incident, and import what there is."""
    faults.import_all()
    place.mkdir(parents=True)
    parts = dict.fromkeys(target.configuration for target in targets.values())
    (place / "workbench.toml").write_text("\n".join(parts))
    code, _, said = faults.in_child(
        place, ("declare", "--title", "Checkout", "--severity", "sev2"), faults.Fault(place, 0, "")
    )
    assert code == 0, said


def results(place: Path, actions: list[str], *, every: int = 1) -> Iterator[faults.Result]:
    """Yield what became of each of the actions."""
    with change_targets.running() as targets:
        prepare(place, targets)
        for action in actions:
            yield sweep(place, action, targets[action], every=every)


if __name__ == "__main__":
    raise SystemExit(faults.run(results, EXECUTABLE, __doc__ or ""))
