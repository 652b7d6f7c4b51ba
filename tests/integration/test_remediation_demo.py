"""Mitigations end real faults of the demo stack, as `incident mitigate` is typed."""

import re
import shlex
import time

import httpx
import psycopg
import pytest
import redis

from incident_lib import config
from incident_lib.demo import FAULTS, DemoStack
from incident_lib.demo.postgres import find_binaries
from incident_lib.demo.redis import find_server
from incident_lib.errors import WorkbenchError
from incident_lib.investigation.collect import Watch
from incident_lib.investigation.severity import propose_severity
from incident_lib.investigation.since import since_for
from incident_lib.investigation.snapshot import take_snapshot
from tests import services
from tests.integration.remediation_case import command, declared, phases

# One stack for all of them, in one worker.
pytestmark = [pytest.mark.postgres, pytest.mark.redis]

CHECKOUT = {"customer": "customer-7", "product_id": 7, "quantity": 1}
OF_LOAD = {"endpoint-slow"}  # what a busy machine shows, too
BLOCKER = """
    SELECT DISTINCT holder.pid FROM pg_locks AS waiting, pg_stat_activity AS holder
    WHERE NOT waiting.granted AND holder.pid = ANY (pg_blocking_pids(waiting.pid))
      AND holder.application_name = 'reprice-products'
"""


@pytest.fixture(scope="module")
def stack():
    try:
        find_binaries(18)
        find_server()
    except WorkbenchError as error:
        services.missing(str(error))
    with DemoStack() as running:
        running.drive(1.0)
        yield running


@pytest.fixture
def folder(stack):
    return declared(config.load(stack.config))


@pytest.fixture
def broken(stack, request):
    """Yield a function that breaks the stack; it is mended afterwards."""
    injected = []

    def inject(name, shows):
        injected.append(FAULTS[name])
        FAULTS[name].inject(stack)
        wait_for(shows)

    yield inject
    for fault in injected:
        fault.undo(stack)


def wait_for(condition, seconds=25.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def get(stack, path):
    return httpx.get(stack.backend_url + path, timeout=10).status_code


def checkout(stack):
    return httpx.post(f"{stack.backend_url}/api/v1/checkout", json=CHECKOUT, timeout=10).status_code


def approve(stack, folder, *words):
    """Return exit code and output of the line that the plan says, typed as it stands there."""
    code, text, message = command(stack.config, *words, "--incident", folder.id)
    assert code == 0, message
    line = re.search(r"^  (incident mitigate .*)$", text, re.MULTILINE)[1]
    assert phases(folder)[-1] == "planned"
    return command(stack.config, *shlex.split(line)[2:])


def examined(stack, folder, since, shows):
    """Return what is concluded once it `shows` what it should, or in the end; kept in the incident."""
    settings, place = config.load(stack.config), folder.path / "snapshots"
    for _ in range(6):
        time.sleep(3.0)  # sessions begin to wait, and requests that waited may still time out
        analysis = take_snapshot(settings, place, since, Watch(), folder=folder).analysis
        if shows(analysis):
            break
    return analysis


def ids(analysis):
    """Return the ids of the hypotheses."""
    return {hypothesis.id for hypothesis in analysis.hypotheses}


def blockers(stack):
    with psycopg.connect(stack.workbench_dsn) as connection:
        return [row[0] for row in connection.execute(BLOCKER).fetchall()]


def test_a_rollback_ends_a_bad_deploy(stack, folder, broken):
    broken("bad-deploy", lambda: get(stack, "/api/v1/orders") == 500)
    code, text, message = approve(stack, folder, "rollback", "backend")
    assert (code, message) == (0, ""), text
    assert "Done and verified" in text
    assert "deploys.log: backend 1.4.2" in text
    assert get(stack, "/api/v1/orders") == 200
    assert phases(folder) == ["planned", "begun", "ended"]
    # The version that was left is never gone back to.
    code, _, message = command(stack.config, "rollback", "backend", "--incident", folder.id)
    assert code == 2
    assert "has nothing before 1.4.2; 1.5.0 came after it and were rolled back" in message


def test_terminating_the_blocker_ends_lock_contention(stack, folder, broken):
    broken("lock-contention", lambda: blockers(stack))
    pid = blockers(stack)[0]
    during = examined(stack, folder, "60s", lambda found: "lock-contention" in ids(found))
    assert "lock-contention" in ids(during)
    code, text, message = approve(stack, folder, "postgres.terminate", "db", "--arg", f"pid={pid}")
    assert (code, message) == (0, ""), text
    assert not blockers(stack)
    wait_for(lambda: checkout(stack) == 201)
    # What was verified begins a new window, and what the snapshot before showed is reported as recovered.
    since, why = since_for(folder, None)
    assert "verified mitigation" in why
    assert since_for(folder, "5m") == ("5m", "")
    causes = ids(during) - OF_LOAD
    after = examined(stack, folder, since, lambda found: not causes & ids(found))
    assert not causes & ids(after)
    assert not [finding for finding in after.findings if finding.severity.is_bad and finding.target == "db"]
    assert any(finding.is_past and finding.target == "db" for finding in after.findings)
    assert propose_severity(after)[0] > propose_severity(during)[0]


def test_a_restart_ends_an_exhausted_pool(stack, folder, broken):
    broken("pool-exhausted", lambda: get(stack, "/api/v1/orders") == 503)
    stack.running.layout.write_features()  # the feature is switched off; its connections are still held
    assert get(stack, "/api/v1/orders") == 503
    code, text, message = approve(stack, folder, "restart", "backend")
    assert (code, message) == (0, ""), text
    assert "process before: " in text
    assert get(stack, "/api/v1/orders") == 200


def cache_is_full(stack):
    with redis.Redis.from_url(stack.redis_url) as client:
        try:
            client.set("probe", "x" * 100)
        except redis.OutOfMemoryError:
            return True
    return False


def test_deleting_keys_ends_a_full_cache(stack, folder, broken):
    broken("redis-full", lambda: cache_is_full(stack))
    stack.running.processes.end("import")  # what fills it
    words = ("redis.delete_keys", "cache", "--arg", "pattern=session:*")
    code, _, message = command(stack.config, *words, "--incident", folder.id)
    assert code == 2
    assert "critical families" in message
    code, text, message = approve(stack, folder, *words, "--arg", "allow=session")
    assert (code, message) == (0, ""), text
    assert not cache_is_full(stack)
    assert checkout(stack) == 201


def test_a_restart_starts_a_backend_that_crashed(stack, folder, broken):
    broken("backend-crash", lambda: not stack.is_ready())
    code, text, _ = approve(stack, folder, "restart", "backend")
    assert code == 0, text
    assert stack.is_ready()


def test_renewing_a_certificate_is_a_checklist(stack, folder):
    code, text, _ = command(stack.config, "tls.renew", "payments", "--incident", folder.id)
    assert code == 0
    assert "Call Example Payments" in text
    assert "certificate now: " in text
    assert "until 20" in text
    assert "--yes" not in text
    plan = re.search(r"Plan ([0-9a-f]{16})", text)[1]
    code, _, message = command(stack.config, "tls.renew", "payments", "--yes", plan, "--incident", folder.id)
    assert code == 2
    assert "checklist for people" in message


def test_no_secret_of_the_stack_is_in_what_was_written(stack, folder):
    command(stack.config, "redis.delete_keys", "cache", "--arg", "pattern=cache:*", "--incident", folder.id)
    command(stack.config, "restart", "backend", "--incident", folder.id)
    written = "".join(path.read_text() for path in folder.path.rglob("*.json"))
    assert stack.running.redis.password not in written
    assert not any(password in written for password in stack.running.postgres.passwords.values())
