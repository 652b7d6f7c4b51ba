"""A sieve finds what its expression finds."""

import json
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from incident_lib.redact import bound, commands
from incident_lib.redact.sieve import Sieve

DATA = Path(__file__).resolve().parents[2] / "data" / "redaction"
TEXTS = [json.loads(line)["text"] for line in (DATA / "shapes.jsonl").read_text().splitlines()]
TEXTS += ["\u043f\u00e9\u00a0" + "\n".join(TEXTS), (DATA / "ordinary.txt").read_text()]
SIEVES = [commands._compiled(command.pattern) for command in commands._commands()[0]]
SIEVES += [bound._STATEMENTS, bound._COMPARISONS]


def found(sieve: Sieve, text: str) -> list[tuple[int, int]]:
    return [match.span() for match in sieve.finditer(text, text.encode("utf-8", "surrogatepass"))]


def test_every_sieve_finds_in_every_shape_what_its_expression_finds():
    count = 0
    for sieve in SIEVES:
        for text in TEXTS:
            expected = [match.span() for match in sieve.pattern.finditer(text)]
            assert found(sieve, text) == expected, sieve.pattern.pattern
            assert sieve.may_match(text) or not expected
            count += len(expected)
    assert count > len(SIEVES)


EXPRESSIONS = [
    r"\bab\b[^\n|;]{0,200}?\s-p(?P<v>[^\s\"'-]{1,40})(?=\s|$)",
    r"(?i)(?:^|[\n>])ab(?![a-z\d])\s+(?:\w{1,50}\s)?\d",
    r"(?<![a-z])\w+=(?:(?!=)\S){1,100}$",
    r"[\w.-]{0,9}\b\s\S[^\w]",
]


@given(
    st.sampled_from(EXPRESSIONS),
    st.text(st.sampled_from("abAB19 \t\n\x0b\x1c\u00a0\u00e9\u0663\u017f-=p|;\ud800"), max_size=60).map(
        lambda text: text * 3
    ),
)
def test_letters_digits_and_blanks_beyond_ascii_are_found(expression, text):
    sieve = Sieve(re.compile(expression))
    assert found(sieve, text) == [match.span() for match in sieve.pattern.finditer(text)]


def test_a_text_full_of_places_is_read_to_its_end():
    sieve = Sieve(re.compile(r"ab\w{0,50}(?=!)c?"))
    text = "ab " * 5000 + "abab! éab!"
    assert found(sieve, text) == [(15000, 15004), (15007, 15009)]
