"""Each fault shows to a plain client, and is gone after it was undone. Nothing here asks the workbench."""

import json
import ssl
import time

import httpx
import psutil
import psycopg
import pytest
import redis

from incident_lib.demo import FAULTS, DemoStack
from incident_lib.demo.postgres import find_binaries
from incident_lib.demo.redis import find_server
from incident_lib.errors import WorkbenchError
from tests import services

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

CHECKOUT = {"customer": "customer-7", "product_id": 7, "quantity": 1}
BLOCKED = """
    SELECT count(*) FROM pg_locks AS waiting, pg_stat_activity AS holder
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


def get(stack, path):
    return httpx.get(stack.backend_url + path, timeout=10)


def checkout(stack, timeout=10.0):
    return httpx.post(f"{stack.backend_url}/api/v1/checkout", json=CHECKOUT, timeout=timeout)


def ask(stack, statement):
    with psycopg.connect(stack.workbench_dsn) as connection:
        return connection.execute(statement).fetchone()[0]


def ask_payments(stack):
    context = ssl.create_default_context(cafile=stack.directory / "ca.pem")
    return httpx.get(f"{stack.payments_url}/health", verify=context, timeout=10)


def failure(kind, call):
    """Return the error of `kind` that `call` ends with; "" when it is answered, as before a fault shows."""
    try:
        call()
    except kind as error:
        return repr(error)
    return ""


def connect(stack):
    psycopg.connect(stack.app_dsn).close()


def pool_exhausted(stack):
    held = ask(
        stack,
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'shop-backend' AND state = 'idle'",
    )
    answer = get(stack, "/api/v1/orders")
    return held == 8 and answer.status_code == 503 and "PoolTimeout" in log(stack)


def lock_contention(stack):
    return ask(stack, BLOCKED) >= 5


def connections_exhausted(stack):
    refused = failure(psycopg.OperationalError, lambda: connect(stack))
    if "remaining connection slots" not in refused:
        return False
    assert ask(stack, "SELECT 1") == 1  # some are kept for the workbench
    return get(stack, "/api/v1/report").status_code == 503


def database_down(stack):
    refused = "refused" in failure(psycopg.OperationalError, lambda: connect(stack))
    return refused and get(stack, "/health/ready").json()["checks"]["database"]["status"] == "down"


def cache_full(stack):
    with redis.Redis.from_url(stack.redis_url) as client:
        refused = failure(redis.OutOfMemoryError, lambda: client.set("probe", "x" * 100))
    return refused and checkout(stack).status_code == 503


def cache_down(stack):
    with redis.Redis.from_url(stack.redis_url) as client:
        refused = failure(redis.ConnectionError, client.ping)
    return refused and get(stack, "/health/ready").json()["checks"]["cache"]["status"] == "down"


def backend_down(stack):
    refused = failure(httpx.ConnectError, lambda: get(stack, "/health"))
    return refused and httpx.get(f"{stack.frontend_url}/orders").status_code == 502


def endpoint_broken(stack):
    lines = (stack.directory / "deploys.jsonl").read_text(encoding="utf-8").splitlines()
    return (
        json.loads(lines[-1])["version"] == "1.5.0"
        and get(stack, "/api/v1/orders").status_code == 500
        and get(stack, "/api/v1/orders/5").status_code == 200
        and "Exception in ASGI application\nTraceback" in log(stack).replace("\n  +", "\n")
    )


def memory_grows(stack):
    process = stack.running.processes.find("backend")
    before = psutil.Process(process.pid).memory_info().rss
    stack.drive(3.0)
    return psutil.Process(process.pid).memory_info().rss - before > 5_000_000


def payments_slow(stack):
    begun = time.monotonic()
    assert ask_payments(stack).status_code == 200
    return time.monotonic() - begun > 3.5 and checkout(stack).status_code == 504


def payments_expired(stack):
    refused = failure(httpx.ConnectError, lambda: ask_payments(stack))
    return "certificate has expired" in refused and checkout(stack).status_code == 502


def payments_down(stack):
    refused = failure(httpx.ConnectError, lambda: ask_payments(stack))
    return refused and checkout(stack).status_code == 502


def log(stack):
    return (stack.directory / "log" / "backend.log").read_text(encoding="utf-8")


SYMPTOMS = {
    "pool-exhausted": pool_exhausted,
    "backend-crash": backend_down,
    "bad-deploy": endpoint_broken,
    "memory-growth": memory_grows,
    "lock-contention": lock_contention,
    "db-connections-exhausted": connections_exhausted,
    "db-down": database_down,
    "redis-full": cache_full,
    "redis-down": cache_down,
    "slow-dependency": payments_slow,
    "tls-expired": payments_expired,
    "dependency-down": payments_down,
}


def test_every_symptom_belongs_to_a_fault():
    assert set(SYMPTOMS) <= set(FAULTS)


def test_healthy_traffic_has_no_errors_in_any_log(stack):
    stack.drive(2.0)
    assert '"level": "ERROR"' not in log(stack)
    for name in ("db", "cache"):
        text = (stack.directory / "log" / f"{name}.log").read_text(encoding="utf-8")
        assert not any(word in text for word in ("ERROR", "FATAL", "PANIC"))


@pytest.mark.parametrize("name", sorted(SYMPTOMS))
def test_a_fault_shows_and_can_be_undone(stack, name):
    fault = FAULTS[name]
    fault.inject(stack)
    try:
        deadline = time.monotonic() + 2 * fault.settle_seconds + 10
        while not SYMPTOMS[name](stack):
            assert time.monotonic() < deadline, "the fault does not show"
            time.sleep(0.2)
    finally:
        fault.undo(stack)
    assert get(stack, "/health/ready").status_code == 200
    assert get(stack, "/api/v1/orders").status_code == 200
    assert get(stack, "/api/v1/report").status_code == 200
    assert checkout(stack).status_code == 201
