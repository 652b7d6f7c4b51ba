"""The log of a container is counted the same in one process and in several, from files and as it comes."""

import gzip
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incident_lib.technologies.logs import summary
from incident_lib.technologies.logs.export import pattern_of
from incident_lib.technologies.logs.probes.container import open_stamped
from incident_lib.technologies.logs.probes.digest import Digest
from incident_lib.technologies.logs.probes.engine_file import open_document
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.technologies.logs.probes.stamped import open_answer
from incident_lib.technologies.logs.sources import split
from incident_lib.technologies.logs.sources.engine import engine_sources
from incident_lib.technologies.logs.summary import (
    Openings,
    Part,
    Scope,
    merge_parts,
    summarize,
    summarize_blocks,
    summarize_part,
)
from tests.unit.technologies.logs.test_sources import START, log_of

SCOPE = Scope(start=float("-inf"), end=float("inf"), is_redacted=False, mark=pattern_of)
OPENINGS = Openings(open_stamped, open_answer)
PIECE = 700  # characters; an engine's have 16,000

Answer = tuple[Digest, int, Counter[str]]


def documents_of(count: int, *, seed: int = 1) -> list[bytes]:
    """Return a log as an engine keeps it: two streams, and lines in pieces with those of others between."""
    chance, at, entries = random.Random(seed), START, list[tuple[str, str]]()
    for line in log_of(count, seed=seed).splitlines():
        text = line + " padding" * 300 if chance.random() < 0.05 else line
        stream = "stdout" if " INFO " in line else "stderr"
        pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
        entries += [(piece, stream) for piece in pieces[:-1]] + [(pieces[-1] + "\n", stream)]
    for _ in range(3):
        for index in range(1, len(entries)):
            if entries[index - 1][1] != entries[index][1] and chance.random() < 0.5:
                entries[index - 1 : index + 1] = entries[index], entries[index - 1]
    documents = []
    for log, stream in entries:
        at += chance.random() * 0.7
        time = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f123Z")
        documents.append(json.dumps({"log": log, "stream": stream, "time": time}).encode() + b"\n")
    return documents


def expected(documents: list[bytes]) -> Answer:
    """Return what the documents hold, line by line: pieces joined by stream, in the order of their ends."""
    scan, marks, lines = Scan(SCOPE.start, SCOPE.end, slot_seconds=60), Counter[str](), 0
    begun: dict[str, dict[str, str]] = {}

    def count(document: dict[str, str]) -> None:
        nonlocal lines
        opened = open_document(json.dumps(document).encode())
        assert opened is not None
        text, at, cut = opened
        scan.feed(text, at, cut=cut)
        lines += 1
        if mark := pattern_of(text):
            marks[mark] += 1

    for raw in documents:
        document = json.loads(raw)
        if document["stream"] in begun:
            whole = begun.pop(document["stream"])
            document = whole | {"log": whole["log"] + document["log"]}
        if document["log"].endswith("\n"):
            count(document)
        else:
            begun[document["stream"]] = document
    for document in begun.values():
        count(document)
    return scan.finish(), lines, marks


def answer_of(parts: list[Part]) -> Answer:
    merged = merge_parts(parts)
    assert all(part.complete and part.problem is None for part in parts)
    marks = sum((part.marks for part in parts), Counter[str]())
    return merged.digest, sum(part.lines for part in parts), marks


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(3_000, 60_000), seed=st.integers(0, 5))
def test_parts_of_an_engines_file_hold_what_the_whole_holds(size, seed, tmp_path):
    documents = documents_of(300, seed=seed)
    path = tmp_path / f"{seed}-json.log"
    path.write_bytes(b"".join(documents))
    with engine_sources(path, 0.0) as (source,):
        whole = answer_of([summarize_part(source, SCOPE)])
        parts = [summarize_part(part, SCOPE) for part in split(source, size)]
    assert whole == expected(documents)
    assert answer_of(parts) == whole


def test_a_line_in_many_pieces_over_several_parts_is_counted_once(tmp_path):
    texts = ["x" * 5_000] * 60 + ["the end\n"]
    other = [f"INFO ready {number}\n" for number in range(61)]
    documents = [
        json.dumps({"log": log, "stream": stream, "time": f"2026-01-15T14:00:{number % 60:02}Z"}).encode()
        + b"\n"
        for number, pair in enumerate(zip(texts, other, strict=True))
        for log, stream in zip(pair, ("stderr", "stdout"), strict=True)
    ]
    path = tmp_path / "a-json.log"
    path.write_bytes(b"".join(documents))
    with engine_sources(path, 0.0) as (source,):
        stretches = split(source, 20_000)
        parts = [summarize_part(part, SCOPE) for part in stretches]
    assert len(parts) > 10
    assert answer_of(parts) == expected(documents)
    assert parts[-1].digest.cut_lines == 1


def test_the_last_words_without_a_line_end_are_counted(tmp_path):
    path = tmp_path / "a-json.log"
    line = b'{"log":"ERROR out of","stream":"stderr","time":"2026-01-15T14:00:00Z"}\n'
    path.write_bytes(line + b'{"log":"being wri')
    with engine_sources(path, 0.0) as sources:
        assert answer_of(list(summarize(sources, SCOPE))) == expected([line])


def rotated(documents: list[bytes], folder: Path, names: list[str]) -> Path:
    """Write the documents to files of these names, the oldest first."""
    share = len(documents) // len(names) + 1
    for number, name in enumerate(names):
        data = b"".join(documents[number * share : (number + 1) * share])
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder / names[-1]


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("place", [0, 37, 200, 333, 480, -1])
def test_rotated_files_are_one_log_from_a_moment_on(place, processes, tmp_path):
    documents = documents_of(400)
    names = ["a-json.log.4.gz", "a-json.log.3.gz", "a-json.log.2", "a-json.log.1", "a-json.log"]
    path = rotated(documents, tmp_path, names)
    since = open_document(documents[place])[1]
    place %= len(documents)
    with engine_sources(path, since) as sources:
        parts = [part for source in sources for part in split(source, 5_000)]
        found = answer_of([summarize_part(part, SCOPE) for part in parts])
        assert answer_of(list(summarize(sources, SCOPE, processes=processes))) == found
    assert found == expected(documents[place:])


def test_nothing_since_the_moment_is_nothing(tmp_path):
    path = rotated(documents_of(50), tmp_path, ["a-json.log.1", "a-json.log"])
    with engine_sources(path, START + 1e6) as sources:
        assert sources == []
    assert merge_parts([]).digest.lines == 0


def test_a_moment_is_found_without_reading_what_stands_before_it(tmp_path):
    documents = documents_of(12_000)
    path = rotated(documents, tmp_path, ["a-json.log.1", "a-json.log"])
    since = open_document(documents[-700])[1]
    with engine_sources(path, since) as (source,):
        assert source.start > path.stat().st_size * 3 // 4
        assert answer_of([summarize_part(source, SCOPE)]) == expected(documents[-700:])


def test_lines_of_streams_that_overtook_each_other_are_judged_one_by_one(tmp_path):
    times = ("04", "05.1234562", "05.1234559", "05.123456", "05.9999", "07", "05.1")
    documents = [
        json.dumps({"log": f"{at}\n", "stream": "stdout", "time": f"2026-01-15T14:31:{at}Z"}).encode() + b"\n"
        for at in times
    ]
    path = tmp_path / "a-json.log"
    path.write_bytes(b"".join(documents))
    with engine_sources(path, open_document(documents[3])[1]) as (source,):
        found = answer_of([summarize_part(source, SCOPE)])
    assert found == expected([documents[1], *documents[3:]])


def test_files_that_grow_rotate_and_vanish_are_read_as_they_were(tmp_path):
    documents = documents_of(300)
    path = rotated(documents, tmp_path, ["a-json.log.1", "a-json.log"])
    with engine_sources(path, 0.0) as sources:
        with path.open("ab") as log:
            log.write(documents[0] * 100)
        (tmp_path / "a-json.log.1").unlink()
        path.rename(tmp_path / "a-json.log.1")
        path.write_bytes(documents[1] * 100)
        assert answer_of(list(summarize(sources, SCOPE, processes=2))) == expected(documents)


def test_a_deadline_leaves_the_oldest_lines(tmp_path):
    documents = [document for document in documents_of(6_000) if document.count(b'\\n"')]
    path = tmp_path / "a-json.log"
    path.write_bytes(b"".join(documents))
    with engine_sources(path, 0.0) as (source,):
        part = summarize_part(source, msgspec.structs.replace(SCOPE, deadline=0.0))
    assert part.is_late
    assert not part.complete
    assert 1_000 < part.lines < len(documents)
    assert (part.digest, part.lines, part.marks) == expected(documents[: part.lines])


def slowly(text: str) -> str:
    """Mark a line, so that there is time to interrupt those who count."""
    time.sleep(0.0005)
    return pattern_of(text)


def test_an_interruption_keeps_what_other_processes_have_counted(tmp_path):
    longer = b" " + b"x" * 400 + b'\\n"'  # so that it is counted in several blocks
    logs = [
        [each.replace(b'\\n"', longer) for each in documents_of(12_000, seed=seed) if each.count(b'\\n"')]
        for seed in (1, 2)
    ]
    scope = msgspec.structs.replace(SCOPE, mark=slowly)

    def interrupt(count: int) -> None:
        if count:
            raise KeyboardInterrupt

    found = []
    with ExitStack() as stack:
        sources = []
        for number, documents in enumerate(logs):
            path = tmp_path / f"{number}-json.log"
            path.write_bytes(b"".join(documents))
            sources += stack.enter_context(engine_sources(path, 0.0))
        with pytest.raises(KeyboardInterrupt):
            found.extend(summarize(sources, scope, processes=2, advance=interrupt))
    assert any(part.interrupted and part.lines for part in found)
    for part in found:
        documents = logs[sources.index(part.source)]
        assert part.interrupted or part.lines == len(documents)
        assert (part.digest, part.lines, part.marks) == expected(documents[: part.lines])


def dying(text: str) -> str:
    """Mark a line, and end a process that counts for another one."""
    if multiprocessing.parent_process() is not None and "KeyError" in text:
        os.kill(os.getpid(), signal.SIGKILL)
    return pattern_of(text)


def test_what_a_killed_process_leaves_is_counted_here(tmp_path):
    documents = documents_of(300)
    path = rotated(documents, tmp_path, ["a-json.log.1", "a-json.log"])
    with engine_sources(path, 0.0) as sources:
        found = list(summarize(sources, msgspec.structs.replace(SCOPE, mark=dying), processes=2))
    assert answer_of(found) == expected(documents)


ALONE = """
import sys
from tests.unit.technologies.logs.test_parts import *
with engine_sources(Path(sys.argv[1]), 0.0) as sources:
    found = list(summarize(sources, SCOPE, processes=2))
paths = (sys.argv[1] + ".1", sys.argv[1])
lines = [line for path in paths for line in Path(path).read_bytes().splitlines(keepends=True)]
stamped = [(json.loads(line)["time"] + " " + json.loads(line)["log"]).encode() for line in lines] * 5
summary._processors = lambda: 2
came = summarize_blocks(lambda: iter(stamped), OPENINGS, SCOPE)
print(summary._context().get_start_method(), answer_of(found) == expected(lines), came.lines == len(stamped))
"""


def test_a_process_without_threads_starts_copies_of_itself(tmp_path):
    documents = [document for document in documents_of(300) if document.count(b'\\n"')]
    path = rotated(documents, tmp_path, ["a-json.log.1", "a-json.log"])
    command = [sys.executable, "-c", ALONE, str(path)]
    output = subprocess.run(command, capture_output=True, text=True, check=False)
    method = "fork" if sys.platform == "linux" else "spawn"
    assert output.stdout.split() == [method, "True", "True"], output.stderr[-2_000:]


@pytest.mark.parametrize("mark", [pattern_of, dying])
@pytest.mark.parametrize("processors", [1, 2])
def test_blocks_as_they_come_hold_the_same_in_another_process(mark, processors, monkeypatch):
    stamped = [
        f"{(opened := json.loads(document))['time']} {opened['log']}".encode()
        for document in documents_of(800)
        if document.count(b'\\n"')
    ]
    blocks = [b"".join(stamped[start : start + 60]) for start in range(0, len(stamped), 60)]
    monkeypatch.setattr(summary, "_processors", lambda: processors)
    found = summarize_blocks(lambda: iter(blocks), OPENINGS, msgspec.structs.replace(SCOPE, mark=mark))
    scan = Scan(SCOPE.start, SCOPE.end, 60)
    for line in b"".join(blocks).split(b"\n")[:-1]:
        text, at, cut = open_stamped(line)
        scan.feed(text, at, cut=cut)
    assert found.digest == scan.finish()
    assert found.lines == len(stamped)
    assert found.marks.total() == sum(bool(pattern_of(open_stamped(line)[0])) for line in stamped)


def test_what_fails_while_blocks_come_is_raised():
    def blocks():
        yield from [b"2026-01-15T14:00:00Z ready\n"] * 10
        raise RuntimeError("the engine went away")

    with pytest.raises(RuntimeError, match="went away"):
        summarize_blocks(blocks, OPENINGS, SCOPE)
