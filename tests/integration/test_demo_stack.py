"""The demo stack's life: everything comes up, and everything goes, however it ends."""

import json
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
import redis

from incident_lib import config
from incident_lib.demo import DemoStack
from incident_lib.demo.accounts import reachable_installation, server_account
from incident_lib.demo.postgres import find_binaries
from incident_lib.demo.processes import find, python_environment
from incident_lib.demo.redis import find_server
from incident_lib.errors import WorkbenchError
from tests import services

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
pytestmark = [pytest.mark.postgres, pytest.mark.redis]

COMMAND = "import sys; from incident_lib.cli import main; sys.exit(main())"
# Starts a stack, says where it is and which processes it has, and waits to be ended.
SCRIPT = """
import json, os, sys, time
from incident_lib.demo import DemoStack
with DemoStack() as stack:
    stack.drive(0)
    run = stack.running.layout.run
    pids = {path.stem: int(path.read_text()) for path in run.glob("*.pid")}
    print(json.dumps({"directory": str(stack.directory), "pids": pids, "uid": os.geteuid()}), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True, scope="module")
def servers():
    try:
        find_binaries(18)
        find_server()
    except WorkbenchError as error:
        services.missing(str(error))


@pytest.fixture(scope="module")
def stack(servers):
    with DemoStack() as running:
        yield running


def is_gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def pids_of(stack):
    named = [int(path.read_text("ascii")) for path in stack.running.layout.run.glob("*.pid")]
    return [*named, *(child.pid for pid in named for child in psutil.Process(pid).children())]


def shared_memory_of(pid):
    table = Path("/proc/sysvipc/shm")
    if not table.exists():
        return []
    return [line for line in table.read_text("ascii").splitlines()[1:] if line.split()[4] == str(pid)]


def start_script(temporary, *prefix):
    environment = python_environment(TMPDIR=str(temporary), HOME=str(temporary))
    script = subprocess.Popen(
        [*prefix, sys.executable, "-c", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        cwd="/",
        text=True,
    )
    line = script.stdout.readline()
    assert line, "the stack did not start"
    return script, json.loads(line)


def close(script):
    script.stdin.close()
    script.stdout.close()
    script.wait(timeout=20)


def test_a_stack_comes_up_and_leaves_nothing():
    with DemoStack() as stack:
        stack.drive(1.0)
        assert stack.is_ready()
        ready = httpx.get(f"{stack.backend_url}/health/ready").json()
        assert {name: part["status"] for name, part in ready["checks"].items()} == {
            "database": "ok",
            "cache": "ok",
            "payments": "ok",
        }
        assert httpx.get(stack.frontend_url).status_code == 200
        assert httpx.get(f"{stack.frontend_url}/orders").status_code == 200
        directory, pids = stack.directory, pids_of(stack)
        database = stack.running.processes.find("db").pid
        assert len(pids) >= 8
    assert all(map(is_gone, pids))
    assert not directory.exists()
    assert not shared_memory_of(database)
    stack.stop()
    with pytest.raises(WorkbenchError, match=r"call start\(\)"):
        _ = stack.config


def test_the_workbench_can_read_the_configuration(stack):
    settings = config.load(stack.config)
    for service in settings.services:
        assert int(settings.file(service.pid_file).read_text("ascii")) > 0
        assert settings.file(service.log).exists()
    for secret in (stack.directory / "secrets").iterdir():
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_the_workbench_may_look_at_the_servers_and_not_at_the_shops_data(stack):
    settings = config.load(stack.config)
    with psycopg.connect(settings.resolve(settings.service("db").dsn)) as connection:
        role = connection.execute(
            "SELECT usesuper, pg_has_role('pg_monitor', 'MEMBER') FROM pg_user WHERE usename = user"
        )
        assert role.fetchone() == (False, True)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM orders")
    with redis.Redis.from_url(settings.resolve(settings.service("cache").url)) as cache:
        assert cache.ping()
    payments = settings.dependencies[0]
    context = ssl.create_default_context(cafile=settings.file(payments.ca))
    assert httpx.get(payments.url, verify=context).status_code == 200


def test_a_directory_of_ones_own_is_kept_without_the_data(tmp_path):
    directory = tmp_path / ("a long name " * 8).strip()
    with DemoStack(directory, postgres_major=16) as stack:
        with psycopg.connect(stack.postgres_dsn) as connection:
            assert connection.info.server_version // 10000 == 16
        with pytest.raises(WorkbenchError, match="already; stop it first"):
            DemoStack(directory).start()
        assert stack.is_ready()
        data = stack.running.postgres.data
    assert not data.exists()
    kept = {path.name for path in directory.iterdir()}
    assert {"workbench.toml", "deploys.jsonl", "log", "ca.pem"} <= kept
    assert not list((directory / "run").iterdir())
    with DemoStack(directory) as again:
        assert again.is_ready()


def test_killed_servers_do_not_fail_a_stop():
    with DemoStack() as stack:
        stack.drive(0)
        pids = pids_of(stack)
        for name in ("backend", "cache", "load"):
            os.kill(stack.running.processes.find(name).pid, signal.SIGKILL)
        directory = stack.directory
    assert all(map(is_gone, pids))
    assert not directory.exists()


def test_a_start_that_fails_half_way_leaves_nothing(tmp_path):
    tmp_path.chmod(0o755)
    script = (
        "from incident_lib.demo import DemoStack\n"
        "try: DemoStack(postgres_major=99).start()\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=python_environment(TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("WorkbenchError there is no PostgreSQL 99")
    assert not done.stderr
    assert not list(tmp_path.iterdir())


def test_a_stack_that_is_held_is_broken_until_the_command_is_interrupted(tmp_path):
    tmp_path.chmod(0o755)
    printed = []
    held = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "demo", "--hold", "--fault", "redis-down"],
        cwd=tmp_path,
        env=python_environment(TMPDIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        while "incident triage" not in (line := held.stdout.readline()):
            assert line, printed
            printed.append(line)
        stack = Path(line.split("--config ")[1].strip()).parent
        runs = {path.stem: find(path) is not None for path in stack.glob("run/*.pid")}
        assert not runs.pop("cache")
        assert len(runs) > 3
        assert all(runs.values())
        held.send_signal(signal.SIGINT)
        assert held.wait(timeout=60) == 0
    finally:
        held.kill()
        held.communicate()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_outlives_the_process_that_started_it(tmp_path, number):
    script, stack = start_script(tmp_path)
    script.send_signal(number)
    close(script)
    wait_until(lambda: all(map(is_gone, stack["pids"].values())))
    wait_until(lambda: not Path(stack["directory"]).exists())
    assert not shared_memory_of(stack["pids"]["db"])
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not ROOT, reason="every other test runs as an ordinary user already")
def test_an_ordinary_user_can_run_it(tmp_path_factory):
    if not shutil.which("setpriv"):
        services.missing("setpriv, to become an ordinary user")
    temporary = tmp_path_factory.mktemp("home")
    os.chown(temporary, 65534, 65534)
    # The right to read is kept, since the interpreter may be in root's home.
    script, stack = start_script(
        temporary,
        *("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"),
        *("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"),
    )
    assert stack["uid"] == 65534
    assert {psutil.Process(pid).uids().effective for pid in stack["pids"].values()} == {65534}
    close(script)
    assert all(map(is_gone, stack["pids"].values()))
    assert not list(temporary.iterdir())


@pytest.mark.skipif(not ROOT, reason="only root needs another account for PostgreSQL")
def test_programs_in_a_closed_folder_are_copied_to_where_the_account_can_run_them(stack, tmp_path):
    installation = find_binaries(18).parent
    package = installation.parent
    closed = tmp_path / "home"
    shutil.copytree(installation, closed / package.name / installation.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, closed / libraries.name)
    closed.chmod(0o700)
    account = server_account()
    data = stack.running.postgres.data
    binaries = reachable_installation(closed / package.name / installation.name / "bin", data, account)
    assert binaries.is_relative_to(data)
    version = subprocess.run(
        [str(binaries / "initdb"), "--version"],
        user=account.pw_uid,
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    )
    assert "PostgreSQL" in version.stdout
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_the_teams_own_command_rolls_back(stack):
    stack.deploy("1.5.0")
    rollback = config.load(stack.config).document.deploy.rollback
    command = [word.format(previous="1.4.2") for word in rollback]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "1.4.2" in done.stdout
    assert httpx.get(f"{stack.backend_url}/health").json()["version"] == "1.4.2"
    lines = (stack.directory / "deploys.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["version"] for line in lines] == ["1.4.2", "1.5.0", "1.4.2"]


def test_a_backend_that_another_process_started_is_ended_too():
    with DemoStack() as stack:
        command = [sys.executable, "-m", "incident_lib.demo.deploy", "--directory"]
        subprocess.run(
            [*command, str(stack.directory)], capture_output=True, check=True, env=python_environment()
        )
        backend = stack.running.processes.find("backend").pid
        port = stack.ports["backend"]
    wait_until(lambda: is_gone(backend))
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=1)
