"""Secrets of a known look are found in whatever stands around them, and ordinary lines have none."""

import random
import re
import string
import tomllib

import pytest

from incident_lib.redact import vendors

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
