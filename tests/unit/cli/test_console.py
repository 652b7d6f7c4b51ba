"""A table of thousands of rows reads as one that rich has laid out."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from incident_lib.cli.console import plain, print_rows

WORDS = st.text(alphabet="ab. é漢", max_size=60)


def printed(rows, widths):
    console = Console(file=io.StringIO(), width=200, color_system=None)
    print_rows(console, rows, widths)
    return [line.rstrip() for line in console.file.getvalue().split("\n")[:-1]]


@given(text=WORDS, width=st.integers(2, 25))
def test_a_long_text_goes_on_where_rich_would_wrap_it(text, width):
    text = plain(text)
    wrapped = Text(text).wrap(Console(), width, overflow="fold")
    expected = [line.plain.rstrip() for line in wrapped] or [""]
    assert [line.rstrip() for line in printed([[(text, "")]], [width])] == expected


@pytest.mark.parametrize("style", ["", "bold"])
def test_columns_stay_below_each_other(style):
    rows = [[("14:31", ""), ("Pool of 20 connections is full", style), ("Kim", "dim")]]
    expected = ["14:31    Pool of 20   Kim", "         connections", "         is full"]
    assert printed(rows, [8, 12, 4]) == expected
