"""Each class of errors alone in the log of a plain process, with nothing configured, leads to its cause."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

import pytest

from incident_lib.model.topology import Topology
from incident_lib.technologies.logs.classes import LogClass, log_classes
from tests.unit.technologies.logs.logs_of import NOW, concluded

# Patterns of whole causes that name it; of others, the words of the class may be the title.
CAUSES = {
    "pool_timeout": "app-pool-exhausted",
    "db_too_many_clients": "db-connections-exhausted",
    "db_own_limit": "db-own-limit",
    "db_pooler_full": "db-connections-exhausted",
    "db_lock_table_full": "db-lock-table",
    "db_shared_memory": "db-shared-memory",
    "db_out_of_memory": "db-out-of-memory",
    "db_damaged": "db-damaged",
    "db_index_damaged": "db-damaged",
    "db_prepared": "prepared-lost",
    "db_cached_plan": "prepared-lost",
    "db_refused": "port-refused",
    "db_connect_timeout": "port-filtered",
    "db_auth": "db-credentials",
    "db_hba": "db-credentials",
    "db_no_encryption": "db-credentials",
    "db_no_tls": "db-credentials",
    "db_no_secret": "db-credentials",
    "db_password_expired": "db-credentials",
    "db_no_role": "db-credentials",
    "db_no_database": "db-credentials",
    "db_statement_timeout": "slow-statement",
    "db_deadlock": "deadlocks",
    "db_read_only": "db-read-only",
    "db_process_killed": "worker-killed",
    "db_process_crashed": "worker-killed",
    "db_sequence": "sequence-exhausted",
    "db_wraparound": "wraparound",
    "redis_refused": "port-refused",
    "redis_oom": "redis-out-of-memory",
    "redis_misconf": "redis-persistence",
    "redis_auth": "redis-credentials",
    "redis_no_auth": "redis-credentials",
    "redis_wrong_password": "redis-credentials",
    "redis_no_permission": "redis-credentials",
    "redis_protected": "redis-credentials",
    "redis_clients": "redis-clients",
    "redis_port_taken": "start-failed",
    "name_resolution": "dns-failure",
    "tls_expired": "tls-expired",
    "tls_wrong_name": "tls-wrong-name",
    "tls_verify": "tls-chain",
    "tls_protocol": "wrong-port",
    "no_route": "port-filtered",
    "broker_unreachable": "port-refused",
    "slow_steps": "event-loop-blocked",
    "connect_timeout": "port-filtered",
    "connect_refused": "port-refused",
    "open_files": "open-files",
    "memory_error": "out-of-memory",
    "disk_full": "host-disk-full",
    "worker_timeout": "event-loop-blocked",
    "worker_killed": "worker-killed",
    "oom_host": "out-of-memory",
    "oom_limit": "out-of-memory",
    "platform_memory": "out-of-memory",
    "task_lost": "worker-killed",
    "workers_exhausted": "event-loop-blocked",
    "crashed": "worker-killed",
} | dict.fromkeys(
    [
        "read_timeout", "server_disconnected", "upstream_error", "upstream_backlog_full",
        "upstream_socket_missing", "upstream_socket_denied", "upstream_none", "upstream_down",
        "upstream_header_too_big", "upstream_tls", "upstream_bad_answer", "upstream_overflow",
        "upstream_no_answer",
    ],
    "upstream-failing",
)  # fmt: skip
CAUSES |= {f"redis_{name}": "redis-*" for name in ("readonly", "cluster_down", "master_down", "no_replicas")}
# These lead nowhere by themselves, and why.
NOWHERE = {
    "db_serialization": "clients are meant to send it again; only failing requests make it a cause",
    "db_transaction_aborted": "the error before it is the cause; only failing requests make it one",
    "requests_limited": "a limit is meant to refuse; only failing requests, or many, make it a cause",
    "redis_overcommit": "advice that Redis writes at each start, whether it ever matters or not",
    "proxy_no_route": "its line is a request with 404, which a client causes by any wrong address",
}
# An example that is no line of its own stands behind the one that it belongs to.
BEFORE = dict.fromkeys(
    ["db_no_secret", "db_password_expired"], 'FATAL:  password authentication failed for user "app"'
) | {"db_out_of_memory": "ERROR:  out of memory"}

_BY_NO_LINE = {"redis_overcommit", "proxy_no_route"}  # these do not explain why requests fail
# The logins that only a server knows of may be anybody's typing mistakes: a user has to fail, too.
_LOGINS = {"db_password_expired", "db_auth", "db_hba", "db_no_encryption", "db_no_role"}
# A health check that only opens the port writes it, too: a user has to fail.
_PROBED = {"redis_plain_client"}


def plain(line: str, at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S},123 ERROR {line}"


def document(line: str, at: datetime) -> str:
    return json.dumps({"timestamp": at.isoformat(), "level": "error", "logger": "shop.work", "message": line})


def pairs(line: str, at: datetime) -> str:
    return f"time={at:%Y-%m-%dT%H:%M:%SZ} level=error msg={json.dumps(line)}"


def log_of(row: LogClass, form: Callable[[str, datetime], str], *, failing: bool) -> list[str]:
    """Return a log that holds a class only, or that and failing requests."""
    text = []
    for ago in range(300, 0, -60):
        at = NOW - timedelta(seconds=ago)
        line = row.example.removeprefix("ERROR:  ")
        if before := BEFORE.get(row.id):  # of PostgreSQL: DETAIL is a line behind its error
            line = f"{before}\n{row.example}"
        text += form(line, at).split("\n")
        if failing:
            status = "500 Internal Server Error"
            text.append(f'{at:%Y-%m-%d %H:%M:%S} INFO: 10.0.0.7:5{ago:04} - "GET /orders HTTP/1.1" {status}')
    return text


@pytest.mark.parametrize("form", [plain, document, pairs])
def test_each_class_leads_to_its_cause_at_the_service_that_logged_it(form: Callable[..., str]) -> None:
    wrong = {}
    for row in log_classes().values():
        ranked = concluded(*log_of(row, form, failing=False)).hypotheses
        first = ranked[0] if ranked else None
        if row.id in NOWHERE:
            if first and form is not pairs:  # there, a request is a message
                wrong[row.id] = f"{first.id}, though it is to lead nowhere"
        elif not first:
            wrong[row.id] = "leads nowhere"
        elif first.target != "shop" or f"logs.lines.class.{row.id}" not in first.support:
            wrong[row.id] = f"{first.id} at {first.target}, by {first.support}"
        elif row.id in CAUSES and not fnmatchcase(first.id, CAUSES[row.id]):
            wrong[row.id] = f"{first.id}: {first.title}"
        elif first.id == "logged-error" and row.narrowed(row.example).title not in first.title:
            wrong[row.id] = first.title
    assert wrong == {}


def test_a_class_is_named_and_no_feature_switched_off_where_requests_fail() -> None:
    wrong = {}
    for row in log_classes().values():
        first = concluded(*log_of(row, plain, failing=True)).hypotheses[0]
        is_symptom = first.id in {"endpoint-error", "unknown-error"}
        if row.id not in _BY_NO_LINE and (
            is_symptom or "Switch off what" in first.first_action or "Switch off the" in first.first_action
        ):
            wrong[row.id] = first.first_action
    assert wrong == {}


def test_each_exception_from_the_table_is_of_a_class_that_there_is() -> None:
    assert log_classes().keys() >= {*CAUSES, *NOWHERE, *BEFORE}
    assert all(len(reason) > 40 for reason in NOWHERE.values())


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("postgres", "{at:%Y-%m-%d %H:%M:%S.000} UTC [71] app@shop ERROR:  %s"),
        ("redis", "1:M {at:%d %b %Y %H:%M:%S.000} # %s"),
    ],
)
def test_what_a_store_logs_of_itself_leads_to_a_cause_too(kind: str, form: str) -> None:
    prefix = "db" if kind == "postgres" else "redis"
    silent = set()
    for row in log_classes().values():
        if not row.id.startswith(prefix) or row.is_passing or row.is_of_client:
            continue
        moments = [NOW - timedelta(seconds=ago) for ago in range(300, 0, -60)]
        lines = [form.format(at=at) % row.example.removeprefix("ERROR:  ") for at in moments]
        if not concluded(*lines, topology=Topology(kinds={"shop": kind})).hypotheses:
            silent.add(row.id)
    assert silent == (_LOGINS if kind == "postgres" else _PROBED)
