"""What quotes a foreign text hides its secrets before it is cut, wherever the cut falls."""

import pytest

from incident_lib.redact import Redactor
from incident_lib.redact.excerpt import excerpt, hidden_lines, quote_with, shortened

SECRETS = (
    "cannot reach postgresql://app:hunter2-Xyz@db:5432/shop",
    "Authorization: Bearer abcdefghijklmnop1234567890",
    '{"password": "hunter2-Xyz-very-long", "host": "db"}',
    "call with ghp_0123456789abcdefghijABCDEFGHIJ012345 failed",
    "x plainword-77-of-ours y",
)
PARTS = ("hunter2", "Xyz", "abcdefgh", "34567890", "plainword", "77-of")


@pytest.fixture(autouse=True)
def known():
    quote_with(Redactor(secrets=["plainword-77-of-ours"]))
    yield
    quote_with(Redactor())


@pytest.mark.parametrize("text", SECRETS)
def test_no_part_of_a_secret_is_left_wherever_it_is_cut(text):
    for most in range(len(text) + 20):
        shown = excerpt(text, most)
        assert len(shown) <= most
        assert not [part for part in PARTS if part in shown], (most, shown)
        assert not [part for part in PARTS if part in Redactor().text(shown)]


def test_a_mark_is_whole_or_not_there():
    for most in range(40):
        shown = shortened("a [secret:7f3a91c0] [b and more words than fit", most)
        assert shown.count("[secret") == shown.count("[secret:7f3a91c0]")
    assert shortened("[b and more", 5) == "[b an"


def test_a_secret_over_several_lines_is_hidden_in_lines_too():
    key = ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkq", "hkiG9w0BAQEFAASC", "-----END PRIVATE KEY-----"]
    shown = hidden_lines(["before", *key, "after"])
    assert (shown[0], shown[-1]) == ("before", "after")
    assert "MIIE" not in "".join(shown)
    assert "hkiG" not in "".join(shown)
    assert hidden_lines([]) == []
