"""Packages of a cluster merge in any order and stay small; secrets stay off open networks."""

import random
from itertools import permutations

import pytest

from incident_lib.errors import UsageError
from incident_lib.technologies.logs import fleet
from incident_lib.technologies.logs.fleet import Batch, check_address, merge_batches, pack, unpack
from incident_lib.technologies.logs.probes.digest import OTHER, Digest, Tally
from incident_lib.technologies.logs.summary import FileRead


def batch(number: int, **more: object) -> Batch:
    templates = {("INFO", "order <*>"): Tally(number, number, number + 5.0, f"order {number}")}
    file = FileRead(
        address=f"shop-{number % 2}.log",
        read_bytes=100,
        text_bytes=100,
        lines=number,
        first_at=float(number),
        last_at=number + 5.0,
        notes=[f"note {number}"] if number == 3 else [],
        complete=number != 3,
    )
    found = Batch(
        digest=Digest(lines=number, templates=templates),
        files=[file],
        newest=(f"line {number}",),
        newest_at=(float(number), file.address, 0),
    )
    for name, value in more.items():
        setattr(found, name, value)
    return found


def in_order(found: Batch) -> Batch:
    found.files.sort(key=lambda file: file.address)
    return found


def test_batches_merge_to_the_same_in_any_order_and_grouping():
    batches = [batch(number) for number in (1, 2, 3, 4)]
    whole = in_order(merge_batches(batches))
    for order in permutations(batches):
        pairs = [merge_batches(order[:2]), merge_batches(order[2:])]
        assert in_order(merge_batches([unpack(pack(pair)) for pair in pairs])) == whole
    assert (whole.digest.lines, whole.newest) == (10, ("line 4",))
    assert [(file.lines, file.read_bytes, file.complete, file.notes) for file in whole.files] == [
        (6, 200, True, []),
        (4, 200, False, ["note 3"]),
    ]


def test_stretches_without_lines_do_not_hide_the_newest():
    empty = batch(9, newest=(), newest_at=(99.0, "shop-1.log", 0))
    assert merge_batches([batch(1), empty]).newest == ("line 1",)


def test_a_package_stays_small_and_keeps_errors_apart():
    words = random.Random(7)
    rare = [words.randbytes(60).hex() for _ in range(20_000)]
    templates = {("INFO", text): Tally(1, 1.0, 1.0, text[::-1]) for text in rare}
    templates["ERROR", "the till is closed"] = Tally(1, 2.0, 2.0, "the till is closed")
    templates["INFO", "order <*>"] = Tally(5_000, 1.0, 9.0, "order 1")
    packed = pack(Batch(digest=Digest(lines=25_001, templates=templates), files=[]))
    assert len(packed) <= fleet._PACKED_BYTES
    kept = unpack(packed).digest.templates
    assert kept["ERROR", "the till is closed"].count == 1
    assert kept["INFO", "order <*>"].count == 5_000
    assert sum(tally.count for tally in kept.values()) == 25_001
    assert kept["INFO", OTHER].count > 10_000


def test_a_small_package_is_whole():
    small = batch(5)
    assert unpack(pack(small)) == small


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.5:8786", "tcp://scheduler.example.org:8786", "ws://10.0.0.5:1"]
)
def test_secrets_do_not_cross_an_open_network(address):
    check_address(address, has_secrets=False)
    with pytest.raises(UsageError, match="unencrypted"):
        check_address(address, has_secrets=True)


@pytest.mark.parametrize(
    "address", ["tls://10.0.0.5:8786", "tcp://127.0.0.1:8786", "tcp://[::1]:1", "tcp://localhost:1"]
)
def test_secrets_go_to_this_machine_and_through_tls(address):
    check_address(address, has_secrets=True)


@pytest.mark.parametrize(
    "address", ["", "locl", "10.0.0.5", "10.0.0.5:8786", "http://10.0.0.5:80", "tcp://host", "tcp://[::1"]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(UsageError, match="tcp://HOST:PORT"):
        check_address(address, has_secrets=False)
