"""The scripts of bench/ are not imported by the library: what they import must be there all the same."""

import ast
import importlib
from pathlib import Path

import msgspec
import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.mark.parametrize("script", sorted(path.name for path in BENCH.glob("*.py")))
def test_what_a_script_imports_is_there(script):
    for node in ast.walk(ast.parse((BENCH / script).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("incident_lib"):
            module = importlib.import_module(node.module)
            for alias in node.names:
                assert hasattr(module, alias.name) or importlib.import_module(f"{node.module}.{alias.name}")


def test_a_row_that_misses_is_on_the_page_with_its_profile(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    comparing = importlib.import_module("comparing")
    ways = tuple(
        comparing.Way(name, tuple(comparing.Turn(wall, wall / 2) for wall in walls))
        for name, walls in (("theirs", (4.0, 8.0, 2.0)), ("ours", (1.0, 4.0, 0.5)))
    )
    found = comparing.ratio(ways[1], ways[0])
    assert found == 0.25, "the median of each turn's ratio"
    row = comparing.Row(
        name="row", what="Ours", ways=ways, goals=(comparing.Goal("of theirs", found, 0.2),), profile="slow()"
    )
    results = msgspec.structs.replace(comparing.begun(), rows={"part": (row,)})
    stored = msgspec.json.decode(msgspec.json.encode(results), type=comparing.Results)
    page = "\n".join(comparing.table(stored))
    assert "| theirs | 4.00 (2.00 to 8.00) | 2.00 (1.00 to 4.00) |  |" in page
    assert "of theirs: 0.25, at most 0.2: **missed**" in page
    assert "slow()" in page
