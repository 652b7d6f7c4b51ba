"""Blocks counted by the shapes of their lines give what the scan gives line by line, whatever is in them."""

import random
from datetime import UTC, datetime

import msgspec
import pytest

from incident_lib.technologies.logs.probes.container import open_stamped
from incident_lib.technologies.logs.probes.digest import Digest
from incident_lib.technologies.logs.probes.engine_file import open_document
from incident_lib.technologies.logs.probes.line import Opening, open_plain
from incident_lib.technologies.logs.probes.scan import Scan
from incident_lib.technologies.logs.probes.shapes import Shapes

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
    shapes = Shapes(Scan(*window), opening, block_bytes=0)
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


def traced(second: int, number: int) -> str:
    """Return an error with its traceback, of two threads' kinds."""
    return (
        f"2026-01-15 14:30:{second:02d},{number % 1000:03d} ERROR shop.pay: order {number} failed\n"
        "Traceback (most recent call last):\n"
        f'  File "/srv/pay.py", line {88 + number % 2}, in pay\n'
        "    charge(order)\n"
        f"shop.errors.PayError: order {number} was declined by 10.0.0.{number % 3}"
    )


def refused(second: int, number: int) -> str:
    """Return an error of a class, about one of three hosts."""
    return (
        f"2026-01-15 14:30:{second:02d} ERROR shop.db: connection to server at"
        f' "10.0.0.{number % 3}", port 5432 failed: timeout expired'
    )


def of_postgres(second: int, number: int) -> str:
    head = f"2026-01-15 14:30:{second:02d}.{number % 1000:03d} UTC [{number}] shop@shop"
    return (
        f'{head} ERROR:  duplicate key value violates unique constraint "orders_pkey"\n'
        f"{head} DETAIL:  Key (id)=({number}) already exists.\n"
        f"{head} STATEMENT:  INSERT INTO orders (id) VALUES ($1)"
    )


def of_java(second: int, number: int) -> str:
    return (
        f"2026-01-15 14:30:{second:02d} ERROR shop.Pay - order {number} failed\n"
        f"shop.PayError: no money for {number}\n\tat shop.Pay.run(Pay.java:12)\n\tat shop.Main.go(M.java:7)"
    )


@pytest.mark.parametrize("kind", [traced, refused, of_postgres, of_java])
def test_errors_and_what_belongs_to_them_are_counted_without_being_read(kind):
    dice = random.Random(4)
    texts = [kind(at // 10, dice.randrange(10_000, 99_999)) for at in range(600)]
    raws = [line.encode() for text in texts for line in text.split("\n")]
    counted, shapes = by_shapes(raws, open_plain, len(raws) // 3)
    assert differences(counted, by_scan(raws, open_plain)) == []
    assert counted.errors == 600
    assert shapes.slow_lines < len(raws) / 8


@pytest.mark.parametrize("bad", [502, 503, 504, 521])
def test_a_status_that_says_more_than_others_is_read(bad):
    def served(at: int, status: int) -> bytes:
        fields = f'"status":{status},"request_uri":"/a/{at}","request_method":"GET"'
        moment = f"{datetime.fromtimestamp(BEGIN + at, UTC):%Y-%m-%dT%H:%M:%SZ}"
        return f'{{"time":"{moment}",{fields},"upstream_addr":"10.0.0.{at % 9}:80"}}'.encode()

    raws = [served(at, bad if at > 1_500 and at % 4 == 0 else 200) for at in range(2_000)]
    scanned = by_scan(raws, open_plain)
    assert not differences(scanned, by_shapes(raws, open_plain, 100_000)[0])
    assert sum(tally.count for tally in scanned.classes.values()) == (0 if bad == 503 else 124)


@pytest.mark.parametrize("seed", range(6))
def test_errors_between_other_lines_are_counted_alike(seed):
    """Also where one thread writes into the traceback of another, or a block ends within."""
    dice = random.Random(seed)
    texts: list[str] = []
    for at in range(240):
        kind = dice.choice(
            [traced, refused, of_postgres, of_java, lambda second, _: line(dice, BEGIN + second)]
        )
        texts += kind(at // 4, dice.randrange(10_000, 99_999)).split("\n")
    for _ in range(dice.randrange(30)):
        place = dice.randrange(len(texts))
        texts.insert(place, dice.choice(texts))
    raws = [text.encode() for text in texts]
    reference = by_scan(raws, open_plain)
    for size in (61, 100_000):
        counted, _ = by_shapes(raws, open_plain, size)
        assert differences(counted, reference) == []


def test_lines_without_any_time_are_counted_without_being_read():
    raws = [
        f'INFO:     10.1.0.{at % 9}:{40_000 + at} - "GET /items/{at} HTTP/1.1" {status} OK'.encode()
        for at, status in enumerate([200, 404, 503] * 1_000)
    ]
    counted, shapes = by_shapes(raws, open_plain, 1_000)
    assert differences(counted, by_scan(raws, open_plain)) == []
    assert shapes.slow_lines < 300


def test_digits_that_decide_have_shapes_of_their_own():
    raws = [
        f'10.0.0.7 - - [15/Jan/2026:14:30:{at % 60:02d} +0000] "GET /v{at % 3}/{at} HTTP/1.1" 200 9'.encode()
        for at in range(3_000)
    ]
    counted, shapes = by_shapes(raws, open_plain, 1_000)
    assert differences(counted, by_scan(raws, open_plain)) == []
    assert shapes.slow_lines < 300


def test_digits_that_decide_are_kept_apart_only_up_to_a_limit():
    dice = random.Random(2)
    raws = [
        f"2026-01-15 14:30:{at % 60:02d} ERROR shop.db: connection to server at"
        f' "10.{dice.randrange(10, 99)}.{dice.randrange(10, 99)}.7", port 5432 failed: expired'.encode()
        for at in range(6_000)
    ]
    shapes = Shapes(Scan(*ALWAYS), open_plain)
    shapes.feed_block(b"".join(raw + b"\n" for raw in raws))
    counted, reference = shapes.finish(), by_scan(raws, open_plain)
    # Which hosts an error is about is only counted in its first lines, and these are not the same ones.
    assert [name for name in differences(counted, reference) if name != "peers"] == []
    assert len(shapes._plans.learner.plans) < 2_500


@pytest.mark.parametrize(
    "form",
    [
        "[2026-03-29 {time} {zone}] [7] [INFO] closing connection {number}",
        "2026-03-29T{time}{zone} INFO shop: stored {number}",
        '10.0.0.7 - - [29/Mar/2026:{time} {zone}] "GET /a/{number} HTTP/1.1" 200 9',
    ],
)
def test_a_zone_that_changes_within_a_log_is_read(form):
    raws = [
        form.format(
            time=f"0{hour}:{second // 60:02d}:{second % 60:02d}", zone=zone, number=10_000 + second
        ).encode()
        for hour, zone in ((0, "+0000"), (2, "+0100"))
        for second in range(600)
    ]
    counted, shapes = by_shapes(raws, open_plain, 300)
    assert differences(counted, by_scan(raws, open_plain)) == []
    assert shapes.slow_lines < 100


def test_numbers_of_any_digits_are_learned_from():
    """In JSON no number begins with a zero."""
    raws = [
        f'{{"ts": "2026-01-15T14:30:{at % 60:02d}Z", "level": "info", "event": "served",'
        f' "duration_ms": 9{at % 10}.{at % 97:02d}}}'.encode()
        for at in range(2_000)
    ]
    counted, shapes = by_shapes(raws, open_plain, 500)
    assert differences(counted, by_scan(raws, open_plain)) == []
    assert shapes.slow_lines < 100


def test_words_of_letters_that_ids_have_too_are_no_ids():
    words = ("added", "faced", "deeded", "0added")
    raws = [
        f'{{"ts": "2026-01-15T14:30:{at % 60:02d}Z", "level": "info", "msg": "{words[at % 4]}",'
        f' "id": "{at:016x}"}}'.encode()
        for at in range(2_000)
    ]
    counted, _ = by_shapes(raws, open_plain, 500)
    assert differences(counted, by_scan(raws, open_plain)) == []


def test_what_is_marked_is_counted_by_its_mark():
    raws = [text.encode() for text in log(9, 300)]
    shapes = Shapes(Scan(*ALWAYS), open_plain, lambda text: "failed" if "failed" in text else "")
    shapes.feed_block(b"".join(raw + b"\n" for raw in raws))
    shapes.finish()
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
    shapes.finish()
    assert (shapes.marks.total(), shapes.marks["(other)"]) == (5_200, 200)
