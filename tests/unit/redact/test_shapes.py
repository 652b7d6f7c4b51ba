"""Secrets in the surroundings in which they are met, and ordinary lines, which stay to the byte."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_lib.characters import whole
from incident_lib.redact import Redactor
from incident_lib.redact.marks import Marks
from incident_lib.redact.names import Strength, strength
from incident_lib.redact.values import looks_random

DATA = Path(__file__).resolve().parents[2] / "data" / "redaction"
SHAPES = [json.loads(line) for line in (DATA / "shapes.jsonl").read_text().splitlines()]
ORDINARY = [line for line in (DATA / "ordinary.txt").read_text().split("\n") if line]
KEYED = Redactor(marks=Marks(b"k" * 32))
SEEN = 6  # letters of a secret in a row that must not be left


def wrong(shape: dict[str, object]) -> list[str]:
    """Return what of a secret is left, and what should have stayed and did not."""
    return missed(shape, KEYED.text(shape["text"]))


def missed(shape: dict[str, object], out: str) -> list[str]:
    """Return what of a shape's secrets is left in a text, and what should have stayed and did not."""
    kept = [word for word in shape["keep"] if word not in out]
    left = [
        secret
        for secret in shape["secrets"]
        if any(secret[place : place + SEEN] in out for place in range(max(len(secret) - SEEN + 1, 1)))
    ]
    return left + kept


@pytest.mark.parametrize("group", sorted({shape["group"] for shape in SHAPES}))
def test_secrets_are_hidden_where_they_are_met(group):
    shapes = [shape for shape in SHAPES if shape["group"] == group and shape["core"]]
    assert len(shapes) >= 5
    assert {shape["id"]: found for shape in shapes if (found := wrong(shape))} == {}


def test_they_are_hidden_in_a_row_of_evidence_and_in_json_too():
    for shape in SHAPES:
        row = KEYED.value({"rows": [{"message": shape["text"]}]})["rows"][0]["message"]
        line = KEYED.text(json.dumps({"message": shape["text"], "attempt": 1}, ensure_ascii=False))
        document = json.loads(line)
        assert document["attempt"] == 1
        for out in (row, document["message"]):
            assert not shape["core"] or missed(shape, out) == []


def test_most_that_is_far_fetched_is_hidden_too():
    far = [shape for shape in SHAPES if not shape["core"]]
    assert sum(not wrong(shape) for shape in far) * 3 >= len(far) * 2


def test_ordinary_lines_stay_to_the_byte():
    assert [line for line in ORDINARY if KEYED.text(line) != line] == []


def test_bytes_around_that_are_no_utf_8_change_nothing():
    for shape in SHAPES:
        text = f"\udce9 \udc80\n{shape['text']}\n\ud83d"
        assert KEYED.text(text) == KEYED.text(whole(text))
        assert not shape["core"] or wrong({**shape, "text": text}) == []


@pytest.mark.parametrize("key", [None, b"k" * 32])
def test_what_is_redacted_stays_as_it_is(key):
    redactor = Redactor(marks=Marks(key))
    for shape in SHAPES:
        once = redactor.text(shape["text"])
        assert redactor.text(once) == once


def test_documents_stay_valid():
    for shape in SHAPES:
        text = shape["text"]
        if text.lstrip()[:1] in {"{", "["} and is_json(text):
            assert is_json(KEYED.text(text)), text


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    "value", [12345678, [1234567], {"a": "x9Kq2LmVz81"}, ["p4ss, word"], "plum kettle 9"]
)
@pytest.mark.parametrize("name", ["password", "DB_PASS", "clientSecret", "signing-key"])
def test_any_type_under_a_secrets_name_is_hidden_and_json_stays_json(name, value):
    out = json.loads(KEYED.text(json.dumps({name: value, "port": 5432})))
    assert Marks.pattern.fullmatch(str(out[name]))
    assert out["port"] == 5432
    walked = KEYED.value({name: value, "port": 5432})
    assert Marks.pattern.fullmatch(str(walked[name]))


@pytest.mark.parametrize(
    ("name", "sure"),
    [
        ("ansible_become_pass", Strength.STRONG),
        ("REDIS_AUTH", Strength.WEAK),
        ("client-key-data", Strength.STRONG),
        ("passwordHash", Strength.STRONG),
        ("max_tokens", Strength.NONE),
        ("password_encryption", Strength.NONE),
        ("authority", Strength.NONE),
        ("compass", Strength.NONE),
        ("POSTGRES_PASSWORD_FILE", Strength.NONE),
        ("Proxy-Authorization", Strength.HEADER),
    ],
)
def test_how_sure_a_name_makes(name, sure):
    assert strength(name) is sure


def test_a_line_that_mentions_a_key_erases_nothing_behind_it():
    text = "cannot parse '-----BEGIN PRIVATE KEY-----' in tls.key\nINFO 17 orders\nERROR no stock\n"
    assert KEYED.text(text) == text


def test_values_are_found_where_chunks_meet():
    lines = ["start", "password:", "  x9Kq2LmVz81", "-----BEGIN PRIVATE KEY-----"]
    lines += ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEA"] * 20 + [
        "-----END PRIVATE KEY-----",
        "ready",
        "",
    ]
    data = "\n".join(lines).encode()
    for size in (1, 7, 64, 300):
        chunks = [data[place : place + size] for place in range(0, len(data), size)]
        out = b"".join(Redactor().lines(chunks)).decode()
        assert "x9Kq2L" not in out
        assert "MIIEvQ" not in out
        assert out.startswith("start\npassword:\n")
        assert out.endswith("\nready\n")


FILLER = [f"2026-05-12T09:11:{number % 60:02d}Z INFO order {number} stored in 12 ms" for number in range(80)]
AFAR = [
    "id,login,password\n" + "".join(f"{number},u{number},Pw{number}kq9\n" for number in range(200)),
    "COPY users (id, password) FROM stdin;\n"
    + "".join(f"{number}\tPw{number}kq9\n" for number in range(200))
    + "\\.",
    "Hibernate: insert into a (x, secret_token, id) values (?, ?, ?)\n"
    + "".join(f"TRACE o.h.type - binding parameter [{n}] as [VARCHAR] - [val{n}x9]\n" for n in (1, 2, 3)),
]


@pytest.mark.parametrize("size", [7, 64, 1000])
def test_a_stream_in_pieces_gives_the_same_as_the_whole(size):
    texts = [shape["text"] for shape in SHAPES if "\n" in shape["text"]] + AFAR
    for text in texts:
        log = "\n".join([*FILLER[:5], text, *FILLER[5:], ""])
        data = log.encode()
        pieces = (data[place : place + size] for place in range(0, len(data), size))
        assert b"".join(Redactor().lines(pieces)).decode() == Redactor().text(log)


@pytest.mark.parametrize("text", AFAR)
def test_what_a_line_far_above_names_is_hidden(text):
    out = KEYED.text("\n".join([*FILLER, text, *FILLER]))
    assert not re.search(r"Pw\d+kq9|val2x9", out)
    assert out.count("\n") == "\n".join([*FILLER, text, *FILLER]).count("\n")
    assert out.endswith("\n".join(FILLER))


@pytest.mark.parametrize(
    "lines",
    [
        [
            f"INFO auth token refreshed session={number % 97} user={number % 31} role=admin"
            for number in range(4000)
        ],
        [f"WARN password check failed for password policy user={number}" for number in range(4000)],
        ["\tat com.example.auth.PasswordEncoder.matches(PasswordEncoder.java:31)"] * 3000,
        [
            f'"https://registry.example/@babel/core/-/core-7.{number % 30}.tgz#{number:040x}"'
            for number in range(2000)
        ],
        [f"{2736071200123456 + number * 1009} 4012 {number % 9999:04d} 12" for number in range(4000)],
        [f'{{"key":"user:{number}","value":{number},"password":null}}' for number in range(4000)],
        [
            f'volume "token-{number % 9}" secret "default-token-{number % 7}" not found'
            for number in range(4000)
        ],
        [f"INSERT INTO sessions (id, user_id) VALUES ({number}, {number % 7})" for number in range(4000)],
    ],
    ids=["auth", "policy", "stack", "packages", "numbers", "json", "volumes", "inserts"],
)
def test_ordinary_text_that_is_full_of_names_stays(lines):
    text = "\n".join(lines)
    assert KEYED.text(text) == text


def test_a_large_document_full_of_secrets_stays_valid():
    users = [{"id": n, "password": f"aB{n}x9Kq", "n": {"token": 12345678 + n}} for n in range(4000)]
    for user in json.loads(Redactor().text(json.dumps(users))):
        assert (user["password"], user["n"]["token"]) == ("[secret]", "[secret]")


def test_a_name_and_its_value_below_are_not_parted_by_chunks():
    stamp = "2026-11-29T10:58:45.021743869Z "
    lines = [f"{stamp}INFO {number} orders" for number in range(20)]
    lines[7:7] = [f"{stamp}- name: DB_PASSWORD", f"{stamp}  value: x9Kq2LmVz81"]
    data = "\n".join([*lines, ""]).encode()
    for size in (1, 30, 41, 64, 97, 300):
        chunks = [data[place : place + size] for place in range(0, len(data), size)]
        out = b"".join(Redactor().lines(chunks))
        assert b"x9Kq2L" not in out
        assert out.count(b"\n") == len(lines)


def test_a_quote_at_the_end_of_a_line_is_not_that_of_the_header_below():
    out = KEYED.text('he said "\nAuthorization: Bearer => "x9Kq2LmVz81abcd"\nand went on')
    assert "x9Kq2L" not in out
    assert out.endswith("\nand went on")


def test_every_text_of_two_bytes_is_taken_and_stays():
    redactor = Redactor()
    for first in range(256):
        for second in range(256):
            text = bytes((first, second)).decode("utf-8", "replace")
            assert redactor.text(text) == text


WORDS = st.sampled_from(
    [
        "password",
        "token",
        "Authorization",
        "Cookie",
        "secret",
        "api_key",
        "-----BEGIN PRIVATE KEY-----",
        "AUTH",
    ]
)
JOINS = st.sampled_from(
    ["=", ": ", " => ", '": "', "='", ":\n  ", " ", '\\": \\"', "://a:", "&", "[", "{", "(", "<", ">"]
)
ENDS = st.sampled_from(
    ['"', "'", "@db/", "}", "]", ")", "\n", "\\", " ", ",", ";", "\x00", "é", "%22", "&quot;", ""]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(WORDS, JOINS, st.text(max_size=12), ENDS), max_size=8))
def test_hostile_mixtures_raise_nothing_and_are_stable(parts):
    text = "".join(map("".join, parts))
    once = KEYED.text(text)
    assert KEYED.text(once) == once


@pytest.mark.parametrize("value", ["kJ8s0vQz2LpX", "9f86d081884c7d659a2feaa0c55ad015", "Zq-81xT_04bVm"])
def test_drawn_letters_are_told_from_words(value):
    assert looks_random(value)


@pytest.mark.parametrize(
    "value", ["orders-worker-2", "2026-01-15T14:31:05", "10.2.3.4:5432", "AccessExclusiveLock"]
)
def test_words_are_not_taken_for_drawn_letters(value):
    assert not looks_random(value)
