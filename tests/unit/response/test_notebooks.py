"""Cells that change an incident: its home shows that when they end, by the configuration of the incident."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from incident_lib.incident.folder import take_changed
from tests.notebooks import sample

TOML = '[[dependency]]\nname = "vendor"\nurl = "tcp://127.0.0.1:1"\n'


@pytest.fixture
def shell():
    take_changed()
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_what_a_cell_changes_stands_in_the_home_when_it_ends(tmp_path, shell):
    folder = sample.made(tmp_path).folder
    config = tmp_path / "elsewhere" / "other.toml"
    config.parent.mkdir()
    config.write_text(TOML)
    home = folder.path / "index.html"
    opened = f"open_investigation({str(folder.path)!r}, config={str(config)!r})"
    take_changed()
    for source in (
        f"from incident_lib import open_investigation; case = {opened}",
        f"case = {opened}",  # opened twice, the home is renewed once
        "case.snapshot",
    ):
        assert shell.run_cell(source).success
    assert not home.exists()
    assert shell.run_cell('case.note("the vendor answers"); case.note("and waits")').success
    written = home.read_text()
    assert "the vendor answers" in written
    assert "and waits" in written
    assert f"--config {config}" in written
    assert "the vendor" not in (folder.path.parent / "index.html").read_text()
    assert take_changed() == ()
    assert folder.verify() == []
