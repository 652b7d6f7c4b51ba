"""What was stored or received is data: bounded, named, and never the end of a command."""

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from incident_lib.errors import FolderError
from incident_lib.incident import decode
from incident_lib.model import Event

EVENT = {
    "id": "0123456789abcdef",
    "kind": "note",
    "occurred_at": "2026-01-15T14:31:05Z",
    "recorded_at": "2026-01-15T14:31:06Z",
    "source": "Kim",
    "text": "the pool is full",
}


ODD = [
    "",
    "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01T00:00:00",
    1 << 70,
    -1,
    None,
    [],
    {"a": [1]},
    "note",
]


class Sample(msgspec.Struct, frozen=True):
    name: str
    size: int = 7
    at: datetime | None = None
    parts: tuple["Sample", ...] = ()
    more: dict[str, str] = {}


def decoded(document, kind=Sample):
    return decode.decode(msgspec.json.encode(document), kind, "here")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", 1 << 54),
        ("size", -(1 << 54)),
        ("size", 1e300),
        ("size", "seven"),
        ("size", None),
        ("at", "9999-12-31T23:59:59Z"),
        ("at", "0001-01-01T00:00:00+14:00"),
        ("at", "10000-01-01T00:00:00Z"),
        ("at", "yesterday"),
        ("at", 5),
        ("parts", 5),
        ("more", {"a": 1}),
        ("more", []),
    ],
)
def test_a_field_that_makes_no_sense_is_left_out_and_reported(field, value, caplog):
    decode.report.cache_clear()
    assert decoded({"name": "a", field: value}) == Sample("a")
    assert caplog.messages[0].startswith("here: left out")
    assert field in caplog.messages[0]


def test_an_item_that_makes_no_sense_is_left_out_and_the_others_stay():
    parts = [{"name": "b"}, {"name": 5}, 7, {"name": "c", "size": "x"}]
    assert decoded({"name": "a", "parts": parts}).parts == (Sample("b"), Sample("c"))


def test_a_time_without_a_zone_is_utc():
    assert decoded({"name": "a", "at": "2026-01-15T14:31:05"}).at == datetime.fromisoformat(
        "2026-01-15T14:31:05Z"
    )


def test_numbers_and_times_at_the_bounds_stay():
    record = {"name": "a", "size": 1 << 53, "at": "9998-12-30T00:00:00Z"}
    assert msgspec.to_builtins(decoded(record)) == {**record, "parts": (), "more": {}}


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 200_000,
        b'{"name": ' + b"[" * 200_000,
        b'{"name": "a", "x": ' + b"[" * 101 + b"]" * 101 + b"}",
        b'{"name": "a", "x": ' + b'{"a":' * 101 + b"1" + b"}" * 102,
        b"[1, 2]",
        b'{"size": 3}',
        b'{"name": "a"',
        b'"\\ud800"',
        b"\xff\xfe",
        b"",
        b"null",
        b"NaN",
        b"1" * 100_000,
    ],
)
def test_what_is_no_record_is_refused_by_name(data):
    with pytest.raises(FolderError, match=r"^here cannot be read"):
        decode.decode(data, Sample, "here")


def test_depth_is_counted_outside_of_texts():
    text = '"' + "[{" * 500 + "\\"
    deep = msgspec.json.decode(b"[" * 98 + b"]" * 98)
    document = {"name": text, "more": {"]": "}" * 300}, "x": deep}
    assert decoded(document).name == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["name", "size", "at", "parts", "more"]) | st.text(), inner)
        ),
    )
)
def test_whatever_is_decoded_keeps_the_bounds_or_is_refused(document):
    try:
        record = decoded(document)
    except FolderError:
        return
    again = decoded(msgspec.to_builtins(record))
    assert again == record
    assert -decode.LARGEST <= record.size <= decode.LARGEST


@given(st.binary(max_size=300))
def test_bytes_are_decoded_or_refused(data):
    with suppress(FolderError):
        decode.decode(data, Sample, "here")


@given(
    st.dictionaries(
        st.sampled_from(sorted(EVENT)),
        st.sampled_from(
            [
                "",
                "9999-12-31T23:59:59.999999-23:59",
                "0001-01-01T00:00:00",
                1 << 70,
                -1,
                None,
                [],
                {"a": [1]},
                "note",
            ]
        ),
    )
)
def test_an_event_with_odd_times_keeps_its_text(changes):
    instead = {"occurred_at": "2026-01-15T14:00:00Z", "recorded_at": "2026-01-15T14:00:00Z"}
    document = EVENT | changes
    try:
        event = decode.decode(msgspec.json.encode(document), Event, "here", instead=instead)
    except FolderError:
        assert any(not isinstance(document[key], str) for key in ("id", "source", "text")) or (
            document["kind"] != "note"
        )
        return
    assert decode.EARLIEST <= event.occurred_at <= decode.LATEST
    assert event.text == document["text"]


def special(kind: str, path: Path) -> Path:
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.with_name("other").write_text("{}")
        path.symlink_to(path.with_name("other"))
    elif kind == "device":
        return Path("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(1 << 40)
    return path


@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "device", "large"])
def test_what_is_no_regular_file_of_a_bounded_size_is_not_read(kind, tmp_path):
    path = special(kind, tmp_path / "record.json")
    with pytest.raises(FolderError, match=str(path)):
        decode.read_file(path)
    assert kind == "large" or decode.inside(path.parent, path.name) is None


@pytest.mark.parametrize(
    "name", ["../up", "/etc/shadow", "a/../../up", "", ".", "a//b", "x\x00y", "linked/file"]
)
def test_names_stay_inside(name, tmp_path):
    (tmp_path / "up").write_text("secret")
    folder = tmp_path / "folder"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "b").write_text("ours")
    (folder / "linked").symlink_to("/etc")
    assert decode.inside(folder, name) is None
    assert decode.inside(folder, "a/b") == folder / "a" / "b"


def test_a_packed_log_that_expands_without_end_is_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(decode, "MOST_LOG_BYTES", 4 << 20)
    path = tmp_path / "a.log.zst"
    path.write_bytes(zstandard.compress(b"first\n" + b"x" * (64 << 20)))
    lines = list(decode.log_lines(path))
    assert lines[0] == "first\n"
    assert "left out" in lines[-1]
    assert sum(map(len, lines)) < 8 << 20


def test_lines_of_a_packed_log_are_those_that_were_packed(tmp_path):
    path = tmp_path / "a.log.zst"
    text = "one\ntwo ä\n" * 200_000 + "end"
    path.write_bytes(zstandard.compress(text.encode()))
    assert "".join(decode.log_lines(path)) == text
    path.write_bytes(b"no zstd")
    with pytest.raises(FolderError, match=r"a\.log\.zst"):
        list(decode.log_lines(path))


class _Rows(msgspec.Struct, frozen=True):
    rows: list[str]
    at: datetime | None = None
    count: int | None = None


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('"at": "0001-01-01T00:00:00Z"', (None, None)),
        ('"count": 99999999999999999999', (None, None)),
        ('"at": "2026-01-15T14:31:00Z", "count": 7', (datetime.fromisoformat("2026-01-15T14:31:00Z"), 7)),
    ],
)
def test_a_large_document_is_looked_at_as_a_small_one(field, expected):
    row = r"a \"quoted\" [bracket] and a hash 3e5f"
    for count in (1, 200_000):
        text = f'{{"rows": ["{row}"{f", {chr(34)}{row}{chr(34)}" * (count - 1)}], {field}}}'
        found = decode.decode(text.encode(), _Rows, "rows.json")
        assert (found.at, found.count) == expected
        assert len(found.rows) == count


@pytest.mark.parametrize("opening", ["[", '["]", ', r'["\"]", '])
def test_depth_is_counted_outside_of_strings(opening):
    texts = [
        (opening * depth + "]" * depth).replace(", ]", "]").encode()
        for depth in (decode.DEEPEST, decode.DEEPEST + 1)
    ]
    assert decode.document(texts[0])[0:1] != []
    with pytest.raises(FolderError, match="too deep"):
        decode.document(texts[1])
    flat = ("[" + ", ".join(['["]]]", "[[["]'] * 500) + "]").encode()
    assert len(decode.document(flat)) == 500
