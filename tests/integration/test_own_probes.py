"""The team's own probes on real servers, files and containers, and packages that add probes."""

import http.server
import os
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from incident_lib import config
from incident_lib.errors import ConfigError, ProblemKind
from incident_lib.investigation.case import Case
from incident_lib.investigation.collect import Watch
from incident_lib.investigation.plan import plan_lanes
from incident_lib.investigation.setup import patterns_for
from incident_lib.investigation.snapshot import take_snapshot
from incident_lib.model import Evidence, EvidenceStatus
from incident_lib.model.rows import Measurement
from incident_lib.probes.base import run_lane
from tests.integration import docker_service, postgres_service
from tests.integration.postgres_service import Server
from tests.integration.postgres_triage import window

any_server = postgres_service.any_server
engine = docker_service.engine

METRICS = "# TYPE jobs gauge\n" + "".join(f"filler{n} 1\n" for n in range(9000)) + 'jobs{queue="mail"} 7\n'


def _settings(folder: Path, text: str) -> config.Settings:
    path = folder / "workbench.toml"
    path.write_text(text)
    return config.load(path)


def _own(settings: config.Settings, *names: str) -> dict[str, Evidence]:
    """Return the evidence of the team's own probes alone, of lanes that have any."""
    own = {probe.name for probe in settings.document.probe}
    lanes = [lane for lane in plan_lanes(settings) if any(probe.name in own for probe in lane.probes)]
    found = [one for lane in lanes for one in run_lane(lane, window())]
    return {one.probe: one for one in found if one.probe in (names or own)}


def _values(evidence: Evidence) -> list[tuple[float | None, dict[str, str]]]:
    assert evidence.status is EvidenceStatus.COLLECTED, evidence.problem
    return [(row.value, row.labels) for row in evidence.of(Measurement)]


def _kind(evidence: Evidence) -> ProblemKind | None:
    assert evidence.status is EvidenceStatus.FAILED
    return evidence.problem.kind if evidence.problem else None


def _sql(name: str, statement: str, more: str = "") -> str:
    return f'[[probe]]\nname = "shop.{name}"\ntarget = "db"\nkind = "sql"\nsql = """{statement}"""\n{more}\n'


@pytest.fixture
def orders(any_server: Server) -> Iterator[Server]:
    with any_server.connect() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS public.own_orders (state text, total numeric)")
        connection.execute("TRUNCATE public.own_orders")
        connection.execute("INSERT INTO public.own_orders SELECT 'waiting', 2.5 FROM generate_series(1, 7)")
        connection.execute("GRANT SELECT ON public.own_orders TO workbench")
        connection.execute("CREATE TABLE IF NOT EXISTS public.own_hidden (id int)")
        yield any_server
        connection.execute("DROP TABLE public.own_orders, public.own_hidden")


@pytest.mark.postgres
def test_statements(orders: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWN_DSN", orders.dsn())
    table = "public.own_orders"
    settings = _settings(
        tmp_path,
        '[[service]]\nname = "db"\nkind = "postgres"\ndsn = "env:OWN_DSN"\n'
        + _sql("count", f"SELECT state, count(*) FROM {table} GROUP BY state;", "warning = 5")
        + _sql("two", f"SELECT count(*) AS n, sum(total) AS sum FROM {table}", 'columns = ["n", "sum"]')
        + _sql("null", f"SELECT max(total) FROM {table} WHERE state = 'none'", "warning = 1")
        + _sql("none", f"SELECT total FROM {table} WHERE false")
        + _sql("many", f"SELECT total FROM {table}")
        + _sql("text", "SELECT 'a' AS a")
        + _sql("hidden", "SELECT count(*) FROM public.own_hidden")
        + _sql("unqualified", "SELECT count(*) FROM own_orders")
        + _sql("writes", f"WITH gone AS (DELETE FROM {table} RETURNING 1) SELECT count(*) FROM gone"),
    )
    found = _own(settings)
    assert _values(found["shop.count"]) == [(7, {"state": "waiting"})]
    assert _values(found["shop.two"]) == [(7, {"column": "n"}), (17.5, {"column": "sum"})]
    assert _values(found["shop.null"]) == [(None, {})]
    unsupported = ("none", "many", "text", "unqualified")
    assert {_kind(found[f"shop.{name}"]) for name in unsupported} == {ProblemKind.UNSUPPORTED}
    assert _kind(found["shop.hidden"]) is ProblemKind.PRIVILEGE
    assert found["shop.writes"].status is EvidenceStatus.FAILED
    assert f"FROM {table} GROUP BY state" in found["shop.count"].source
    with orders.connect() as connection:
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (7,)


@pytest.mark.postgres
def test_slow_statements_are_ended_and_are_no_silence(orders: Server, tmp_path: Path) -> None:
    settings = _settings(
        tmp_path,
        '[[service]]\nname = "db"\nkind = "postgres"\ndsn = "env:OWN_DSN"\n'
        + "".join(
            _sql(name, "SELECT count(*) FROM generate_series(1, 100000000000) a") for name in ("a", "b")
        )
        + _sql("c", "SELECT 7"),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OWN_DSN", orders.dsn())
        found = _own(settings)
    assert [_kind(found[f"shop.{name}"]) for name in ("a", "b")] == [ProblemKind.TIMED_OUT] * 2
    problems = [found[f"shop.{name}"].problem for name in ("a", "b")]
    assert [problem.answered for problem in problems if problem] == [True, True]
    assert _values(found["shop.c"]) == [(7, {})]


class _Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        pages = {
            "/stats": b'{"queues": [{"depth": 12}], "password": "hunter2"}',
            "/metrics": METRICS.encode(),
        }
        if self.path == "/slow":
            time.sleep(2)
        body = pages.get(self.path, b"sorry")
        self.send_response(200 if self.path in pages else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{served.server_address[1]}"
        served.shutdown()
        thread.join()


def _http(name: str, url: str, more: str = "") -> str:
    return f'[[probe]]\nname = "shop.{name}"\ntarget = "api"\nkind = "http"\nurl = "{url}"\n{more}\n'


def test_answers(site: str, tmp_path: Path) -> None:
    free = postgres_service.free_port()
    settings = _settings(
        tmp_path,
        f'[limits]\nhttp_seconds = 1\n[[service]]\nname = "api"\nkind = "http"\nurl = "{site}"\n'
        + _http("depth", "/stats", 'json = "queues[0].depth"')
        + _http("jobs", "/metrics", 'metric = "jobs"\nlabels = { queue = "mail" }')
        + _http("status", f"{site}/broken")
        + _http("lost", "/stats", 'json = "nothing.here"')
        + _http("broken", "/broken", 'json = "queues"')
        + _http("refused", f"http://127.0.0.1:{free}/")
        + _http("slow", "/slow"),
    )
    found = _own(settings)
    assert _values(found["shop.depth"]) == [(12, {})]
    assert "hunter2" not in repr(found["shop.depth"])
    assert _values(found["shop.jobs"]) == [(7, {"queue": "mail"})]
    assert _values(found["shop.status"]) == [(503, {})]
    kinds = {name: _kind(found[f"shop.{name}"]) for name in ("lost", "broken", "refused", "slow")}
    assert list(kinds.values()) == [
        ProblemKind.UNSUPPORTED,
        ProblemKind.PROTOCOL,
        ProblemKind.REFUSED,
        ProblemKind.TIMED_OUT,
    ]


def _file(name: str, path: str, measure: str = "value", more: str = "") -> str:
    return (
        f'[[probe]]\nname = "shop.{name}"\ntarget = "host"\nkind = "file"\nfile = "{path}"\n'
        f'measure = "{measure}"\n{more}\n'
    )


def test_files(tmp_path: Path) -> None:
    (tmp_path / "depth").write_text("waiting: 42\n")
    (tmp_path / "words").write_text("none\n")
    os.utime(tmp_path / "words", (time.time() - 600, time.time() - 600))
    os.mkfifo(tmp_path / "pipe")
    settings = _settings(
        tmp_path,
        _file("depth", "depth")
        + _file("age", "words", "age")
        + _file("size", "words", "size")
        + _file("words", "words")
        + _file("gone", "gone")
        + _file("pipe", "pipe"),
    )
    found = _own(settings)
    assert _values(found["shop.depth"]) == [(42, {})]
    assert _values(found["shop.size"]) == [(5, {})]
    ((age, _),) = _values(found["shop.age"])
    assert age is not None
    assert 599 < age < 660
    assert [_kind(found[f"shop.{name}"]) for name in ("words", "gone", "pipe")] == [
        ProblemKind.UNSUPPORTED,
        ProblemKind.NOT_FOUND,
        ProblemKind.UNSUPPORTED,
    ]


@pytest.mark.docker
def test_commands(engine: Any, tmp_path: Path) -> None:
    def command(name: str, argv: str, more: str = "") -> str:
        return (
            f'[[probe]]\nname = "shop.{name}"\ntarget = "api"\nkind = "command"\ncommand = {argv}\n{more}\n'
        )

    queue = ["sh", "-c", "printf 'a\\nb\\nc\\n' > /tmp/queue; sleep 600"]
    with docker_service.container(engine, queue, init=True) as made:
        settings = _settings(
            tmp_path,
            f'[[service]]\nname = "api"\nkind = "process"\ncontainer = "{made.name}"\n'
            + command("lines", '["wc", "-l", "/tmp/queue"]')
            + command("none", '["grep", "-c", "z", "/tmp/queue"]')
            + command("there", '["test", "-e", "/tmp/queue"]', 'read = "exit_code"')
            + command("gone", '["test", "-e", "/tmp/gone"]', 'read = "exit_code"')
            + command("failed", '["wc", "-l", "/tmp/gone"]'),
        )
        found = _own(settings)
    values = {name: _values(found[f"shop.{name}"])[0][0] for name in ("lines", "none", "there", "gone")}
    assert values == {"lines": 3, "none": 0, "there": 0, "gone": 1}
    assert _kind(found["shop.failed"]) is ProblemKind.UNSUPPORTED


@pytest.mark.postgres
@pytest.mark.docker
def test_statements_through_psql(engine: Any, tmp_path: Path) -> None:
    login = f"{docker_service.USER}@127.0.0.1:{postgres_service.free_port()}/{docker_service.DATABASE}"
    with docker_service.stack(engine, prefix=f"own-{uuid.uuid4().hex[:6]}-") as made:
        settings = _settings(
            tmp_path,
            f'[[service]]\nname = "db"\nkind = "postgres"\ndsn = "postgresql://{login}"\n'
            f'container = "{made.name("db")}"\n'
            + _sql("good", "SELECT 2.5::numeric AS n, 'mail' AS queue -- why")
            + _sql("lost", "SELECT count(*) FROM public.nothing"),
        )
        found = _own(settings)
    assert "psql inside the container" in found["shop.good"].source
    assert _values(found["shop.good"]) == [(2.5, {"queue": "mail"})]
    assert _kind(found["shop.lost"]) is ProblemKind.UNSUPPORTED


def _take(settings: config.Settings, folder: Path) -> Case:
    return take_snapshot(settings, folder / "snapshots", "15m", Watch(), deadline_seconds=10)


def test_a_whole_snapshot_tells_of_them(tmp_path: Path) -> None:
    (tmp_path / "depth").write_text("42")
    (tmp_path / "mail").write_text("7 for kim@example.com")
    case = _take(
        _settings(
            tmp_path,
            _file("depth", "depth", more='warning = 10\ncritical = 40\ntitle = "Orders waiting"')
            + _file("gone", "gone"),
        ),
        tmp_path,
    )
    (high,) = case.findings("shop.depth")
    assert (high.id, str(high.severity), high.title) == (
        "shop.depth.high",
        "CRITICAL",
        "Orders waiting: 42",
    )
    assert [one.id for one in case.findings("shop.gone")] == ["shop.gone.unknown"]
    assert "shop.gone" in [one.probe for one in case.analysis.not_assessed]
    assert case.of("shop.depth")[0].of(Measurement)[0].value == 42


def test_a_cause_that_does_not_exist_is_a_wrong_configuration(tmp_path: Path) -> None:
    settings = _settings(tmp_path, _file("depth", "depth", more='supports = ["servce-down"]'))
    with pytest.raises(ConfigError, match=r"line 2: key `supports`.*did you mean `service-down`"):
        patterns_for(settings)


ADDED = """
from functools import partial
from incident_lib.connections.session import NoSession
from incident_lib.findings.base import finding
from incident_lib.model import FindingSeverity
from incident_lib.model.rows import Measurement
from incident_lib.probes.base import Fetched, Lane, Probe

def fetch(session, window):
    return Fetched(rows=(Measurement(name="added.good", value=1.0),))

def nonsense(session, window):
    return ["no", "Fetched"]

def judge(evidence, context):
    yield finding(evidence, "seen", FindingSeverity.WARNING, "Seen by the added package")

def fall(evidence, context):
    raise ZeroDivisionError("in the analyzer")
    yield

PROBES = (
    Probe(name="added.good", fetch=fetch, question="?", source="none"),
    Probe(name="added.fall", fetch=fetch, question="?", source="none"),
    Probe(name="added.nonsense", fetch=nonsense, question="?", source="none"),
)
ANALYZERS = {"added.good": judge, "added.fall": fall, "http.health": fall}

def lanes(settings):
    return (Lane(target="cache", open=NoSession, probes=PROBES, name="added"),)
"""


def test_packages_add_probes_and_cannot_break_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    about = site / "own_added-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: own-added\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[incident_lib.probes]\nadded = own_added\nbroken = own_broken\nlost = own_lost\nlate = own_late\n"
    )
    (site / "own_added.py").write_text(ADDED)
    (site / "own_broken.py").write_text("1 / 0\n")
    (site / "own_late.py").write_text("PROBES = ()\ndef lanes(settings):\n    raise KeyError('x')\n")
    monkeypatch.syspath_prepend(str(site))
    try:
        case = _take(_settings(tmp_path, ""), tmp_path)
    finally:
        for name in ("own_added", "own_broken", "own_late"):
            sys.modules.pop(name, None)
    titles = {f"{one.target}/{one.id}": one.title for one in case.analysis.findings}
    assert titles["cache/added.good.seen"] == "Seen by the added package"
    assert "ZeroDivisionError: in the analyzer" in titles["cache/added.fall.unknown"]
    assert "no records that can be kept" in titles["cache/added.nonsense.unknown"]
    assert "ZeroDivisionError" in titles["broken/extension.load.unknown"]
    assert "No module named 'own_lost'" in titles["lost/extension.load.unknown"]
    assert "KeyError" in titles["late/extension.load.unknown"]
