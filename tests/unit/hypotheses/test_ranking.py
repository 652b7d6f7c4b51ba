from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from incident_lib.errors import ConfigError
from incident_lib.hypotheses import parse_patterns, rank, ranking
from incident_lib.model import Finding, FindingSeverity
from incident_lib.model.topology import Topology
from incident_lib.resources import resource
from incident_lib.technologies import catalogue

SHOP = Topology(
    kinds={
        "web": "http",
        "api": "http",
        "db": "postgres",
        "cache": "redis",
        "pay": "outside",
        "host": "host",
    },
    depends_on={"web": ("api",), "api": ("db", "cache", "pay")},
    addresses={"db": ("127.0.0.1:5432",), "cache": ("cache.example",), "pay": ("pay.example:443",)},
)
PATTERNS = parse_patterns(resource("templates", "patterns.toml").read_text(), "patterns.toml")
ONSET = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


def found(target, finding_id, severity="CRITICAL", since=None, **data):
    return Finding(
        id=finding_id,
        severity=FindingSeverity(severity),
        target=target,
        title=finding_id,
        since=since,
        data=data,
    )


def ids(*findings):
    return [(one.id, one.target) for one in rank(findings, SHOP, PATTERNS, catalogue())]


def test_a_healthy_system_has_no_hypothesis():
    assert ids(found("db", "postgres.locks.ok", "OK"), found("api", "http.health.ok", "OK")) == []


def test_what_is_unknown_supports_nothing():
    assert ids(found("db", "postgres.connection.refused", "UNKNOWN")) == []


def test_a_change_alone_is_no_cause():
    assert ids(found("api", "deploys.log.deployed", "INFO", since=ONSET, version="2")) == []


@pytest.mark.parametrize(
    "old_trouble",
    [
        found("db", "postgres.archiver.failing", "CRITICAL"),
        found("db", "postgres.replication.slot", "CRITICAL"),
        found("db", "postgres.transactions.idle", "WARNING"),
        found("db", "postgres.sequences.high", "WARNING"),
        found("db", "postgres.counters.deadlocks", "WARNING"),
    ],
    ids=lambda one: one.id,
)
def test_what_nobody_feels_does_not_hide_a_bad_deploy(old_trouble):
    ranked = ids(
        old_trouble,
        found("api", "deploys.log.deployed", "INFO", since=ONSET - timedelta(seconds=20), version="2"),
        found("api", "logs.lines.onset", "INFO", since=ONSET),
        found("api", "logs.lines.errors"),
        found("api", "logs.lines.endpoint", "WARNING", since=ONSET, endpoint="/pay"),
        found("api", "logs.lines.exception", "WARNING", since=ONSET),
    )
    assert ranked[0] == ("bad-deploy", "api")


@pytest.mark.parametrize(
    ("clue", "data", "title"),
    [
        ("network.tls.not_yet_valid", {}, "The certificate of pay is not valid yet"),
        (
            "network.tls.chain",
            {},
            "The certificate chain of pay is not trusted: the intermediate certificate is missing",
        ),
        ("http.health.status", {"status": 503}, "pay answers 503, and services that need it fail"),
        ("http.health.refused", {}, "pay refuses connections"),
    ],
)
def test_a_title_says_what_was_seen(clue, data, title):
    first, *_ = rank((found("pay", clue, **data),), SHOP, PATTERNS, catalogue())
    assert first.title == title


def test_a_service_that_calls_itself_unwell_is_told_in_its_own_words():
    answers = {"path": "/ready", "part": "queue", "status": "down: refused"}
    part, status = (found("api", f"http.health.{what}", **answers) for what in ("part", "status"))
    (one,) = rank((part, status), SHOP, PATTERNS, catalogue())
    assert (one.id, one.title) == ("endpoint-error", "api reports at /ready that queue is unhealthy")
    (one,) = rank(
        (msgspec.structs.replace(status, data={"path": "/", "status": 503}),), SHOP, PATTERNS, catalogue()
    )
    assert one.title == "api answers 503 at /"


def test_blame_moves_to_the_deepest_failing_dependency():
    ranked = ids(
        found("db", "postgres.connection.refused"),
        found("api", "logs.lines.class.db_refused", "WARNING"),
        found("api", "http.health.status"),
        found("api", "logs.lines.endpoint", endpoint="/orders"),
        found("web", "http.health.status"),
    )
    assert ranked[0] == ("db-down", "db")


@pytest.mark.parametrize(
    ("target", "clue", "told"),
    [
        ("db", "postgres.connection.refused", "db-down"),
        ("cache", "redis.connection.refused", "redis-down"),
        ("api", "http.health.refused", "service-down"),
        ("pay", "http.health.refused", "port-refused"),
    ],
)
def test_only_an_outside_dependency_has_its_port_blamed(target, clue, told):
    ranked = ids(found(target, clue), found(target, "network.ports.refused"))
    assert ranked[0] == (told, target)
    assert (("port-refused", target) in ranked) == (target == "pay")


@pytest.mark.parametrize(
    ("error_class", "peers", "told"),
    [
        ("tls_expired", "pay.example:443", ("tls-expired", "pay")),
        ("tls_wrong_name", "pay.example", ("tls-wrong-name", "pay")),
        ("tls_verify", "mail.example", ("tls-chain", "api")),
        ("name_resolution", "", ("dns-failure", "api")),
        ("connect_refused", "10.0.0.9:8443", ("port-refused", "api")),
        ("connect_refused", "127.0.0.1:5432", ("db-unreachable", "db")),
        ("connect_timeout", "pay.example:443", ("port-filtered", "pay")),
    ],
)
def test_a_log_alone_hints_at_what_its_lines_name(error_class, peers, told):
    data = {"peers": peers, "address": peers} if peers else {}
    logged = found("api", f"logs.lines.class.{error_class}", "WARNING", **data)
    ranked = rank((logged, found("api", "logs.lines.endpoint", endpoint="/pay")), SHOP, PATTERNS, catalogue())
    assert [(one.id, one.target) for one in ranked] == [told, ("endpoint-error", "api")]
    assert "None" not in ranked[0].title


def test_a_hint_gives_way_to_what_was_seen():
    lines = found("api", "logs.lines.class.connect_refused", "WARNING")
    assert ids(found("pay", "http.health.refused"), lines)[0] == ("port-refused", "pay")
    assert ("port-refused", "api") not in ids(found("pay", "http.health.refused"), lines)
    at_the_database = found("api", "logs.lines.class.connect_refused", "WARNING", peers="localhost:5432")
    assert ids(found("db", "postgres.connection.refused"), at_the_database) == [("db-down", "db")]


@pytest.mark.parametrize(
    ("first", "last", "blamed"), [(-60, -50, True), (2, 300, True), (19, 40, False), (-800, -700, False)]
)
def test_a_start_is_blamed_for_what_broke_then(first, last, blamed):
    lost_at, until = (ONSET + timedelta(seconds=seconds) for seconds in (first, last))
    data = {"last_at": until.isoformat()}
    lost = found("api", "logs.lines.class.db_terminated", "WARNING", since=lost_at, **data)
    start = found("db", "postgres.server.restarted", "INFO", since=ONSET)
    assert (("db-restarted", "db") in ids(start, lost)) == blamed


def test_logins_that_only_the_server_tells_of_need_harm():
    refused = found("db", "logs.lines.class.db_auth", "WARNING")
    assert ids(refused) == []
    assert ids(refused, found("api", "http.health.status"))[0] == ("db-credentials", "db")


def test_a_hint_at_a_user_explains_nothing_of_what_it_needs():
    down = found("api", "http.health.refused")
    names = found("web", "logs.lines.class.name_resolution", "WARNING")
    assert ids(down, names)[0] == ("service-down", "api")


def test_a_name_that_a_stopped_container_lost_gives_way_to_its_restart():
    lines = found("api", "logs.lines.class.name_resolution", "WARNING", since=ONSET, peers="cache.example")
    refused = found("api", "logs.lines.class.redis_refused", "WARNING", since=ONSET)
    start = found("cache", "redis.connection.restarted", "INFO", since=ONSET + timedelta(seconds=6))
    assert ids(lines, refused)[0] == ("redis-unreachable", "cache")
    assert ids(lines, refused, start)[0] == ("redis-restarted", "cache")


@pytest.mark.parametrize(
    ("start", "lost", "name", "target"),
    [
        ("redis.connection.restarted", "redis_refused", "redis-restarted", "cache"),
        ("postgres.server.restarted", "db_terminated", "db-restarted", "db"),
    ],
)
def test_a_start_explains_what_began_before_the_server_was_ready(start, lost, name, target):
    def ranked(minutes, ready=None):
        at = ONSET + timedelta(minutes=minutes)
        seen = [
            found(target, start, "INFO", since=ONSET),
            found("api", f"logs.lines.class.{lost}", "WARNING", since=ONSET),
            found("api", "logs.lines.errors", since=at),
            found("api", "logs.lines.endpoint", "WARNING", since=at),
            found("api", "logs.lines.onset", "INFO", since=at),
        ]
        if ready is not None:
            after = ONSET + timedelta(minutes=ready)
            seen.append(found(target, "logs.lines.server.ready", "INFO", since=after))
        return list(rank(tuple(seen), SHOP, PATTERNS, catalogue()))

    at_once = ranked(0.05)
    assert (at_once[0].id, at_once[0].target) == (name, target)
    assert {each.symptom_of for each in at_once[1:]} == {f"{target}:{name}"}
    loading = ranked(3, ready=4)  # it read its data for so long
    assert loading[0].id == name
    for later in (ranked(8), ranked(8, ready=1)):
        assert (later[0].id, later[0].symptom_of) == ("endpoint-error", "")
        (restart,) = (each for each in later if each.id == name)
        assert "logs.lines.onset" in restart.against


def test_a_busy_machine_is_no_doubt_about_what_the_server_says_itself():
    starved = (
        found("host", "host.load.high", "WARNING"),
        found("host", "host.load.starved", "WARNING", program="compress", service="cache"),
        found("host", "host.load.saturated", "INFO"),
        found("api", "logs.lines.slow", "WARNING"),
        found("api", "logs.lines.class.redis_timeout", "WARNING"),
    )
    busy = found("cache", "redis.connection.busy")
    assert ids(busy, *starved)[0] == ("redis-blocked", "cache")
    slow = found("cache", "redis.connection.latency", "WARNING")
    assert ids(slow, *starved)[0] == ("host-cpu-saturated", "host")


def test_a_replica_that_cannot_write_its_copy_is_not_paused():
    idle = found("cache", "redis.connection.idle", server_pid=7)
    assert ids(idle)[0] == ("redis-paused", "cache")
    line = found("cache", "logs.lines.class.redis_copy_file", "WARNING")
    assert ids(idle, line)[0] == ("redis-copy-failed", "cache")


def test_a_ready_line_of_an_earlier_start_widens_nothing():
    at = ONSET + timedelta(minutes=8)
    seen = (
        found("cache", "redis.connection.restarted", "INFO", since=ONSET),
        found("cache", "logs.lines.server.ready", "INFO", since=ONSET - timedelta(minutes=5)),
        found("api", "logs.lines.class.redis_refused", "WARNING", since=ONSET),
        found("api", "logs.lines.errors", since=at),
        found("api", "logs.lines.onset", "INFO", since=at),
    )
    assert ids(*seen)[0] == ("endpoint-error", "api")


def test_of_two_stores_only_the_named_one_is_blamed():
    twins = msgspec.structs.replace(
        SHOP,
        kinds=SHOP.kinds | {"sessions": "redis"},
        depends_on={"api": ("db", "cache", "sessions", "pay")},
        addresses=SHOP.addresses | {"sessions": ("10.0.0.8:6379",)},
    )
    logged = found("api", "logs.lines.class.redis_oom", "WARNING", peers="cache.example:6379")
    assert {one.target for one in rank((logged,), twins, PATTERNS, catalogue())} == {"cache"}


def test_locks_explain_an_exhausted_pool():
    ranked = ids(
        found("db", "postgres.locks.blocked", root_pid=42),
        found("db", "postgres.transactions.idle", "WARNING"),
        found("db", "postgres.saturation.ok", "OK"),
        found("api", "logs.lines.class.pool_timeout", "WARNING"),
    )
    assert ranked[0] == ("lock-contention", "db")


def test_a_pool_that_is_a_symptom_itself_explains_no_forgotten_transaction():
    forgotten = found("db", "postgres.transactions.idle", "WARNING")
    waiting = (found("api", "logs.lines.class.pool_timeout"), found("api", "logs.lines.slow", "WARNING"))
    assert ids(forgotten, *waiting)[0] == ("app-pool-exhausted", "api")
    assert ("idle-in-transaction", "db") not in ids(forgotten, *waiting)[:1]
    ranked = ids(found("cache", "redis.memory.stampede", database="db"), forgotten, *waiting)
    assert ranked[:2] == [("cache-stampede", "cache"), ("idle-in-transaction", "db")]


def test_a_pool_without_free_database_slots_is_the_databases_trouble():
    ranked = ids(
        found("db", "postgres.saturation.high"),
        found("api", "logs.lines.class.pool_timeout", "WARNING"),
    )
    assert ranked == [("db-connections-exhausted", "db")]


@pytest.mark.parametrize(
    ("minutes", "blamed"), [(2, "bad-deploy"), (45, "endpoint-error"), (-5, "endpoint-error")]
)
def test_a_deploy_is_blamed_only_minutes_before_the_onset(minutes, blamed):
    ranked = ids(
        found("api", "deploys.log.deployed", "INFO", since=ONSET - timedelta(minutes=minutes), version="2"),
        found("api", "logs.lines.endpoint", endpoint="/orders"),
        found("api", "logs.lines.onset", "INFO", since=ONSET),
    )
    assert ranked[0] == (blamed, "api")


def test_the_specific_comes_before_the_general():
    ranked = ids(
        found("pay", "network.tls.expired"),
        found("pay", "http.health.tls"),
        found("api", "logs.lines.class.tls_expired", "WARNING"),
    )
    assert ranked[0] == ("tls-expired", "pay")


def test_two_faults_are_both_near_the_top():
    ranked = ids(
        found("cache", "redis.memory.full"),
        found("cache", "redis.errors.oom", "WARNING"),
        found("pay", "network.ports.refused"),
        found("pay", "http.health.refused"),
        found("api", "logs.lines.endpoint", endpoint="/checkout"),
    )
    assert {("redis-out-of-memory", "cache"), ("port-refused", "pay")} <= set(ranked[:3])


def test_the_title_takes_its_names_from_the_findings():
    first = rank((found("db", "postgres.locks.blocked", root_pid=4211),), SHOP, PATTERNS, catalogue())[0]
    assert "4211" in first.title
    assert rank((found("db", "postgres.locks.blocked"),), SHOP, PATTERNS, catalogue())[0].title.endswith(
        "an unknown root pid holds"
    )


def test_the_order_does_not_depend_on_the_order_of_findings():
    findings = [
        found("db", "postgres.locks.blocked"),
        found("cache", "redis.memory.full"),
        found("pay", "network.ports.refused"),
    ]
    assert ids(*findings) == ids(*reversed(findings))


def test_patterns_name_only_each_other_and_are_unique():
    names = [pattern.id for pattern in PATTERNS]
    assert len(names) == len(set(names))
    explained = {symptom.rpartition(":")[2] for pattern in PATTERNS for symptom in pattern.explains}
    assert explained <= set(names)


def test_a_wrong_pattern_file_names_the_key():
    with pytest.raises(ConfigError, match="whenn"):
        parse_patterns('[[pattern]]\nid = "x"\nwhenn = []', "team.toml")


def test_a_full_disk_is_why_a_database_keeps_restarting():
    findings = (
        found("db", "container.state.restarting"),
        found("db", "container.events.restart_loop"),
        found("db", "logs.lines.server.crash_recovery"),
        found("db", "logs.lines.class.disk_full", "WARNING", count=5),
        found("api", "logs.lines.errors"),
    )
    assert ids(*findings)[0] == ("db-disk-full", "db")
    assert ids(*findings[:3], findings[4])[0] == ("crash-loop", "db")


def test_twice_as_many_failing_services_take_twice_as_many_comparisons(monkeypatch):
    compared, explains = [], ranking._explains

    def counted(*arguments, **named):
        compared.append(1)
        return explains(*arguments, **named)

    monkeypatch.setattr(ranking, "_explains", counted)
    counts = []
    for number in (50, 100):
        compared.clear()
        names = [f"svc-{each:03}" for each in range(number)]
        clues = ("http.health.refused", "logs.lines.class.connect_refused", "http.health.slow")
        findings = tuple(found(name, clue, count=9) for name in names for clue in clues)
        topology = Topology(kinds=dict.fromkeys(names, "http"))
        ranked = rank(findings, topology, PATTERNS, catalogue())
        assert {hypothesis.target for hypothesis in ranked} == {*names}
        counts.append(len(compared))
    assert counts[1] == 2 * counts[0]


def _restarted_with(*seen, minutes=10):
    """Return what is ranked of a cache that was started and ready within seconds, and of `seen`."""
    return ids(
        found("cache", "redis.connection.restarted", "INFO", since=ONSET),
        found("cache", "logs.lines.server.ready", "INFO", since=ONSET + timedelta(seconds=1)),
        found("api", "logs.lines.errors", since=ONSET),
        found("api", "logs.lines.onset", "INFO", since=ONSET),
        found("api", "http.health.status", last_at=(ONSET + timedelta(minutes=minutes)).isoformat()),
        *seen,
    )


def _logged(name, first, last):
    """Return a class of error lines of the api, from and to so many seconds after the onset."""
    since, until = (ONSET + timedelta(seconds=seconds) for seconds in (first, last))
    return found("api", f"logs.lines.class.{name}", "WARNING", since=since, last_at=until.isoformat())


def test_a_restart_whose_refusals_ended_is_not_listed_beside_what_goes_on():
    brief = _logged("redis_refused", -2, 1)
    assert _restarted_with(brief)[0] == ("redis-restarted", "cache")
    since_then = _restarted_with(brief, _logged("redis_no_auth", 1, 600))
    assert since_then[0] == ("redis-credentials", "cache")
    assert ("redis-restarted", "cache") not in since_then
    # What ended too, or was there long before, is none that took over.
    for other in (_logged("redis_no_auth", -300, 600), _logged("redis_no_auth", 1, 1)):
        assert ("redis-restarted", "cache") in _restarted_with(brief, other)


def test_refusals_that_go_on_long_after_a_restart_are_not_its():
    goes_on = _logged("redis_refused", -2, 600)
    assert _restarted_with(goes_on)[0] == ("redis-unreachable", "cache")
    assert ("redis-restarted", "cache") not in _restarted_with(goes_on)
    # As of some minutes ago it is over.
    assert _restarted_with(_logged("redis_refused", -2, 300))[0] == ("redis-restarted", "cache")
    just_now = _restarted_with(_logged("redis_refused", -2, 40), minutes=0.7)
    assert just_now[0] == ("redis-restarted", "cache")


def test_refusals_by_a_database_that_go_on_long_after_its_restart_are_not_its():
    start = found("db", "postgres.server.restarted", "INFO", since=ONSET)
    errors = found("api", "logs.lines.errors", since=ONSET)
    assert ("db-unreachable", "db") in ids(start, errors, _logged("db_refused", -2, 600))
    assert ("db-unreachable", "db") not in ids(start, errors, _logged("db_refused", -2, 5))


def _fleet(count):
    """Return services that need nothing that is configured, and of each what it logs and answers."""
    names = [f"svc-{number}" for number in range(count)]
    seen = [
        finding
        for name in names
        for finding in (
            found(name, "logs.lines.errors", since=ONSET, endpoint="GET /"),
            found(name, "logs.lines.class.redis_refused", "WARNING", since=ONSET, address="10.9.0.7:6379",
                  peers="10.9.0.7:6379", count=50),
        )
    ]  # fmt: skip
    return names, seen


def test_what_several_logs_say_of_one_address_is_one_hypothesis():
    names, seen = _fleet(3)
    topology = Topology(kinds=dict.fromkeys(names, "http"))
    ranked = rank(tuple(seen), topology, PATTERNS, catalogue())
    assert [each.id for each in ranked] == ["port-refused", "endpoint-error"]
    assert ranked[0].alike == ("svc-1", "svc-2")
    other = found("svc-9", "logs.lines.class.redis_refused", "WARNING", since=ONSET, address="10.9.0.8:6379",
                  peers="10.9.0.8:6379", count=50)  # fmt: skip
    more = Topology(kinds=dict.fromkeys((*names, "svc-9"), "http"))
    ranked = rank((*seen, other), more, PATTERNS, catalogue())
    assert [each.id for each in ranked].count("port-refused") == 2


def test_symptoms_of_the_same_symptom_of_one_event_are_one_hypothesis():
    names, seen = _fleet(20)
    data = {
        "what": "10.9.0.7:6379",
        "problem": "Redis refuses connections (10.9.0.7:6379)",
        "logged_count": 20,
    }
    event = found("all", "together.logged", since=ONSET, count=20, total=21, targets=" ".join(names), **data)
    topology = Topology(kinds=dict.fromkeys((*names, "other"), "http"))
    ranked = rank((event, *seen), topology, PATTERNS, catalogue())
    assert sorted(each.id for each in ranked) == ["common-cause", "endpoint-error", "port-refused"]
    assert ranked[0].id == "common-cause"
    assert "10.9.0.7:6379" in ranked[0].title
    assert {len(each.alike) for each in ranked[1:]} == {19}


def test_a_failing_endpoint_names_the_exception_that_is_raised():
    errors = found("api", "logs.lines.errors", endpoint="GET /")
    data = {"type": "KeyError", "frame": "totals.py:total", "message": "'vat'"}
    (named,) = rank((errors, found("api", "logs.lines.exception", **data)), SHOP, PATTERNS, catalogue())
    assert named.next_check.startswith("Most often raised: KeyError: 'vat' in totals.py:total. ")
    (unnamed,) = rank((errors,), SHOP, PATTERNS, catalogue())
    assert unnamed.next_check.startswith("Find the exception")


def test_what_was_stopped_in_good_order_is_not_called_down_as_well():
    gone, ended = found("api", "process.state.not_running"), found("api", "logs.lines.stopped", "INFO")
    assert ids(gone) == [("service-down", "api")]
    assert ids(gone, ended) == [("service-stopped", "api")]
    failed = found("api", "logs.lines.class.module_missing", "WARNING")
    assert ("service-stopped", "api") not in ids(gone, ended, failed)
