"""`incident health` on real containers: pg_isready and redis-cli are run inside them."""

import json
import time
from pathlib import Path
from typing import Any

from incident_lib.cli import main
from tests.integration import docker_service

pytestmark = docker_service.MARKS
engine = docker_service.engine


def statuses(folder: Path, stack: Any, *, timeout: int = 10) -> dict[str, dict[str, Any]]:
    flags = ["--output-dir", str(folder), "--timeout", str(timeout)]
    main(["health", *flags, "--backend-url", stack.backend_url, "--frontend-url", stack.frontend_url])
    found = json.loads(max(folder.glob("*.json")).read_text())
    assert {one["name"] for one in found["containers"]} >= {"app-db", "app-redis"}
    return {one["name"]: one for one in found["results"]}


def test_containers(engine: Any, tmp_path: Path) -> None:
    with docker_service.stack(engine) as stack:
        well = statuses(tmp_path / "well", stack)
        assert {one["status"] for one in well.values()} == {"healthy"}, well
        assert well["Redis"]["detail"] == "PONG"
        assert "accepting connections" in well["PostgreSQL"]["detail"]

        engine.containers.get("app-redis").pause()
        began = time.monotonic()
        hung = statuses(tmp_path / "hung", stack, timeout=2)
        assert time.monotonic() - began < 8  # the time for one check is 10 by default
        assert hung["Redis"]["status"] == "unhealthy"
        assert hung["PostgreSQL"]["status"] == "healthy"
        engine.containers.get("app-redis").unpause()

        engine.containers.get("app-db").stop(timeout=1)
        gone = statuses(tmp_path / "gone", stack)
        assert gone["PostgreSQL"]["status"] == "unhealthy"
        assert "not running" in gone["PostgreSQL"]["detail"]
