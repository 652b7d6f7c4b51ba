import json
import os
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_lib.characters import whole
from incident_lib.errors import RedactionError
from incident_lib.model import Evidence
from incident_lib.redact import Redactor
from incident_lib.redact.marks import Marks
from incident_lib.technologies.logs.rows import LatencyStep

SECRET = "hunter2xyz"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://app:{SECRET}@db:5432/shop",
        f"redis://:{SECRET}@cache:6379/0",
        f"postgresql://app:p@ss/{SECRET}@db/shop",
        f"host=db user=app password={SECRET} dbname=shop",
        f"password='two words {SECRET}'",
        f'{{"password": "{SECRET}", "user": "app"}}',
        f'{{"msg": "{{\\"api_key\\": \\"{SECRET}\\"}}"}}',
        f"Authorization: Bearer {SECRET}",
        f"authorization='Basic {SECRET}'",
        f"Set-Cookie: session={SECRET}; Path=/",
        f"Cookie: a=1; token={SECRET}",
        f"GET /login?user=bob&key={SECRET} HTTP/1.1",
        f"https://pay.example.com/v1?sig={SECRET}",
        f"--requirepass {SECRET}",
        f"PGPASSWORD={SECRET} psql -h db",
        f"ALTER ROLE app PASSWORD '{SECRET}'",
        f"mail to {SECRET}@example.com failed",
        f"STRIPE_API_KEY: {SECRET}",
        f"client_secret => {SECRET}",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE" + SECRET + "\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_secrets_do_not_get_through(text):
    assert SECRET not in Redactor().text(text)


@pytest.mark.parametrize(
    "text",
    [
        "password authentication failed for user app",
        "token expired for user 17",
        "GET /api/v1/orders/17 HTTP/1.1",
        "SELECT name FROM t WHERE id = $1 -- really?",
        "5 sessions wait for a lock held by pid 4211",
        "secretary: Jane",
    ],
)
def test_harmless_text_stays(text):
    assert Redactor().text(text) == text


def test_host_and_database_of_a_dsn_stay():
    assert Redactor().text("postgresql://app:x@db:5432/shop") == "postgresql://app:[secret]@db:5432/shop"


def test_configured_secrets_are_hidden_wherever_they_stand():
    redactor = Redactor([f"postgresql://app:{SECRET}@db/shop", "s3kr3t-token"])
    assert redactor.text(f"it said {SECRET} and s3kr3t-token") == "it said [secret] and [secret]"
    assert redactor.hidden["configured"] == 2


@pytest.mark.parametrize("secret", ["wxyz", "kuchen7", "hunter2x"])
@pytest.mark.parametrize(
    "configured", ["{}", "postgresql://app:{}@db/shop", "host=db password={} dbname=shop"]
)
def test_short_configured_secrets_are_hidden_too(secret: str, configured: str):
    assert Redactor([configured.format(secret)]).text(f"it said {secret} twice") == "it said [secret] twice"


def test_a_configured_secret_of_three_letters_would_blacken_every_line():
    assert Redactor(["app"]).text("the app is happy") == "the app is happy"


def test_the_tokens_in_a_chat_address_are_hidden_and_its_host_stays():
    redactor = Redactor(
        ["slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "postgresql://db/shop_2026_01"]
    )
    text = redactor.text("POST https://hooks.slack.com/TIiajkdnlazkcOXrIdevi7FQ failed; shop_2026_01 is well")
    assert text == "POST https://hooks.slack.com/[secret] failed; shop_2026_01 is well"


def test_json_stays_json():
    line = json.dumps({"password": 'a"b\\', "note": "ok", "auth_token": "x y"})
    assert json.loads(Redactor().text(line)) == {
        "password": "[secret]",
        "note": "ok",
        "auth_token": "[secret]",
    }


def test_values_under_secret_names_are_hidden_at_any_depth():
    value = {"env": [{"DB_PASSWORD": SECRET, "PORT": 8000}], "customer_id": "77"}
    hidden = Redactor(keys=["customer_id"]).value(value)
    assert hidden == {"env": [{"DB_PASSWORD": "[secret]", "PORT": 8000}], "customer_id": "[secret]"}


def test_a_key_that_spans_chunks_is_hidden():
    chunks = [
        b"before\n-----BEGIN PRIVATE KEY-----\nAAAABBBBCCCC",
        b"DDDDEEEE\nFFFFGGGGHHHHIIII\n",
        b"-----END PRIVATE KEY-----\nafter\n",
    ]
    text = b"".join(Redactor().lines(chunks)).decode()
    block = "-----BEGIN PRIVATE KEY-----\n[secret]\n[secret]\n-----END PRIVATE KEY-----"
    assert text == f"before\n{block}\nafter\n"


def test_a_secret_cut_between_chunks_is_hidden():
    text = b"".join(Redactor().lines([b"pass", b"word=hunt", b"er2\nok\n"])).decode()
    assert text == "password=[secret]\nok\n"


def test_a_wrong_pattern_of_the_team_is_an_error():
    with pytest.raises(RedactionError, match="regular expression"):
        Redactor(patterns=["("])


def test_a_record_keeps_keys_that_are_numbers():
    step = LatencyStep(at=datetime(2026, 1, 15, tzinfo=UTC), microseconds={1200: 3})
    assert Redactor().struct(step, LatencyStep) == step


def test_a_record_that_redaction_breaks_is_not_stored():
    with pytest.raises(RedactionError):
        Redactor().struct({"probe": "x"}, Evidence)


@pytest.mark.parametrize("pattern", ["a*", "x?", "", "(?<=a)b", r"(a)\1"])
def test_a_pattern_that_hides_everything_or_cannot_be_bounded_is_refused(pattern):
    with pytest.raises(RedactionError):
        Redactor(patterns=[pattern])


@pytest.mark.parametrize("pattern", ["(a+)+$", r"(\w*)*!", "(a|a)*b", "(a|aa)+$"])
def test_no_pattern_of_the_team_can_hang(pattern):
    assert Redactor(patterns=[pattern]).text("a" * 200_000 + "?!") is not None


@pytest.mark.parametrize(
    ("pattern", "text", "hidden"),
    [
        (r"kunde-\d+", "kunde-77 ok", "[secret] ok"),
        (r"name=\w+", "name=Jürgen ok", "[secret] ok"),
        (r"(?i)ID[\d\w-]+", "id7-ü ok", "[secret] ok"),
        (r"[]\w]{3,}", "a b] xyz", "a b] [secret]"),
        (r"[[:digit:]\w]{3}", "ü12 a", "[secret] a"),
    ],
)
def test_a_pattern_means_letters_and_digits_of_every_script(pattern, text, hidden):
    assert Redactor(patterns=[pattern]).text(text) == hidden


_PARTS = st.sampled_from(
    [
        "password",
        "token",
        "=",
        ": ",
        "[secret]",
        "[secret:0123abcd]",
        '"',
        "'",
        "{",
        "}",
        "x9Kq2LmVz81",
        "@db/",
        " ",
        "://",
    ]
)


@given(st.one_of(st.text(max_size=200), st.lists(_PARTS, max_size=12).map("".join)))
@pytest.mark.parametrize("key", [None, b"k" * 32])
def test_redaction_is_stable(key, text):
    redactor = Redactor(marks=Marks(key))
    once = redactor.text(text)
    assert redactor.text(once) == once


def test_equal_secrets_have_equal_marks_wherever_they_stand():
    redactor = Redactor(marks=Marks(b"k" * 32))
    lines = ["Authorization: Bearer x9Kq2LmVz81", "GET /a?token=x9Kq2LmVz81", '{"api_key": "x9Kq2LmVz81"}']
    marks = {mark for line in lines for mark in Marks.pattern.findall(redactor.text(line))}
    assert len(marks) == 1


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("password=abc\udc80 x", "password=[secret] x"),
        ("\ud800password=abc\udfff,user=a\udc80b", "\ufffdpassword=[secret],user=a\ufffdb"),
        ('{"token\udc80": 1, "api_key": "a\udc80b9"}', '{"token\ufffd": 1, "api_key": "[secret]"}'),
        ("redis://:hunt\udc80r2@cache:6379/0", "redis://:[secret]@cache:6379/0"),
        ("id,password\udc80,password\n1,a,b9Kq2x\udcff\n", "id,password\ufffd,password\n1,a,[secret]\n"),
        ("redis-cli -h \udc80 -a x9Kq2LmV ping", "redis-cli -h \ufffd -a [secret] ping"),
        ("kunde=a\udc807 stays", "[secret] stays"),
        ("no secret \udcff in caf\u00e9 \ud83d\ude00", "no secret \ufffd in caf\u00e9 \U0001f600"),
    ],
)
def test_half_of_a_surrogate_pair_is_a_character_as_any_other(text, hidden):
    redactor = Redactor(patterns=[r"kunde=\S+"])
    assert redactor.text(text) == hidden
    assert redactor.value({text: [text]}) == {hidden: [hidden]}


def test_a_known_secret_that_is_no_utf_8_is_hidden_however_it_was_read():
    secret = os.fsdecode(b"kuchen\xe2\x82-7")
    redactor = Redactor([secret])
    for text in (secret, secret.encode("utf-8", "surrogateescape").decode("utf-8", "replace")):
        assert redactor.text(f"it said {text} twice") == "it said [secret] twice"


@given(
    st.lists(
        st.sampled_from(
            ["password=", "token: '", "a://b:c@", "AUTH ", "insert into ", "\n", ",", '""', "%41", "\\"]
        )
        | st.text(st.characters(codec=None, categories=["Cs", "L", "N", "Zs"]), max_size=6),
        max_size=8,
    ).map("".join)
)
def test_text_with_any_halves_of_pairs_is_redacted_as_with_replacement_characters(text):
    out = Redactor(patterns=[r"kunde=\S+"]).text(text)
    assert out.encode().decode() == out == Redactor(patterns=[r"kunde=\S+"]).text(whole(text))


def test_a_record_that_says_which_secret_is_meant_stays():
    mounted = {"SecretName": "db_password", "File": {"Name": "db_password", "UID": "0"}}
    assert Redactor().value({"Secrets": [mounted]}) == {"Secrets": [mounted]}
    given = Redactor().value({"Secrets": [{"SecretName": "db_password", "Value": "x9Kq2LmVz81"}]})
    assert given == {"Secrets": "[secret]"}
