"""What happens to every request: its log line, and the answer when something it needs fails."""

import logging
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import psycopg
import redis
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout
from starlette.datastructures import Headers

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("shop")

# From the special to the general; what is not here is a bug, which uvicorn logs and answers with 500.
_ANSWERS: dict[type[Exception], tuple[int, str]] = {
    PoolTimeout: (503, "the database is busy"),
    psycopg.OperationalError: (503, "the database is not available"),
    redis.RedisError: (503, "the cache is not available"),
    httpx.TimeoutException: (504, "the payments provider did not answer in time"),
    httpx.HTTPError: (502, "the payments provider is not available"),
}


class RequestLog:
    """An ASGI layer that logs every request with its status and duration."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500

        async def note_status(message: "Message") -> None:
            """Pass a message on, and remember the status in it."""
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        scope["request_id"] = Headers(scope=scope).get("x-request-id") or uuid4().hex
        try:
            await self._app(scope, receive, note_status)
        finally:
            fields = {
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "duration_ms": round((time.perf_counter() - begun) * 1000, 1),
                "request_id": scope["request_id"],
            }
            level = logging.ERROR if status >= 500 else logging.INFO
            log.log(level, "request", extra={"fields": fields})


async def answer_failure(request: Request, error: Exception) -> JSONResponse:
    """Return the answer for a failed dependency, and log the failure with its traceback."""
    kind = next(kind for kind in _ANSWERS if isinstance(error, kind))
    status, detail = _ANSWERS[kind]
    fields = {"path": request.url.path, "request_id": request.scope.get("request_id")}
    log.error(detail, exc_info=error, extra={"fields": fields})
    return JSONResponse({"detail": detail}, status_code=status)


def install(app: FastAPI) -> None:
    """Add the request log and the answers to `app`."""
    app.add_middleware(RequestLog)
    for kind in _ANSWERS:
        app.add_exception_handler(kind, answer_failure)
