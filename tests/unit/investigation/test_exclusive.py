"""Two looks by one configuration, one after the other; by two configurations, side by side."""

import threading
from pathlib import Path

from incident_lib import config
from incident_lib.investigation.exclusive import one_at_a_time


def _settings(folder: Path) -> config.Settings:
    folder.mkdir(exist_ok=True)
    (folder / "workbench.toml").write_text("")
    return config.load(str(folder / "workbench.toml"))


def test_the_second_look_waits_for_the_first(tmp_path):
    told = []
    settings = _settings(tmp_path / "one")
    with one_at_a_time(settings) as first:
        thread = threading.Thread(target=_look, args=(settings, told))
        thread.start()
        while not told:
            thread.join(0.05)
        assert first
        assert told == ["waits"]
    thread.join(10)
    assert told == ["waits", True]


def _look(settings, told):
    with one_at_a_time(settings, lambda: told.append("waits")) as alone:
        told.append(alone)


def test_nobody_waits_for_ever_or_for_another_configuration(tmp_path):
    settings, other = _settings(tmp_path / "one"), _settings(tmp_path / "two")
    with (
        one_at_a_time(settings),
        one_at_a_time(other) as beside,
        one_at_a_time(settings, seconds=0.2) as late,
    ):
        assert beside
        assert not late
    with one_at_a_time(settings, seconds=0) as again:
        assert again


def test_without_a_place_to_meet_everybody_looks(tmp_path):
    settings = _settings(tmp_path / "one")
    settings.path.unlink()
    with one_at_a_time(settings) as alone:
        assert alone
