"""The parts that the application is made of, opened once and shared by all requests."""

import ssl
from dataclasses import dataclass

import httpx
import psycopg
import redis
from psycopg_pool import ConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry

from incident_lib.demo.application.features import (
    Features,
    LoyaltyPoints,
    PriceHistory,
    PrintQueue,
    ReceiptArchive,
)
from incident_lib.demo.application.settings import AppSettings

POOL_SIZE = 8
_POOL_SECONDS = 2.0
_PAYMENTS_SECONDS = 3.0
_CACHE_SECONDS = 1.0


@dataclass(frozen=True)
class Parts:
    """Pool, cache and provider."""

    settings: AppSettings
    pool: ConnectionPool[psycopg.Connection]
    cache: redis.Redis
    payments: httpx.Client
    features: Features
    loyalty: LoyaltyPoints
    receipts: ReceiptArchive
    printing: PrintQueue
    prices: PriceHistory

    def close(self) -> None:
        """Close what is open."""
        self.pool.close(timeout=1.0)
        self.cache.close()
        self.payments.close()


def open_parts(settings: AppSettings) -> Parts:
    """Return the parts. The pool connects in the background, so that a start needs no database."""
    pool = ConnectionPool(
        settings.database_url,
        min_size=2,
        max_size=POOL_SIZE,
        timeout=_POOL_SECONDS,
        reconnect_timeout=10.0,
        kwargs={"autocommit": True, "application_name": "shop-backend", "connect_timeout": 2},
        open=False,
    )
    pool.open(wait=False)
    return Parts(
        settings=settings,
        pool=pool,
        cache=redis.Redis.from_url(
            settings.redis_url,
            socket_timeout=_CACHE_SECONDS,
            socket_connect_timeout=_CACHE_SECONDS,
            retry=Retry(NoBackoff(), 1),
            decode_responses=True,
            client_name="shop-backend",
        ),
        payments=httpx.Client(
            base_url=settings.payments_url,
            timeout=_PAYMENTS_SECONDS,
            verify=ssl.create_default_context(cafile=settings.payments_ca or None),
        ),
        features=Features(settings.features),
        loyalty=LoyaltyPoints(pool),
        receipts=ReceiptArchive(),
        printing=PrintQueue(),
        prices=PriceHistory(),
    )
