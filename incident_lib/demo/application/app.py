"""The application: its parts open when it starts to serve."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from incident_lib.demo.application import health, orders, requests
from incident_lib.demo.application.parts import open_parts
from incident_lib.demo.application.settings import AppSettings, read_settings


def create_app(settings: AppSettings) -> FastAPI:
    """Return the application."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        """Open what requests share, and close it in the end."""
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
