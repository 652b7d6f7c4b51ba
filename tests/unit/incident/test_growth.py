"""Work in proportion to what there is: twice the events, or twice the incidents, cost about twice as much."""

import sys
import time
from pathlib import Path

import pytest

from incident_lib.cli import main

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench"))
import folders

_MOST = 2.3  # n log n, and what a busy machine adds
_TRIES = 4


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return folders with `small` and `large` incidents, where one has twice of what the other has."""
    top = tmp_path_factory.mktemp("growth")
    for name, events, incidents in (("small", 600, 20), ("large", 1200, 40)):
        sizes = {"events": events, "snapshots": events // 200, "incidents": incidents, "rows": events * 5}
        folders.make_all(top / name, **sizes)
    return top


def cost(place, words, monkeypatch):
    """Return the seconds of CPU of a command in this process, the least of a few."""
    monkeypatch.chdir(place)
    seconds = []
    for _ in range(2):
        began = time.process_time()
        main(words.split())
        seconds.append(time.process_time() - began)
    return min(seconds)


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        *(("large", words) for words in ("show --timeline", "timeline", "note text", "postmortem")),
        *(("many", words) for words in ("list", "search pool full", "similar")),
        ("rows", "postmortem"),
    ],
)
def test_twice_as_much_costs_about_twice(place, folder, words, monkeypatch, capsys):
    ratios = []
    for _ in range(_TRIES):
        small, large = (cost(place / size / folder, words, monkeypatch) for size in ("small", "large"))
        ratios.append(large / small)
        if ratios[-1] < _MOST:
            return
    pytest.fail(f"{words}: {ratios}")
