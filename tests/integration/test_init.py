"""`incident init`: with containers, without an engine, and over a file that is there."""

import json

import pytest

from incident_lib import config
from incident_lib.cli import main
from tests.integration import docker_service

pytestmark = docker_service.MARKS
engine = docker_service.engine


def test_stack_is_found(engine, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with docker_service.stack(engine) as stack:
        assert main(["init"]) == 0
    said = capsys.readouterr().out
    settings = config.load(tmp_path / "workbench.toml")
    # Other tests may have containers on the same engine.
    found = {one.name: one for one in settings.services if one.container.startswith("app-")}
    assert {name: one.kind for name, one in found.items()} == {
        "backend": "http",
        "frontend": "http",
        "db": "postgres",
        "redis": "redis",
    }
    assert found["backend"].url == f"http://localhost:{stack.ports['backend']}"
    assert found["backend"].health == ("/health",)
    assert found["frontend"].health == ("/",)
    assert set(found["backend"].depends_on) == {"db", "redis"}
    assert found["frontend"].depends_on == ("backend",)
    assert found["db"].container == "app-db"
    assert docker_service.PASSWORD not in said + (tmp_path / "workbench.toml").read_text()
    assert "GRANT pg_monitor" in said
    assert "ACL SETUSER incident-workbench" in said


def test_without_an_engine_the_common_stack(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    path = tmp_path / "config.toml"
    assert main(["init", "--output", str(path)]) == 0
    assert "no Docker engine here" in capsys.readouterr().out
    assert [service.name for service in config.load(path).services] == ["backend", "frontend", "db", "redis"]


def test_json(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert main(["init", "--output", str(tmp_path / "w.toml"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["found"] == []
    assert document["reason"] == "no Docker engine here"


def test_file_that_is_there_is_kept(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    path = tmp_path / "workbench.toml"
    path.write_text("# mine\n")
    assert main(["init", "--output", str(path)]) == 2
    assert "--force" in capsys.readouterr().err
    assert path.read_text() == "# mine\n"
    assert main(["init", "--output", str(path), "--force"]) == 0
    assert "[[service]]" in path.read_text()


@pytest.mark.parametrize("name", ["missing/workbench.toml"])
def test_place_that_cannot_be_written(tmp_path, capsys, monkeypatch, name):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert main(["init", "--output", str(tmp_path / name)]) == 2
    assert "cannot write" in capsys.readouterr().err
