"""JSON in a log: its strings are read without their escapes, each by itself, and a document stays one."""

import json

import pytest

from incident_lib.redact import Redactor
from incident_lib.redact.marks import Marks

REDACTOR = Redactor(marks=Marks(b"k" * 32))
MESSAGES = [  # text, and what must not be left
    ('create user reporting identified by "qZ7vLw2Txe" account lock', "qZ7vLw2Txe"),
    ('conn.auth("svc", "Tq8mVx4Kc1")', "Tq8mVx4Kc1"),
    (
        " id | login | reset_token\n----+-------+-------------\n  7 | marta | Xc5nQw8Zr2Lk\n(1 row)",
        "Xc5nQw8Zr2Lk",
    ),
    ("login,password\nmarta,Rw3kPz9Vt1", "Rw3kPz9Vt1"),
    ('<property name="connection.password">Gh4xNw7Qs2</property>', "Gh4xNw7Qs2"),
    ('1764354000.1 [0 10.1.1.1:5] "auth" "svc" "Bv6tKm3Yd8"', "Bv6tKm3Yd8"),
    ("rabbitmqctl add_user orders Lp5wXz8Jc3", "Lp5wXz8Jc3"),
    ('send(4, "AUTH Nk7rQd2Wv9\\r\\n", 16, 0) = 16', "Nk7rQd2Wv9"),
    ('[url "https://ci:Yf3sMb6Hx8@git.example/"]', "Yf3sMb6Hx8"),
]


@pytest.mark.parametrize(("message", "secret"), MESSAGES)
@pytest.mark.parametrize("layers", [0, 1, 2, 3])
def test_a_message_in_json_is_read_as_the_message_is(message, secret, layers):
    text = message
    for _ in range(layers):
        text = json.dumps({"stream": "stdout", "log": text, "attempt": 3})
    out = REDACTOR.text(text)
    assert secret not in out
    for _ in range(layers):
        document = json.loads(out)
        assert (document["stream"], document["attempt"]) == ("stdout", 3)
        out = document["log"]
    assert out == REDACTOR.text(message)


@pytest.mark.parametrize("front", ["", "2026-11-28T18:00:00Z web-1 INFO ", "web-1  | "])
def test_a_document_behind_what_a_log_puts_in_front_stays_one(front):
    text = front + json.dumps({"msg": 'set password "Vd8mWq3Zx7" for svc', "code": 7})
    out = REDACTOR.text(text)
    assert "Vd8mWq3Zx7" not in out
    assert json.loads(out.removeprefix(front))["code"] == 7


@pytest.mark.parametrize(
    "message", ["Authorization: Bearer <token>", "api_key=<YOUR_API_KEY>", "password is wrong: <none>"]
)
def test_a_placeholder_at_the_end_of_a_string_takes_nothing_behind_it(message):
    text = json.dumps({"message": message, "count": 1})
    assert REDACTOR.text(text) == text


@pytest.mark.parametrize("message", ["run --secret", "bcp out f -U sa -P", "redis-cli -a"])
def test_an_option_that_ends_a_string_takes_no_name_behind_it(message):
    text = json.dumps({"message": message, "attempt": 1})
    assert REDACTOR.text(text) == text


def test_equal_secrets_have_equal_marks_with_and_without_escapes():
    plain = REDACTOR.text("password=Zk4/Wq8mXv2")
    escaped = REDACTOR.text('{"m": "password=Zk4\\/Wq8mXv2\\n", "n": "\\"x\\""}')
    assert plain.removeprefix("password=") in escaped


def test_many_backslashes_and_documents_take_time_in_proportion():
    texts = [
        "\\" * 100_000,
        '{"a": "' + "\\\\" * 50_000 + '"}',
        '{"token": "' * 20_000,
        ('{"a": "\\"pass\\" "}' + "\n") * 5_000,
        "[" * 50_000,
    ]
    for text in texts:
        assert REDACTOR.text(text)[:1] == text[:1]
