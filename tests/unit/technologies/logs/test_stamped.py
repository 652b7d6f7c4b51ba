"""Blocks that are opened at once hold what their lines hold, whatever an engine or a disk has written."""

import json
import random
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_lib.technologies.logs.probes.container import open_stamped
from incident_lib.technologies.logs.probes.digest import Digest
from incident_lib.technologies.logs.probes.engine_file import Pieces, open_document
from incident_lib.technologies.logs.probes.line import Opened, Opening, clean
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.technologies.logs.probes.shapes import Shapes
from incident_lib.technologies.logs.probes.stamped import OpeningAll, Stamped, open_answer, open_documents
from incident_lib.technologies.logs.sources.engine import engine_sources
from incident_lib.technologies.logs.sources.split import split
from incident_lib.technologies.logs.summary import merge_parts, summarize_part
from tests.unit.technologies.logs.test_parts import SCOPE
from tests.unit.technologies.logs.test_shapes import (
    ALWAYS,
    BEGIN,
    by_scan,
    differences,
    line,
    of_java,
    of_postgres,
    refused,
    traced,
)

CHARACTERS = 'az09 "\\/<>&{}[]:,.\t\r\0\x1b\x7f\u00e9\u2028\u2029\ufeff\U0001f600'
texts = st.one_of(
    st.text(CHARACTERS, max_size=40),
    st.sampled_from(
        (
            "",
            "\\n",
            "\\",
            '"}{"',
            '"}\\n{"',
            '\\n","stream":"stdout"',
            "\x1b[31mERROR\x1b[0m: no",
            "é" * 66_000,
        )
    ),
)
fractions = st.one_of(st.just(""), st.integers(0, 10**9 - 1).map(lambda number: f".{number:09d}".rstrip("0")))
stamps = st.builds(
    "2026-01-{:02d}T{:02d}:{:02d}:{:02d}{}Z".format,
    st.integers(1, 31),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
    fractions.map(lambda text: text if text != "." else ""),
)
odd_stamps = st.sampled_from(
    (
        *("", "soon", "2026-01-15T14:31:05", "2026-01-15 14:31:05Z", "2026-13-15T14:31:05Z"),
        *(
            "1969-12-31T23:59:59Z",
            "2026-01-15T14:31:60Z",
            "2026-01-15T14:31:05.Z",
            "2026-01-15T14:31:05+01:00",
        ),
        *("2026-01-15T14:31:05.1234567891Z", "2026-01-15T14:31:05.12Z34", "2026-01-15T14:31:05.1\0Z"),
        *(
            "2026-01-15T14:31:05.12Z ",
            "2026-01-15T14:31Z",
            "2026-01-15T14:31:05.é12Z",
            "2026-01-15T14:31:05.\x001Z",
        ),
    )
)


def as_go_writes(text: str) -> str:
    """Return a text as a JSON string in the way of the engine's encoder."""
    found = json.dumps(text, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        found = found.replace(character, f"\\u{ord(character):04x}")
    return found


@st.composite
def documents(draw: st.DrawFn, stamp: st.SearchStrategy[str] = stamps) -> bytes:
    """Return a whole line as the engine, or another program that escapes more, keeps it."""
    written = draw(st.sampled_from((as_go_writes, json.dumps)))(draw(texts) + "\n")
    attributes = draw(st.sampled_from(("", ',"attrs":{"tag":"a b"}')))
    stream = draw(st.sampled_from(("stdout", "stderr")))
    time = json.dumps(draw(stamp))
    return f'{{"log":{written},"stream":"{stream}"{attributes},"time":{time}}}\n'.encode()


broken = st.sampled_from(
    (
        *(
            b"\n",
            b"{}\n",
            b"[]\n",
            b"null\n",
            b'{"log":null}\n',
            b'{"log":"a\\n","time":7}\n',
            b"\xff\n",
            b"\0\n",
        ),
        *(
            b'{"log":"half a li',
            b'{"log":\n',
            b'"a\\n"}\n',
            b'{"log":"a\\n"}{"log":"b\\n"}\n',
            b'{"log":"\\ud800"}\n',
        ),
        (
            b'{"log":"a\\n","stream":"stdout","time":"2026-01-15T14:31:05Z"} '
            b'{"log":"b\\n","stream":"stdout","time":"2026-01-15T14:31:05Z"}\n'
        ),
        b'{"log":"a\\nb\\n","stream":"stdout","time":"2026-01-15T14:31:05Z"}\n',
        b'{"log":"no end","stream":"stderr","time":"2026-01-15T14:31:05Z"}\n',
        b'{"log":"\\\\n","stream":"stderr","time":"2026-01-15T14:31:05Z"}\n',
        b'{"log":"\\n","log":"b\\n","stream":"stderr","time":"2026-01-15T14:31:05Z"}\n',
        b' {"log":"a\\n","stream":"stdout","time":"2026-01-15T14:31:05Z"}\r\n',
    )
)


def opened(lines: Stamped) -> list[Opened]:
    """Return the lines one by one."""
    found = []
    assert lines.text.endswith(b"\n")
    for raw, at in zip(lines.text[:-1].split(b"\n"), lines.at.tolist(), strict=True):
        text, cut = clean(raw.decode("utf-8", "replace"))
        found.append((text, at, cut))
    return found


@given(st.lists(documents(), min_size=1, max_size=12))
def test_documents_of_whole_lines_are_opened_at_once(raws):
    found = open_documents(b"".join(raws))
    assert found is not None
    assert opened(found) == [open_document(raw) for raw in raws]


@settings(deadline=None)
@given(st.lists(st.one_of(documents(), documents(odd_stamps), broken), min_size=1, max_size=5), st.booleans())
def test_whatever_else_is_opened_at_once_is_opened_alike(raws, is_cut):
    block = b"".join(raws)
    block = block[:-1] if is_cut else block
    if block and (found := open_documents(block)) is not None:
        assert opened(found) == [open_document(raw) for raw in block.split(b"\n")[:-1]]


def document(log: str, time: str = "2026-01-15T14:31:05.5Z") -> bytes:
    return json.dumps({"log": log, "stream": "stdout", "time": time}).encode()


@pytest.mark.parametrize(
    "raws",
    [
        [document("a\n") + document("b\n"), b"", document("c\n")],
        [document("a\n") + b" " + document("b\n"), document("c\n").replace(b'", ', b'",\n', 1)],
        [document("no end"), document("a\nb\n")],
        [document("a\nb\n"), document("c\n")],
        [document("")],
        *(
            [document("a\n", f"2026-01-15T14:31:05{behind}")]
            for behind in (
                "",
                ".Z",
                ".\0Z1",
                ".1Z2",
                ".1\0Z",
                ".1234567891Z",
                "Z0",
                "Z\0Z",
                "+01:00",
                ".1z",
                ",5Z",
            )
        ),
        *([document("a\n", time)] for time in ("", "2026-01-15 14:31:05Z", "2026-02-30T14:31:05Z")),
    ],
)
def test_what_is_no_whole_line_of_a_time_is_left_to_its_lines(raws):
    assert open_documents(b"".join(raw + b"\n" for raw in raws)) is None
    assert open_documents(document("a\n") + b"\n") is not None


@given(st.lists(st.tuples(stamps, st.binary(max_size=60)), min_size=1, max_size=12))
def test_an_answer_is_opened_at_once_where_its_times_have_nine_digits(pairs):
    lines = []
    for stamp, text in pairs:
        second, _, fraction = stamp[:-1].partition(".")
        lines.append(f"{second}.{fraction.ljust(9, '0')}Z ".encode() + text.replace(b"\n", b""))
    found = open_answer(b"".join(line + b"\n" for line in lines))
    assert found is not None
    assert opened(found) == [open_stamped(line) for line in lines]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.one_of(stamps, odd_stamps), texts).map(" ".join),
            st.sampled_from(
                ("", "ready", "2026-01-15T14:31:05.123456789Z", "2026-01-15T14:31:05.123456789Zx")
            ),
            st.just("2026-01-15T14:31:05.123456789Z ready"),
        ),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
)
def test_whatever_else_an_answer_holds_is_opened_alike(lines, is_cut):
    block = "".join(f"{text}\n" for text in lines).encode()
    block = block[:-1] if is_cut else block
    if block and (found := open_answer(block)) is not None:
        assert opened(found) == [open_stamped(raw) for raw in block.split(b"\n")[:-1]]


def by_blocks(raws: list[bytes], size: int, ways: tuple[Opening, OpeningAll]) -> tuple[Digest, Shapes]:
    shapes = Shapes(Scan(*ALWAYS), ways[0], block_bytes=0)
    for begin in range(0, len(raws), size):
        block = b"".join(raw + b"\n" for raw in raws[begin : begin + size])
        shapes.feed_block(ways[1](block) or block)
    return shapes.finish(), shapes


def stamped(logged: list[str], dice: random.Random, longest_pause: float) -> tuple[list[bytes], list[bytes]]:
    """Return lines as an engine answers and as it keeps them, with pauses between them."""
    answered, kept, at = [], [], float(BEGIN)
    for text in logged:
        at += dice.choice((0.0, 0.001, longest_pause)) * dice.random()
        time = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S.%f}{dice.randrange(1000):03d}Z"
        answered.append(f"{time} {text}".encode())
        written = re.sub(r"\.?0+Z$", "Z", time) if "." in time else time
        kept.append(f'{{"log":{as_go_writes(text + chr(10))},"stream":"stdout","time":"{written}"}}'.encode())
    return answered, kept


@pytest.mark.parametrize(("seed", "pause"), list(enumerate([0.01, 0.9, 3.0, 0.01, 0.9, 3.0])))
def test_stamped_lines_are_counted_as_the_scan_does(seed, pause):
    """Also what belongs together: a pause ends a message, an envelope is read, a thread writes between."""
    dice = random.Random(seed)
    logged: list[str] = []
    for at in range(300):
        kind = dice.choice(
            (traced, refused, of_postgres, of_java, lambda second, _: line(dice, BEGIN + second))
        )
        logged += kind(at // 9, dice.randrange(10_000, 99_999)).split("\n")
    for _ in range(dice.randrange(30)):
        place = dice.randrange(len(logged))
        logged.insert(
            place, dice.choice((*logged[:50], "cron | ERROR no", "", "more words", "\x1b[31mred\x1b[0m"))
        )
    answered, kept = stamped(logged, dice, pause)
    reference = by_scan(answered, open_stamped)
    assert differences(by_scan(kept, open_document), reference) == []
    for raws, ways in ((answered, (open_stamped, open_answer)), (kept, (open_document, open_documents))):
        for size in (1, 61, 100_000):
            counted, _ = by_blocks(raws, size, ways)
            assert differences(counted, reference) == []


@pytest.mark.parametrize("kind", [traced, refused, of_postgres, of_java])
def test_most_stamped_errors_are_counted_without_being_read(kind):
    dice = random.Random(4)
    logged = [
        each for at in range(600) for each in kind(at // 10, dice.randrange(10_000, 99_999)).split("\n")
    ]
    _, kept = stamped(logged, dice, 0.01)
    counted, shapes = by_blocks(kept, len(kept) // 3, (open_document, open_documents))
    assert counted.errors == 600
    assert shapes.slow_lines < len(kept) / 8


def test_blocks_with_times_and_without_come_in_any_order():
    dice = random.Random(7)
    logged = [each for at in range(200) for each in line(dice, BEGIN + at).split("\n")]
    answered, _ = stamped(logged, dice, 0.1)
    for number in range(0, len(answered), 50):
        answered[number] = b"  a line without its time"
    counted, _ = by_blocks(answered, 20, (open_stamped, open_answer))
    assert differences(counted, by_scan(answered, open_stamped)) == []


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), damages=st.lists(st.tuples(st.integers(0, 10**6), broken), max_size=4))
def test_a_damaged_file_is_counted_as_its_lines_are(seed, damages, tmp_path_factory):
    dice = random.Random(seed)
    logged = [each for at in range(150) for each in line(dice, BEGIN + at).split("\n")]
    _, kept = stamped(logged, dice, 0.8)
    raws = [raw + b"\n" for raw in kept]
    for number in range(3):  # of two streams, in pieces
        raws[number * 7] = raws[number * 7].replace(b"stdout", b"stderr").replace(b'\\n"', b'"')
    for place, damage in damages:
        raws.insert(place % len(raws) + 1, damage)
    content = b"".join(raws)
    path = tmp_path_factory.mktemp("damaged") / "a-json.log"
    path.write_bytes(content)
    with engine_sources(path, 0.0) as sources:
        for part_bytes in (10**9, 9_000):
            parts = [summarize_part(part, SCOPE) for source in sources for part in split(source, part_bytes)]
            expected = line_by_line(content)
            assert (merge_parts(parts).digest, sum(part.lines for part in parts)) == expected


def line_by_line(content: bytes) -> tuple[Digest, int]:
    """Return what the documents hold, each opened by itself, and how many lines these are."""
    pieces, scan, lines = Pieces(), Scan(SCOPE.start, SCOPE.end, slot_seconds=60), 0
    joined = [pieces.joined(raw) for raw in content.split(b"\n") if raw]
    for raw in b"".join((*joined, pieces.rest())).split(b"\n"):
        found: Any = open_document(raw) if raw else None
        if found is not None:
            scan.feed(found[0], found[1], cut=found[2])
            lines += 1
    return scan.finish(), lines
