"""Serve the application: `python -m incident_lib.demo.application`, configured by its environment."""

from incident_lib.demo.application.settings import read_settings


def main() -> None:
    """Serve until ended. A setting that is missing ends the program before anything else is loaded."""
    settings = read_settings()

    import uvicorn

    from incident_lib.demo.application.logs import LOGGING

    uvicorn.run(
        "incident_lib.demo.application.app:make_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_config=LOGGING,
        timeout_graceful_shutdown=2,
        timeout_worker_healthcheck=30,  # on a busy machine a worker takes more than the usual 5 s to start
    )


if __name__ == "__main__":
    main()
