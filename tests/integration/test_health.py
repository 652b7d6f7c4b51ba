"""`incident health` as a command: its report parses whatever is down, and it costs one timeout at most."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration import network_service as servers
from tests.integration import postgres_service

any_server = postgres_service.any_server

OK = servers.http("ok")


def health(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Return the command's result, run in `folder`, with no Docker engine in reach."""
    environment = {"PATH": os.environ["PATH"], "DOCKER_HOST": "unix:///nonexistent.sock", **variables}
    return subprocess.run(
        [sys.executable, "-c", "import sys; from incident_lib.cli import main; sys.exit(main())", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def report(folder: Path, name: str = "health-check-results") -> dict[str, Any]:
    (path,) = (folder / name).glob("health-all-services-*.json")
    assert path.with_suffix(".log").is_file()
    return dict(json.loads(path.read_text()))


@contextmanager
def backend(ready: servers.Conversation = OK) -> Iterator[str]:
    table = {"/health": OK, "/health/ready": ready, "/api/v1/": OK, "/": OK}
    with servers.serve(servers.routes(table)) as port:
        yield f"http://127.0.0.1:{port}"


def test_the_report_has_the_keys_of_the_script(tmp_path: Path) -> None:
    with backend() as url:
        done = health(tmp_path, "health", "--backend-url", url, "--frontend-url", url, "--timeout", "5")
    assert done.returncode == 1
    assert not done.stderr
    found = report(tmp_path)
    assert found["overall_status"] == "unhealthy"
    assert (found["total_checks"], found["healthy"], found["unhealthy"]) == (6, 4, 2)
    assert set(found["services"]) == {"backend_url", "frontend_url", "db_container", "redis_container"}
    first, *_, last = found["results"]
    assert first["name"] == "Backend Liveness"
    assert (first["url"], first["status"], first["http_code"]) == (f"{url}/health", "healthy", 200)
    assert isinstance(first["response_time_ms"], int)
    assert (last["name"], last["container"], last["status"]) == ("Redis", "app-redis", "unhealthy")
    assert "no Docker engine" in last["detail"]
    assert "overall: unhealthy, 4 of 6 healthy" in done.stdout
    assert "\x1b" not in done.stdout


def test_everything_down_still_parses(tmp_path: Path) -> None:
    url = f"http://app:hunter2@127.0.0.1:{servers.free_port()}/?token=abc"
    done = health(
        tmp_path, "--json", "health", "--backend-url", url, "--frontend-url", "http://nö-such.invalid"
    )
    assert done.returncode == 1
    assert json.loads(done.stdout) == report(tmp_path)
    assert [one["http_code"] for one in report(tmp_path)["results"][:4]] == [None] * 4
    written = "".join(path.read_text() for path in (tmp_path / "health-check-results").iterdir())
    assert "hunter2" not in written + done.stdout + done.stderr
    assert "token=abc" not in written + done.stdout + done.stderr


def test_a_hanging_backend_costs_one_time_out(tmp_path: Path) -> None:
    took = {}
    with servers.serve(servers.silent) as port:
        for seconds in (1, 3):  # the difference leaves out what the process itself takes to start
            output = f"results-{seconds}"
            words = (
                "--backend-url",
                f"http://127.0.0.1:{port}",
                "--timeout",
                f"{seconds}",
                "--output-dir",
                output,
            )
            began = time.monotonic()
            done = health(tmp_path, "health", *words)
            took[seconds] = time.monotonic() - began
            assert done.returncode == 1
            assert "no answer within" in report(tmp_path, output)["results"][0]["detail"]
    assert took[3] - took[1] < 2 * (3 - 1), "three checks of the backend hang, and cost one timeout together"


def test_a_status_that_is_not_200_is_unhealthy(tmp_path: Path) -> None:
    broken = servers.http('{"database": "down"}', "503 Service Unavailable")
    moved = servers.http("", "302 Found", ("Location: /health",))
    with backend(broken) as url, servers.serve(moved) as port:
        health(tmp_path, "health", "--backend-url", url, "--frontend-url", f"http://127.0.0.1:{port}")
    found = {one["name"]: one for one in report(tmp_path)["results"]}
    assert found["Backend Readiness"]["http_code"] == 503
    assert found["Backend Readiness"]["detail"] == "database is down"
    assert (found["Frontend"]["http_code"], found["Frontend"]["status"]) == (302, "unhealthy")


def test_variables_stand_in_for_flags(tmp_path: Path) -> None:
    variables = {
        "FRONTEND_URL": "http://127.0.0.1:1",
        "DB_CONTAINER": "shop-db",
        "REDIS_CONTAINER": "shop-redis",
    }
    with backend() as url:
        health(
            tmp_path,
            "health",
            "--output-dir",
            "out",
            "--db-container",
            "flag-db",
            BACKEND_URL=url,
            **variables,
        )
    found = report(tmp_path, "out")
    assert found["services"] == {
        "backend_url": url,
        "frontend_url": "http://127.0.0.1:1",
        "db_container": "flag-db",
        "redis_container": "shop-redis",
    }


CONFIGURED = """
[[service]]
name = "backend"
kind = "http"
url = "{url}"
health = ["/health", "/health/ready"]
[[service]]
name = "worker"
kind = "process"
pid_file = "worker.pid"
[[service]]
name = "db"
kind = "postgres"
dsn = "env:WORKBENCH_TEST_NOT_SET"
[[dependency]]
name = "mail"
url = "tcp://127.0.0.1:{port}"
"""


def test_what_is_configured_is_checked(tmp_path: Path) -> None:
    (tmp_path / "worker.pid").write_text(f"{os.getpid()}\n")
    with backend() as url:
        port = servers.free_port()
        (tmp_path / "workbench.toml").write_text(CONFIGURED.format(url=url, port=port))
        done = health(tmp_path, "health")
    assert done.returncode == 1
    found = {one["name"]: one["status"] for one in report(tmp_path)["results"]}
    assert found == {
        "backend /health": "healthy",
        "backend /health/ready": "healthy",
        "worker": "healthy",
        "db": "unhealthy",
        "mail": "unhealthy",
    }


def test_all_well_exits_with_zero(tmp_path: Path) -> None:
    with backend() as url:
        text = f'[[service]]\nname = "a"\nkind = "http"\nurl = "{url}"\nhealth = ["/health"]\n'
        (tmp_path / "other.toml").write_text(text)
        done = health(tmp_path, "health", "--config", "other.toml", "--timeout", "5")
    assert done.returncode == 0, done.stdout
    assert report(tmp_path)["overall_status"] == "healthy"


def test_the_scripts_flags_go_before_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "workbench.toml").write_text('[[service]]\nname = "a"\nkind = "redis"\n')
    health(tmp_path, "health", "--backend-url", "http://127.0.0.1:1", "--timeout", "2")
    assert report(tmp_path)["total_checks"] == 6


def test_a_database_that_is_missing_is_unhealthy_although_its_server_answers(
    tmp_path: Path, any_server: postgres_service.Server
) -> None:
    (tmp_path / "dsn").write_text(any_server.dsn(database="nosuch"))
    (tmp_path / "workbench.toml").write_text(
        '[[service]]\nname = "db"\nkind = "postgres"\ndsn = "file:dsn"\n'
    )
    done = health(tmp_path, "health")
    assert done.returncode == 1
    assert 'database "nosuch" does not exist; its server answers' in done.stdout


@pytest.mark.parametrize("words", [("--timeout", "0"), ("--timeout", "soon"), ("--unknown",)])
def test_wrong_usage_is_two(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert health(tmp_path, "health", *words).returncode == 2


def test_a_folder_that_cannot_be_made_is_told_after_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with backend() as url:
        done = health(
            tmp_path, "health", "--backend-url", url, "--output-dir", "file/below", "--timeout", "2"
        )
    assert done.returncode == 2
    assert done.stderr == "incident: --output-dir file/below: Not a directory\n"
    assert "✓ healthy    Backend Liveness" in done.stdout  # what was found is told all the same


def test_a_terminal_without_unicode_is_survived(tmp_path: Path) -> None:
    done = health(tmp_path, "health", "--timeout", "2", PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert done.stdout.startswith("- unhealthy")


def test_it_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = (
        "pandas",
        "numpy",
        "papermill",
        "matplotlib",
        "IPython",
        "rich",
        "cryptography",
        "dns",
        "asyncio",
    )
    script = (
        "import sys; from incident_lib.cli import main\n"
        "main(['health', '--backend-url', 'http://127.0.0.1:1', '--timeout', '2'])\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stderr.strip() == "[]"
