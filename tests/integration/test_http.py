"""HTTP against real sockets: every way an answer can come, and not come."""

import email.utils
import ssl
import time
from functools import partial
from pathlib import Path

import pytest

from incident_lib import clock, config
from incident_lib.connections import http
from incident_lib.errors import ProblemKind
from incident_lib.findings.base import Context
from incident_lib.findings.thresholds import Thresholds
from incident_lib.model import Evidence, EvidenceStatus, Finding, Window
from incident_lib.probes.base import run_lane
from incident_lib.technologies.http import findings as judge
from incident_lib.technologies.http import probes
from incident_lib.technologies.http.rows import HttpAnswer
from tests.integration import network_service as servers

WINDOW = Window(clock.now(), clock.now())


def get(port: int, path: str = "/", *, seconds: float = 2.0, redirects: int = 5) -> http.Answer:
    return http.get(f"http://127.0.0.1:{port}{path}", seconds=seconds, redirects=redirects)


def kind(answer: http.Answer) -> ProblemKind:
    assert answer.error is not None
    return answer.error.kind


def collect(text: str, tmp_path: Path, *, seconds: float = 2.0) -> Evidence:
    """Return the evidence of the first http lane of a configuration."""
    document = config.parse(f"[limits]\nhttp_seconds = {seconds}\n{text}")
    settings = config.Settings(document=document, root=tmp_path)
    (evidence,) = run_lane(probes.lanes(settings)[0], WINDOW)
    return evidence


def service(url: str, *health: str) -> str:
    return f'[[service]]\nname = "backend"\nkind = "http"\nurl = "{url}"\nhealth = {list(health)}\n'


def findings(evidence: Evidence) -> dict[str, Finding]:
    failed = evidence.status is EvidenceStatus.FAILED
    table = judge.ON_FAILURE if failed else judge.ANALYZERS
    found = table[evidence.probe](evidence, Context(window=WINDOW, thresholds=Thresholds()))
    return {finding.id: finding for finding in found}


def test_a_well_server_gives_all_phases() -> None:
    with servers.serve(servers.http("fine", headers=("Server: tiny", "Via: 1.1 edge"))) as port:
        answer = get(port, "/health?token=abc")
    assert (answer.status, answer.version, answer.body) == (200, "1.1", b"fine")
    assert set(answer.phases) == {"name", "connect", "first_byte", "body"}
    assert answer.headers["server"] == "tiny"
    assert answer.error is None


def test_first_byte_and_body_are_told_apart() -> None:
    with servers.serve(servers.http("fine", delay=0.2)) as port:
        answer = get(port)
    assert answer.phases["first_byte"] >= 0.2
    assert answer.phases["body"] < 0.1


def test_refused() -> None:
    answer = get(servers.free_port())
    assert kind(answer) is ProblemKind.REFUSED
    assert not answer.connected


def test_silent_is_told_from_late() -> None:
    with servers.serve(servers.silent) as port:
        answer = get(port, seconds=0.3)
    assert kind(answer) is ProblemKind.TIMED_OUT
    assert answer.silent
    assert answer.connected


@pytest.mark.parametrize("talk", [servers.drip, servers.drip_head])
def test_a_server_that_drips_is_ended_at_the_deadline(talk: servers.Conversation) -> None:
    with servers.serve(talk) as port:
        began = time.monotonic()
        answer = get(port, seconds=0.5)
    assert time.monotonic() - began < 0.8
    assert kind(answer) is ProblemKind.TIMED_OUT
    assert not answer.silent
    assert "first_byte" in answer.phases


def test_filtered_times_out_without_a_connection() -> None:
    with servers.full_backlog() as port:
        answer = get(port, seconds=0.4)
    assert kind(answer) is ProblemKind.TIMED_OUT
    assert not answer.connected
    assert not answer.silent


@pytest.mark.parametrize("talk", [servers.reset, servers.hang_up])
def test_a_connection_that_is_closed_without_an_answer_is_reset(talk: servers.Conversation) -> None:
    with servers.serve(talk) as port:
        assert kind(get(port)) is ProblemKind.RESET


def test_an_answer_that_is_cut_off_is_reset() -> None:
    with servers.serve(servers.says(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf")) as port:
        assert kind(get(port)) is ProblemKind.RESET


@pytest.mark.parametrize("data", [b"\x00\x01\x02\x03", b"ready\r\n", b"HTTP/1.1 x\r\n"])
def test_something_else_on_the_port(data: bytes) -> None:
    with servers.serve(servers.says(data)) as port:
        assert kind(get(port)) is ProblemKind.PROTOCOL


def test_a_large_body_is_cut_and_said() -> None:
    with servers.serve(servers.http(b"x" * 10_000_000)) as port:
        answer = get(port)
    assert (answer.status, len(answer.body), answer.truncated) == (200, http.BODY_LIMIT_BYTES, True)


def test_a_chunked_body_is_read() -> None:
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with servers.serve(servers.says(data)) as port:
        assert get(port).body == b"abcde"


def test_redirects_on_the_same_host_are_followed() -> None:
    moved = servers.http("", "302 Found", ("Location: /there?code=1",))
    with servers.serve(servers.routes({"/": moved, "/there?code=1": servers.http("here")})) as port:
        answer = get(port)
        kept = get(port, redirects=0)
    assert (answer.status, answer.body) == (200, b"here")
    assert answer.redirects == (f"http://127.0.0.1:{port}/there?[query]",)
    assert kept.status == 302


def test_a_redirect_loop_ends() -> None:
    with servers.serve(servers.http("", "302 Found", ("Location: /",))) as port:
        answer = get(port)
    assert kind(answer) is ProblemKind.PROTOCOL
    assert len(answer.redirects) == 5


def test_a_redirect_to_another_host_is_not_followed() -> None:
    with servers.serve(servers.http("", "301 Moved", ("Location: http://elsewhere.invalid/",))) as port:
        answer = get(port)
    assert (answer.status, answer.error, answer.redirects) == (301, None, ())


def test_ipv6() -> None:
    with servers.serve(servers.http("six"), host="::1") as port:
        assert http.get(f"http://[::1]:{port}/", seconds=2).body == b"six"


def test_an_address_that_is_refused_does_not_hide_the_other() -> None:
    with servers.serve(servers.http("four")) as port:  # localhost is ::1 and 127.0.0.1 on most machines
        assert http.get(f"http://localhost:{port}/", seconds=2).body == b"four"


@pytest.mark.parametrize("name", ["no-such-host.invalid", "nö-such-höst.invalid", "a" * 64 + ".invalid"])
def test_a_name_that_does_not_resolve(name: str) -> None:
    answer = http.get(f"http://{name}/", seconds=5)
    assert kind(answer) is ProblemKind.NAME_NOT_RESOLVED


@pytest.mark.parametrize("url", ["http://", "ftp://a.example/", "http://a.example:99999/", "nonsense"])
def test_what_is_no_address_is_ours(url: str) -> None:
    assert kind(http.get(url, seconds=1)).is_ours


def test_credentials_are_sent_and_never_shown() -> None:
    seen: list[str] = []

    def talk(connection: servers.socket.socket) -> None:
        seen.append(servers.read_request(connection))
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with servers.serve(talk) as port:
        http.get(f"http://app:hunter2@127.0.0.1:{port}/", seconds=2)
        message = str(http.get(f"http://app:hunter2@127.0.0.1:{servers.free_port()}/", seconds=2).error)
    assert "Authorization: Basic YXBwOmh1bnRlcjI=" in seen[0]
    assert "hunter2" not in message


def test_tls_with_a_private_authority(tmp_path: Path) -> None:
    authority = servers.Authority(tmp_path)
    with servers.serve(servers.http("safe"), context=authority.context("127.0.0.1")) as port:
        url = f"https://127.0.0.1:{port}/"
        trusted = http.get(url, seconds=2, ca=authority.path)
        refused = http.get(url, seconds=2)
        missing = http.get(url, seconds=2, ca=tmp_path / "none.pem")
    assert trusted.status == 200
    assert trusted.phases["tls"] > 0
    assert kind(refused) is ProblemKind.TLS
    assert kind(missing) is ProblemKind.NOT_CONFIGURED


def test_tls_trusts_what_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = servers.Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    with servers.serve(servers.http("safe"), context=authority.context("127.0.0.1")) as port:
        assert http.get(f"https://127.0.0.1:{port}/", seconds=2).status == 200


def test_a_tls_server_that_is_silent_is_silent() -> None:
    with servers.serve(servers.silent) as port:
        answer = http.get(f"https://127.0.0.1:{port}/", seconds=0.3)
    assert answer.silent


def test_health_of_a_well_service(tmp_path: Path) -> None:
    table = {"/health": servers.http("ok"), "/ready": servers.http('{"database": "ok"}')}
    with servers.serve(servers.routes(table)) as port:
        evidence = collect(service(f"http://127.0.0.1:{port}", "/health", "/ready"), tmp_path)
    rows = evidence.of(HttpAnswer)
    assert [row.path for row in rows] == ["/health", "/ready"]
    assert [len(row.sample_seconds) for row in rows] == [3, 3]
    assert set(findings(evidence)) == {"http.health.ok"}


def test_health_of_a_service_whose_database_is_down(tmp_path: Path) -> None:
    body = '{"status": "unavailable", "checks": {"database": {"status": "down", "error": "refused"}}}'
    table = {"/health": servers.http("ok"), "/ready": servers.http(body, "503 Service Unavailable")}
    with servers.serve(servers.routes(table)) as port:
        evidence = collect(service(f"http://127.0.0.1:{port}", "/health", "/ready"), tmp_path)
    found = findings(evidence)
    assert set(found) == {"http.health.status", "http.health.part"}
    assert found["http.health.status"].title == "/ready answers 503: database is down"
    assert found["http.health.part"].data["part"] == "database"
    assert found["http.health.part"].severity == "CRITICAL"


def test_health_is_data_where_one_address_hangs(tmp_path: Path) -> None:
    table = {"/health": servers.http("ok"), "/ready": servers.silent}
    with servers.serve(servers.routes(table)) as port:
        evidence = collect(service(f"http://127.0.0.1:{port}", "/health", "/ready"), tmp_path, seconds=0.5)
    assert evidence.status is EvidenceStatus.COLLECTED
    found = findings(evidence)
    assert set(found) == {"http.health.silent"}
    assert found["http.health.silent"].title.startswith("/ready: ")


def test_health_fails_where_nothing_answers(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{servers.free_port()}"
    evidence = collect(service(url, "/health?key=secret", "/ready"), tmp_path)
    assert evidence.status is EvidenceStatus.FAILED
    found = findings(evidence)["http.health.refused"]
    assert found.severity == "CRITICAL"
    assert found.data["url"] == f"{url}/health?[query]"


def test_a_slow_service_is_asked_once(tmp_path: Path) -> None:
    with servers.serve(servers.http("late", delay=1.1)) as port:
        evidence = collect(service(f"http://127.0.0.1:{port}"), tmp_path, seconds=3)
    (row,) = evidence.of(HttpAnswer)
    assert len(row.sample_seconds) == 1
    found = findings(evidence)
    assert set(found) == {"http.health.slow"}
    assert found["http.health.slow"].data["phase"] == "first_byte"


def test_a_dependency_is_asked_as_it_is_written(tmp_path: Path) -> None:
    authority = servers.Authority(tmp_path)
    context = authority.context("127.0.0.1", not_before=servers.NOW - 9 * servers.DAY, not_after=servers.NOW)
    with servers.serve(servers.http("ok"), context=context) as port:
        text = f'[[dependency]]\nname = "pay"\nurl = "https://127.0.0.1:{port}/h"\nca = "file:ca.pem"\n'
        evidence = collect(text, tmp_path)
    found = findings(evidence)
    assert set(found) == {"http.health.tls"}
    assert "expired" in found["http.health.tls"].title


def test_an_address_that_is_not_set_is_unknown(tmp_path: Path) -> None:
    evidence = collect(service("env:WORKBENCH_TEST_NOT_SET"), tmp_path)
    (found,) = findings(evidence).values()
    assert found.severity == "UNKNOWN"


@pytest.mark.parametrize(
    "body", [b"\xff\xfe broken", b"<html><script>alert(1)</script></html>", b"[" * 100_000, b"", b"null"]
)
def test_odd_bodies_are_survived(body: bytes, tmp_path: Path) -> None:
    with servers.serve(servers.http(body, "500 Internal Server Error")) as port:
        evidence = collect(service(f"http://127.0.0.1:{port}"), tmp_path)
    assert set(findings(evidence)) == {"http.health.status"}
    assert "<" not in findings(evidence)["http.health.status"].detail


def test_many_addresses_cost_no_more_than_one(tmp_path: Path) -> None:
    with servers.serve(servers.silent) as port:
        began = time.monotonic()
        collect(service(f"http://127.0.0.1:{port}", *(f"/{n}" for n in range(10))), tmp_path, seconds=0.5)
    assert time.monotonic() - began < 1.0


def test_a_lane_can_be_sent_to_another_process(tmp_path: Path) -> None:
    import pickle

    document = config.parse(service("http://127.0.0.1:1"))
    (lane,) = probes.lanes(config.Settings(document=document, root=tmp_path))
    assert isinstance(lane.open, partial)
    again = pickle.loads(pickle.dumps((lane.open, [probe.fetch for probe in lane.probes])))
    assert again[0]().urls == ("http://127.0.0.1:1/",)


def dated(seconds: float, *headers: str) -> servers.Conversation:
    """Return a server whose clock is off."""

    def talk(connection: servers.socket.socket) -> None:
        date = email.utils.formatdate(time.time() + seconds, usegmt=True)
        servers.http("ok", headers=(f"Date: {date}", *headers))(connection)

    return talk


@pytest.mark.parametrize(("seconds", "direction"), [(90, "ahead of"), (-3600, "behind")])
def test_a_clock_that_is_off(tmp_path: Path, seconds: float, direction: str) -> None:
    with servers.serve(dated(seconds)) as port:
        evidence = collect(service(f"http://127.0.0.1:{port}", "/health"), tmp_path)
    found = findings(evidence)
    assert set(found) == {"http.health.ok", "http.health.clock"}
    one = found["http.health.clock"]
    assert direction in one.title
    assert one.data["difference_seconds"] == pytest.approx(seconds, abs=5)


@pytest.mark.parametrize("talk", [dated(0), dated(-90, "Age: 90"), dated(-900, "X-Cache: HIT from edge")])
def test_a_clock_that_is_well_or_that_nobody_can_tell(tmp_path: Path, talk: servers.Conversation) -> None:
    with servers.serve(talk) as port:
        evidence = collect(service(f"http://127.0.0.1:{port}", "/health"), tmp_path)
    assert set(findings(evidence)) == {"http.health.ok"}


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Jan 2026 14:30:00 GMT", "0"])
def test_a_date_that_is_none(tmp_path: Path, date: str) -> None:
    with servers.serve(servers.http("ok", headers=(f"Date: {date}",))) as port:
        evidence = collect(service(f"http://127.0.0.1:{port}", "/health"), tmp_path)
    (row,) = evidence.of(HttpAnswer)
    assert row.clock_difference_seconds is None


def test_a_slow_answer_leaves_its_clock_open(tmp_path: Path) -> None:
    """The date may be of the beginning or of the end of the wait."""

    def talk(connection: servers.socket.socket) -> None:
        servers.read_request(connection)
        date = email.utils.formatdate(time.time() - 5.5, usegmt=True)
        time.sleep(1.5)
        head = f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head.encode("latin-1"))

    with servers.serve(talk) as port:
        evidence = collect(service(f"http://127.0.0.1:{port}", "/health"), tmp_path, seconds=5)
    (row,) = evidence.of(HttpAnswer)
    assert row.clock_error_seconds is not None
    assert row.clock_error_seconds > 2
    assert "http.health.clock" not in findings(evidence)


def test_a_server_that_asks_for_a_certificate_is_not_assessed(tmp_path: Path) -> None:
    authority = servers.Authority(tmp_path)
    context = authority.context("127.0.0.1")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.path)
    with servers.serve(servers.http("safe"), context=context) as port:
        error = http.get(f"https://127.0.0.1:{port}/", seconds=2, ca=authority.path).error
    assert error is not None
    assert error.kind.is_ours, error.message
