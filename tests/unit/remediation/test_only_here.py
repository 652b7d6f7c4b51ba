"""Only remediation opens anything for change, and only a person's own line or cell leads there."""

import ast
import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[3] / "incident_lib"
CHANGING = re.compile(r"incident_lib\.(connections\.docker_change|technologies\.\w+\.change)\b")
ACTIONS = re.compile(r"remediation/|technologies/\w+/actions\.py$")
ASKING = {"cli/mitigate.py", "display/mitigations.py"}
# Words only: which plan a person could ask for, and which change was begun and not ended.
WORDS = ("incident_lib.remediation.proposals.", "incident_lib.remediation.journal.")


def imports():
    """Yield each file of the package with the modules it names in imports."""
    for path in PACKAGE.rglob("*.py"):
        names = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
        yield path.relative_to(PACKAGE).as_posix(), names


def test_only_remediation_opens_for_change():
    opening = {path for path, names in imports() if any(map(CHANGING.match, names))}
    opening = {path for path in opening if not re.match(r"technologies/\w+/change", path)}
    assert opening
    assert all(map(ACTIONS.match, opening)), opening


def test_only_a_persons_line_or_cell_leads_to_remediation():
    users = {
        path
        for path, names in imports()
        if any(name.startswith("incident_lib.remediation") and not name.startswith(WORDS) for name in names)
        and not path.startswith("remediation/")
    }
    assert users == ASKING
