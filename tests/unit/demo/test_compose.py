"""The Docker version of the stack cannot be started without a registry; what can be checked is checked."""

import importlib.util
import itertools
from pathlib import Path

import yaml

from incident_lib.demo.application.settings import read_settings

DEMO = Path(__file__).resolve().parents[3] / "incident_lib" / "demo"
COMPOSE = yaml.safe_load((DEMO / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]


def test_the_containers_have_the_names_that_teams_have():
    names = {service["container_name"] for service in SERVICES.values()}
    assert {"app-backend", "app-frontend", "app-db", "app-redis"} <= names


def test_everything_a_service_refers_to_exists():
    for service in SERVICES.values():
        assert set(service.get("depends_on", ())) <= set(SERVICES)
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (DEMO / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_commands_name_modules_that_exist():
    for service in SERVICES.values():
        words = " ".join(map(str, service.get("command") or [])).split()
        for flag, module in itertools.pairwise(words):
            if flag == "-m":
                assert importlib.util.find_spec(module)


def test_the_backend_runs_from_its_environment():
    settings = read_settings(SERVICES["backend"]["environment"])
    assert settings.host == "0.0.0.0"
    assert settings.release == (1, 4, 2)


def test_no_password_is_written_down():
    assert "DEMO_PASSWORD:?" in (DEMO / "compose.yaml").read_text(encoding="utf-8")
    for service in SERVICES.values():
        for name, value in (service.get("environment") or {}).items():
            assert "PASSWORD" not in name or str(value).startswith("${")


def test_ports_are_open_on_this_machine_only():
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
