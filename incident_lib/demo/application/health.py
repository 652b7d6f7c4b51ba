"""Whether the application lives, and whether everything it needs does."""

from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import redis
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from incident_lib.demo.application.parts import Parts

_CHECK_SECONDS = 1.0

router = APIRouter()


@router.get("/health")
async def live(request: Request) -> dict[str, str]:
    """Answer that the process serves requests. Checks nothing else."""
    return {"status": "ok", "version": request.app.state.parts.settings.version}


@router.get("/api/v1/")
async def describe(request: Request) -> dict[str, str]:
    """Answer what this is."""
    return {"service": "shop", "version": request.app.state.parts.settings.version}


@router.get("/health/ready")
def ready(request: Request) -> JSONResponse:
    """Answer with the status of each part, and 503 when one is down."""
    parts: Parts = request.app.state.parts
    checks = {
        "database": _check(lambda: _check_database(parts)),
        "cache": _check(parts.cache.ping),
        "payments": _check(lambda: _check_payments(parts)),
    }
    well = all(check["status"] == "ok" for check in checks.values())
    document = {"status": "ok" if well else "unavailable", "checks": checks}
    return JSONResponse(document, status_code=200 if well else 503)


def _check_database(parts: Parts) -> None:
    with parts.pool.connection(timeout=_CHECK_SECONDS) as connection:
        connection.execute("SELECT 1")


def _check_payments(parts: Parts) -> None:
    parts.payments.get("/health", timeout=_CHECK_SECONDS).raise_for_status()


def _check(check: Callable[[], Any]) -> dict[str, str]:
    try:
        check()
    except (psycopg.Error, redis.RedisError, httpx.HTTPError) as error:
        return {"status": "down", "error": f"{type(error).__name__}: {error}"}
    return {"status": "ok"}
