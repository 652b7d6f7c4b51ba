"""What a driver's message means, and where a container's server may be reached."""

import pytest

from incident_lib.errors import ProblemKind, TargetError
from incident_lib.technologies.postgres.connect.container import addresses
from incident_lib.technologies.postgres.connect.direct import parse_dsn, place
from incident_lib.technologies.postgres.connect.problems import connection_error, reason_in, statement_error
from incident_lib.technologies.postgres.connect.session import (
    LOCAL_SETTINGS,
    SETTINGS,
    startup_options,
)

AT = 'connection failed: connection to server at "127.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (AT + "FATAL:  sorry, too many clients already", ProblemKind.FULL),
        (
            AT + "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
            ProblemKind.FULL,
        ),
        (AT + 'FATAL:  too many connections for role "app"', ProblemKind.FULL),
        (AT + "FATAL:  no more connections allowed (max_client_conn)", ProblemKind.FULL),
        (AT + 'FATAL:  password authentication failed for user "app"', ProblemKind.DENIED),
        (
            AT + 'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "a", database "b", SSL off',
            ProblemKind.DENIED,
        ),
        (AT + "fe_sendauth: no password supplied", ProblemKind.DENIED),
        (AT + 'FATAL:  role "app" does not exist', ProblemKind.DENIED),
        (AT + 'FATAL:  role "app" is not permitted to log in', ProblemKind.DENIED),
        (AT + "FATAL:  tut mir leid, schon zu viele Clients", ProblemKind.DENIED),
        (AT + 'FATAL:  database "gone" does not exist', ProblemKind.NOT_FOUND),
        (AT + "FATAL:  the database system is starting up", ProblemKind.STARTING),
        (AT + "FATAL:  the database system is in recovery mode", ProblemKind.STARTING),
        (AT + "FATAL:  the database system is not yet accepting connections", ProblemKind.STARTING),
        (AT + "FATAL:  canceling statement due to lock timeout", ProblemKind.BUSY),
        (
            AT + "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?",
            ProblemKind.REFUSED,
        ),
        ("connection timeout expired", ProblemKind.TIMED_OUT),
        (AT + "No route to host", ProblemKind.UNREACHABLE),
        (AT + "Network is unreachable", ProblemKind.UNREACHABLE),
        (
            "failed to resolve host 'db': [Errno -3] Temporary failure in name resolution",
            ProblemKind.NAME_NOT_RESOLVED,
        ),
        (AT + "server does not support SSL, but SSL was required", ProblemKind.TLS),
        (AT + "SSL error: certificate verify failed", ProblemKind.TLS),
        (AT + "received invalid response to SSL negotiation: H", ProblemKind.PROTOCOL),
        (AT + "server closed the connection unexpectedly", ProblemKind.RESET),
    ],
)
def test_a_failed_connection_has_a_kind(message: str, kind: ProblemKind) -> None:
    assert connection_error(message).kind is kind


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("57014", ProblemKind.TIMED_OUT),
        ("55P03", ProblemKind.BUSY),
        ("42501", ProblemKind.PRIVILEGE),
        ("42883", ProblemKind.UNSUPPORTED),
        ("57P01", ProblemKind.RESET),
        ("08006", ProblemKind.RESET),
        ("XX000", ProblemKind.UNSUPPORTED),
        (None, ProblemKind.UNSUPPORTED),
    ],
)
def test_a_failed_statement_has_a_kind(state: str | None, kind: ProblemKind) -> None:
    assert statement_error("it says something", state).kind is kind


def test_only_what_happened_is_said() -> None:
    assert reason_in(AT + "FATAL:  sorry, too many clients already\n") == "sorry, too many clients already"
    assert (
        reason_in("ERROR:  42501: permission denied for view pg_x\nLOCATION:  x")
        == "permission denied for view pg_x"
    )
    several = (
        "connection failed: Multiple connection attempts failed. All failures were:\n"
        "- host: 'localhost', port: 5432, hostaddr: '::1': connection failed: Connection refused\n"
        "- host: 'localhost', port: 5432, hostaddr: '127.0.0.1': connection failed: FATAL:  sorry\n"
    )
    assert reason_in(several) == "sorry"
    assert reason_in("") == "it gave no reason"


def test_a_dsn_is_read_and_a_bad_one_not_shown() -> None:
    assert parse_dsn("postgresql+psycopg://app:x@db:6432/shop")["port"] == "6432"
    assert parse_dsn("host=db dbname=shop password=x")["dbname"] == "shop"
    with pytest.raises(TargetError) as bad:
        parse_dsn("secret-word no dsn")
    assert bad.value.kind is ProblemKind.NOT_CONFIGURED
    assert "secret-word" not in f"{bad.value.message} {bad.value.advice}"
    assert place({"user": "app"}) == "the local socket:5432/app"


def test_addresses_of_a_container() -> None:
    published = [{"HostIp": "::", "HostPort": "15432"}, {"HostIp": "10.0.0.5", "HostPort": "15433"}]
    network = {
        "Ports": {"5432/tcp": published, "80/tcp": None},
        "Networks": {"a": {"IPAddress": "172.18.0.3"}},
    }
    assert addresses(network) == (("127.0.0.1", 15432), ("10.0.0.5", 15433), ("172.18.0.3", 5432))
    assert addresses({"Ports": {}, "Networks": {"none": {"IPAddress": ""}}}) == ()


def test_the_limits_of_both_kinds_agree() -> None:
    for name, value in SETTINGS.items():
        assert f"-c {name}={value}" in startup_options()
        local = name.removeprefix("default_")
        assert f"set_config('{local}', '{value}', true)" in LOCAL_SETTINGS
