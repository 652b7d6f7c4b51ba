"""Commands that a person can paste, made from the configuration: they read and change nothing.

A secret is never written out: `env:NAME` becomes "$NAME", `file:PATH` becomes "$(cat PATH)".
"""

from shlex import quote
from urllib.parse import urlsplit

import msgspec

from incident_lib.config import Dependency, Service

# In double quotes of a shell, so without any of " $ ` \\ !
_SQL = {
    "postgres.connection": "SELECT version(), pg_postmaster_start_time(), pg_is_in_recovery()",
    "postgres.server": "SELECT pg_postmaster_start_time(), pg_conf_load_time(), pg_is_in_recovery()",
    "postgres.saturation": (
        "SELECT count(*), current_setting('max_connections') AS most FROM pg_stat_activity"
        " WHERE backend_type = 'client backend'"
    ),
    "postgres.activity": (
        "SELECT application_name, usename, state, count(*) FROM pg_stat_activity"
        " GROUP BY 1, 2, 3 ORDER BY 4 DESC"
    ),
    "postgres.transactions": (
        "SELECT pid, application_name, state, now() - xact_start AS open_for, wait_event,"
        " left(query, 80) AS query FROM pg_stat_activity"
        " WHERE xact_start IS NOT NULL ORDER BY xact_start LIMIT 20"
    ),
    "postgres.locks": (
        "SELECT pid, pg_blocking_pids(pid) AS blocked_by, application_name, state,"
        " now() - xact_start AS open_for, left(query, 80) AS query FROM pg_stat_activity"
        " WHERE cardinality(pg_blocking_pids(pid)) > 0 ORDER BY xact_start"
    ),
    "postgres.statements": (
        "SELECT calls, round(total_exec_time) AS ms, left(query, 80) AS query FROM pg_stat_statements"
        " ORDER BY total_exec_time DESC LIMIT 10"
    ),
    "postgres.tables": (
        "SELECT relname, seq_scan, seq_tup_read, n_live_tup, n_dead_tup FROM pg_stat_user_tables"
        " ORDER BY seq_tup_read DESC LIMIT 10"
    ),
    "postgres.counters": (
        "SELECT datname, xact_rollback, deadlocks, temp_files, temp_bytes FROM pg_stat_database"
    ),
    "postgres.replication": (
        "SELECT slot_name, active, wal_status, restart_lsn FROM pg_replication_slots ORDER BY active"
    ),
    "postgres.archiver": (
        "SELECT last_archived_wal, last_archived_time, last_failed_time FROM pg_stat_archiver"
    ),
    "postgres.horizon": (
        "SELECT pid, application_name, age(backend_xmin), now() - xact_start AS age FROM pg_stat_activity"
        " WHERE backend_xmin IS NOT NULL ORDER BY 3 DESC LIMIT 10"
    ),
    "postgres.databases": "SELECT datname, pg_size_pretty(pg_database_size(oid)) FROM pg_database",
}
_REDIS = {
    "redis.connection": ("PING",),
    "redis.memory": ("INFO", "memory"),
    "redis.errors": ("INFO", "errorstats"),
    "redis.clients": ("INFO", "clients"),
    "redis.persistence": ("INFO", "persistence"),
    "redis.replication": ("INFO", "replication"),
    "redis.slowlog": ("SLOWLOG", "GET", "10"),
    "redis.commands": ("INFO", "commandstats"),
    "redis.keyspace": ("INFO", "keyspace"),
}


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One command for a shell, and what it shows."""

    text: str
    shows: str


def first_look(target: Service | Dependency) -> tuple[Command, ...]:
    """Return the first commands to run, whatever is wrong."""
    if isinstance(target, Dependency):
        return _outside(target)
    probes = {
        "http": ("http.health",),
        "postgres": ("postgres.connection", "postgres.saturation", "postgres.locks"),
        "redis": ("redis.connection", "redis.memory", "redis.clients"),
        "process": (),
    }[target.kind]
    return tuple(
        found for probe in (*probes, "docker.container", "logs.lines") for found in look(probe, target)
    )


def look(probe: str, target: Service | Dependency) -> tuple[Command, ...]:
    """Return the commands that show by hand what a probe collects; none where it is unknown how."""
    if isinstance(target, Dependency):
        return _outside(target) if probe.startswith(("http.", "network.")) else ()
    if probe in _SQL and target.kind == "postgres":
        return _sql(target, _SQL[probe], probe)
    if probe in _REDIS and target.kind == "redis":
        return _redis(target, _REDIS[probe], probe)
    if probe.startswith("http.") and target.kind == "http":
        return tuple(_curl(target.url.rstrip("/") + path) for path in target.health or ("/",) if target.url)
    technology = probe.partition(".")[0]
    ways = {"docker": _process, "process": _process, "logs": _logs}
    return tuple(ways[technology](target)) if technology in ways else ()


def _sql(target: Service, statement: str, probe: str) -> tuple[Command, ...]:
    if target.dsn:
        way = f"psql {_reference(target.dsn)}"
    elif target.container:
        way = f"docker exec {quote(target.container)} psql -U postgres"
    else:
        return ()
    return (Command(text=f'{way} -X -c "{statement}"', shows=_shows(probe)),)


def _redis(target: Service, words: tuple[str, ...], probe: str) -> tuple[Command, ...]:
    if target.url:
        way = f"redis-cli --no-auth-warning -u {_redis_address(target.url)}"
    elif target.container:
        way = f"docker exec {quote(target.container)} redis-cli"
    else:
        return ()
    return (Command(text=f"{way} {' '.join(words)}", shows=_shows(probe)),)


def _curl(url: str) -> Command:
    wanted = quote(r"\n%{http_code} in %{time_total} s\n")
    return Command(text=f"curl -sS -m 10 -w {wanted} {_reference(url)}", shows="status, body and time")


def _process(target: Service) -> list[Command]:
    name = quote(target.container)
    if target.container:
        template = (
            "{{.State.Status}} exit={{.State.ExitCode}} oom={{.State.OOMKilled}}"
            " restarts={{.RestartCount}} since={{.State.StartedAt}}"
        )
        return [
            Command(
                text=f"docker inspect --format {quote(template)} {name}", shows="state, exit code, restarts"
            ),
            Command(text=f"docker stats --no-stream {name}", shows="CPU and memory"),
        ]
    if target.pid_file:
        pid = f'"$(head -n 1 {quote(target.pid_file)})"'
        return [
            Command(text=f"ps -o pid,etime,pcpu,rss,stat,args -p {pid}", shows="whether it runs, since when")
        ]
    return []


def _logs(target: Service) -> list[Command]:
    if target.container:
        text = f"docker logs --timestamps --since 15m --tail 200 {quote(target.container)}"
        return [Command(text=text, shows="its last lines")]
    if target.log:
        return [Command(text=f"tail -n 200 {quote(target.log)}", shows="its last lines")]
    return []


def _outside(target: Dependency) -> tuple[Command, ...]:
    parts = urlsplit(target.url)
    host = parts.hostname or parts.path.strip("/")
    port = parts.port or {"https": 443, "tls": 443, "http": 80}.get(parts.scheme)
    found = [Command(text=f"getent hosts {quote(host)}", shows="whether its name resolves here")]
    if parts.scheme in {"http", "https"}:
        authority = f" --cacert {quote(target.ca.removeprefix('file:'))}" if target.ca else ""
        curl = _curl(target.url)
        text = curl.text.replace("curl -sS", f"curl -sS{authority}", 1)
        found.append(msgspec.structs.replace(curl, text=text))
    if parts.scheme in {"https", "tls"}:
        text = (
            f"openssl s_client -connect {quote(f'{host}:{port}')} -servername {quote(host)}"
            " </dev/null 2>/dev/null | openssl x509 -noout -subject -issuer -dates"
        )
        found.append(Command(text=text, shows="its certificate"))
    if parts.scheme == "tcp" and port:
        text = f"timeout 5 bash -c {quote(f'</dev/tcp/{host}/{port}')} && echo open"
        found.append(Command(text=text, shows="whether the port answers"))
    return tuple(found)


def _reference(value: str) -> str:
    """Return an address for a shell, a secret only by reference.

    >>> _reference("env:DATABASE_URL"), _reference("file:secrets/db.dsn"), _reference("http://a/b?c")
    ('"$DATABASE_URL"', '"$(cat secrets/db.dsn)"', "'http://a/b?c'")
    """
    scheme, _, rest = value.partition(":")
    if scheme == "env" and rest.isidentifier():
        return f'"${rest}"'
    return f'"$(cat {quote(rest)})"' if scheme == "file" else quote(value)


def _redis_address(value: str) -> str:
    """Return the address for redis-cli, which takes a password without a user for one of user "".

    >>> _redis_address("file:cache.url"), _redis_address("redis://cache:6379")
    ('"$(sed s,://:,://default:, cache.url)"', 'redis://cache:6379')
    """
    scheme, _, rest = value.partition(":")
    if scheme == "file":
        return f'"$(sed s,://:,://default:, {quote(rest)})"'
    if scheme == "env" and rest.isidentifier():
        return f'"$(printenv {rest} | sed s,://:,://default:,)"'
    return _reference(value)


def _shows(probe: str) -> str:
    """Return what a probe collects, for people.

    >>> _shows("postgres.locks")
    'locks'
    """
    return probe.partition(".")[2]
