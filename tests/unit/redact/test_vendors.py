"""Secrets of a known look are found in whatever stands around them, and ordinary lines have none."""

import random
import re
import string
import time
import tomllib
from pathlib import Path

import pytest

from incident_lib.redact import Redactor, vendors

_TABLES = tomllib.loads(vendors.DATA.read_text(encoding="utf-8"))
_PARTS = {"uuid": "{8}-{4}-{4}-{4}-{12}", "words": "_api_key", "name": "=", "sep": ": "}
_SURROUNDINGS = (
    "call with {} failed: 403",
    'KEY={}\nnext="line"',
    '{{"message": "tried \\"{}\\" twice"}}',
    "https://example.com/a?b=c&x={}&d=1",
    "at 18:00 {}",
    "%3D{}%26y",
    "\x1b[31m{}\x1b[0m",
    "naïve ø {} ø ü",
)


def _signs(alphabet):
    signs = _TABLES["alphabet"][alphabet]
    every = "".join(chr(code) for code in range(33, 127))
    return [sign for sign in every if re.fullmatch(f"[{signs}]", sign) and sign not in "%&.$|"]


def _value(signs, count, chance):
    kinds = [
        [sign for sign in signs if sign in kind]
        for kind in (string.digits, string.ascii_lowercase, string.ascii_uppercase)
    ]
    value = [chance.choice(kind) for kind in kinds if kind][:count]
    value += [chance.choice([sign for sign in signs if sign.isalnum()]) for _ in range(count - len(value))]
    for at in range(1, count - 1):
        if chance.random() < 0.1:
            value[at] = chance.choice(signs)
    chance.shuffle(inner := value[1:-1])
    return "".join([value[0], *inner, value[-1]]) if count > 1 else "".join(value)


def _made(notation, chance):
    """Return a random text that `notation` describes, and the part of it that must be hidden."""
    levels = [[""]]
    for token in vendors.TOKEN.finditer(notation):
        sign = token["sign"] if not token["plain"] else None
        if token["least"]:
            least = int(token["least"])
            more = int(token["most"]) if token["most"] else least + 9 if token["open"] else least
            signs = _signs(token["name"])
            levels[-1][-1] += _value(signs, chance.randint(max(least, 1), max(more, 1)), chance)
        elif token["name"]:
            part = _PARTS[token["name"]]
            made = re.sub(
                r"\{(\d+)\}", lambda m: "".join(chance.choices("0123456789abcdef", k=int(m[1]))), part
            )
            levels[-1][-1] += made
        elif sign == "(":
            levels.append([""])
        elif sign == "|":
            levels[-1].append("")
        elif sign == ")":
            chosen = levels.pop()
            levels[-1][-1] += chance.choice(chosen)
        elif sign == "?":
            continue
        elif sign in {"<", ">"}:
            levels[-1][-1] += "\0"
        elif token["plain"] or sign:
            levels[-1][-1] += token["plain"] or sign
        else:
            levels[-1][-1] += "=" * chance.randint(0, 2)
    return levels[0][0]


def _example(shape, start, chance):
    before = _made(shape.before, chance)
    text = before + start + _made(shape.then, chance)
    secret = text.split("\0")[1] if "\0" in text else text
    text = text.replace("\0", "")
    front = f"{shape.near[0].decode()} " if shape.near else ""
    return front + text, secret


@pytest.mark.parametrize("shape", vendors.shapes(), ids=lambda shape: f"{shape.family}: {shape.starts[0]}")
def test_each_family_is_found_in_every_surrounding(shape):
    chance = random.Random(shape.family)
    for number in range(max(len(shape.starts), len(_SURROUNDINGS))):
        start = shape.starts[number % len(shape.starts)]
        example, secret = _example(shape, start, chance)
        text = _SURROUNDINGS[number % len(_SURROUNDINGS)].format(example)
        left = text
        for begin, end, _ in reversed(vendors.spans(text)):
            left = left[:begin] + "\0" + left[end:]
        pieces = {secret[at : at + 6] for at in range(max(1, len(secret) - 5))}
        own = f"{shape.starts} {shape.then}"
        assert not [piece for piece in pieces if piece in left and piece not in own], (text, left)


_KINDS_OF_FILL = {
    "hexup": "0123456789ABCDEF",
    "hex": "0123456789abcdef",
    "lower": string.ascii_lowercase + string.digits,
    "upper": "0123456789ABCDEFGHJKMNPQRSTVWXYZ",
    "b": string.ascii_letters + string.digits,
    "d": string.digits,
}


def _filled(line, chance):
    def value(match):
        if match["kind"] == "uuid":
            return "-".join(
                "".join(chance.choices("0123456789abcdef", k=count)) for count in (8, 4, 4, 4, 12)
            )
        return "".join(chance.choices(_KINDS_OF_FILL[match["kind"]], k=int(match["count"])))

    filled = re.sub(r"(?<!\{)\{(?P<kind>[a-z]+)(?P<count>\d*)\}", value, line)
    return filled.replace("{{", "{").replace("}}", "}")


def test_ordinary_lines_hold_no_secret():
    chance = random.Random(11)
    lines = Path(__file__).with_name("ordinary.txt").read_text(encoding="utf-8").splitlines()
    filled = [_filled(line, chance) for line in lines for _ in range(4 if "{" in line else 1)]
    assert len(filled) > 300
    assert [(line, vendors.spans(line)) for line in filled if vendors.spans(line)] == []
    assert vendors.spans("\n".join(filled)) == []


@pytest.mark.parametrize(
    ("text", "family", "secret"),
    [
        ("paid by 4111-1111-1111-1111, thanks", "card", "4111-1111-1111-1111"),
        ('{"pan":"5555555555554444"}', "card", "5555555555554444"),
        ("amex 3714 496353 98431.", "card", "3714 496353 98431"),
        ("card=378282246310005;cvv", "card", "378282246310005"),
        ("n%20=%206011%201111%201111%201117", "card", "6011%201111%201111%201117"),
        ("iban DE89 3704 0044 0532 0130 00 used", "iban", "DE89 3704 0044 0532 0130 00"),
        ("to GB82WEST12345698765432.", "iban", "GB82WEST12345698765432"),
        ('{"ssn": "219-09-9999"}', "ssn", "219-09-9999"),
        ("social security number 219-09-9999", "ssn", "219-09-9999"),
        ("ssn=219099999", "ssn", "219099999"),
        ("ACL SETUSER app on >Correct3 ~* +@all", "redis-acl-password", "Correct3"),
        ('"ACL" "SETUSER" "app" "on" ">Correct3" "~*"', "redis-acl-password", "Correct3"),
        ("user app on sanitize-payload ~* >höhö +@all", "redis-acl-password", "höhö"),
    ],
)
def test_numbers_of_cards_accounts_and_persons_are_found(text, family, secret):
    begin = text.index(secret)
    assert vendors.spans(text) == [(begin, begin + len(secret), family)]


@pytest.mark.parametrize(
    "text",
    [
        "order 4111111111111112",  # fails its check
        "ratio 0.4111111111111111",
        "dd.trace_id=4111111111111111",
        "1764352801123 1764352801123456 1764352801123456789",
        "DE88 3704 0044 0532 0130 00",
        "call 219-09-9999 now",
        "ssn 000-12-3456",
        "user app on >PASSWORD ~*",
        "user >one <two and <b>user manual</b>",
        "$2b$12$[secret:7f3a91c0]",
        "{CRYPT}[secret:7f3a91c0]",
    ],
)
def test_what_only_looks_alike_stays(text):
    assert vendors.spans(text) == []


def test_a_token_in_a_path_is_found_behind_its_word():
    token = "123456789:AA" + "Fx9_" * 9
    text = f"POST https://api.telegram.org/bot{token}/sendMessage 401"
    assert [text[begin:end] for begin, end, _ in vendors.spans(text)] == [token]


def test_offsets_count_characters():
    token = "ghp_" + "a1B2" * 9
    text = f"naïve \ud800 😀 {token} ü {token}"
    assert [text[begin:end] for begin, end, _ in vendors.spans(text)] == [token, token]


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "ghp_",
            "eyJ",
            "eyJ.",
            "-eyJ",
            "%3DeyJ",
            "eyJhbGciOi.",
            "xoxb-",
            "sk-",
            "AKIA",
            "AAAA",
            "$6$",
            "$2b$12$",
        ),
        *(
            "T3BlbkFJ",
            "dop_v1_",
            "4111 ",
            "DE89 ",
            "0",
            "a.b.c.",
            "&sig=",
            "user a on >b ",
            "datadog api key ",
            "{SSHA}",
        ),
        *("scrypt:", ".logic.azure.com/", "[secret", "\\n", "é", "123-45-6789 ssn "),
    ],
)
def test_time_grows_in_proportion(piece):
    """The longer text is no dearer a character than the shorter one, which is measured beside it."""

    def seconds(size):
        text = piece * (size // len(piece))
        begin = time.process_time()
        vendors.spans(text)
        return time.process_time() - begin

    seconds(2_000)
    ratios = [(seconds(32_000) + 0.01) / (seconds(4_000) + 0.01) for _ in range(2)]
    assert min(ratios) < 24, ratios  # 8 where it is in proportion, 64 where it is quadratic


def test_each_of_a_thousand_numbers_of_persons_is_found():
    numbers = [f"{100 + number % 500}-{10 + number % 89}-{1000 + number}" for number in range(1000)]
    out = Redactor().text(" ".join(f"ssn {number}" for number in numbers))
    assert [number for number in numbers if number in out] == []
