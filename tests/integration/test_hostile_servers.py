"""Servers that stall, drip, flood and break the protocol: UNKNOWN or right, in time, within some memory."""

import re

from tests.integration import hostile_postgres, hostile_run

_SECONDS = 12.0
_PEAK_MIB = 600.0


def named(kind, talks):
    """Return servers by a name that a configuration allows."""
    return {
        f"{kind}-{re.sub(r'[^a-z0-9]+', '-', name.lower())}": (kind, talk) for name, talk in talks.items()
    }


def test_what_breaks_a_protocol_is_unknown_or_a_failure_of_that_server():
    servers = named("postgres", hostile_postgres.BROKEN)
    seen = hostile_run.triage(servers, collect_seconds=_SECONDS)
    assert not list(hostile_run.wrongs(seen, servers, collect_seconds=_SECONDS, peak_mib=_PEAK_MIB))


def test_a_flood_is_read_to_a_limit():
    floods = ("rows without end", "a value of a gigabyte", "settings without end at the login")
    servers = named("postgres", {name: hostile_postgres.FLOODS[name] for name in floods})
    seen = hostile_run.triage(servers, collect_seconds=_SECONDS)
    assert not list(hostile_run.wrongs(seen, servers, collect_seconds=_SECONDS, peak_mib=_PEAK_MIB))
    unknown = {target for target, _, title in seen.findings("UNKNOWN") if "that are read" in title}
    assert unknown == set(servers)
