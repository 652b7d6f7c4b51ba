"""What probes take on servers that hold much, against the same on empty ones."""

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from comparing import Goal, Row, Turn, Way, by_turns, called, ratio

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.integration import postgres_service, postgres_triage, redis_service

_CONNECTIONS, _TABLES, _KEYS = 400, 10_000, 5_000_000
_SLOWEST_MS = 10
_MAKE_TABLES = """
DO $$ BEGIN FOR i IN {} .. {} LOOP
    EXECUTE format('CREATE TABLE bench_%s (id serial PRIMARY KEY, n int)', i);
END LOOP; END $$
"""
_AT_ONCE = 500  # tables in one transaction, which must hold a lock on each


def rows(turns: int) -> Iterator[Row]:
    """Yield a row for PostgreSQL and one for Redis."""
    if not postgres_service.installations():
        yield Row(name="postgres", what="PostgreSQL probes", skipped="there is no PostgreSQL here")
    else:
        yield from _postgres(turns)
    try:
        redis_service.binary("redis")
    except BaseException as error:  # noqa: BLE001 - pytest's own way to skip
        yield Row(name="redis", what="Redis probes", skipped=str(error))
    else:
        yield _redis(turns)


def _postgres(turns: int) -> Iterator[Row]:
    installation = postgres_service.installations()[-1]
    with ExitStack() as ending:
        empty = ending.enter_context(postgres_service.running(installation))
        full = ending.enter_context(
            postgres_service.running(installation, max_connections=_CONNECTIONS + 50, autovacuum="off")
        )
        with full.connect() as admin:
            for begin in range(1, _TABLES, _AT_ONCE):
                admin.execute(_MAKE_TABLES.format(begin, begin + _AT_ONCE - 1).encode())
        kept: dict[str, list[dict[str, float]]] = {"empty": [], "full": []}
        for _ in range(_CONNECTIONS):
            ending.enter_context(full.connect(application_name="web"))
        most = [0]

        def probed(name: str, server: postgres_service.Server) -> Turn:
            """Return what all probes take, and keep what each took."""
            return called(lambda: kept[name].append(_durations(server)))

        with _counted(full, most):
            ways = by_turns(
                {
                    "an idle, empty server": lambda: probed("empty", empty),
                    f"{_CONNECTIONS} connections, {_TABLES:,} tables": lambda: probed("full", full),
                },
                turns,
            )
    first = {name: Way(name, tuple(Turn(_tier_0(each)) for each in taken)) for name, taken in kept.items()}
    yield Row(
        name="postgres",
        what=f"PostgreSQL probes, {_CONNECTIONS} connections and {_TABLES:,} tables, against an empty server",
        ways=ways,
        goals=(
            Goal("of the wall time on an empty server, everything", ratio(ways[1], ways[0]), 1.5),
            Goal("of the same, probes of tier 0", ratio(first["full"], first["empty"]), 2.0),
            Goal("seconds, samples included", ways[1].median(), 4.0),
            Goal("connections of ours at any time", most[0], 1),
        ),
        limit="the second and more between the two readings of `postgres.counters`",
    )


def _durations(server: postgres_service.Server) -> dict[str, float]:
    evidence = postgres_triage.collect(server.settings())
    return {name: each.duration_seconds for name, each in evidence.items()}


def _tier_0(durations: dict[str, float]) -> float:
    """Return what the probes of tier 0 took."""
    (lane,) = postgres_triage.postgres.lanes(postgres_service.settings())
    first = {probe.name.partition(".")[2] for probe in lane.probes if probe.tier == 0}
    return sum(seconds for name, seconds in durations.items() if name in first)


class _counted:  # noqa: N801 - used like a function
    """Counts our connections to a server while it is entered, and keeps the most in a list of one number."""

    def __init__(self, server: postgres_service.Server, most: list[int]) -> None:
        self._server, self._most = server, most
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _count(self) -> None:
        ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'incident-workbench'"
        with self._server.connect(application_name="counting") as connection:
            while not self._stop.wait(0.05):
                (number,) = connection.execute(ours.encode()).fetchone() or (0,)
                self._most[0] = max(self._most[0], number)


def _redis(turns: int) -> Row:
    options = ("--save", "", "--appendonly", "no", "--enable-debug-command", "yes")
    slow = ("--slowlog-log-slower-than", str(_SLOWEST_MS * 1000), "--slowlog-max-len", "1000")
    with (
        redis_service.running("redis", *options) as empty,
        redis_service.running("redis", *options, *slow) as full,
    ):
        client = full.client(socket_timeout=600)
        client.execute_command("DEBUG", "POPULATE", str(_KEYS))
        client.slowlog_reset()
        ways = by_turns(
            {
                "an empty server": lambda: _probed(empty),
                f"{_KEYS:,} keys": lambda: _probed(full),
            },
            turns,
        )
        slowlog = client.slowlog_get(1000)
    return Row(
        name="redis",
        what=f"Redis probes with {_KEYS:,} keys, against an empty server",
        ways=ways,
        goals=(
            Goal("seconds", ways[1].median(), 3.0),
            Goal(f"commands of ours over {_SLOWEST_MS} ms in the slow log", len(slowlog), 0),
        ),
        limit="the second between two samples of INFO",
    )


def _probed(server: redis_service.Server) -> Turn:
    settings = redis_service.settings_for(server.url)
    return called(lambda: redis_service.collect(settings))
