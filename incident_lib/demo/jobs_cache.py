"""What other clients do to the shop's cache: fill it, block it, take its connections. For `clients`."""

import itertools
import time

import redis

from incident_lib.demo.jobs_database import BOUND_SECONDS, say

_SMALL_SESSION = 100
_STEPS = 6_000_000_000  # minutes of one processor
_SCRIPT = """
local sum = 0
for step = 1, tonumber(ARGV[1]) do sum = (sum * 31 + step) % 1000003 end
return sum
"""


def import_sessions(url: str) -> None:
    """Write sessions without an expiry until the cache refuses even small ones, and go on trying."""
    begun = time.monotonic()
    client = redis.Redis.from_url(url, socket_timeout=2, client_name="session-import")
    size = 8000
    for number in itertools.count():
        try:
            client.set(f"session:{number}", "x" * size)
        except redis.RedisError as error:
            if size == _SMALL_SESSION:
                say(f"session {number} refused: {error}")
                time.sleep(0.02)
            size = _SMALL_SESSION
        if time.monotonic() - begun > BOUND_SECONDS:
            break


def crawl(url: str) -> None:
    """Cache a page for each visit of a crawler, so that what people need is thrown out."""
    begun = time.monotonic()
    client = redis.Redis.from_url(url, socket_timeout=2, client_name="page-cache")
    for number in itertools.count():
        client.set(f"page:{number}", "x" * 20_000)
        if number == 5000:
            say(f"{number} pages cached")
        if number > 5000:
            time.sleep(0.002)
        if time.monotonic() - begun > BOUND_SECONDS:
            break


def score(url: str) -> None:
    """Run a script that computes for minutes, while no other client is served."""
    say("script begun")
    redis.Redis.from_url(url, client_name="scoring", socket_timeout=BOUND_SECONDS).eval(
        _SCRIPT, 0, str(_STEPS)
    )


def subscribe(url: str) -> None:
    """Open connections until the cache refuses, keep them, and try again for more."""
    begun = time.monotonic()
    connections: list[redis.Connection] = []
    pool = redis.ConnectionPool.from_url(url, socket_timeout=2, client_name="notifier")
    while time.monotonic() - begun < BOUND_SECONDS:
        try:
            connections.append(pool.get_connection())
        except redis.RedisError as error:
            say(f"{len(connections)} connections, refused: {error}")
            time.sleep(0.1)


JOBS = {"import": import_sessions, "crawl": crawl, "score": score, "subscribe": subscribe}
