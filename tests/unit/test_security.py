"""A promise whose test is gone is found."""

from tests import security


def test_a_promise_without_its_test_is_found():
    text = (security.ROOT / "SECURITY.md").read_text()
    assert [*security.problems(text)] == []
    gone = text.replace("::test_no_secret_gets_out`", "::test_that_was_renamed`")
    assert any("test_that_was_renamed" in line for line in security.problems(gone))
    row = "| Nothing is ever wrong | trust us |\n"
    head = "| promise | tested by |\n|---|---|\n"
    assert any("trust us" in line for line in security.problems(text.replace(head, head + row)))
