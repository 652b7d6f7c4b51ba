"""Hostile texts cost work in proportion to their length, and not much more than what they look like."""

import random
import sys
import time
from collections.abc import Callable

import pytest

from incident_lib.redact import Redactor

_UNITS = [
    *(
        "AZDO",
        "key ",
        "token: '{\"",
        "4111 1111 1111 ",
        "a:b@",
        "password=",
        "password ",
        "secret is ",
        "| password ",
    ),
    *(
        "a://b:",
        "https://a:b@c/",
        "a@b.",
        "a?b=c&",
        "cookie: a=b;",
        "authorization: ",
        "basic ",
        "secret=[",
        '"secret":{',
    ),
    *(
        "--password ",
        "password:\n",
        "name: secret\nvalue: ",
        "<secret>",
        'secret:"a",',
        "mot de passe ",
        "key=",
        "pwd: |\n ",
    ),
    *(
        "kind: Secret\n",
        "kind: Secret\ndata:\n  a: b\n",
        '{"kind":"Secret","data":{',
        '"kind":"Secret"}',
        'token = """',
        "secrets: [aaaa",
        "passwd -stdin <<< a ",
        "execute a('b prepare a as update a set token=$1 ",
        "token“",
        "パスワードは",
        "password for a: ",
        '{"a": "\\"pass\\" "}\n',
        '{"a": "\\\\\\"pass',
        '["pass\\n',
        "\\",
        "backup codes: a1b2c3 ",
        "token AbCdEfGhXqWrTz ",
        "--token\n- ",
        "\n value: Ab1Cd2Ef3",
        "\npassword:\n  value: ",
        "password\n input=",
    ),
    *(
        "mysql ",
        "curl -u ",
        "docker login ",
        "AUTH ",
        "setuser a on >",
        "user a on ",
        "openssl -pass pass:",
        "identified by ",
    ),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----END PRIVATE KEY-----\n" + "A" * 44 + "\n",
    ),
    *(
        "insert into a(password) values(",
        "insert into a(password) values('a'),",
        "insert into a (password) values (?) args=(",
    ),
    *(
        "update a set password = ?\n",
        "COPY a (password, b) FROM stdin;\n",
        "a,password,b\n",
        "| password | b |\n",
    ),
    *(
        "parameters: $1 = 'a', ",
        "    │   └ 'x'\n",
        "the password:\n\n",
        "binding parameter [1] as [VARCHAR] - [",
        "\\u0070",
    ),
    *(
        "DE89 3704 ",
        "12345678-",
        "stripe key ",
        "eyJhbGciOi.",
        "sk_live_",
        "xoxb-",
        "/token/aB3dE5fG7hI9jK1l",
        "%41",
        "&quot;",
    ),
    *(
        "pin=1234&",
        "\x1b[31mpassword\x1b[0m=",
        "AUTH aB3dE5fG7h\n",
        "otp: 123456 ",
        "ssn 123-45-6789 ",
        "password/",
        "password->",
        '"\\u0070assword":"ab",',
        '1,"{""password"":""aB3dE5""}"\n',
        '{""password"":""aB3dE5""},',
        "update a set token=$1 DETAIL: parameters: $1 = 'ab9'\n",
        "insert into a (token) values (?) [params: ('ab9')]\n",
        "password: abc9\n",
        "password%3D",
        "--token=aB3dE5f ",
        "password='abc\n",
    ),
    *(
        "secrets set A=b ",
        "gh secret set A --body ",
        "vault kv put a value=b ",
        "--from-literal=a=b ",
        "echo a | docker ",
        "echo -n a | base64\n",
        "kubectl get secret a -o jsonpath=b\n",
        "base64 -d\nabcd\n",
        "{password, ",
        '{<<"password">>, <<"a',
        'auth("a", "b", ',
        "proxy_set_header X-Token a; ",
        "config set password ",
        "stats auth a:b ",
        "digest a:b ",
        '"a" "md5',
        "createUser a SHA b ",
        "+OK\nPASS a\n",
        "etcdctl --user a:b ",
        "doppler secrets set a b ",
        "db_password abc9\n",
        "<password><value>a</value>",
    ),
    *(
        "secret = <<EOT\n",
        "secret = <<EOT\nabc9\nEOT\n",
        "secret = \\\n",
        "\\xa8password\\xac",
        'password|s:9:"',
        '"stringData":{',
        "patch secret a {",
        "recovery codes:\na1b2-c3d4\n",
        "passwords ",
        "Password  Name\n",
        "Name  Secret Key\nabc9de  aB3dE5f\n",
        "BORG_KEY ab\n",
        "BORG_KEY ab\n" + "A" * 44 + "\n",
        "password=a b c ",
        "'password=a b ",
        "- password=a b\n",
        "token: !x |\n  ",
    ),
    *(
        "user_code ABCD-1234",
        "curl -b a=b ",
        "connect('host=', ",
        'missing "=" after "',
        "AUTH PLAIN aB3dE5f= ",
        "aB3dE5f=\t",
        "thin:a/b@(",
        "a//b:c@",
    ),
]


def _repeated(unit: str) -> Callable[[int], str]:
    return lambda length: unit * (length // len(unit))


def _drawn(signs: str, width: int = 0) -> Callable[[int], str]:
    def text(length: int) -> str:
        chance = random.Random(4)
        letters = chance.choices(signs, k=length)
        return (
            "".join(letters)
            if not width
            else " ".join("".join(letters[place : place + width]) for place in range(0, length, width + 1))
        )

    return text


HOSTILE = {unit: _repeated(unit) for unit in _UNITS} | {
    "digits": _drawn("0123456789"),
    "groups of digits": _drawn("0123456789", 4),
    "base64": _drawn("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
    "quotes and brackets": _drawn("\"'[]{}()\\,:= \n"),
}
_LENGTH = 32_000  # below, what may be read with care at all weighs more than what grows
_MOST_CALLS = 16  # of functions, for each character
# What is quadratic takes sixteen times as long.
_TIMES, _MOST_GROWTH = 4, 8


def _calls(text: str) -> int:
    """Return how many functions are called to redact a text."""
    count = 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    redactor = Redactor()
    sys.setprofile(counted)
    try:
        redactor.text(text)
    finally:
        sys.setprofile(None)
    return count


def _seconds(text: str) -> float:
    """Return how long it takes to redact a text, by the clock of this thread alone."""
    redactor = Redactor()
    begun = time.thread_time()
    redactor.text(text)
    return time.thread_time() - begun


@pytest.fixture(scope="module", autouse=True)
def _everything_is_loaded():
    Redactor().text("password=x 4111 1111 1111 1111 curl -u a:b")


@pytest.mark.parametrize("made", HOSTILE.values(), ids=map(repr, HOSTILE))
def test_work_is_bounded_for_each_character(made):
    assert _calls(made(_LENGTH)) <= _MOST_CALLS * _LENGTH


@pytest.mark.parametrize("made", HOSTILE.values(), ids=map(repr, HOSTILE))
def test_time_grows_in_proportion_to_the_length(made):
    # What an expression does by itself is no call: its time is compared with that of a quarter of the text.
    # What is quadratic shows at each length; where a text begins to be read in another way, only one does.
    grown = []
    for factor in (1, 2, 2, 2, 2):
        once, often = made(factor * _LENGTH), made(factor * _TIMES * _LENGTH)
        grown.append(_seconds(often) / _seconds(once))
        if grown[-1] <= _MOST_GROWTH:
            break
    assert min(grown) <= _MOST_GROWTH, grown
