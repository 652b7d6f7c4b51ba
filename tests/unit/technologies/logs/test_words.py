"""Words and patterns of rows: what an entry needs, and which line shows it."""

import pytest

from incident_lib.technologies.logs.words import Matcher, Words, compiled


def found(text: str, *entries: str | Words) -> list[tuple[str, str]]:
    return list(Matcher((entry, f"row {number}") for number, entry in enumerate(entries)).find(text))


def test_what_must_not_stand_in_the_line_may_stand_in_another() -> None:
    entry = Words(words="refused", but="client")
    assert found("client refused", entry) == []
    assert found("client gone\nrefused", entry) == [("row 0", "refused")]
    assert found("client refused\nserver refused", entry) == [("row 0", "server refused")]


def test_the_line_is_the_one_in_which_the_pattern_begins() -> None:
    entry = Words(words="refused", pattern=r"dial \S+: refused")
    assert found("refused before\ndial db: refused", entry) == [("row 0", "dial db: refused")]
    assert found("dial db\nrefused", entry) == []


def test_a_pattern_may_reach_over_lines() -> None:
    entry = Words(words="TimeoutError", pattern=r"pool\.py[\s\S]*TimeoutError")
    assert found("in pool.py\nTimeoutError", entry) == [("row 0", "TimeoutError")]


def test_entries_are_found_in_their_order_and_a_row_once() -> None:
    rows = Matcher([("b", "first"), ("a", "second"), ("c", "first")])
    assert [name for name, _ in rows.find("a b c")] == ["first", "second"]


def test_words_within_words_are_both_found() -> None:
    assert [
        name for name, _ in found("too many open files", "open files", "too many open files", "many")
    ] == [
        "row 0",
        "row 1",
        "row 2",
    ]


@pytest.mark.parametrize("pattern", ["(?=a)", "(?<!a)b", r"(a)\1", "(", "a{2000}"])
def test_what_re2_cannot_do_in_linear_time_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="not a valid regular expression of RE2"):
        compiled(pattern)
