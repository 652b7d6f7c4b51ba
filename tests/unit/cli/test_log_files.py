"""`incident logs PATH`: what is printed of the services that lines name."""

import json
from pathlib import Path

import pytest

from incident_lib.cli import main


def test_the_services_that_lines_name_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pods.log"
    path.write_text(
        "".join(
            json.dumps(
                {
                    "log": f"2026-01-15 14:31:{number:02} INFO drawer {number} open\n",
                    "stream": "stdout",
                    "kubernetes": {"container_name": "till" if number % 3 else "printer"},
                }
            )
            + "\n"
            for number in range(30)
        )
    )
    assert main(["logs", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["services"] == {"till": 20, "printer": 10}
    assert main(["logs", str(path)]) == 0
    assert "Services: till 20, printer 10" in capsys.readouterr().out
