"""The overview, help, and the one sentence that answers wrong usage."""

import pytest

from incident_lib.cli import main
from incident_lib.cli.help import overview_of
from incident_lib.cli.parser import GROUPS, build, commands_of


def typed(capsys, *words):
    """Return the exit code of a command and what it wrote on both streams."""
    try:
        code = main([*words])
    except SystemExit as end:
        code = end.code
    return code, *capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (("triag",), "`triage`"),
        (("--config", "w.toml", "lst"), "`list`"),
        (("help", "deklare"), "`declare`"),
        (("run", "--sinse", "15m"), "`--since`"),
        (("run", "--sinse=15m"), "`--since`"),
        (("declare", "--titel", "x", "--severity", "SEV2"), "`--title`"),
        (("--no-colour", "list"), "`--no-color`"),
        (("--confg", "w.toml", "triage"), "`--config`"),
        (("communicate", "statuspage"), "`status-page`"),
    ],
)
def test_a_mistyped_word_is_answered_with_the_nearest(words, nearest, capsys):
    code, out, err = typed(capsys, *words)
    assert (code, out) == (2, "")
    assert err.endswith(f"; did you mean {nearest}?\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "words", [("zzzz",), ("show", "a", "b"), ("declare",), ("run", "--jobs", "x"), ("-",)]
)
def test_other_wrong_usage_is_one_sentence_that_leads_to_help(words, capsys):
    code, out, err = typed(capsys, *words)
    assert (code, out) == (2, "")
    assert "`incident help" in err
    assert err.count("\n") == 1


def test_a_text_that_looks_like_a_flag_is_a_text():
    assert build().parse_args(["note", "--", "--titel"]).text == "--titel"
    assert build().parse_args(["note", "--titel is missing"]).text == "--titel is missing"
    assert build().parse_args(["run", "--snap", "x"]).snapshot == "x"


def test_the_overview_has_each_command_once():
    named = [name for _, first, further in GROUPS for name in (*first, *further)]
    assert sorted(named) == sorted(commands_of(build()).choices)


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_the_overview_fits_on_a_screen(columns):
    lines = overview_of(columns).splitlines()
    assert len(lines) <= 27
    assert max(map(len, lines)) < columns
    assert (" ..." in overview_of(columns)) is (columns <= 80)


@pytest.mark.parametrize("words", [(), ("--no-color",)])
def test_incident_alone_is_the_overview(words, capsys):
    code, out, err = typed(capsys, *words)
    assert (code, err) == (0, "")
    assert out.startswith("When you are paged\n  triage ")


def test_help_is_that_of_the_command(capsys):
    assert typed(capsys, "help", "run") == typed(capsys, "run", "--help")
    code, out, _ = typed(capsys, "help")
    assert code == 0
    assert all(name in out for name in commands_of(build()).choices)
