"""What each fault of the demo stack looks like to a plain client."""

import json
import time

import httpx

from incident_lib.demo import FAULTS
from tests.integration import demo_symptoms_servers
from tests.integration.demo_clients import (
    ask,
    ask_payments,
    backend,
    checkout,
    failure,
    get,
    log,
    payments_refuse,
)

MEBIBYTE = 1 << 20


def pool_exhausted(stack):
    held = ask(
        stack,
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'shop-backend' AND state = 'idle'",
    )
    answer = get(stack, "/api/v1/orders")
    return held == 8 and answer.status_code == 503 and "PoolTimeout" in log(stack)


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
    before = backend(stack).memory_info().rss
    stack.drive(3.0)
    return backend(stack).memory_info().rss - before > 5_000_000


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


def payments_fail(stack):
    return ask_payments(stack).status_code == 500 and checkout(stack).status_code == 502


def payments_have_another_name(stack):
    return "mismatch" in payments_refuse(stack) and checkout(stack).status_code == 502


def payments_without_intermediate(stack):
    return "unable to get local issuer" in payments_refuse(stack)


def payments_sign_for_themselves(stack):
    return "self-signed certificate" in payments_refuse(stack).replace("self signed", "self-signed")


def another_program_answers(stack):
    plain = httpx.get(stack.payments_url.replace("https", "http"), timeout=10)
    return "<html" in plain.text.lower() and payments_refuse(stack) and checkout(stack).status_code == 502


def payments_swallow(stack):
    return failure(httpx.ConnectTimeout, lambda: httpx.get(stack.payments_url, timeout=1))


def payments_have_no_address(stack):
    payments = get(stack, "/health/ready").json()["checks"]["payments"]
    return payments["status"] == "down" and "ame" in payments["error"] and checkout(stack).status_code == 502


def report_broken(stack):
    return get(stack, "/api/v1/report").status_code == 500 and get(stack, "/api/v1/orders").status_code == 200


def backend_silent(stack):
    return failure(httpx.ReadTimeout, lambda: httpx.get(f"{stack.backend_url}/health", timeout=1))


def files_run_out(stack):
    return "Too many open files" in log(stack)


def files_pile_up(stack):
    return backend(stack).num_fds() > 80 and checkout(stack).status_code == 201


def memory_is_taken(stack):
    return backend(stack).memory_info().rss > 400 * MEBIBYTE


def frontend_down(stack):
    return failure(httpx.ConnectError, lambda: httpx.get(stack.frontend_url, timeout=2))


def everything_is_slow(stack):
    """Requests that take a tenth of a second wait for a processor again and again."""
    begun = time.monotonic()
    for _ in range(3):
        assert get(stack, "/api/v1/orders").status_code == 200
    return time.monotonic() - begun > 3 * 0.5


SYMPTOMS = {
    **demo_symptoms_servers.SYMPTOMS,
    "pool-exhausted": pool_exhausted,
    "backend-crash": backend_down,
    "bad-deploy": endpoint_broken,
    "memory-growth": memory_grows,
    "slow-dependency": payments_slow,
    "tls-expired": payments_expired,
    "dependency-down": payments_down,
    "dependency-errors": payments_fail,
    "tls-wrong-name": payments_have_another_name,
    "tls-chain": payments_without_intermediate,
    "tls-self-signed": payments_sign_for_themselves,
    "wrong-port": another_program_answers,
    "port-filtered": payments_swallow,
    "dns-failure": payments_have_no_address,
    "endpoint-error": report_broken,
    "backend-halted": backend_silent,
    "open-files": files_run_out,
    "memory-high": memory_is_taken,
    "gradual-degradation": files_pile_up,
    "frontend-crash": frontend_down,
    "host-cpu-saturated": everything_is_slow,
}


def assert_it_shows(stack, name):
    """Wait until the fault shows to a plain client, within a time that even a busy machine keeps."""
    deadline = time.monotonic() + 2 * FAULTS[name].settle_seconds + 20
    while not SYMPTOMS[name](stack):
        assert time.monotonic() < deadline, "the fault does not show"
        time.sleep(0.2)


def assert_it_is_gone(stack):
    """Use the shop as people do, after the fault was undone."""
    assert get(stack, "/health/ready").status_code == 200
    assert get(stack, "/api/v1/orders").status_code == 200
    assert get(stack, "/api/v1/report").status_code == 200
    assert checkout(stack).status_code == 201
