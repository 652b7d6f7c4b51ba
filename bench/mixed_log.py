"""A log as a team with several programs has it, by the line: ten formats, the same for the same seed.

Nine of ten lines are requests and ordinary messages; errors, with their tracebacks, grow from none to one in
twenty towards the end. About 130 bytes a line.
"""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 15, 14, 0, tzinfo=UTC)
_PATHS = ("/api/v1/orders/{}", "/api/v1/customers/{}/cart", "/health/ready", "/api/v1/search?q=item{}&page=2")
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
_JOBS = ("send_receipt", "sync_stock", "rebuild_index", "expire_carts")
_TRACE = """\
Traceback (most recent call last):
  File "/srv/shop/orders.py", line 88, in checkout
    charge(order)
  File "/srv/shop/payments.py", line 41, in charge
    raise PaymentError(f"order {order.id} was declined")
shop.payments.PaymentError: order %d was declined"""


class _Dice:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def below(self, limit: int) -> int:
        return int(self.random.random() * limit)

    def hex(self, digits: int) -> str:
        return f"{self.random.getrandbits(4 * digits):0{digits}x}"

    def uuid(self) -> str:
        text = self.hex(32)
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def path(self) -> str:
        return _PATHS[self.below(4)].format(1000 + self.below(9_000_000))

    def status(self, errors: float) -> int:
        drawn = self.random.random()
        return 503 if drawn < errors else 404 if drawn < errors + 0.02 else 201 if drawn > 0.9 else 200


def lines(count: int, seed: int = 1, *, each: timedelta = timedelta(milliseconds=3)) -> Iterator[str]:
    """Yield `count` lines, without their ends, `each` apart in time."""
    dice, at, written = _Dice(seed), START, 0
    kinds = _KINDS
    while written < count:
        at += each
        errors = 0.05 * written / count
        text = kinds[dice.below(len(kinds))](dice, at, errors)
        for line in text.split("\n"):
            yield line
            written += 1
            if written == count:
                return


def _uvicorn(dice: _Dice, _: datetime, errors: float) -> str:
    peer = f"10.0.{dice.below(4)}.{1 + dice.below(254)}:{30_000 + dice.below(30_000)}"
    status = dice.status(errors)
    words = {200: "OK", 201: "Created", 404: "Not Found", 503: "Service Unavailable"}[status]
    return f'INFO:     {peer} - "GET {dice.path()} HTTP/1.1" {status} {words}'


def _combined(dice: _Dice, at: datetime, errors: float) -> str:
    return (
        f"10.0.{dice.below(4)}.{1 + dice.below(254)} - - [{at:%d/%b/%Y:%H:%M:%S} +0000]"
        f' "GET {dice.path()} HTTP/1.1"'
        f' {dice.status(errors)} {dice.below(60_000)} "-" "{_AGENT}" {dice.random.random() / 3:.3f}'
    )


def _structlog(dice: _Dice, at: datetime, errors: float) -> str:
    return (
        f'{{"timestamp": "{at:%Y-%m-%dT%H:%M:%S.%fZ}", "level": "info", "event": "request done",'
        f' "request_id": "{dice.uuid()}", "method": "POST", "path": "{dice.path()}",'
        f' "status": {dice.status(errors)}, "duration_ms": {dice.random.random() * 400:.2f}}}'
    )


def _events(dice: _Dice, at: datetime, errors: float) -> str:
    if dice.random.random() < errors:
        return (
            f'{{"timestamp": "{at:%Y-%m-%dT%H:%M:%S.%fZ}", "level": "error",'
            f' "event": "stock of item {dice.below(10_000)} could not be reserved",'
            f' "trace_id": "{dice.hex(32)}"}}'
        )
    return (
        f'{{"timestamp": "{at:%Y-%m-%dT%H:%M:%S.%fZ}", "level": "info", "event": "item reserved",'
        f' "item": {dice.below(10_000)}, "warehouse": "eu-{dice.below(9)}", "trace_id": "{dice.hex(32)}"}}'
    )


def _logfmt(dice: _Dice, at: datetime, errors: float) -> str:
    level, words = ("error", "push refused") if dice.random.random() < errors else ("info", "push sent")
    return (
        f'time={at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z level={level} msg="{words}"'
        f" host=node-{dice.below(12)}.prod.example device={dice.hex(16)} attempt={1 + dice.below(4)}"
        f" took={dice.random.random() * 90:.1f}ms"
    )


def _gunicorn(dice: _Dice, at: datetime, errors: float) -> str:
    head = f"[{at:%Y-%m-%d %H:%M:%S} +0000] [{20 + dice.below(8)}]"
    if dice.random.random() < errors:
        return f"{head} [ERROR] Error handling request {dice.path().split('?')[0]}"
    return f"{head} [INFO] closing connection of 10.0.0.{dice.below(250)} after {dice.below(900)} requests"


def _stdlib(dice: _Dice, at: datetime, errors: float) -> str:
    head = f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03d}"
    if dice.random.random() < errors:
        order = dice.below(10**6)
        return f"{head} ERROR shop.orders: checkout of order {order} failed\n{_TRACE % order}"
    job = _JOBS[dice.below(4)]
    took = dice.random.random() * 9
    return f"{head} INFO shop.jobs: {job} {dice.uuid()} done in {took:.3f}s, {dice.below(500)} rows"


def _postgres(dice: _Dice, at: datetime, errors: float) -> str:
    head = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d} UTC [{dice.below(30_000)}] shop@shop"
    if dice.random.random() < errors:
        key = dice.below(10**6)
        return (
            f'{head} ERROR:  duplicate key value violates unique constraint "orders_pkey"\n'
            f"{head} DETAIL:  Key (id)=({key}) already exists.\n"
            f"{head} STATEMENT:  INSERT INTO orders (id, total) VALUES ($1, $2)"
        )
    return (
        f"{head} LOG:  duration: {dice.random.random() * 900:.3f} ms  execute <unnamed>:"
        f" SELECT id, total FROM orders WHERE customer_id = $1 ORDER BY id LIMIT {10 + dice.below(90)}"
    )


def _redis(dice: _Dice, at: datetime, _: float) -> str:
    head = f"1:M {at:%d %b %Y %H:%M:%S}.{at.microsecond // 1000:03d}"
    changes = f"{100 * (1 + dice.below(9))} changes in {60 + dice.below(240)} seconds. Saving..."
    return (
        f"{head} * {changes}"
        if dice.below(2)
        else f"{head} * Background saving started by pid {dice.below(30_000)}"
    )


_KINDS: tuple[Callable[[_Dice, datetime, float], str], ...] = (
    *(_uvicorn, _uvicorn, _uvicorn, _combined, _combined, _combined, _structlog, _structlog, _structlog),
    *(_events, _events, _logfmt, _logfmt, _gunicorn, _stdlib, _stdlib, _postgres, _redis),
)
