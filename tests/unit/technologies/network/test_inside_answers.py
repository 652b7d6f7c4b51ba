"""What a look from inside a container printed, as records; what it printed is not trusted."""

import json
from pathlib import Path

import msgspec
import pytest

from incident_lib.errors import ProblemKind
from incident_lib.technologies.network.probes.dependency_addresses import DependencyAddress
from incident_lib.technologies.network.probes.endpoint import Endpoint
from incident_lib.technologies.network.probes.inside_answers import rows_of_python, rows_of_shell
from incident_lib.technologies.network.rows import NameAnswer, PortAnswer, TlsAnswer, Trust

PAY = DependencyAddress(
    dependency="pay",
    endpoint=Endpoint(host="pay.example.com", port=443, uses_tls=True),
    source="workbench.toml",
)
ASKED = (PAY,)


def python(**answer: object) -> tuple[list[object], tuple[str, ...]]:
    rows, missing = rows_of_python(json.dumps([{"id": 0, "stage": "done", **answer}]), ASKED, "app")
    return list(rows), missing


@pytest.mark.parametrize("text", ["", "Traceback", "{}", "[1]", '[{"id": "x"}]', '[{"id": 0, "ports": 1}]'])
def test_what_is_no_answer(text: str) -> None:
    assert rows_of_python(text, ASKED, "app") == ((), ())


def test_names() -> None:
    (row,), _ = python(addresses=["192.0.2.7"], name_seconds=0.1)
    assert isinstance(row, NameAnswer)
    assert (row.code, row.addresses, row.asked, row.dependency) == (
        "NOERROR",
        ("192.0.2.7",),
        "container app",
        "pay",
    )
    (row,), _ = python(name_error="EAI_NONAME")
    assert isinstance(row, NameAnswer)
    assert (row.code, row.error) == ("NXDOMAIN", "no such name")
    (row,), _ = python(name_error="EAI_AGAIN")
    assert isinstance(row, NameAnswer)
    assert (row.code, row.error) == (None, "no resolver gave an answer")
    (row,), _ = python(stage="name")
    assert isinstance(row, NameAnswer)
    assert (row.code, row.error) == (None, "no resolver answered in time")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("169.254.169.254", "169.254.169.254 is the address of a cloud's metadata service"),
        ("169.254.7.7", "169.254.7.7 is a link-local address"),
        ("10.0.0.7", ""),
    ],
)
def test_a_name_that_leads_where_no_service_is(address: str, words: str) -> None:
    for rows in (python(addresses=["192.0.2.7", address])[0], shell(f"0|name|0|192.0.2.7 {address} ")[0]):
        (row,) = rows
        assert isinstance(row, NameAnswer)
        assert (row.code, row.addresses) == ("NOERROR", ("192.0.2.7", address))
        assert row.error.partition(":")[0] == words


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("", None),
        ("ECONNREFUSED", ProblemKind.REFUSED),
        ("timeout", ProblemKind.TIMED_OUT),
        ("ECONNRESET", ProblemKind.RESET),
        ("EHOSTUNREACH", ProblemKind.UNREACHABLE),
        ("EACCES", ProblemKind.UNREACHABLE),
    ],
)
def test_ports(error: str, kind: ProblemKind | None) -> None:
    _, row = python(
        addresses=["192.0.2.7"], ports=[{"address": "192.0.2.7", "port": 443, "error": error}], tls=[{}]
    )[0][:2]
    assert isinstance(row, PortAnswer)
    assert (row.kind, row.port, row.name) == (kind, 443, "pay.example.com")


def test_a_python_without_tls_is_said() -> None:
    _, missing = python(addresses=["192.0.2.7"], ports=[{"address": "192.0.2.7", "port": 443}])
    assert missing == ("TLS of pay",)


@pytest.mark.parametrize(("stage", "what"), [("connect", "the port of pay"), ("tls", "TLS of pay")])
def test_what_there_was_no_time_for_is_said(stage: str, what: str) -> None:
    ports = [{"address": "192.0.2.7", "port": 443}] if stage == "tls" else []
    _, missing = python(stage=stage, addresses=["192.0.2.7"], ports=ports)
    assert missing == (f"{what} (no time was left)",)


def test_a_greeting_without_time_for_an_answer_is_no_silence() -> None:
    answer = {"addresses": ["192.0.2.7"], "ports": [{"address": "192.0.2.7", "port": 443}]}
    rows, missing = python(**answer, tls=[{"store": "own", "late": True}])
    assert not [row for row in rows if isinstance(row, TlsAnswer)]
    assert missing == ("TLS of pay (no time was left)",)
    rows, missing = python(**answer, tls=[{"store": "own", "silent": True}])
    assert [row.silent for row in rows if isinstance(row, TlsAnswer)] == [True]
    assert missing == ()


def test_nonsense_for_certificates() -> None:
    tls = {"store": "own", "verified": False, "code": 20, "chain": ["!", "AAAA"], "message": "x" * 999}
    rows, _ = python(addresses=["192.0.2.7"], ports=[{"address": "192.0.2.7", "port": 443}], tls=[tls])
    row = rows[-1]
    assert isinstance(row, TlsAnswer)
    assert (row.certificates, row.trust, len(row.message)) == ((), Trust.UNKNOWN_AUTHORITY, 300)


def test_python_without_the_declared_authority_says_nothing_of_trust() -> None:
    ours = msgspec.structs.replace(
        PAY, endpoint=msgspec.structs.replace(PAY.endpoint, ca=Path("/etc/ca.pem"))
    )
    port = {"address": "192.0.2.7", "port": 443}
    answer = {"id": 0, "stage": "done", "addresses": ["192.0.2.7"], "ports": [port]}
    for tls, seen in (([{"store": "own", "code": 20}], 0), ([{"store": "own", "code": 10}], 1)):
        rows, missing = rows_of_python(json.dumps([{**answer, "tls": tls}]), (ours,), "app")
        assert sum(isinstance(row, TlsAnswer) for row in rows) == seen
        assert bool(missing) == (seen == 0)


def shell(*lines: str) -> tuple[list[object], tuple[str, ...]]:
    rows, missing = rows_of_shell("\n".join(lines), ASKED, "app")
    return list(rows), missing


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("0|0|port|0|", None),
        ("0|port|1|bash: connect: Connection refused", ProblemKind.REFUSED),
        ("0|port|1|nc: 192.0.2.7 (192.0.2.7:443): Operation timed out", ProblemKind.TIMED_OUT),
        ("0|port|124|", ProblemKind.TIMED_OUT),
        ("0|port|1|bash: /dev/tcp/pay/443: No route to host", ProblemKind.UNREACHABLE),
    ],
)
def test_ports_from_a_shell(said: str, kind: ProblemKind | None) -> None:
    line = said.replace("0|0|", "0|")
    (_, row), missing = shell("0|name|0|192.0.2.7 192.0.2.7 ", line)
    assert isinstance(row, PortAnswer)
    assert (row.kind, missing) == (kind, ())


def test_tools_that_are_missing_are_said() -> None:
    rows, missing = shell("0|name|?|", "0|port|?|neither bash nor nc", "0|tls|?|no openssl")
    assert rows == []
    assert len(missing) == 3


@pytest.mark.parametrize(
    ("said", "verified", "code"),
    [
        ("New, TLSv1.3, Cipher is X;    Verify return code: 0 (ok);", True, None),
        (
            "verify error:num=10:certificate has expired;Verify return code: 10 (certificate has expired);",
            False,
            10,
        ),
        ("Verify return code: 21 (unable to verify the first certificate);", False, 21),
        ("no peer certificate available;Verify return code: 0 (ok);", False, None),
        ("", False, None),
    ],
)
def test_what_openssl_says(said: str, verified: object, code: int | None) -> None:
    rows, _ = shell("0|name|0|192.0.2.7", "0|port|0|", f"0|tls|0|{said}")
    row = rows[-1]
    assert isinstance(row, TlsAnswer)
    assert (row.verified, row.verify_code) == (verified, code)


@pytest.mark.parametrize(("code", "silent"), [("124", True), ("143", True), ("1", False)])
def test_openssl_that_was_ended_met_silence(code: str, silent: object) -> None:
    rows, _ = shell("0|name|0|192.0.2.7", "0|port|0|", f"0|tls|{code}|")
    assert [row.silent for row in rows if isinstance(row, TlsAnswer)] == [silent]


def test_openssl_without_the_declared_authority_says_nothing_of_trust():
    ours = msgspec.structs.replace(
        PAY, endpoint=msgspec.structs.replace(PAY.endpoint, ca=Path("/etc/ca.pem"))
    )
    said = "verify error:num=20:unable to get local issuer certificate;Verify return code: 20 (unable to get)"
    lines = "\n".join(("0|name|0|10.0.0.7 ", "0|port|0|", f"0|tls|0|{said}"))
    rows, missing = rows_of_shell(lines, (ours,), "app")
    assert not [row for row in rows if isinstance(row, TlsAnswer)]
    assert "configured CA" in missing[0]
    assert [
        row.verify_code for row in rows_of_shell(lines, ASKED, "app")[0] if isinstance(row, TlsAnswer)
    ] == [20]
