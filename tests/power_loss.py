"""Power lost before every file-system call of a command, and behind its end: what was not synced is gone.

    python -m tests.power_loss PLACE [--every N] [COMMAND ...]    prints a line of JSON for each command

The command runs once. Before each of its calls the folder is read, and what is safe by then is known: the
content of a file is what it was at its last fsync, the names of a folder are those of its last fsync. Of each
such moment the disks are made that could be found afterwards (STATES), and the next commands are typed there.
"""

import hashlib
import os
import pickle
import random
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from tests import faults

OUTSIDE = "restarted"  # what a change did to its target: no file of ours, and done when it is done
_Names = dict[str, int]


class Node(msgspec.Struct):
    """A file or a folder through all its names: what is in it, and what of that is safe."""

    is_folder: bool
    data: bytes = b""
    names: _Names = {}
    safe_data: bytes | None = None  # None: never synced
    safe_names: _Names | None = None


class Moment(msgspec.Struct):
    """What there is at one moment."""

    top: int
    nodes: dict[int, Node]


_Choose = Callable[[Node, random.Random], tuple[_Names, bytes]]


class Recorder(faults.Hook):
    """Keeps every moment at which the power may go."""

    def __init__(self, place: Path, to: Path) -> None:
        super().__init__(place)
        self._root, self._to = place, to
        self._lock = threading.RLock()
        self._numbers: dict[int, int] = {}  # of the files there are, by inode: an inode is used again
        self._read: dict[int, tuple[tuple[int, int], bytes]] = {}
        self._nodes: dict[int, Node] = {}
        self._count = 0
        self._moments: list[Moment] = []

    def install(self) -> None:
        """Take all that is there as safe, and begin."""
        self._top = self._look()
        for node in self._nodes.values():
            node.safe_data, node.safe_names = node.data, dict(node.names)
        super().install()
        os.fsync = self._noted(os.fsync)

    def hit(self) -> None:
        """Keep the moment before a call."""
        with self._lock:
            super().hit()
            self._keep()

    def end(self) -> None:
        """Keep the last moment, and write all down."""
        self._keep()
        self._to.write_bytes(pickle.dumps(self._moments))

    def _keep(self) -> None:
        self._look()
        self._moments.append(
            Moment(self._top, {number: msgspec.structs.replace(node) for number, node in self._nodes.items()})
        )

    def _noted(self, fsync: Callable[[int], None]) -> Callable[[int], None]:
        def call(handle: int) -> None:
            """Sync, and note what is safe from now on."""
            fsync(handle)
            with self._lock:
                self._look()
                number = self._numbers.get(os.fstat(handle).st_ino)
                if number is not None:
                    node = self._nodes[number]
                    node.safe_data, node.safe_names = node.data, dict(node.names)

        return call

    def _look(self) -> int:
        alive: set[int] = set()
        top = self._walk(self._root, alive)
        for inode in self._numbers.keys() - alive:
            del self._numbers[inode]
            self._read.pop(inode, None)
        return top

    def _walk(self, path: Path, alive: set[int]) -> int:
        status = path.lstat()
        is_folder = stat.S_ISDIR(status.st_mode)
        alive.add(status.st_ino)
        number = self._numbers.get(status.st_ino)
        if number is None or self._nodes[number].is_folder != is_folder:
            self._count += 1
            number = self._numbers[status.st_ino] = self._count
            self._nodes[number] = Node(is_folder)
        node = self._nodes[number]
        if is_folder:
            node.names = {entry.name: self._walk(entry, alive) for entry in path.iterdir()}
        else:
            stamp = (status.st_mtime_ns, status.st_size)
            known = self._read.get(status.st_ino)
            if known is None or known[0] != stamp:
                known = self._read[status.st_ino] = (stamp, path.read_bytes())
            node.data = known[1]
        return number


def _all(node: Node, _: random.Random) -> tuple[_Names, bytes]:
    return node.names, node.data


def _only_safe(node: Node, _: random.Random) -> tuple[_Names, bytes]:
    return node.safe_names or {}, node.safe_data or b""


def _names_went_ahead(node: Node, _: random.Random) -> tuple[_Names, bytes]:
    return node.names, node.safe_data or b""


def _zeros(node: Node, _: random.Random) -> tuple[_Names, bytes]:
    return node.names, node.data if node.data == node.safe_data else b"\0" * len(node.data)


def _torn(node: Node, _: random.Random) -> tuple[_Names, bytes]:
    return node.names, node.data if node.data == node.safe_data else node.data[: len(node.data) // 2]


def _reordered(node: Node, chance: random.Random) -> tuple[_Names, bytes]:
    names = node.names if chance.random() < 0.5 else node.safe_names or {}
    return names, node.data if chance.random() < 0.5 else node.safe_data or b""


STATES = {
    "only what was synced": _only_safe,
    "names went ahead of the data": _names_went_ahead,
    "zeros where data was not synced": _zeros,
    "data torn where it was not synced": _torn,
    "folders and files in any order": _reordered,
}


def sweep(place: Path, name: str, *, every: int = 1) -> faults.Result:
    """Return what became of a command at every n-th disk. `place` is prepared, and stays as it is."""
    words, text = faults.words_of(place, name), faults.COMMANDS[name][1]
    copy, kept = place.with_name(f"{place.name}-lost"), place.with_name(f"{place.name}-moments")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(place, copy, symlinks=True)
    code, calls, said = faults.in_child(copy, words, Recorder(copy, kept))
    if code not in (0, faults.OTHER.get(name)):
        return faults.Result(command=name, calls=calls, tried=0, failed=(f"without a fault: {said}",))
    moments = pickle.loads(kept.read_bytes())
    kept.unlink()
    failed = list(_not_kept(moments[-1]))
    disks = list(_disks(moments))[::-1]  # the end first: what was acknowledged must be there
    for number, state, moment in disks[::every]:
        shutil.rmtree(copy)
        _make(copy, moment, STATES[state], random.Random(number))
        ended = 0 if number == len(moments) - 1 else -9
        found = [*faults.problems(place, copy, text, ended, said), *faults.promises(place, copy, name, ended)]
        failed += (f"power lost at {number} of {len(moments) - 1}, {state}: {problem}" for problem in found)
    shutil.rmtree(copy, ignore_errors=True)
    return faults.Result(command=name, calls=calls, tried=len(disks[::every]), failed=tuple(failed))


def _not_kept(moment: Moment) -> Iterator[str]:
    """Yield what the command left that a power loss could undo, though it said that it was done."""
    live = dict(_files(moment, moment.top, _all, random.Random()))
    safe = dict(_files(moment, moment.top, _only_safe, random.Random()))
    for path in sorted(live):
        if path != OUTSIDE and live[path] != safe.get(path):
            yield f"done, and not kept: {path}"


def _disks(moments: list[Moment]) -> Iterator[tuple[int, str, Moment]]:
    """Yield each disk that differs from all before it."""
    known: set[bytes] = set()
    for number, moment in enumerate(moments):
        for state, choose in STATES.items():
            digest = hashlib.sha256(bytes([number == len(moments) - 1]))
            for path, data in _files(moment, moment.top, choose, random.Random(number)):
                digest.update(f"{path}\0{len(data or b'')}\0".encode() + (data or b""))
            if digest.digest() not in known:
                known.add(digest.digest())
                yield number, state, moment


def _files(
    moment: Moment, number: int, choose: _Choose, chance: random.Random, path: str = ""
) -> Iterator[tuple[str, bytes | None]]:
    """Yield the paths of a disk, each with its content, None for a folder."""
    node = moment.nodes[number]
    names, data = choose(node, chance)
    if not node.is_folder:
        yield path, data
        return
    yield path, None
    for name in sorted(names):
        yield from _files(moment, names[name], choose, chance, f"{path}/{name}".lstrip("/"))


def _make(place: Path, moment: Moment, choose: _Choose, chance: random.Random) -> None:
    for path, data in _files(moment, moment.top, choose, chance):
        if data is None:
            (place / path).mkdir(mode=0o700)
        else:
            (place / path).write_bytes(data)
            (place / path).chmod(0o600)
    outside = moment.nodes[moment.top].names.get(OUTSIDE)
    if outside is not None:
        (place / OUTSIDE).write_bytes(moment.nodes[outside].data)


if __name__ == "__main__":
    raise SystemExit(faults.run(partial(faults.results, sweep=sweep), faults.COMMANDS, __doc__ or ""))
