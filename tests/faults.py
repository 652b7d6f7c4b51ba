"""Every file-system call of a command killed, refused or torn: what was acknowledged is there afterwards.

    python -m tests.faults PLACE [--every N] [COMMAND ...]    prints a line of JSON for each command

A process that has everything imported forks for each point. In the child the call is refused with an error,
or the child kills itself, as it begins; the system itself tears writes, by a limit on the size of files.
"""

import argparse
import errno
import importlib
import json
import os
import pkgutil
import resource
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

import incident_lib
from incident_lib.cli import main
from incident_lib.incident.folder import IncidentFolder, find
from incident_lib.investigation.setup import load_settings, redactor_for
from incident_lib.redact import Redactor
from incident_lib.remediation import plan_change, planning
from incident_lib.technologies import table

TEXT = "recorded in the sweep"
CONFIGURATION = """\
[[service]]
name = "db"
kind = "process"
restart = ["sh", "-c", "echo again >> restarted"]
[[dependency]]
name = "vendor"
url = "tcp://127.0.0.1:1"
[deploy]
log = "deploys.jsonl"
rollback = ["sh", "-c", "echo again >> restarted", "{previous}"]
"""
DEPLOYED = "".join(
    f'{{"at": "2026-01-15T14:0{number}:00Z", "service": "db", "version": "1.{number}"}}\n'
    for number in (1, 2)
)
CONCEALED = "PLUM-4711"  # what the incident `old` holds, and is secret by a pattern that came later
PATTERNS = '[redact]\npatterns = ["PLUM-[0-9]+"]\n'
# A command and the text of the event that it acknowledges, "" where it records none of its own.
COMMANDS: dict[str, tuple[tuple[str, ...], str]] = {
    "note": (("note", TEXT), TEXT),
    "task": (("task", TEXT, "--owner", "Kim"), TEXT),
    "task --done": (("task", "--done", "1"), "Done: first"),
    "decide": (("decide", TEXT), TEXT),
    "ack": (("ack", "--by", "Kim"), "Acknowledged by Kim"),
    "assign": (("assign", "scribe", "Ada"), "Ada is scribe"),
    "classify": (("classify", "sev1", "--reason", TEXT), f"SEV1: {TEXT}"),
    "update": (("update", "--status", "identified", "--findings", TEXT), TEXT),
    "resolve": (("resolve", "--reason", TEXT), f"Resolved: {TEXT}"),
    "close": (("close", "--reason", TEXT), f"Closed: {TEXT}"),
    "postmortem": (("postmortem",), "The post-mortem was written"),
    "declare": (("declare", "--title", TEXT, "--severity", "sev3"), TEXT),
    "triage": (("triage",), ""),  # it shows its findings, and says what could not be kept
    "communicate": (("communicate", "executive"), ""),
    "runbook": (("runbook", "db"), ""),
    "timeline": (("timeline", "--csv", "t.csv", "--html", "t.html"), ""),
    "bundle": (("bundle", "--output", "b.zip"), ""),
    "verify": (("verify",), ""),
    "show": (("show",), ""),
    "reopen": (("reopen", "--incident", "{closed}", "--reason", TEXT), TEXT),
    "search": (("search", "Checkout"), ""),
    "baseline": (("baseline", "--force"), ""),
    "open": (("open", "other.zip", "--to", "opened"), ""),
    "redact --folder": (("redact", "--folder", "{old}"), ""),
    "mitigate": (("mitigate", "restart", "db", "--arg", "wait_seconds=0"), "Planned, not approved"),
    "mitigate --yes": (("mitigate", "restart", "db", "--yes", "{restart}"), "Approved and begun"),
    "mitigate rollback": (("mitigate", "rollback", "db", "--yes", "{rollback}"), "Approved and begun"),
    "run": (("run", "--snapshot", "latest", "--notebook", "00_triage"), ""),
}
OTHER = {
    "mitigate --yes": 1,
    "mitigate rollback": 1,
}  # exit codes without a fault: what was restarted cannot be seen
SLOW = {"run": 20}  # kernels start for each point of it: only every so many points are tried
_ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EROFS": errno.EROFS}
FAULTS = ("kill", *_ERRORS)
SIZES = (0, 1, 100, 1000, 5000)  # bytes that a file may have before a write is torn
_AUDITED = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.chmod", "os.truncate"}
_SECONDS = 60


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One command: how many calls it makes, at how many points it was hit, and what went wrong."""

    command: str
    calls: int
    tried: int
    failed: tuple[str, ...]


class Hook:
    """Called before every call of a process that changes files of a place."""

    def __init__(self, place: Path) -> None:
        self._place = str(place)
        self.calls = 0

    def install(self) -> None:
        """Begin, in the process that this is called in."""
        sys.addaudithook(self._audit)
        for name in ("fsync", "fchmod"):
            setattr(os, name, self._counted(getattr(os, name)))

    def hit(self) -> None:
        """Do what is to be done before a call."""
        self.calls += 1

    def end(self) -> None:
        """Do what is to be done when the command has ended."""

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if not writes or isinstance(path, int):
                return
        elif event not in _AUDITED:
            return
        paths = [os.fsdecode(part) for part in arguments if isinstance(part, str | bytes | Path)]
        if any(
            self._place in path or not Path(path).is_absolute() for path in paths
        ):  # it works in that place
            self.hit()

    def _counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            """Call the function, or not."""
            self.hit()
            return function(*arguments)

        return call


class Fault(Hook):
    """Hits the call with a number; what is torn is torn by the system."""

    def __init__(self, place: Path, number: int, what: str) -> None:
        super().__init__(place)
        self._number, self._what = number, what

    def install(self) -> None:
        """Count from now on."""
        if not self._what.startswith("torn"):
            super().install()
            return
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._number, resource.RLIM_INFINITY))
        kills = self._what != "torn"
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL if kills else signal.SIG_IGN)

    def hit(self) -> None:
        """Count the call, and refuse it or end where it is the one."""
        super().hit()
        if self.calls == self._number:
            if self._what == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(_ERRORS[self._what], os.strerror(_ERRORS[self._what]))


def import_all() -> None:
    """Import what there is, so that a child which forks has it."""
    for module in pkgutil.walk_packages(incident_lib.__path__, "incident_lib."):
        if not module.name.startswith(("incident_lib.demo", "incident_lib.run.lab")):
            importlib.import_module(module.name)
    table()


def prepare(place: Path) -> None:
    """Make a configuration and an incident with something of everything in it, and import what there is."""
    import_all()
    place.mkdir(parents=True)
    (place / "workbench.toml").write_text(CONFIGURATION)
    (place / "deploys.jsonl").write_text(DEPLOYED)
    _type(place, "declare", "--title", "Closed", "--severity", "sev3")
    _type(place, "resolve", "--reason", "well again")
    _type(place, "close", "--reason", "reviewed")
    _type(place, "bundle", "--output", "other.zip")
    _type(place, "declare", "--title", "Old", "--severity", "sev3")
    _type(place, "note", f"the launch code is {CONCEALED}")
    _type(place, "communicate", "executive")
    _type(place, "triage")
    _type(place, "resolve", "--reason", f"{CONCEALED} was changed")
    (place / "workbench.toml").write_text(CONFIGURATION + PATTERNS)
    _type(place, "declare", "--title", "Checkout", "--severity", "sev2")
    _type(place, "task", "first", "--owner", "Ada")
    _type(place, "triage")
    settings = load_settings(str(place / "workbench.toml"), "")
    folder = find(settings.incidents, "", redactor_for(settings))
    planning.LIFETIME = timedelta(days=1)  # a sweep takes longer than a plan is good for
    plan_change(settings, folder, "restart", "db", {"wait_seconds": "0"})
    plan_change(settings, folder, "rollback", "db", {"wait_seconds": "0"})


def _type(place: Path, *words: str) -> None:
    code, _, said = _in_child(place, words)
    assert code == 0, said


def words_of(place: Path, name: str) -> tuple[str, ...]:
    """Return a command as it is typed in a prepared place: its incidents and its plan by their names."""
    incidents = {path.name.split("-", 3)[3]: path for path in (place / "incidents").glob("2*")}
    plans = [json.loads(path.read_bytes()) for path in incidents["checkout"].glob("mitigations/*.json")]
    names = {plan["action"]: plan["id"] for plan in plans}
    names |= {name: incidents[name].name for name in ("old", "closed")}
    return tuple(word.format(**names) if word.startswith("{") else word for word in COMMANDS[name][0])


def sweep(place: Path, name: str, *, every: int = 1) -> Result:
    """Return what became of a command at every n-th point. `place` is prepared, and stays as it is."""
    words, text = words_of(place, name), COMMANDS[name][1]
    failed: list[str] = []
    tried = 0
    every *= SLOW.get(name, 1)
    copy = place.with_name(f"{place.name}-hit")
    counted, calls, said = _hit(place, copy, words)
    if counted not in (0, OTHER.get(name)):
        return Result(command=name, calls=calls, tried=0, failed=(f"without a fault: {said}",))
    points: list[tuple[str, int]] = [(fault, number) for number in range(1, calls + 1) for fault in FAULTS]
    points += [(fault, size) for size in SIZES for fault in ("torn", "torn and killed")]
    for fault, number in points[::every]:
        tried += 1
        code, _, said = _hit(place, copy, words, fault, number)
        found = [
            *problems(place, copy, text, 0 if code == counted else code, said),
            *promises(place, copy, name, 0 if code == counted else code),
        ]
        failed += (f"{fault} at {number}: {problem}" for problem in found)
    shutil.rmtree(copy, ignore_errors=True)
    return Result(command=name, calls=calls, tried=tried, failed=tuple(failed))


def _hit(
    place: Path, copy: Path, words: tuple[str, ...], fault: str = "", number: int = 0
) -> tuple[int, int, str]:
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(place, copy, symlinks=True)
    return _in_child(copy, words, fault, number)


def problems(place: Path, copy: Path, text: str, code: int, said: str) -> Iterator[str]:
    """Yield everything that is not as it was promised."""
    if "Traceback" in said or "defect" in said:
        yield f"not foreseen: {said[-600:]}"
    if code == -signal.SIGALRM:
        yield "hangs"
    known = _events(copy)
    if lost := {name: data for name, data in _events(place).items() if known.get(name) != data}:
        yield f"lost {sorted(lost)}"
    recorded = any(text in data.decode() for name, data in known.items() if name not in _events(place))
    if text and code == 0 and not recorded:
        yield f"acknowledged and not there: {said[-300:]}"
    if text and code == 2 and recorded:
        yield f"there, and the command says that it failed: {said[-300:]}"
    for path in (*(copy / "incidents").glob("2*"), *(copy / "opened").glob("2*")):
        if bad := [found for found in IncidentFolder(path, Redactor()).verify() if found.is_bad]:
            yield f"verify: {bad}"
    for words in (("list",), ("note", "afterwards")):
        code, _, said = _in_child(copy, words)
        if code:
            yield f"{words[0]} afterwards: exit {code}: {said[-300:]}"


def promises(place: Path, copy: Path, name: str, code: int) -> Iterator[str]:
    """Yield what a command promises besides, and is not so."""
    if check := _PROMISES.get(name):
        yield from check(copy, words_of(place, name), code)


def _promises_of_change(copy: Path, words: tuple[str, ...], code: int) -> Iterator[str]:
    changed = (copy / "restarted").is_file()
    if changed and "Approved and begun" not in _text(copy):
        yield "changed a target without a word of it"
    if code == 0 and not changed:
        yield "nothing was changed, and it says that it was"
    code, _, said = _in_child(copy, words)
    if (copy / "restarted").is_file() and (copy / "restarted").read_text().count("again") > 1:
        yield f"carried out twice: {said}"
    if code not in {0, 1, 2}:
        yield f"again: exit {code}: {said[-300:]}"
    code, _, said = _in_child(copy, COMMANDS["mitigate"][0])
    if not code and '"begun"' in _text(copy) and '"ended"' not in _text(copy):
        yield "begun, and its end is not known to be unknown"


def _promises_of_redact(copy: Path, words: tuple[str, ...], _code: int) -> Iterator[str]:
    again, _, said = _in_child(copy, words)
    if again:
        yield f"again: exit {again}: {said[-300:]}"
    if any(CONCEALED.encode() in path.read_bytes() for path in _files_of_old(copy)):
        yield "the secret is still there"


_PROMISES: dict[str, Callable[[Path, tuple[str, ...], int], Iterator[str]]] = {
    "mitigate --yes": _promises_of_change,
    "mitigate rollback": _promises_of_change,
    "redact --folder": _promises_of_redact,
}


def _text(place: Path) -> str:
    return b"\n".join(_events(place).values()).decode()


def _files_of_old(place: Path) -> Iterator[Path]:
    return (path for path in (place / "incidents").glob("*-old/**/*") if path.is_file())


def _events(place: Path) -> dict[str, bytes]:
    """Return the events by their names, but those of the incident that is redacted again."""
    found = (path for path in (place / "incidents").glob("*/events/2*.json") if "-old/" not in str(path))
    return {str(path.relative_to(place)): path.read_bytes() for path in found}


def _in_child(place: Path, words: tuple[str, ...], fault: str = "", number: int = 0) -> tuple[int, int, str]:
    return in_child(place, words, Fault(place, number, fault))


def in_child(place: Path, words: tuple[str, ...], hook: Hook) -> tuple[int, int, str]:
    """Return the exit code (negative: the signal), how many calls there were, and what was printed."""
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        code = 99
        try:
            os.close(reader)
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, 0)
            os.dup2(nowhere, 1)
            os.dup2(writer, 2)
            os.chdir(place)
            signal.alarm(_SECONDS)
            hook.install()
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            code = main(list(words))
            sys.stderr.flush()
            hook.end()
            os.write(2, f"\ncalls={hook.calls}\n".encode())
        except BaseException:  # noqa: BLE001 - the report is the point
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        said = file.read().decode(errors="replace")
    _, status = os.waitpid(process, 0)
    head, _, calls = said.rpartition("\ncalls=")
    return (
        os.waitstatus_to_exitcode(status),
        int(calls) if head or calls.strip().isdigit() else 0,
        head or said,
    )


def results(
    place: Path, names: list[str], *, every: int, sweep: Callable[..., Result] = sweep
) -> Iterator[Result]:
    """Yield what became of each of the commands in a sweep."""
    prepare(place)
    for name in names:
        yield sweep(place, name, every=every)


def run(results: Callable[..., Iterator[Result]], names: Iterable[str], about: str) -> int:
    """Print what became of each of the names in a sweep, and return 1 where anything failed."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("place", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("names", nargs="*", default=list(names))
    arguments = parser.parse_args()
    bad = False
    for result in results(arguments.place.resolve() / "prepared", arguments.names, every=arguments.every):
        bad = bad or bool(result.failed)
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
        sys.stdout.flush()
    return int(bad)


if __name__ == "__main__":
    raise SystemExit(run(results, COMMANDS, __doc__ or ""))
