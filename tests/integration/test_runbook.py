"""The commands of runbooks run on real servers; `incident runbook` keeps what people wrote."""

import os
import shutil
import subprocess

import pytest

from incident_lib.config import Service
from incident_lib.errors import UsageError
from incident_lib.reports.runbook_commands import commands_of
from incident_lib.technologies.postgres import runbook as postgres
from incident_lib.technologies.redis import runbook as redis
from tests import command, services
from tests.integration import postgres_service
from tests.integration.redis_service import running

any_server = postgres_service.any_server
_NEEDS_EXTENSION = "postgres.statements"


def shell(text, **variables):
    environment = {**os.environ, **variables}
    return subprocess.run(
        ["bash", "-c", text], env=environment, capture_output=True, text=True, timeout=20, check=False
    )


@pytest.mark.postgres
def test_the_statements_run(any_server):
    if not shutil.which("psql"):
        services.missing("psql is not installed here")
    target = Service(name="db", kind="postgres", dsn="env:DATABASE_URL")
    for probe in postgres._SQL:
        for one in commands_of(probe, target):
            done = shell(one.text, DATABASE_URL=any_server.dsn())
            if probe == _NEEDS_EXTENSION:
                assert 'relation "pg_stat_statements" does not exist' in done.stderr or done.returncode == 0
            else:
                assert done.returncode == 0, done.stderr


@pytest.mark.redis
def test_the_redis_commands_run():
    if not shutil.which("redis-cli"):
        services.missing("redis-cli is not installed here")
    target = Service(name="cache", kind="redis", url="env:REDIS_URL")
    with running("redis", password="correct-horse-7") as server:
        for probe in redis._REDIS:
            for one in commands_of(probe, target):
                done = shell(one.text, REDIS_URL=server.url)
                assert done.returncode == 0, done.stderr
                assert "NOAUTH" not in done.stdout, done.stdout
                assert not done.stdout.startswith("ERR"), done.stdout


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "workbench.toml").write_text(
        '[[service]]\nname = "db"\nkind = "postgres"\ncontainer = "app-db"\n'
        '[[dependency]]\nname = "pay"\nurl = "https://pay.example.com"\n'
    )
    monkeypatch.chdir(tmp_path)

    def call(*words):
        return command.run("runbook", *words)

    return call


def test_it_is_written_renewed_and_left_alone(run, tmp_path, capsys):
    path = tmp_path / "docs" / "runbooks" / "db-runbook.md"
    assert run("db", "pay") == 0
    assert "written" in capsys.readouterr().out
    path.write_text(path.read_text().replace("## Notes\n", "## Notes\n\nAsk Kim.\n"))
    run("db")
    assert "unchanged" in capsys.readouterr().out
    settings = tmp_path / "workbench.toml"
    settings.write_text(settings.read_text().replace('"app-db"\n', '"app-db"\nowner = "Data Team"\n'))
    run("db")
    text = path.read_text()
    assert "| **Owner** | Data Team |" in text
    assert "Ask Kim." in text


def test_a_name_that_is_not_configured_is_wrong_usage(run):
    with pytest.raises(UsageError, match="configured: db, pay"):
        run("nothing")


def test_a_file_that_is_no_utf8_is_left_alone(run, tmp_path):
    path = tmp_path / "docs" / "runbooks" / "db-runbook.md"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"caf\xe9\n")
    with pytest.raises(UsageError, match="UTF-8"):
        run("db")
    assert path.read_bytes() == b"caf\xe9\n"
