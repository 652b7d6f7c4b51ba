"""Servers that stall, drip, flood and break the protocol: UNKNOWN or right, in time, within some memory."""

from tests.integration import hostile_engine, hostile_http, hostile_postgres, hostile_redis, hostile_run

_SECONDS = 12.0
_PEAK_MIB = 600.0
_SHARE = 3  # of all that `make soak` tries


def test_what_breaks_a_protocol_is_unknown_or_a_failure_of_that_server():
    servers = {
        **hostile_run.named("postgres", hostile_postgres.BROKEN),
        **hostile_run.named("redis", hostile_redis.BROKEN),
        **hostile_run.named("http", hostile_http.BROKEN),
    }
    some = dict(list(servers.items())[::_SHARE])
    seen = hostile_run.triage(some, collect_seconds=_SECONDS)
    assert not list(hostile_run.wrongs(seen, some, collect_seconds=_SECONDS, peak_mib=_PEAK_MIB))


def test_a_flood_is_read_to_a_limit():
    servers = {
        **_some(
            "postgres", hostile_postgres.FLOODS, "a value of a gigabyte", "settings without end at the login"
        ),
        **_some("redis", hostile_redis.FLOODS, "a bulk without end", "clients without end"),
        **_some("http", hostile_http.FLOODS, "a header without end", "chunks without end"),
    }
    seen = hostile_run.triage(servers, collect_seconds=_SECONDS)
    assert not list(hostile_run.wrongs(seen, servers, collect_seconds=_SECONDS, peak_mib=_PEAK_MIB))
    unknown = {target for target, _, title in seen.findings("UNKNOWN") if "read limit" in title}
    assert {name.partition("-")[0] for name in unknown} == {"postgres", "redis"}


def test_an_engine_that_answers_nonsense_hides_no_probe():
    broken = hostile_engine.BROKEN
    changed = {
        **hostile_engine.FLOODS["inspect"],
        **broken["redirects later"],
        **broken["lists of nothing"],
        **broken["events of the year 99999"],
        **broken["processes of nonsense"],
        **broken["a log of negative chunks"],
        **broken["statistics past all"],
    }
    seen = hostile_run.triage_engine(changed, collect_seconds=_SECONDS)
    assert not list(hostile_run.wrongs(seen, {}, collect_seconds=_SECONDS, peak_mib=_PEAK_MIB))
    assert "read limit of 16 MiB" in str(seen.findings("UNKNOWN"))


def _some(kind, talks, *names):
    return hostile_run.named(kind, {name: talks[name] for name in names})
