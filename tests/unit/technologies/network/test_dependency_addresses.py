"""Where an application looks for what it needs: by its environment, else by the configuration."""

import pytest

from incident_lib.technologies import table
from incident_lib.technologies.network.probes.dependency_addresses import (
    ConfiguredDependency,
    addresses_in,
    dependency_addresses,
    is_loopback,
    names_of,
)
from incident_lib.technologies.network.probes.endpoint import Endpoint

DB = ConfiguredDependency(
    name="db", kind="postgres", endpoint=Endpoint(host="127.0.0.1", port=6543), container="app-db"
)
CACHE = ConfiguredDependency(name="cache", kind="redis")
PAY = ConfiguredDependency(
    name="pay", kind="outside", endpoint=Endpoint(host="pay.example.com", port=443, uses_tls=True)
)


def needed(
    *wanted: ConfiguredDependency, on_host: bool = False, **environment: str
) -> dict[str, tuple[str, int | None]]:
    known = {"db": {"app-db", "database", "172.18.0.3"}}
    found = dependency_addresses(wanted, environment, on_host=on_host, known_as=known, kinds=table().kinds)
    return {one.dependency: (one.endpoint.host, one.endpoint.port) for one in found}


def test_an_address_of_this_machine_means_nothing_inside() -> None:
    assert needed(DB, CACHE, PAY) == {"pay": ("pay.example.com", 443)}


def test_the_network_of_the_machine_may_be_shared() -> None:
    assert needed(DB, on_host=True) == {"db": ("127.0.0.1", 6543)}


@pytest.mark.parametrize("host", ["app-db", "database", "172.18.0.3", "db"])
def test_the_environment_names_the_container(host: str) -> None:
    url = f"postgresql+asyncpg://u:p%40@{host}:5433/shop"
    assert needed(DB, DATABASE_URL=url, OTHER="http://x:1") == {"db": (host, 5433)}


def test_the_only_one_of_its_kind_is_it() -> None:
    assert needed(DB, DSN="postgres://elsewhere.example/shop") == {"db": ("elsewhere.example", 5432)}


def test_several_are_not_guessed_from() -> None:
    several = {"READ_URL": "postgres://one.example/shop", "WRITE_URL": "postgres://two.example/shop"}
    assert needed(DB, **several) == {}


def test_host_and_port_of_their_own() -> None:
    assert needed(CACHE, REDIS_HOST="keys", REDIS_PORT="6380") == {"cache": ("keys", 6380)}
    assert needed(DB, PGHOST="database") == {"db": ("database", 5432)}


@pytest.mark.parametrize(
    "value",
    ["-oProxyCommand=x", "$(touch /tmp/x)", "a b", "redis://-x:1", "redis://a;b:1", "", "://", "x://"],
)
def test_what_is_no_host_is_left_alone(value: str) -> None:
    assert list(addresses_in({"REDIS_HOST": value, "REDIS_URL": value}, table().kinds)) == []


def test_nothing_secret_is_kept() -> None:
    (one,) = addresses_in({"U": "redis://user:hunter2@keys:6379/0?token=abc"}, table().kinds)
    assert "hunter2" not in repr(one)
    assert "abc" not in repr(one)


def test_loopback() -> None:
    assert is_loopback("LOCALHOST.")
    assert is_loopback("::1")
    assert not is_loopback("db")


def test_names_of_a_container() -> None:
    networks = {"shop": {"Aliases": ["db", None], "DNSNames": ["app-db"], "IPAddress": "172.18.0.3"}}
    details = {"Name": "/app-db", "NetworkSettings": {"Networks": networks}}
    assert names_of(details) >= {"app-db", "db", "172.18.0.3"}
