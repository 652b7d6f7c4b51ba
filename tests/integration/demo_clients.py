"""Plain clients of the demo stack: what they ask, and what they are told. Nothing here asks the workbench."""

import ssl

import httpx
import psutil
import psycopg
import redis

CHECKOUT = {"customer": "customer-7", "product_id": 7, "quantity": 1}


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
        return f"{type(error).__name__}: {error}"
    return ""


def connect(stack):
    psycopg.connect(stack.app_dsn).close()


def log(stack, name="backend"):
    return (stack.directory / "log" / f"{name}.log").read_text(encoding="utf-8")


def cache_refuses(stack, call):
    """Return what a client of the cache is told, "" where it is served."""
    with redis.Redis.from_url(stack.redis_url, socket_timeout=1, retry=None) as client:
        return failure(redis.RedisError, lambda: call(client))


def payments_refuse(stack):
    return failure(httpx.HTTPError, lambda: ask_payments(stack))


def backend(stack):
    return psutil.Process(stack.running.processes.find("backend").pid)
