"""What the containers of the demo stack are made of, without an engine."""

import tomllib
from pathlib import Path

import pytest

from incident_lib.demo.configuration import Addresses, render_for_containers
from incident_lib.demo.container_roles import PORTS, Images, Options, Roles
from incident_lib.demo.faults.containers import CONTAINER_FAULTS
from incident_lib.demo.layout import Layout

ADDRESSES = Addresses(
    backend="http://127.0.0.1:18000", frontend="http://127.0.0.1:18001", payments="https://127.0.0.1:18002"
)
LAYOUT = Layout(Path("/srv/stack"))


def roles(**options):
    disk = options.pop("disk", "")
    return Roles(LAYOUT, Images(), Options(**options), "db-secret", disk=disk)


def test_a_deploy_changes_the_label_and_what_the_program_is_told():
    settings = roles(workers=3).backend("1.5.0", {"DATABASE_URL": "", "EXTRA": "x"})
    assert settings["labels"]["org.opencontainers.image.version"] == "1.5.0"
    told = settings["environment"]
    assert (told["APP_VERSION"], told["WORKERS"], told["EXTRA"]) == ("1.5.0", "3", "x")
    assert "DATABASE_URL" not in told


def test_every_container_has_a_memory_limit():
    many = roles(memory={"redis": 5})
    assert many.memory("redis") == 5
    assert all(many.memory(role) > 0 for role in (*PORTS, "load", "import"))


def test_a_disk_of_its_own_is_held_by_two_containers():
    assert roles().db()["volumes"] == {}
    with_disk = roles(disk="demo-data")
    assert with_disk.db()["volumes"]["demo-data"]["mode"] == "rw"
    assert with_disk.payments()["volumes"]["demo-data"]["mode"] == "ro"


def test_a_standby_copies_the_database_and_says_who_it_is():
    settings = roles().standby("standby")
    assert settings["environment"]["PRIMARY"].endswith("@db:5432/shop?application_name=standby")
    assert settings["user"] == "postgres"
    assert "max_connections=40" in settings["command"]  # fewer than at the database, and it would not start


def test_the_containers_are_those_of_the_compose_file():
    settings = roles()
    assert settings.redis()["command"][:2] == ["--requirepass", "db-secret"]
    assert settings.db()["environment"]["POSTGRES_PASSWORD"] == "db-secret"
    assert "log_line_prefix=%m [%p] %q%u@%d %a " in settings.db()["command"]
    assert settings.memory("backend") == 512 * 1024 * 1024
    backend = settings.backend("1.4.2", {})
    assert backend["environment"]["DATABASE_URL"] == "postgresql://app:db-secret@db:5432/shop"
    assert backend["healthcheck"]["test"][0] == "CMD"


def test_the_configuration_names_containers_and_holds_no_password():
    text = render_for_containers("demo-{}".format, ADDRESSES)
    services = {one["name"]: one for one in tomllib.loads(text)["service"]}
    assert services["cache"]["container"] == "demo-redis"
    assert services["backend"]["url"] == "http://127.0.0.1:18000"
    assert not {"dsn", "password"} & {key for one in services.values() for key in one}


@pytest.mark.parametrize("fault", CONTAINER_FAULTS.values(), ids=lambda fault: fault.name)
def test_every_fault_blames_what_the_configuration_knows(fault):
    document = tomllib.loads(render_for_containers("demo-{}".format, ADDRESSES))
    names = {one["name"] for one in (*document["service"], *document["dependency"])}
    assert fault.target in names
    assert CONTAINER_FAULTS[fault.name] is fault
