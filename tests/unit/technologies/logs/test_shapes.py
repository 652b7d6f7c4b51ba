"""Blocks counted by the shapes of their lines give what the scan gives line by line, whatever is in them."""

import random

import msgspec
import pytest

from incident_lib.technologies.logs.probes.container import open_stamped
from incident_lib.technologies.logs.probes.digest import Digest
from incident_lib.technologies.logs.probes.engine_file import open_document
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.technologies.logs.probes.shapes import Opening, Shapes, open_plain

ALWAYS = (float("-inf"), float("inf"))
BEGIN = 1_768_487_400  # 2026-01-15 14:30:00


def clock(at: int, form: str) -> str:
    minute, second = divmod(at % 3600, 60)
    return form.replace("MM", f"{30 + minute % 30:02d}").replace("SS", f"{second:02d}")


def line(dice: random.Random, at: int) -> str:
    """Return a line of a program, or several that belong together."""
    spaced, jobs = clock(at, "2026-01-15 14:MM:SS"), ("sync", "bill")
    iso, day = clock(at, "2026-01-15T14:MM:SS"), clock(at, "15/Jan/2026:14:MM:SS +0000")
    number, status = dice.randrange(10 ** dice.randrange(1, 7)), dice.choice([200, 201, 404, 500, 503])
    uuid = f"{dice.getrandbits(32):08x}-{dice.getrandbits(16):04x}-4abc-8def-{dice.getrandbits(48):012x}"
    kinds = (
        f'INFO:     10.1.{number % 9}.7:{40_000 + number % 999} - "GET /items/{number} HTTP/1.1" {status} OK',
        (
            f'10.1.0.{number % 250} - - [{day}] "PUT /v2/carts/{number} HTTP/1.1" {status} {number} "-"'
            f' "curl/8.{number % 9}" {number % 2000 / 1000:.3f}'
        ),
        f'{{"time": "{iso}.{number % 1000:03d}Z", "level": "info", "msg": "stored", "id": "{uuid}"}}',
        f'{{"ts": "{iso}Z", "level": {dice.choice([30, 40, 50])}, "msg": "ran out of {number} boxes"}}',
        (
            f'{{"ts": "{iso}Z", "level": "info", "event": "served", "method": "GET", "path": "/p/{number}",'
            f' "status": {status}, "duration_ms": {number / 7:.2f}}}'
        ),
        f"time={iso}.{number % 1000:03d}+02:00 level=info msg=synced node=n{number} took={number}ms",
        f"{spaced},{number % 1000:03d} INFO shop.jobs: {dice.choice(jobs)} {uuid} {number} rows",
        f"{spaced},{number % 1000:03d} ERROR shop.pay: order {number} failed",
        (
            f"{spaced},100 ERROR shop.pay: no\nTraceback (most recent call last):\n"
            f'  File "/srv/pay.py", line {number}, in pay\n    run()\nshop.errors.PayError: {number}'
        ),
        (
            f"{spaced}.{number % 1000:03d} UTC [{number}] LOG:  duration: {number / 3:.3f} ms  statement:"
            f" select {number}"
        ),
        (
            f"{spaced}.{number % 1000:03d} UTC [{number}] ERROR:  deadlock detected\n"
            f"{spaced}.{number % 1000:03d} UTC [{number}] DETAIL:  Process {number} waits"
        ),
        f"1:M {clock(at, '15 Jan 2026 14:MM:SS')}.{number % 1000:03d} * {number} keys in {number % 7} s",
        f"worker exited with code {dice.choice([0, 1, 137])}, status {number}",
        f"  indented {number}",
        f"plain words {number}",
        "",
    )
    return dice.choice(kinds)


def log(seed: int, count: int) -> list[str]:
    dice = random.Random(seed)
    return [part for at in range(BEGIN, BEGIN + count) for part in line(dice, at // 3).split("\n")]


def by_scan(raws: list[bytes], opening: Opening, window: tuple[float, float] = ALWAYS) -> Digest:
    scan = Scan(*window)
    for raw in raws:
        if opened := opening(raw):
            scan.feed(opened[0], opened[1], cut=opened[2])
    return scan.finish()


def by_shapes(
    raws: list[bytes], opening: Opening, size: int, window: tuple[float, float] = ALWAYS
) -> tuple[Digest, Shapes]:
    shapes = Shapes(Scan(*window), opening)
    for begin in range(0, len(raws), size):
        shapes.feed_block(b"".join(raw + b"\n" for raw in raws[begin : begin + size]))
    return shapes.finish(), shapes


def differences(left: Digest, right: Digest) -> list[str]:
    return [name for name in Digest.__struct_fields__ if getattr(left, name) != getattr(right, name)]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("size", [1, 37, 100_000])
def test_shapes_and_scan_count_the_same_in_any_mixture(seed, size):
    raws = [text.encode() for text in log(seed, 400)]
    counted, _ = by_shapes(raws, open_plain, size)
    assert differences(counted, by_scan(raws, open_plain)) == []


@pytest.mark.parametrize("window", [(BEGIN + 40.5, BEGIN + 90.2), (BEGIN - 10.0, BEGIN + 3600.0)])
def test_a_window_cuts_blocks_where_the_scan_does(window):
    raws = [text.encode() for text in log(3, 600)]
    counted, _ = by_shapes(raws, open_plain, 150, window)
    assert differences(counted, by_scan(raws, open_plain, window)) == []


def test_lines_of_an_engine_and_of_its_file_are_counted_alike():
    texts = log(5, 500)
    times = [clock(BEGIN + at, f"2026-01-15T14:MM:SS.{at * 7919 % 10**9:09d}Z") for at in range(len(texts))]
    stamped = [f"{time} {text}".encode() for time, text in zip(times, texts, strict=True)]
    stored = [
        msgspec.json.encode({"log": f"{text}\n", "stream": "stdout", "time": f"{time[:-1].rstrip('0')}Z"})
        for time, text in zip(times, texts, strict=True)
    ]
    from_engine, _ = by_shapes(stamped, open_stamped, 200)
    from_file, _ = by_shapes(stored, open_document, 200)
    assert differences(from_engine, by_scan(stamped, open_stamped)) == []
    assert differences(from_file, from_engine) == []


def test_most_lines_of_few_shapes_are_not_read():
    raws = [
        text.encode()
        for seed in range(40)
        for text in log(seed, 50)
        if " ERROR" not in text and text[:1] in "{1t"
    ]
    _, shapes = by_shapes(raws, open_plain, 500)
    assert shapes.slow_lines < len(raws) / 2


def test_what_is_marked_is_counted_by_its_mark():
    raws = [text.encode() for text in log(9, 300)]
    shapes = Shapes(Scan(*ALWAYS), open_plain, lambda text: "failed" if "failed" in text else "")
    shapes.feed_block(b"".join(raw + b"\n" for raw in raws))
    assert shapes.marks["failed"] == sum(b"failed" in raw for raw in raws)


def test_digits_that_decide_are_not_taken_for_others():
    raws = [
        f'{{"ts": "2026-01-15T14:30:{second:02d}Z", "level": {level}, "msg": "sent {second}"}}'.encode()
        for second in range(60)
        for level in (30, 50)
    ]
    counted, _ = by_shapes(raws, open_plain, 40)
    assert counted.levels == {"INFO": 60, "ERROR": 60}


def test_marks_beyond_those_kept_apart_are_counted_together():
    shapes = Shapes(Scan(*ALWAYS), open_plain, lambda text: text)
    shapes.feed_block(b"".join(b"%s x\n" % f"{number:x}".encode() for number in range(5_200)))
    assert (shapes.marks.total(), shapes.marks["(other)"]) == (5_200, 200)
