"""Orders: the latest, one, a new one, and a report over many."""

import json
import logging
from typing import Annotated, Any
from uuid import uuid4

import psycopg
import redis
from fastapi import APIRouter, Depends, HTTPException, Request
from psycopg.rows import dict_row
from pydantic import BaseModel, Field

from incident_lib.demo.application.features import by_region
from incident_lib.demo.application.parts import Parts

log = logging.getLogger("shop.orders")
router = APIRouter(prefix="/api/v1")

_CACHED_SECONDS = 60
_RECOMMENDED_SECONDS = 3600
_IDEMPOTENCY_SECONDS = 600

_LATEST = "SELECT id, customer, status, total_cents, discount_percent FROM orders ORDER BY id DESC LIMIT 20"
_ONE = """
    SELECT o.id, o.customer, o.status, o.total_cents, o.created_at, i.product_id, i.quantity
    FROM orders o LEFT JOIN order_items i ON i.order_id = o.id WHERE o.id = %s
"""
_SEARCH = """
    SELECT id, customer, status, total_cents FROM orders
    WHERE to_tsvector('simple', customer) @@ plainto_tsquery('simple', %s) LIMIT 20
"""
# The bug: what is in a price's range is computed from all orders, and by every request that finds it missing.
RECOMMENDED = """
    SELECT p.id FROM products p JOIN orders o
      ON abs(ln(o.total_cents::float8) - ln(p.price_cents::float8)) < 0.05 AND p.id <> %s
    GROUP BY p.id ORDER BY count(*) DESC, p.id LIMIT 5
"""
_RESERVE = "UPDATE products SET stock = stock - %s WHERE id = %s RETURNING price_cents"
_INSERT = "INSERT INTO orders (customer, total_cents) VALUES (%s, %s) RETURNING id"
_INSERT_ITEM = "INSERT INTO order_items (order_id, product_id, quantity) VALUES (%s, %s, %s)"
_PAID = "UPDATE orders SET status = 'paid' WHERE id = %s"
_REPORT = """
    SELECT p.name, sum(i.quantity) AS sold, sum(i.quantity * p.price_cents) AS revenue_cents
    FROM orders o JOIN order_items i ON i.order_id = o.id JOIN products p ON p.id = i.product_id
    WHERE o.created_at > now() - interval '2 days'
    GROUP BY p.id ORDER BY revenue_cents DESC LIMIT 10
"""


class Checkout(BaseModel):
    """What a user wants to buy."""

    customer: str = Field(max_length=100)
    product_id: int = Field(gt=0)
    quantity: int = Field(gt=0, le=100)


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


Needed = Annotated[Parts, Depends(_parts)]


@router.get("/orders")
def latest_orders(parts: Needed) -> list[dict[str, Any]]:
    """Answer with the latest orders."""
    with parts.pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        orders = cursor.execute(_LATEST).fetchall()
    if parts.settings.release >= (1, 5):
        # New in 1.5: what the customer really paid.
        for order in orders:
            order["paid_cents"] = order["total_cents"] * (100 - order["discount_percent"]) // 100
    return orders


@router.get("/orders/{order_id}")
def one_order(order_id: int, parts: Needed) -> dict[str, Any]:
    """Answer with one order, from the cache if it is there."""
    key = f"cache:order:{order_id}"
    order: dict[str, Any] | None = _cached(parts.cache, key)
    if order is None:
        with parts.pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            order = cursor.execute(_ONE, (order_id,)).fetchone()
        if order is None:
            raise HTTPException(404, "there is no such order")
        order["created_at"] = order["created_at"].isoformat()
        _keep(parts.cache, key, order)
    if parts.features.is_on("recommendations"):
        order["recommended"] = _recommended(parts, order["product_id"] or 0)
    if parts.features.is_on("receipt-archive"):
        parts.receipts.add(order)
    if parts.features.is_on("receipt-printer"):
        parts.printing.print()
    return order


@router.get("/search")
def search_orders(words: str, parts: Needed) -> list[dict[str, Any]]:
    """Answer with orders of customers whose name has these words."""
    with parts.pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SEARCH, (words,)).fetchall()


@router.post("/checkout", status_code=201)
def checkout(wanted: Checkout, request: Request, parts: Needed) -> dict[str, Any]:
    """Take an order and charge for it. The same request id is never charged twice."""
    request_id = request.scope.get("request_id", uuid4().hex)
    if not parts.cache.set(f"checkout:{request_id}", 1, nx=True, ex=_IDEMPOTENCY_SECONDS):
        raise HTTPException(409, "this checkout was taken already")
    points = parts.loyalty.points(wanted.customer) if parts.features.is_on("loyalty-points") else None
    order_id, total = _place(parts, wanted)
    charge = parts.payments.post("/v1/charges", json={"order": order_id, "amount_cents": total})
    charge.raise_for_status()
    with parts.pool.connection() as connection:
        connection.execute(_PAID, (order_id,))
    return {"id": order_id, "total_cents": total, "loyalty_points": points}


@router.get("/report")
def report(parts: Needed) -> list[dict[str, Any]]:
    """Answer with what sold best. On a connection of its own, so that it takes none from buyers."""
    with psycopg.connect(
        parts.settings.reporting_url, connect_timeout=2, application_name="shop-report"
    ) as connection:
        cursor = connection.cursor(row_factory=dict_row)
        rows = cursor.execute(_REPORT).fetchall()
    if parts.features.is_on("price-chart"):
        parts.prices.load()
    return by_region(rows) if parts.features.is_on("regional-report") else rows


def recommendation_key(product: int) -> str:
    """Return where the recommendations next to a product are cached.

    >>> recommendation_key(7)
    'cache:recommended:7'
    """
    return f"cache:recommended:{product}"


def _recommended(parts: Parts, product: int) -> Any:
    key = recommendation_key(product)
    if (found := _cached(parts.cache, key)) is None:
        with parts.pool.connection() as connection:
            found = [row[0] for row in connection.execute(RECOMMENDED, (product,)).fetchall()]
        _keep(parts.cache, key, found, seconds=_RECOMMENDED_SECONDS)
    return found


def _place(parts: Parts, wanted: Checkout) -> tuple[int, int]:
    with parts.pool.connection() as connection, connection.transaction():
        price = connection.execute(_RESERVE, (wanted.quantity, wanted.product_id)).fetchone()
        if price is None:
            raise HTTPException(404, "there is no such product")
        total = price[0] * wanted.quantity
        order = connection.execute(_INSERT, (wanted.customer, total)).fetchone()
        order_id = order[0] if order else 0
        connection.execute(_INSERT_ITEM, (order_id, wanted.product_id, wanted.quantity))
    return order_id, total


def _cached(cache: redis.Redis, key: str) -> Any:
    """Return what is kept under `key`, None if nothing is or the cache does not answer."""
    try:
        text = cache.get(key)
    except redis.RedisError:
        log.warning("cache read failed", exc_info=True)
        return None
    return json.loads(str(text)) if text else None


def _keep(cache: redis.Redis, key: str, value: Any, *, seconds: int = _CACHED_SECONDS) -> None:
    try:
        cache.set(key, json.dumps(value), ex=seconds)
    except redis.RedisError:
        log.warning("cache write failed", exc_info=True)
