import base64
import html
import json
import pickle
import random
from urllib.parse import quote

import pytest

from incident_lib.redact.marks import Marks, plain

_KEY, _OTHER = bytes(range(32)), bytes(range(1, 33))
_SECRETS = ["hunter2", "p@ss w/rd", 'say "no"', "naïve-Ж", "100%", "a\\b", "x&y", "0"]


def test_a_mark_has_eight_digits_and_says_nothing_without_a_key():
    assert Marks.pattern.fullmatch(Marks(_KEY).mark("hunter2"))
    assert Marks().mark("hunter2") == "[secret]"


@pytest.mark.parametrize("secret", _SECRETS)
@pytest.mark.parametrize(
    "spelled", [lambda s: quote(s, safe=""), json.dumps, lambda s: html.escape(s, quote=True)]
)
def test_equal_secrets_have_equal_marks_in_every_spelling(secret, spelled):
    marks = Marks(_KEY)
    assert marks.mark(spelled(secret)) == marks.mark(secret)


def test_escapes_within_escapes_are_undone():
    assert plain(quote(json.dumps(html.escape("p<ss")), safe="")) == "p<ss"


@pytest.mark.parametrize("value", ["100%", "a%4", "a\\", "a\\q", "R&D", "&nosuchentity;", "%ff%fe", '"', ""])
def test_what_cannot_be_an_escape_stays(value):
    assert plain(value) == value


def test_different_secrets_and_keys_have_different_marks():
    values = [f"secret-{number}" for number in range(200)]
    assert len({Marks(_KEY).mark(value) for value in values}) == 200
    assert Marks(_KEY).mark("hunter2") != Marks(_OTHER).mark("hunter2")


def test_a_key_knows_its_marks_and_takes_few_of_others_for_its_own():
    ours, theirs = Marks(_KEY), Marks(_OTHER)
    values = [f"secret-{number}" for number in range(8_000)]
    assert all(ours.is_ours(ours.mark(value)) for value in values[:2000])
    taken = sum(ours.is_ours(theirs.mark(value)) for value in values)
    assert taken <= 16  # once in 4,096 is expected: 2 of 8,000


def test_only_marks_of_others_are_replaced():
    ours = Marks(_KEY)
    text = f"a {ours.mark('x')} b [secret] c [secret:deadbeef] d {ours.mark('x').upper()}"
    assert ours.only_ours(text) == f"a {ours.mark('x')} b [secret] c [secret] d {ours.mark('x').upper()}"
    assert Marks().only_ours(ours.mark("x")) == "[secret]"


def test_marks_travel_and_never_show_the_key():
    marks = pickle.loads(pickle.dumps(Marks(_KEY)))
    assert marks.mark("hunter2") == Marks(_KEY).mark("hunter2")
    assert _KEY.hex() not in repr(marks)
    assert base64.b64encode(_KEY).decode() not in repr(marks)


def test_any_text_has_a_mark():
    chance = random.Random(7)
    letters = "%\\\"'&;#u0dé\ud800\n\x00🔑{}[]x"
    for _ in range(3000):
        value = "".join(chance.choices(letters, k=chance.randrange(20)))
        assert Marks(_KEY).is_ours(Marks(_KEY).mark(value))
