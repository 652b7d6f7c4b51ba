"""Services told from what inspecting containers says, from literals."""

from incident_lib.config import parse
from incident_lib.investigation.discover import common_stack, describe, render_configuration

SECRET = "correct-horse-7"


def inspected(name, image, *, ports=(), published=None, env=(), labels=None, networks=("app",), test=()):
    bound = {f"{port}/tcp": None for port in ports}
    for inside, outer in (published or {}).items():
        bound[f"{inside}/tcp"] = [{"HostIp": "0.0.0.0", "HostPort": str(outer)}]
    return {
        "Name": f"/{name}",
        "Config": {
            "Image": image,
            "Env": list(env),
            "Labels": labels or {},
            "Healthcheck": {"Test": list(test)},
        },
        "NetworkSettings": {"Ports": bound, "Networks": {n: {"Aliases": [name]} for n in networks}},
    }


def by_name(*containers):
    found = describe(containers)
    document = parse(render_configuration(found, found=True))
    assert [one.service for one in found] == list(document.service)
    return {one.service.name: one for one in found}


def test_dependencies_come_from_addresses_and_no_value_is_kept():
    backend = inspected(
        "app-backend",
        "shop/backend:1",
        published={8000: 18000},
        env=[
            f"DATABASE_URL=postgresql://shop:{SECRET}@app-db:5432/shop",
            "REDIS_HOST=app-redis",
            f"PAYMENTS_URL=https://key:{SECRET}@payments.example.com/charge",
            "OWN_URL=http://localhost:8000",
        ],
        test=["CMD", "curl", "-f", "http://localhost:8000/healthz"],
    )
    found = by_name(
        backend,
        inspected("app-db", "postgres:16", published={5432: 15432}, env=[f"POSTGRES_PASSWORD={SECRET}"]),
        inspected("app-redis", "valkey/valkey:8", ports=[6379]),
    )
    assert found["backend"].service.depends_on == ("db", "redis")
    assert found["backend"].service.url == "http://localhost:18000"
    assert found["backend"].service.health == ("/healthz",)
    assert found["backend"].outside == ("PAYMENTS_URL",)
    assert [found[name].service.kind for name in ("db", "redis")] == ["postgres", "redis"]
    assert SECRET not in render_configuration(tuple(found.values()), found=True)
    assert "payments.example.com/charge" not in render_configuration(tuple(found.values()), found=True)


def test_names_on_another_network_mean_nothing():
    found = by_name(
        inspected("app-backend", "shop:1", published={8000: 1}, env=["DB_HOST=app-db"], networks=("front",)),
        inspected("app-db", "postgres:16", networks=("back",)),
    )
    assert found["backend"].service.depends_on == ()


def test_circles_are_cut():
    found = by_name(
        inspected("app-a", "a", published={8000: 1}, env=["B_URL=http://app-b:8000"]),
        inspected("app-b", "b", published={8000: 2}, env=["A_URL=http://app-a:8000"]),
    )
    assert sorted(one.service.depends_on for one in found.values()) == [(), ("b",)]


def test_compose_labels_name_and_connect():
    label = "com.docker.compose"
    api = {f"{label}.service": "api", f"{label}.depends_on": "db:service_started:false"}
    db = {f"{label}.service": "db", f"{label}.project": "shop"}
    found = by_name(
        inspected("shop-api-1", "shop:1", labels=api),
        inspected("shop-db-1", "postgres:16", labels=db, ports=[5432]),
    )
    assert found["db"].project == "shop"
    assert found["api"].service.depends_on == ("db",)
    assert found["api"].service.kind == "process"


def test_hostile_names_stay_in_their_quotes():
    found = by_name(inspected('x"\n[y]', 'evil"\n[[service]]:1', published={80: 80}))
    assert len(found) == 1


def test_common_stack_loads():
    document = parse(render_configuration(common_stack(), found=False))
    assert [one.container for one in document.service] == [
        "app-backend",
        "app-frontend",
        "app-db",
        "app-redis",
    ]
