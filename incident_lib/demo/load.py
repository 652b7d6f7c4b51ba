"""Users of the shop: requests at a steady rate, for a bounded time, whether or not the answers come."""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import httpx

_MAX_WAITING = 100  # a user who would be one more gives up at once
_REPORT_SECONDS = 5.0
_TIMEOUT_SECONDS = 10.0
_HOT_PRODUCTS = 20
_KNOWN_ORDERS = 400

Request = tuple[str, str, dict[str, object] | None]


def _order(chance: random.Random) -> Request:
    return "GET", f"/api/v1/orders/{chance.randint(1, _KNOWN_ORDERS)}", None


def _checkout(chance: random.Random) -> Request:
    body: dict[str, object] = {
        "customer": f"customer-{chance.randint(1, 500)}",
        "product_id": chance.randint(1, _HOT_PRODUCTS),
        "quantity": chance.randint(1, 3),
    }
    return "POST", "/api/v1/checkout", body


def _search(chance: random.Random) -> Request:
    return "GET", f"/api/v1/search?words=customer-{chance.randint(1, 500)}", None


def _get(path: str) -> Callable[[random.Random], Request]:
    return lambda _: ("GET", path, None)


# What users do, and how often.
_MIX: dict[Callable[[random.Random], Request], int] = {
    _order: 30,
    _search: 5,
    _get("/api/v1/orders"): 18,
    _checkout: 20,
    _get("/api/v1/report"): 8,
    _get("/api/v1/"): 7,
    _get("/health"): 3,
    _get("/health/ready"): 4,
    _get("frontend/"): 3,
    _get("frontend/orders"): 2,
}


class Users:
    """All the users, and what they were answered."""

    def __init__(self, client: httpx.AsyncClient, backend: str, frontend: str) -> None:
        self.client = client
        self.backend = backend
        self.frontend = frontend
        self.answers: Counter[str] = Counter()
        self.waiting: set[asyncio.Task[None]] = set()

    def send(self, request: Request) -> None:
        """Begin a request, unless too many wait already."""
        if len(self.waiting) >= _MAX_WAITING:
            self.answers["gave up"] += 1
            return
        task = asyncio.create_task(self._send(*request))
        self.waiting.add(task)
        task.add_done_callback(self.waiting.discard)

    async def _send(self, method: str, path: str, body: dict[str, object] | None) -> None:
        url = (
            self.frontend + path.removeprefix("frontend")
            if path.startswith("frontend")
            else self.backend + path
        )
        headers = {"X-Request-ID": uuid4().hex}
        try:
            answer = await self.client.request(method, url, json=body, headers=headers)
        except httpx.HTTPError as error:
            self.answers[type(error).__name__] += 1
        else:
            self.answers[str(answer.status_code)] += 1


async def run(options: argparse.Namespace) -> None:
    """Send requests until the time is over, and write down what came back."""
    chance = random.Random(1)  # noqa: S311 - the same requests in every run, so that two can be compared
    begun = reported = time.monotonic()
    async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as client:
        users = Users(client, options.backend, options.frontend)
        for number in range(int(options.seconds * options.rate)):
            users.send(chance.choices(tuple(_MIX), tuple(_MIX.values()))[0](chance))
            if time.monotonic() - reported > _REPORT_SECONDS:
                reported = time.monotonic()
                _report(users.answers)
            due = begun + (number + 1) / options.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await asyncio.gather(*users.waiting)
    _report(users.answers)


def _report(answers: Counter[str]) -> None:
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
    counted = " ".join(f"{name}={count}" for name, count in sorted(answers.items()))
    sys.stdout.write(f"{stamp} {counted}\n")
    answers.clear()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", required=True)
    parser.add_argument("--frontend", required=True)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=900.0, help="when to stop")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
