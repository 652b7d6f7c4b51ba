"""Files of every kind -> sources -> summaries: compressed, rotated, cut, changed, not text."""

import bz2
import gzip
import lzma
import os
import pickle
import random
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incident_lib.errors import ProblemKind
from incident_lib.technologies.logs.redaction import Redaction
from incident_lib.technologies.logs.sources import find, split
from incident_lib.technologies.logs.summary import (
    Part,
    Scope,
    Summary,
    merge_parts,
    summarize,
    summarize_part,
)

START = datetime(2026, 1, 15, 14, 0, tzinfo=UTC).timestamp()


def log_of(count: int, *, seed: int = 1, start: float = START) -> str:
    """Return the lines of a shop: requests, errors with details, tracebacks."""
    chance, at, lines = random.Random(seed), start, []
    for number in range(count):
        at += chance.random()
        stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        kind = chance.random()
        if kind < 0.8:
            status = chance.choice((200, 200, 200, 503))
            lines.append(
                f'{stamp} INFO web - "GET /carts/{number} HTTP/1.1" {status} {chance.randint(1, 90)}ms'
            )
        elif kind < 0.9:
            lines.append(f"{stamp} ERROR pool - no answer of db.example:5432, password=x{number}")
        else:
            lines.append(
                f"{stamp} ERROR worker - job failed\nTraceback (most recent call last):\n"
                f'  File "/srv/shop/jobs.py", line 3, in run\n    go()\nKeyError: {number}'
            )
    return "\n".join(lines) + "\n"


def summary_of(*paths: Path | str, since: float | None = None, rotated: bool = True) -> Summary:
    found = find([str(path) for path in paths], since=since, with_rotated=rotated)
    assert not found.problems
    scope = Scope() if since is None else Scope(start=since)
    return merge_parts(summarize(found.sources, scope))


def in_frames(data: bytes, compress, pieces: int = 3) -> bytes:
    size = len(data) // pieces + 1
    return b"".join(compress(data[start : start + size]) for start in range(0, len(data), size))


COMPRESSIONS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_a_compressed_log_reads_like_the_plain_one(name, tmp_path):
    text = log_of(600)
    plain, packed = tmp_path / "plain.log", tmp_path / "packed"
    plain.write_text(text)
    packed.write_bytes(in_frames(text.encode(), COMPRESSIONS[name]))
    expected, found = summary_of(plain), summary_of(packed)
    assert found.digest == expected.digest
    assert found.files[0].compression == name
    assert found.files[0].text_bytes == len(text)
    assert found.complete


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_a_compressed_log_that_is_cut_counts_up_to_there(name, tmp_path):
    data = in_frames(log_of(4_000).encode(), COMPRESSIONS[name])
    packed = tmp_path / "app.log.1"
    packed.write_bytes(data[: len(data) * 2 // 3])
    found = summary_of(packed)
    assert 1_000 < found.digest.lines < 5_600
    assert "cut off" in found.files[0].notes[0]
    assert not found.complete


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_what_follows_compressed_data_is_noted(name, tmp_path):
    packed = tmp_path / "app.log"
    packed.write_bytes(
        COMPRESSIONS[name](b"2026-01-15T14:00:00Z INFO ready\n") + b"something else altogether"
    )
    found = summary_of(packed)
    assert found.digest.lines == 1
    assert "something else" in found.files[0].notes[0]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8-sig", "utf-8"])
def test_encodings_with_a_mark_and_line_ends_of_windows(encoding, tmp_path):
    text = log_of(300)
    plain, other = tmp_path / "plain.log", tmp_path / "other.log"
    plain.write_text(text)
    mark = "\ufeff" if encoding.startswith("utf-16") else ""
    other.write_bytes((mark + text.replace("\n", "\r\n")).encode(encoding))
    assert summary_of(other).digest == summary_of(plain).digest


def test_a_hole_of_nuls_is_no_text_and_hides_none(tmp_path):
    path = tmp_path / "app.log"
    with path.open("wb") as log:  # as after copytruncate, while the writer keeps its offset
        log.seek(50 * 1024 * 1024)
        log.write(log_of(200).encode())
    plain = tmp_path / "plain.log"
    plain.write_text(log_of(200))
    assert summary_of(path).digest == summary_of(plain).digest


def test_a_line_of_ten_megabytes_is_cut_and_the_next_is_read(tmp_path):
    path = tmp_path / "app.log"
    stamp = "2026-01-15T14:00:00Z ERROR"
    path.write_text(f"{stamp} {'x' * 10_000_000}\n{stamp} done\n")
    digest = summary_of(path).digest
    assert (digest.lines, digest.cut_lines) == (2, 1)
    assert max(len(tally.example) for tally in digest.templates.values()) < 10_000


def test_binary_is_counted_as_no_text(tmp_path):
    path = tmp_path / "core"
    path.write_bytes(random.Random(2).randbytes(300_000))
    digest = summary_of(path).digest
    assert digest.lines == 0
    assert digest.not_text_lines > 100


def test_other_encodings_are_text(tmp_path):
    path = tmp_path / "app.log"
    path.write_bytes("2026-01-15T14:00:00Z ERROR zu groß: größer als möglich\n".encode("latin-1") * 50)
    digest = summary_of(path).digest
    assert (digest.lines, digest.not_text_lines) == (50, 0)


def test_an_empty_file_holds_nothing(tmp_path):
    path = tmp_path / "app.log"
    path.touch()
    found = summary_of(path)
    assert (found.digest.lines, found.complete) == (0, True)


ROTATED = {
    "by number": ["app.log.10.gz", "app.log.2.gz", "app.log.1", "app.log"],
    "by date of logrotate": ["app.log-20260113.gz", "app.log-20260114", "app.log"],
    "by date of Python": ["app.log.2026-01-13", "app.log.2026-01-14", "app.log"],
    "by date inside": ["app.2026-01-13.log", "app.2026-01-14.log", "app.log"],
    "by time inside": ["app-2026-01-13T10-00-00.000.log.gz", "app-2026-01-14T10-00-00.000.log", "app.log"],
}


@pytest.mark.parametrize("names", ROTATED.values(), ids=ROTATED)
def test_a_rotated_set_is_read_in_order_by_its_name_and_by_a_pattern(names, tmp_path):
    for number, name in enumerate(names):
        data = log_of(50, seed=number, start=START + number * 1_000).encode()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    (tmp_path / "app.log.old").write_text("another log\n")
    (tmp_path / "app.logger").write_text("another log\n")
    by_name = find([str(tmp_path / "app.log")])
    by_pattern = find([str(tmp_path / "app*[0-9g]"), str(tmp_path / "app*.gz")])
    assert [Path(source.address).name for source in by_name.sources] == names
    assert [Path(source.address).name for source in by_pattern.sources] == names
    assert [Path(s.address).name for s in find([str(tmp_path / "app.log")], with_rotated=False).sources] == [
        "app.log"
    ]
    (tmp_path / "app.log").unlink()
    assert [Path(s.address).name for s in find([str(tmp_path / "app.log")]).sources] == names[:-1]


def test_no_file_is_counted_twice(tmp_path):
    live, old = tmp_path / "app.log", tmp_path / "app.log.1"
    live.write_text(log_of(100, start=START + 9_000))
    old.write_text(log_of(100))
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(old.read_bytes()[:4_000]))  # being compressed
    os.link(live, tmp_path / "hard.log")
    (tmp_path / "soft.log").symlink_to(live)
    names = ["app.log", "app.log", "hard.log", "soft.log", "app.log.1"]
    found = find([str(tmp_path / name) for name in names])
    assert sorted(Path(source.address).name for source in found.sources) == ["app.log", "app.log.1"]
    assert "app.log.1.gz" in found.notes[0]


def test_copies_under_other_names_count_each(tmp_path):
    for number in range(3):
        (tmp_path / f"web-{number}.log").write_text(log_of(100))
    assert len(find([str(tmp_path / "web-*.log")]).sources) == 3


def test_since_seeks_in_plain_files_and_leaves_older_ones_out(tmp_path):
    path, old = tmp_path / "app.log", tmp_path / "app.log.1"
    old.write_text(log_of(100, start=START - 90_000))
    os.utime(old, (START - 80_000, START - 80_000))
    path.write_text(log_of(6_000))
    since = START + 2_500
    found = find([str(path)], since=since)
    assert found.sources[0].start > 100_000
    assert "app.log.1" in found.notes[0]
    whole = merge_parts(summarize(find([str(path)], with_rotated=False).sources, Scope(start=since)))
    assert summary_of(path, since=since).digest == whole.digest
    assert 0 < whole.digest.lines < 3_000


def test_a_growing_file_is_read_up_to_where_it_ended(tmp_path):
    path = tmp_path / "app.log"
    path.write_text(log_of(100))
    sources, before = find([str(path)]).sources, summary_of(path)
    with path.open("a") as log:
        log.write(log_of(50))
    found = merge_parts(summarize(sources, Scope()))
    assert found.digest == before.digest
    assert "grew by" in found.files[0].notes[0]
    assert found.complete


def test_a_file_that_shrinks_is_read_in_part(tmp_path):
    path = tmp_path / "app.log"
    path.write_text(log_of(1_000))
    sources = find([str(path)]).sources
    os.truncate(path, 10_000)
    found = merge_parts(summarize(sources, Scope()))
    assert 0 < found.digest.lines < 1_000
    assert "was cut from" in found.files[0].notes[0]
    assert not found.complete


def test_a_file_that_is_rotated_is_found_under_its_new_name(tmp_path):
    path = tmp_path / "app.log"
    path.write_text(log_of(1_000))
    sources, before = find([str(path)]).sources, summary_of(path)
    path.rename(tmp_path / "app.log.1")
    path.write_text(log_of(3, start=START + 90_000))
    found = merge_parts(summarize(sources, Scope()))
    assert found.digest == before.digest
    assert "rotated" in found.files[0].notes[0]


def test_a_file_that_is_replaced_or_gone_is_a_problem_and_no_other_log(tmp_path):
    path = tmp_path / "app.log"
    path.write_text(log_of(100))
    sources = find([str(path)]).sources
    other = tmp_path / "other"
    other.write_text(log_of(7))
    other.rename(path)
    found = merge_parts(summarize(sources, Scope()))
    assert found.digest.lines == 0
    assert "replaced" in found.files[0].problem.message
    path.unlink()
    gone = merge_parts(summarize(sources, Scope()))
    assert "no such file any more" in gone.files[0].problem.message


def test_what_is_no_regular_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    found = find(
        [str(tmp_path), str(tmp_path / "pipe"), "/dev/zero", str(tmp_path / "none.log"), "/etc/none/*.log"]
    )
    kinds = [problem.kind for problem in found.problems.values()]
    assert kinds == [ProblemKind.UNSUPPORTED] * 3 + [ProblemKind.NOT_FOUND] * 2
    messages = [problem.message for problem in found.problems.values()]
    assert "folder" in messages[0]
    assert "pipe" in messages[1]
    assert "device" in messages[2]


def test_archives_are_refused(tmp_path):
    import tarfile
    import zipfile

    (tmp_path / "app.log").write_text(log_of(3))
    with zipfile.ZipFile(tmp_path / "logs.zip", "w") as archive:
        archive.write(tmp_path / "app.log")
    with tarfile.open(tmp_path / "logs.tar", "w") as archive:
        archive.add(tmp_path / "app.log")
    found = find([str(tmp_path / "logs.zip"), str(tmp_path / "logs.tar")])
    assert [problem.advice for problem in found.problems.values()] == ["unpack it, and name its files"] * 2


def test_parts_and_results_can_be_sent_and_hold_no_secret(tmp_path):
    path = tmp_path / "app.log"
    path.write_text(log_of(500) + "2026-01-15T14:00:00Z ERROR pay - card of hunter-two refused\n" * 3)
    source = pickle.loads(pickle.dumps(find([str(path)]).sources[0]))
    part = pickle.loads(pickle.dumps(summarize_part(source, Scope(redaction=Redaction(("hunter-two",))))))
    assert isinstance(part, Part)
    text = msgspec.json.encode([repr(part.digest), part.newest]).decode()
    assert "password=" in text
    assert "password=x" not in text
    assert "hunter-two" not in text
    pool = [template for _, template in part.digest.templates if "no answer" in template]
    assert len(pool) == 1  # what was hidden is a variable like any other


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(5_000, 40_000), seed=st.integers(0, 3), nuls=st.booleans())
def test_the_summary_of_the_parts_is_the_summary_of_the_whole(size, seed, nuls, tmp_path):
    path = tmp_path / f"app-{seed}-{nuls}.log"
    path.write_text(("\0" * 3_000 if nuls else "") + log_of(400, seed=seed))
    source = find([str(path)]).sources[0]
    parts = split(source, size)
    whole = summarize_part(source, Scope())
    found = merge_parts(summarize_part(part, Scope()) for part in parts)
    assert found.digest == whole.digest
    assert found.newest == whole.newest
    assert found.files[0].text_bytes == whole.text_bytes


def test_several_processes_count_the_same(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.log").write_text(log_of(400, seed=number))
    sources = find([str(tmp_path / "*.log")]).sources
    found = merge_parts(summarize(sources, Scope(), processes=2))
    assert found.digest == merge_parts(summarize(sources, Scope())).digest
    assert len(found.files) == 3
