"""SECURITY.md: its figures, and whether each test that it names is there."""

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from incident_lib.redact import vendors
from incident_lib.remediation.actions import ACTIONS
from incident_lib.technologies import table

ROOT = Path(__file__).parent.parent
_DATA = ROOT / "tests" / "data" / "redaction"


def figures_table() -> Iterator[str]:
    """Yield the lines of the table of figures."""
    families = tomllib.loads(vendors.DATA.read_text(encoding="utf-8"))["family"]
    shapes = _assigned("tests/integration/canary_values.py", "SHAPES")
    commands = _assigned("tests/integration/canary_typist.py", "TYPED")
    yield "| what | how many |"
    yield "|---|---|"
    lines = _lines("shapes.jsonl")
    core = sum(json.loads(line)["core"] for line in lines)
    yield f"| shapes of secrets in surroundings, all hidden | {core} |"
    yield f"| shapes that are far-fetched, of which two thirds must be hidden | {len(lines) - core} |"
    yield f"| ordinary lines, none changed | {len(_lines('ordinary.txt'))} |"
    yield f"| families of tokens of vendors, each in every surrounding | {len(families)} |"
    yield f"| shapes that the canary run plants, in every place | {shapes} |"
    yield f"| commands that the canary run types | {commands} |"
    yield f"| probes, all of which only read | {sum(len(each.probes) for each in table().technologies)} |"
    yield f"| actions, all of which a person confirms | {len(ACTIONS)} |"


def _lines(name: str) -> list[str]:
    text = (_DATA / name).read_text(encoding="utf-8")
    return [line for line in text.split("\n") if line]


def _assigned(file: str, name: str) -> int:
    """Return how many entries a table at the top of a file of tests has."""
    for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(each, ast.Name) and each.id == name for each in targets):
            value = getattr(node, "value", None)
            return len(value.keys) if isinstance(value, ast.Dict) else len(value.elts)
    raise SystemExit(f"{file} has no {name}")


def problems(text: str) -> Iterator[str]:
    """Yield the tests that the text of SECURITY.md names and that are not there."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    if not named:
        yield "SECURITY.md names no test"
    for file, test in named:
        path = ROOT / file
        if not path.exists() or f"def {test}(" not in path.read_text(encoding="utf-8"):
            yield f"SECURITY.md names {file}::{test}, which does not exist"
    _, _, promises = text.partition("| promise |")
    for line in promises.partition("\n\n")[0].splitlines()[2:]:
        if "::test_" not in line:
            yield f"SECURITY.md proves nothing of: {line[:80]}"
