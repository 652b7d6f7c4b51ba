"""The order of the suite's files."""

from pathlib import Path

from tests.order import LONG, by_length

TESTS = Path(__file__).parents[1]


def test_each_long_file_is_there():
    assert [name for name in LONG if not (TESTS / name).is_file()] == []


def test_long_files_come_early_with_short_ones_between_and_none_is_lost():
    short = [TESTS / "unit" / f"test_{number}.py" for number in range(9)]
    long = [TESTS / name for name in LONG[:3]]
    ordered = by_length([*short, *reversed(long)], TESTS)
    assert [ordered[place] for place in (0, 4, 8)] == long
    assert ordered[1:4] == [short[0], short[8], short[1]]
    assert sorted(ordered) == sorted([*long, *short])
    assert sorted(by_length(short, TESTS)) == short
