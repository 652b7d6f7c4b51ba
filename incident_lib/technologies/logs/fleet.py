"""The same summary on more machines: stretches of logs counted by the workers of a Dask cluster.

A worker returns what `summarize_part` counted, redacted and packed; workers merge that in a tree, so that
one package comes back, however many files there were. Dask counts again what a worker that died had counted.
What cannot be counted anywhere is in the result, with its share and the reason.
"""

import ipaddress
import logging
import os
import queue
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import zstandard

from incident_lib import clock
from incident_lib.errors import ProblemKind, TargetError, UsageError
from incident_lib.model import Problem
from incident_lib.technologies.logs.probes.digest import OTHER, Digest, Tally, merge, merge_tallies
from incident_lib.technologies.logs.sources import Source, split
from incident_lib.technologies.logs.summary import (
    FileRead,
    Scope,
    Summary,
    merge_parts,
    safe_path,
    summarize_part,
)
from incident_lib.units import format_bytes, format_share

LOCAL = "local"
_PIP = "pip install 'incident-workbench[fleet]'"
_LEAST_PART, _MOST_PART = 4 * 1024 * 1024, 128 * 1024 * 1024
_PARTS_A_PROCESSOR = 8  # so that the last worker is not waited for long
_MERGED_AT_ONCE = 8
_PACKED_BYTES = 512 * 1024  # that travel at most; most packages have a tenth of that
_LEAST_TEMPLATES = 100
_RETRIES = 2
_CONNECT_SECONDS = 10.0
_WORKERS_SECONDS = 30.0  # how long workers are waited for, at the start and when all are gone
_POLL_SECONDS = 1.0
_NO_DASHBOARD = "127.0.0.1:0"  # Dask wants a port for it, and takes 8787 where it is given none

Advance = Callable[[int], None]


class _Work(msgspec.Struct, frozen=True):
    """What is counted, and how. It holds what must be redacted, so that it is never shown."""

    source: Source
    scope: Scope

    def __repr__(self) -> str:
        return f"_Work({self.source.address} from {self.source.start})"


class Batch(msgspec.Struct, kw_only=True):
    """What some stretches hold together, with where the newest of their lines stand."""

    digest: Digest
    files: list[FileRead]
    newest: tuple[str, ...] = ()
    newest_at: tuple[float, str, int] = (float("-inf"), "", 0)  # time, address, place


_DECODER = msgspec.msgpack.Decoder(Batch)


def summarize_on(
    address: str,
    sources: Iterable[Source],
    scope: Scope,
    *,
    part_bytes: int = 0,
    advance: Advance = lambda _count: None,
) -> tuple[Summary, bool]:
    """Return what the sources hold, counted on the cluster at `address`, and whether it was interrupted.

    `local` starts a cluster here.

    `part_bytes` 0 makes stretches for several rounds of all workers. A KeyboardInterrupt ends the counting;
    what was counted by then is returned, and the rest is noted. Cost: one process a worker.
    Needs: the extra `fleet`; the workers see the files under the same names, and have this package.
    Errors: UsageError for an address that cannot be; TargetError where no scheduler or no worker answers.
    """
    with _client(address, scope) as client:
        sources = list(sources)
        known = sum(source.stretch_bytes or 0 for source in sources)
        size = part_bytes or _part_bytes(known, sum(client.nthreads().values()))
        parts = [part for source in sources for part in _parts_of(source, size)]
        run = _Run(client, scope, advance)
        batch = run.count(parts)
    return _summary(batch, run.unread, sources, scope), run.interrupted


def _part_bytes(known: int, processors: int) -> int:
    """Return how long a stretch is, so that all processors have several.

    >>> _part_bytes(1 << 40, 800) == 128 * 1024 * 1024, _part_bytes(1 << 30, 16) == 8 * 1024 * 1024
    (True, True)
    """
    return min(max(known // (_PARTS_A_PROCESSOR * max(processors, 1)), _LEAST_PART), _MOST_PART)


def _parts_of(source: Source, size: int) -> list[Source]:
    try:
        return split(source, size)
    except TargetError:
        return [source]  # to read it will fail again, and be reported


@contextmanager
def _client(address: str, scope: Scope) -> Iterator[Any]:
    """Yield a client with workers. Errors: UsageError, TargetError UNREACHABLE."""
    try:
        import distributed
    except ImportError as error:
        raise UsageError(f"--cluster needs the package distributed: {_PIP}") from error
    if address == LOCAL:
        with (
            safe_path(),
            cast(Any, distributed).LocalCluster(
                n_workers=os.cpu_count() or 1,
                threads_per_worker=1,
                processes=True,
                dashboard_address=_NO_DASHBOARD,
                silence_logs=logging.CRITICAL,
            ) as cluster,
            cast(Any, distributed).Client(cluster) as client,
        ):
            yield client
        return
    check_address(address, has_secrets=bool(scope.redaction.secrets))
    advice = "correct --cluster, or start it: dask scheduler, and dask worker ADDRESS on each machine"
    try:
        client = cast(Any, distributed).Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise TargetError(
            ProblemKind.UNREACHABLE, f"no Dask scheduler answers at {address}", advice
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_WORKERS_SECONDS)
        except TimeoutError as error:
            raise TargetError(
                ProblemKind.UNREACHABLE, f"the Dask scheduler at {address} has no workers", advice
            ) from error
        yield client


def check_address(address: str, *, has_secrets: bool) -> None:
    """Refuse an address that is none, and to send secrets over an open network. Errors: UsageError.

    Workers must know the configured secrets, in order to redact them.

    >>> check_address("tcp://scheduler:8786", has_secrets=False)
    >>> check_address("tls://scheduler:8786", has_secrets=True)
    >>> check_address("scheduler", has_secrets=False)
    Traceback (most recent call last):
    incident_lib.errors.UsageError: --cluster scheduler: write local, tcp://HOST:PORT or tls://HOST:PORT
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not (host and port and parts.scheme in {"tcp", "tls", "ucx", "ws", "wss"}):
        raise UsageError(f"--cluster {address}: write local, tcp://HOST:PORT or tls://HOST:PORT")
    if has_secrets and parts.scheme not in {"tls", "wss"} and not _is_here(host):
        raise UsageError(
            f"--cluster {address}: the secrets of your configuration, which workers must know in order to "
            "redact them, would be sent unencrypted: use a tls:// address, or a --config without secrets"
        )


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _count(work: _Work) -> bytes:
    """Return what a stretch holds, packed. Runs on a worker; nothing secret is in it."""
    part = summarize_part(work.source, work.scope)
    summary = merge_parts([part])
    at = part.digest.last_at or work.source.modified_at or 0.0
    return pack(
        Batch(
            digest=summary.digest,
            files=summary.files,
            newest=part.newest,
            newest_at=(at, work.source.address, work.source.start),
        )
    )


def _merge(packed: Sequence[bytes]) -> bytes:
    """Return what packages hold together, packed. Runs on a worker."""
    return pack(merge_batches([unpack(package) for package in packed]))


def merge_batches(batches: Sequence[Batch]) -> Batch:
    """Return what the batches hold together. Order does not matter."""
    digest = batches[0].digest
    for batch in batches[1:]:
        digest = merge(digest, batch.digest)
    files: dict[str, FileRead] = {}
    for file in (file for batch in batches for file in batch.files):
        files[file.address] = _merge_files(files[file.address], file) if file.address in files else file
    with_lines = [batch for batch in batches if batch.newest] or batches
    newest = max(with_lines, key=lambda batch: batch.newest_at)
    return Batch(digest=digest, files=list(files.values()), newest=newest.newest, newest_at=newest.newest_at)


def _merge_files(first: FileRead, second: FileRead) -> FileRead:
    """Return how much was read of a file, of which both hold stretches."""
    firsts = [at for at in (first.first_at, second.first_at) if at is not None]
    lasts = [at for at in (first.last_at, second.last_at) if at is not None]
    return msgspec.structs.replace(
        first,
        read_bytes=first.read_bytes + second.read_bytes,
        text_bytes=first.text_bytes + second.text_bytes,
        lines=first.lines + second.lines,
        not_text_lines=first.not_text_lines + second.not_text_lines,
        first_at=min(firsts, default=None),
        last_at=max(lasts, default=None),
        notes=sorted({*first.notes, *second.notes}),
        complete=first.complete and second.complete,
        problem=first.problem or second.problem,
    )


def pack(batch: Batch) -> bytes:
    """Return a batch as bytes, at most about `_PACKED_BYTES`: beyond that its rarest templates go together.

    Templates of errors go last.
    """
    compressor = zstandard.ZstdCompressor()
    packed = compressor.compress(msgspec.msgpack.encode(batch))
    kept = len(batch.digest.templates) // 2
    while len(packed) > _PACKED_BYTES and kept >= _LEAST_TEMPLATES:
        batch = msgspec.structs.replace(batch, digest=_with_templates(batch.digest, kept))
        packed = compressor.compress(msgspec.msgpack.encode(batch))
        kept //= 2
    return packed


def unpack(packed: bytes) -> Batch:
    """Return the batch that was packed."""
    return _DECODER.decode(zstandard.ZstdDecompressor().decompress(packed))


def _with_templates(digest: Digest, most: int) -> Digest:
    """Return the digest with `most` templates kept apart, those of errors and the frequent ones first."""
    ranked = sorted(
        digest.templates.items(),
        key=lambda entry: (entry[0][0] not in {"ERROR", "CRITICAL"}, -entry[1].count, entry[0]),
    )
    kept = dict(ranked[:most])
    for (level, _), tally in ranked[most:]:
        kept[level, OTHER] = merge_tallies(kept.get((level, OTHER), Tally()), tally)
    classes = {key: name for key, name in digest.template_classes.items() if key in kept}
    return msgspec.structs.replace(digest, templates=kept, template_classes=classes)


class _Run:
    """One use of a cluster. What could not be counted is in `unread`, by stretch."""

    def __init__(self, client: Any, scope: Scope, advance: Advance) -> None:
        self.unread: dict[Source, Problem] = {}
        self.interrupted = False
        self._is_lost = False  # the cluster has no workers, and was waited for
        self._client, self._scope, self._advance = client, scope, advance
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._running: dict[Any, list[Source]] = {}  # by task: the stretches that it counts or merges
        self._ready: list[tuple[Any, list[Source]]] = []  # packages that wait for others to be merged with
        self._parts: frozenset[str] = frozenset()  # keys of the tasks that count

    def count(self, parts: list[Source]) -> Batch | None:
        """Return what the stretches hold together, None if none could be counted."""
        for part in parts:
            self._submit(_count, _Work(part, self._scope), [part])
        self._parts = frozenset(future.key for future in self._running)
        try:
            while self._running:
                self._take(self._next())
        except KeyboardInterrupt:
            self.interrupted = True
            self._give_up(ProblemKind.DEADLINE, "interrupted")
        return self._result()

    def _submit(self, work: Callable[[Any], bytes], argument: Any, parts: list[Source]) -> None:
        future = self._client.submit(work, argument, pure=False, retries=_RETRIES)
        self._running[future] = parts
        future.add_done_callback(self._ended.put)

    def _next(self) -> Any:
        """Return the next task that ended, None where no worker is left to wait for."""
        gone_at = None
        while True:
            with suppress(queue.Empty):
                return self._ended.get(timeout=_POLL_SECONDS)
            try:
                gone = not self._client.nthreads()
            except Exception:  # noqa: BLE001 - whatever a lost scheduler raises
                gone = True
            gone_at = (gone_at or clock.monotonic()) if gone else None
            if gone_at is not None and clock.monotonic() - gone_at > _WORKERS_SECONDS:
                return None

    def _take(self, future: Any) -> None:
        """Take the result of a task, and merge packages as soon as there are enough."""
        if future is None:
            self._is_lost = True
            self._give_up(ProblemKind.UNREACHABLE, "the cluster lost all of its workers")
            return
        parts = self._running.pop(future, None)
        if parts is None:  # it was counted again, after the worker that kept it died
            return
        if future.key in self._parts:
            self._advance(parts[0].stretch_bytes or 0)
        if future.status == "finished":
            self._ready.append((future, parts))
        else:
            problem = _problem_of(future)
            self.unread.update(dict.fromkeys(parts, problem))
        if len(self._ready) >= _MERGED_AT_ONCE or (not self._running and len(self._ready) > 1):
            group, self._ready = self._ready[:_MERGED_AT_ONCE], self._ready[_MERGED_AT_ONCE:]
            merged = [part for _, parts in group for part in parts]
            self._submit(_merge, [future for future, _ in group], merged)

    def _give_up(self, kind: ProblemKind, reason: str) -> None:
        problem = Problem(kind=kind, message=reason)
        for parts in self._running.values():
            self.unread.update(dict.fromkeys(parts, problem))
        with suppress(Exception):
            self._client.cancel(list(self._running))
        self._running.clear()

    def _result(self) -> Batch | None:
        """Return the packages that are left, merged: one, but after an interruption.

        They are waited for together: each of those that a worker took with it would be waited for in full.
        """
        batches = []
        deadline = clock.monotonic() + (0.0 if self._is_lost else _WORKERS_SECONDS)
        for future, parts in self._ready:
            try:
                seconds = max(deadline - clock.monotonic(), _POLL_SECONDS)
                batches.append(unpack(cast(bytes, future.result(timeout=seconds))))
            except Exception as error:  # noqa: BLE001 - a scheduler that is lost, or a worker of each try
                problem = Problem(
                    kind=ProblemKind.UNREACHABLE, message=f"the cluster lost the result: {_words(error)}"
                )
                self.unread.update(dict.fromkeys(parts, problem))
        return merge_batches(batches) if batches else None


def _problem_of(future: Any) -> Problem:
    """Return why a task has no result."""
    if future.status != "error":
        return Problem(kind=ProblemKind.UNREACHABLE, message="the cluster lost it: its scheduler is gone")
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        return Problem(
            kind=ProblemKind.UNREACHABLE,
            message="each worker that read it ended",
            advice="check the logs of the workers: most often they ran out of memory",
        )
    if isinstance(error, ImportError):
        return Problem(
            kind=ProblemKind.UNSUPPORTED,
            message=f"the workers cannot count: {_words(error)}",
            advice=f"install the same version on each: {_PIP}",
        )
    return Problem(kind=ProblemKind.BUG, message=f"a worker failed: {_words(error)}")


def _words(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"


def _summary(
    batch: Batch | None, unread: dict[Source, Problem], sources: list[Source], scope: Scope
) -> Summary:
    """Return the summary, with how much of each file was not counted, and why."""
    batch = batch or Batch(digest=Digest(slot_seconds=scope.slot_seconds), files=[])
    files = {file.address: file for file in batch.files}
    missing: dict[str, list[Source]] = defaultdict(list)
    for part in unread:
        missing[part.address].append(part)
    found = []
    for source in sources:
        file = files.get(source.address) or FileRead(
            address=source.address, compression=source.compression, modified_at=source.modified_at, notes=[]
        )
        if parts := missing.get(source.address):
            problem = unread[parts[0]]
            file.notes = [*file.notes, _share_of(parts, source, problem)]
            file.complete = False
            file.problem = file.problem or (problem if not file.read_bytes else None)
        found.append(file)
    return Summary(digest=batch.digest, files=found, newest=batch.newest)


def _share_of(parts: list[Source], source: Source, problem: Problem) -> str:
    """Return how much of a file was not read, and why."""
    if source.stretch_bytes is None or any(part.stretch_bytes is None for part in parts):
        return f"not read: {problem.message}"
    size = sum(part.stretch_bytes or 0 for part in parts)
    whole = source.stretch_bytes
    share = format_share(size / whole) if whole else "all"
    return f"{format_bytes(size)} of {format_bytes(whole)} ({share}) not read: {problem.message}"
