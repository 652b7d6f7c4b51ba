"""Known secrets: hidden in every spelling, found fast, and nothing else with them."""

import base64
import html
import json
import os
import pickle
import random
import string
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_lib.redact import Redactor
from incident_lib.redact.found import secrets_in_command, secrets_in_environment
from incident_lib.redact.known import Known, names, parts

_SECRETS = [
    "hunter2",
    "p@ss w/rd!",
    "kurz",
    "s3cr3t-Value_9",
    "Pa$$word'\"x",
    "naïve-Ж-99",
    "abc%def\\x12345",
]
_KNOWN = Known(_SECRETS)


def _all_percent(secret: str) -> str:
    return "".join(f"%{byte:02x}" for byte in secret.encode())


_SPELLINGS = {
    "as it is": str,
    "percent": lambda s: quote(s, safe=""),
    "percent but slashes": quote,
    "percent of all": _all_percent,
    "percent of all, capitals": lambda s: _all_percent(s).upper(),
    "form": quote_plus,
    "percent twice": lambda s: quote(quote(s, safe=""), safe=""),
    "json": lambda s: json.dumps(s)[1:-1],
    "json in json": lambda s: json.dumps(json.dumps(s))[2:-2],
    "unicode escapes": lambda s: "".join(f"\\u{ord(letter):04x}" for letter in s),
    "python bytes": lambda s: repr(s.encode())[2:-1] if s.isascii() else s,
    "html": html.escape,
    "html numbers": lambda s: "".join(f"&#{ord(letter)};" for letter in s),
    "html hexadecimal": lambda s: "".join(f"&#x{ord(letter):X};" for letter in s),
    "json in html": lambda s: html.escape(json.dumps(s)[1:-1]),
    "upper": str.upper,
    "lower": str.lower,
    "sql": lambda s: s.replace("'", "''"),
    "shell": lambda s: s.replace("'", "'\\''"),
    "csv": lambda s: s.replace('"', '""'),
}


@pytest.mark.parametrize("name", _SPELLINGS)
def test_every_spelling_is_found(name):
    for secret in _SECRETS:
        spelled = _SPELLINGS[name](secret)
        for before, after in (("", ""), ('x="', '" y'), ("é: ", " ü"), ("//u:", "@h")):
            text = before + spelled + after
            assert _KNOWN.spans(text), (secret, text)
            start, end = _KNOWN.spans(text)[0]
            assert start <= len(before) + 2
            assert end >= len(before + spelled) - 2


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", ["", "u:", "ab:", "app:x:"])
@pytest.mark.parametrize("after", ["", "\n", " z", "@h:1"])
def test_base64_is_found_wherever_the_secret_begins_in_it(encode, before, after):
    for secret in _SECRETS:
        encoded = encode((before + secret + after).encode()).decode()
        for text in (encoded, encoded.rstrip("="), quote(encoded, safe="")):
            hit = _KNOWN.hits(f"Basic {text}.")
            assert [found.secret for found in hit] == [secret], text
        if len(secret) >= 8:
            inner = encode(json.dumps({"auth": encoded}).encode()).decode()
            assert _KNOWN.spans(inner), inner


def test_all_letters_with_bits_of_the_secret_are_hidden_in_base64():
    for before in ("", "u:", "ab:"):
        encoded = base64.b64encode(f"{before}s3cr3t-Value_9".encode()).decode()
        ((start, end),) = _KNOWN.spans(encoded)
        assert start == 8 * len(before) // 6
        assert encoded[end:].strip("=") == ""


@pytest.mark.parametrize(
    "text",
    [
        "shunter2x hunter2x xhunter2 hunter22 hunter2_",
        base64.b64encode(b"xhunter2").decode(),
        base64.b64encode(b"hunter2x").decode(),
        "kurzum",
        "s3cr3t-Value_8 s3cr3t",
        "",
        "%",
        "\\",
        "&",
    ],
)
def test_what_only_resembles_a_secret_stays(text):
    assert _KNOWN.spans(text) == []


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=8, max_size=20).filter(lambda s: s.strip() == s and "://" not in s), st.text())
def test_any_secret_of_eight_letters_is_found_in_any_text(secret, around):
    known = Known([secret])
    if secret not in known.secrets:
        return
    try:
        encoded = base64.b64encode((around + secret).encode()).decode()
    except UnicodeEncodeError:
        return
    for text in (
        around + secret + around,
        quote(secret, safe=""),
        json.dumps(secret),
        html.escape(secret),
        encoded,
    ):
        assert known.spans(text)
    for start, end in known.spans(around + secret + around):
        assert 0 <= start < end <= len(around + secret + around)


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_text_without_a_secret_has_none(text):
    assert Known(["Zq7-unlikely-8812"]).spans(text) == []


def test_overlapping_secrets_are_hidden_to_the_end_of_the_last():
    known = Known(["hunter22-abc", "abc-defgh-77"])
    assert known.spans("x hunter22-abc-defgh-77 y") == [(2, 23)]


def test_ordinary_words_and_configured_names_stay_whoever_chose_them():
    known = Known(
        ["shop-db", "password", "postgres", "Checkout", "hunter2"], ordinary=["shop-db", "checkout"]
    )
    assert known.secrets == {"hunter2"}
    assert known.spans("the shop-db checkout has a password in postgres") == []


def test_what_is_secret_in_addresses_and_what_is_not():
    assert parts("postgresql://app:p%40ss1@db:5432/shop") == {"p%40ss1", "p@ss1"}
    assert parts("rediss://app:p@ss/w@host:1/0") == {"p@ss/w"}
    assert parts("redis://cache:6379/0") == set()
    assert parts("host=h user=u password='a''b c'") == {"a'b c"}
    assert parts("postgresql:///shop?user=x&password=abcd1") == {"abcd1"}
    assert parts("https://hooks.example.com/services/T0/B0/abc123def456") == {"abc123def456"}
    assert parts("abc") == set()
    assert names("host='h1' user=u dbname=d password=secret1") == {"h1", "u", "d"}
    assert names("postgresql://app:x@a,b:5432/shop") == {"app", "a", "b", "shop"}


def test_a_secret_of_several_lines_is_hidden_line_by_line():
    lines = ["MIIEvAIBADANBgkqhkiG", "9w0BAQEFAASCBKYwggSi"]
    known = Known(["-----BEGIN X-----\n" + "\n".join(lines) + "\n-----END X-----"])
    assert all(known.spans(f"1 | {line}") for line in lines)


def test_it_travels():
    assert pickle.loads(pickle.dumps(_KNOWN)).spans("x hunter2") == [(2, 9)]


def test_hundreds_of_secrets_take_little_more_time_than_one():
    chance = random.Random(5)
    letters = string.ascii_letters + string.digits + "!#%"
    secrets = ["".join(chance.choices(letters, k=chance.randrange(8, 24))) for _ in range(200)]
    text = '14:31 INFO path=/a?id=%205 {"a":"b \\"c\\" d"} some &amp; more words token abcdef\n' * 1500
    one, many = Known(secrets[:1]), Known(secrets)
    for known in (one, many):
        known.spans(text)
    assert _seconds(many, text) < 5 * _seconds(one, text) + 0.05
    assert many.spans(f"x {secrets[77]} y") == [(2, 2 + len(secrets[77]))]


@pytest.mark.parametrize(
    "piece", ["%25", "%2525252525", "\\", "&amp;", "\\u005c", "a", "aGVs", "\\\\u0026amp;"]
)
def test_time_grows_with_the_text(piece):
    known = Known(["aaaaaaaa", "hunter2", "p%ss\\word&1"])
    short, long = piece * 2_000, piece * 16_000
    known.spans(long)
    assert _seconds(known, long) < 24 * _seconds(known, short) + 0.1


def _seconds(known: Known, text: str) -> float:
    times = []
    for _ in range(3):
        begun = time.process_time()
        known.spans(text)
        times.append(time.process_time() - begun)
    return min(times)


def test_secrets_of_environments_and_command_lines():
    environment = {
        "POSTGRES_PASSWORD": "hunter2",
        "smtpPassword": "mail-pw1",
        "AWS_SECRET_ACCESS_KEY": "wJalr/K7",
        "SECRET_KEY_BASE": "abcdef0123",
        "DATABASE_URL": "postgresql://a:url-pw1@db/x",
        "REDISCLI_AUTH": "r-pw1",
        "POSTGRES_PASSWORD_FILE": "/run/secrets/x",
        "AUTH": "on",
        "TOKEN_COUNT": "50000000",
        "POSTGRES_HOST_AUTH_METHOD": "trust",
        "PWD": "/home/app",
        "PATH": "/usr/bin",
        "MONKEY": "banana",
        "API_TOKEN": "${TOKEN}",
    }
    assert secrets_in_environment(environment) == {
        *("hunter2", "mail-pw1", "wJalr/K7", "abcdef0123", "r-pw1", "postgresql://a:url-pw1@db/x")
    }
    words = [
        "redis-server",
        "--requirepass",
        "hunter2",
        "--port",
        "6379",
        "--masterauth=x4Zq",
        "--password",
        "--v",
    ]
    assert secrets_in_command(words) == {"hunter2", "x4Zq"}


def test_a_redactor_hides_what_is_found_while_it_works(monkeypatch):
    monkeypatch.setattr("incident_lib.redact.found._found", frozenset())
    redactor = Redactor(ordinary=["shop"])
    assert redactor.text("order for Zebra-77-x at shop") == "order for Zebra-77-x at shop"
    from incident_lib.redact.found import remember

    remember(["Zebra-77-x", "shop", ""])
    assert redactor.text("order for Zebra-77-x at shop") == "order for [secret] at shop"
    assert redactor.hidden["configured"] == 1


def test_random_bytes_in_base64_stay():
    encoded = base64.b64encode(os.urandom(200_000)).decode()
    assert Known([s for s in _SECRETS if len(s) > 7]).spans(encoded) == []
