"""Deleting keys of real servers by pattern."""

import msgspec
import pytest
import redis

from incident_lib.config import Document, Service, Settings
from incident_lib.model.remediation import OutcomeStatus
from incident_lib.remediation import RefusedError, execute_plan, plan_change
from tests.integration import redis_service
from tests.integration.remediation_case import declared, phases

pytestmark = pytest.mark.redis
kind = redis_service.kind
ACTION = "redis.delete_keys"


@pytest.fixture(scope="module")
def server():
    with redis_service.running("redis", "--maxmemory", "64mb", password="correct-horse-7") as started:
        yield started


@pytest.fixture
def settings(server, tmp_path):
    with server.client() as client:
        client.flushall()
    return configured(server.url, tmp_path)


def configured(url, root):
    service = Service(name="cache", kind="redis", url=url)
    return Settings(document=Document(service=(service,)), root=root)


def fill(server, pattern, count, database=0):
    with server.client(db=database) as client:
        pipeline = client.pipeline(transaction=False)
        for number in range(count):
            pipeline.set(pattern.format(number), "x" * 50)
        pipeline.execute()


def count(server, pattern="*", database=0):
    with server.client(db=database) as client:
        return sum(1 for _ in client.scan_iter(pattern, count=1000))


def affected(plan, what):
    return next(one.count for one in plan.affected if one.what == what)


def test_keys_go_by_pattern_and_the_rest_stays(kind, tmp_path):
    with redis_service.running(kind, "--maxmemory", "64mb") as server:
        settings = configured(server.url, tmp_path)
        folder = declared(settings)
        fill(server, "cache:order:{}", 1200)
        fill(server, "session:{}", 30)
        plan = plan_change(settings, folder, ACTION, "cache", {"pattern": "cache:*"})
        assert affected(plan, "keys") == 1200
        assert affected(plan, "keys in the database") == 1230
        assert count(server) == 1230  # planning changes nothing
        outcome = execute_plan(settings, folder, plan.id)
        assert outcome.status is OutcomeStatus.VERIFIED, outcome
        assert "unlinked 1200 keys" in outcome.done
        assert count(server) == count(server, "session:*") == 30
        assert phases(folder) == ["planned", "begun", "ended"]
        with server.client() as client:  # nothing that would stop the server was sent
            assert not {"cmdstat_keys", "cmdstat_flushdb", "cmdstat_del", "cmdstat_eval"} & set(
                client.info("commandstats")
            )


@pytest.mark.parametrize("pattern", ["*", "", "  ", "**", "?*", "a*", "[a-z]*", "ca*", "\\*"])
def test_a_pattern_that_matches_too_much_is_refused(settings, server, pattern):
    fill(server, "cache:{}", 3)
    with pytest.raises(RefusedError, match=r"match too much|needs pattern"):
        plan_change(settings, declared(settings), ACTION, "cache", {"pattern": pattern})
    assert count(server) == 3


def test_critical_families_are_kept_unless_named(settings, server):
    fill(server, "session:{}", 40)
    folder = declared(settings)
    with pytest.raises(RefusedError, match="40 matching keys belong to critical families"):
        plan_change(settings, folder, ACTION, "cache", {"pattern": "session:*"})
    plan = plan_change(settings, folder, ACTION, "cache", {"pattern": "session:*", "allow": "session"})
    assert execute_plan(settings, folder, plan.id).status is OutcomeStatus.VERIFIED
    assert count(server) == 0


def test_more_keys_than_allowed_are_refused(settings, server):
    fill(server, "cache:{}", 50)
    with pytest.raises(RefusedError, match="50 keys, more than max_keys=49"):
        plan_change(settings, declared(settings), ACTION, "cache", {"pattern": "cache:*", "max_keys": "49"})


def test_keys_that_came_meanwhile_change_the_world(settings, server):
    folder = declared(settings)
    fill(server, "cache:{}", 50)
    plan = plan_change(settings, folder, ACTION, "cache", {"pattern": "cache:*"})
    fill(server, "cache:{}", 500)
    with pytest.raises(RefusedError, match="keys: 500, which is not within 25 to 175"):
        execute_plan(settings, folder, plan.id)
    assert count(server) == 500


def test_another_server_behind_the_same_name_changes_the_world(settings, server, tmp_path):
    folder = declared(settings)
    fill(server, "cache:{}", 5)
    plan = plan_change(settings, folder, ACTION, "cache", {"pattern": "cache:*"})
    with redis_service.running("redis") as restarted:
        fill(restarted, "cache:{}", 5)
        with pytest.raises(RefusedError, match="run_id was"):
            execute_plan(configured(restarted.url, tmp_path), folder, plan.id)
        assert count(restarted) == 5


def test_only_the_configured_database_is_touched(server, tmp_path):
    with server.client() as client:
        client.flushall()
    settings = configured(f"{server.url}/3", tmp_path)
    folder = declared(settings)
    for database in (0, 3):
        fill(server, "cache:{}", 20, database)
    plan = plan_change(settings, folder, ACTION, "cache", {"pattern": "cache:*"})
    assert "database 3" in plan.commands[0]
    execute_plan(settings, folder, plan.id)
    assert (count(server, database=0), count(server, database=3)) == (20, 0)


def write_until_refused(client):
    for number in range(100_000):
        client.set(f"cache:{number}", "x" * 5000)


def test_a_full_server_takes_writes_again(tmp_path):
    with redis_service.running("redis", "--maxmemory", "8mb") as server, server.client() as client:
        settings = configured(server.url, tmp_path)
        folder = declared(settings)
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            write_until_refused(client)
        plan = plan_change(settings, folder, ACTION, "cache", {"pattern": "cache:*"})
        outcome = execute_plan(settings, folder, plan.id)
        assert outcome.status is OutcomeStatus.VERIFIED, outcome
        assert client.set("cache:again", "x")


def test_a_user_that_may_not_unlink_says_what_is_missing(server, tmp_path):
    with server.client() as client:
        client.flushall()
        client.acl_setuser(
            "looker",
            enabled=True,
            passwords=["+looker-pass-7"],
            keys=["*"],
            commands=["-@all", "+scan", "+info", "+dbsize", "+type", "+ttl", "+client|setname"],
        )
    fill(server, "cache:{}", 5)
    settings = configured(server.url.replace(":correct-horse-7", "looker:looker-pass-7"), tmp_path)
    folder = declared(settings)
    plan = plan_change(settings, folder, ACTION, "cache", {"pattern": "cache:*"})
    outcome = execute_plan(settings, folder, plan.id)
    assert outcome.status is OutcomeStatus.FAILED
    assert "unlink" in outcome.done
    assert "+unlink" in outcome.next_step
    assert count(server) == 5
    assert phases(folder) == ["planned", "begun", "ended"]


def test_a_replica_is_refused(server, tmp_path):
    options = ("--replicaof", f"127.0.0.1 {server.port}", "--masterauth", "correct-horse-7")
    with redis_service.running("redis", *options) as replica:
        settings = configured(replica.url, tmp_path)
        folder = declared(settings)
        with pytest.raises(RefusedError, match="is a replica"):
            plan_change(settings, folder, ACTION, "cache", {"pattern": "cache:*"})


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://127.0.0.1:{}", "refused the connection"),
        ("redis://:wrong-pass-7@127.0.0.1:{}", "refused the login"),
    ],
)
def test_a_server_that_cannot_be_reached_is_a_refusal(server, tmp_path, url, said):
    port = redis_service.free_port() if "login" not in said else server.port
    settings = configured(url.format(port), tmp_path)
    with pytest.raises(RefusedError, match=said) as refused:
        plan_change(settings, declared(settings), ACTION, "cache", {"pattern": "cache:*"})
    assert "wrong-pass-7" not in str(refused.value)


def test_no_secret_is_in_the_incident_folder(settings, server):
    fill(server, "cache:{}", 5)
    folder = declared(settings)
    plan = plan_change(settings, folder, ACTION, "cache", {"pattern": "cache:*"})
    execute_plan(settings, folder, plan.id)
    texts = [path.read_text() for path in folder.path.rglob("*.json")]
    assert not any("correct-horse-7" in text for text in texts)
    assert (
        msgspec.json.decode((folder.path / "mitigations" / f"{plan.id}.json").read_bytes())["id"] == plan.id
    )
