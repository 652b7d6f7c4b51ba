"""What a cell shows holds nothing that cannot be seen."""

from incident_lib.display import Block


def test_nothing_hides_in_a_block():
    block = Block("<p>a\u202eb&#x2066;c</p>", "two\nlines\x1b[2J\u202e")
    assert "<p>abc</p>" in block._repr_html_()
    assert repr(block) == "<two lines[2J>"
