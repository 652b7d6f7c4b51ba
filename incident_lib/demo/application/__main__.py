"""Serve the application: `python -m incident_lib.demo.application`, told everything by its environment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from incident_lib.demo.application import health, orders, requests
from incident_lib.demo.application.logs import LOGGING
from incident_lib.demo.application.parts import open_parts
from incident_lib.demo.application.settings import AppSettings, read_settings


def create_app(settings: AppSettings) -> FastAPI:
    """Return the application; its parts open when it starts to serve."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.parts = open_parts(settings)
        yield
        app.state.parts.close()

    app = FastAPI(title="shop", version=settings.version, lifespan=lifespan)
    app.include_router(health.router)
    app.include_router(orders.router)
    requests.install(app)
    return app


def make_app() -> FastAPI:
    """Return the application that the environment describes: each of several workers makes its own."""
    return create_app(read_settings())


def main() -> None:
    """Serve until ended."""
    settings = read_settings()
    several = settings.workers > 1
    uvicorn.run(
        "incident_lib.demo.application.__main__:make_app" if several else create_app(settings),
        factory=several,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_config=LOGGING,
        timeout_graceful_shutdown=2,
        timeout_worker_healthcheck=30,  # on a busy machine a worker takes more than the usual 5 s to start
    )


if __name__ == "__main__":
    main()
