"""What servers themselves list: wait events, kinds of processes, SQLSTATEs. Facts, kept in tests/data.

`python -m tests.integration.server_lists` writes the lists of the versions that are installed here; those of
others stay as they are. WORKBENCH_POSTGRES_BINDIRS names more installations.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from incident_lib.technologies.postgres.roots import PROCESSES
from incident_lib.technologies.postgres.waits import JUDGED, NOT_JUDGED
from tests.integration import postgres_service
from tests.integration.postgres_service import Installation, Server

LISTS = Path(__file__).parents[1] / "data" / "postgres_lists.json"
_PROCESS = re.compile(
    rb"(?<=\0)([a-z][a-z-]+(?: [a-z-]+){0,3} "
    rb"(?:worker|launcher|writer|backend|summarizer|receiver|sender))(?=\0)"
)
# Messages, and names that a program gives its processes elsewhere than in pg_stat_activity.
_NO_PROCESSES = {
    "starting parallel vacuum worker",
    "lost connection to parallel worker",
    "releasing dead-end backend",
    "logical replication parallel apply worker",
    "slot sync worker",
    "wal sender",
}
Lists = dict[str, list[str]]
# From this version on the server lists its wait events itself; before, only its program has the names.
_VIEW_SINCE = 17
_KNOWN = {name.partition(":")[2] for name in JUDGED | NOT_JUDGED}
_NEAR_BYTES = 200  # from one name to the next, in a list of names
_LEAST = 5  # names next to each other, to be a list
# What pg_locks shows, which stands among the types of locks.
_NO_EVENTS = {
    *("virtualtransaction", "granted", "fastpath", "waitstart", "classid", "objid", "objsubid", "SIReadLock")
}


def lists_of(server: Server) -> Lists:
    """Return the lists of a running server, by what they are of."""
    return {
        "wait_events": sorted(wait_events(server)),
        "processes": sorted(processes(server.installation)),
        "sqlstates": sorted(sqlstates(server.installation)),
    }


def wait_events(server: Server) -> set[str]:
    """Return the names of its wait events: by its view, else as they stand in its program."""
    if server.installation.major < _VIEW_SINCE:
        return set(_events_in(_program(server.installation)))
    with server.connect() as connection:
        return {
            name
            for type_, name in connection.execute("SELECT type, name FROM pg_wait_events").fetchall()
            if type_ not in {"Extension", "InjectionPoint"}
        }


def _events_in(program: bytes) -> Iterator[str]:
    """Yield the names in the places of a program where names of wait events stand close together.

    What stands between two that are known is one, too, whether it is known or not.
    """
    words = [
        (match.start(1), match.group(1).decode())
        for match in re.finditer(rb"(?<=\0)([A-Za-z][A-Za-z0-9]{2,40})(?=\0)", program)
    ]
    group: list[int] = []
    for number, (place, word) in enumerate(words):
        if word.lower() not in _KNOWN:
            continue
        if group and place - words[group[-1]][0] > _NEAR_BYTES:
            yield from _between(words, group)
            group = []
        group.append(number)
    yield from _between(words, group)


def _between(words: list[tuple[int, str]], group: list[int]) -> Iterator[str]:
    if len(group) >= _LEAST:
        yield from (word for _, word in words[group[0] : group[-1] + 1] if word not in _NO_EVENTS)


def processes(installation: Installation) -> set[str]:
    """Return the kinds of its processes, as its program names them."""
    program = _program(installation)
    known = {name for name in PROCESSES if f"{name}\0".encode() in program}
    return known | {name.decode() for name in _PROCESS.findall(program)} - _NO_PROCESSES


def sqlstates(installation: Installation) -> set[str]:
    """Return the codes in the list that came with it."""
    folders = (
        installation.binaries.parent / "share" / "postgresql",
        Path("/usr/share/postgresql") / str(installation.major),
    )
    path = next(folder / "errcodes.txt" for folder in folders if (folder / "errcodes.txt").is_file())
    return set(re.findall(r"(?m)^([0-9A-Z]{5})\s", path.read_text()))


def _program(installation: Installation) -> bytes:
    return (installation.binaries / "postgres").read_bytes()


def stored() -> dict[str, Lists]:
    """Return the lists in tests/data, by version."""
    lists: dict[str, Lists] = json.loads(LISTS.read_text()) if LISTS.exists() else {}
    return lists


def main() -> None:
    """Write the lists of what is installed next to those of other versions."""
    known = stored()
    for installation in postgres_service.INSTALLATIONS:
        with postgres_service.running(installation) as server:
            known[str(installation.major)] = lists_of(server)
    lines = [
        f'  "{version}": {{\n'
        + ",\n".join(f'    "{name}": {json.dumps(of)}' for name, of in known[version].items())
        + "\n  }"
        for version in sorted(known, key=int)
    ]
    LISTS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
