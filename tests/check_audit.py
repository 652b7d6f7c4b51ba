"""Known vulnerabilities of the versions in constraints.txt, by pip-audit: checked by `make check`.

Where pip-audit is not installed or cannot reach its data, the check is skipped, and says so: a network that
is not there fails nothing. A vulnerability fails with the name of its package.
"""

import json
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

CONSTRAINTS = Path(__file__).parent.parent / "constraints.txt"
_SECONDS = 90
_PROBE_SECONDS = 10
_PROBE = "jinja2==2.4.1\n"  # of 2010: has known vulnerabilities, so that data without any is no data
# Vulnerabilities that we looked at and that do not concern us: id -> why.
ACCEPTED: dict[str, str] = {}


def skipped(reason: str) -> int:
    """Say why nothing was looked up. Return 0."""
    print(f"pip-audit: skipped, {reason}")
    return 0


def audit(requirements: str, seconds: float) -> tuple[dict[str, list[str]], int] | None:
    """Return the ids of vulnerabilities by package and how many were looked up, None without an answer."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "requirements.txt")
        file.write_text(requirements, encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "-r", str(file), "--no-deps", "--disable-pip"]
        command += ["--timeout", "5", "--progress-spinner", "off", "--format", "json"]
        command += ["--cache-dir", str(Path(folder, "cache"))]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
            answer = json.loads(done.stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return None
    return found_in(answer)


def found_in(answer: object) -> tuple[dict[str, list[str]], int] | None:
    """Return what pip-audit found and in how many packages it looked, None where in none of them."""
    listed = answer.get("dependencies") if isinstance(answer, dict) else None
    looked_up = [each for each in listed or () if "skip_reason" not in each]
    found = {
        f"{each['name']} {each['version']}": sorted({vuln["id"] for vuln in each["vulns"]})
        for each in looked_up
        if each.get("vulns")
    }
    return (found, len(looked_up)) if looked_up else None


def main() -> int:
    """Return 1 where a pinned version has a known vulnerability, else 0."""
    if find_spec("pip_audit") is None:
        return skipped("it is not installed (extra `test`)")
    known = audit(_PROBE, _PROBE_SECONDS)
    if known is None or not known[0]:
        return skipped("its data of vulnerabilities cannot be reached from here")
    pins = re.findall(r"(?m)^[A-Za-z0-9][\w.-]*==[^\s;]+", CONSTRAINTS.read_text(encoding="utf-8"))
    answer = audit("\n".join(pins) + "\n", _SECONDS)
    if answer is None:
        return skipped("its data of vulnerabilities did not answer in time")
    found, count = answer
    bad = {name: left for name, ids in found.items() if (left := [i for i in ids if i not in ACCEPTED])}
    for name, ids in bad.items():
        sys.stderr.write(f"{name} has known vulnerabilities: {', '.join(ids)}\n")
    print(f"pip-audit: looked up {count} of {len(pins)} packages, {len(bad)} with known vulnerabilities")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
