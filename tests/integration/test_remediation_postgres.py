"""Cancelling and terminating sessions of real servers: that very session, or none."""

import threading
import time
from contextlib import contextmanager

import psycopg
import pytest

from incident_lib.config import Settings
from incident_lib.model.remediation import OutcomeStatus
from incident_lib.remediation import RefusedError, execute_plan, plan_change
from incident_lib.technologies.postgres.change import open_for_change
from tests.integration import postgres_service
from tests.integration.remediation_case import declared, phases

pytestmark = pytest.mark.postgres
server = postgres_service.server
any_server = postgres_service.any_server


def configured(server, tmp_path, role="postgres"):
    return Settings(document=server.settings(role=role).document, root=tmp_path)


@contextmanager
def busy(server, statement="SELECT pg_sleep(60)"):
    """Yield a connection that runs `statement` in a thread, and the list of what it raised."""
    connection = server.connect("app")
    raised = []

    def run():
        try:
            connection.execute(statement)
        except psycopg.Error as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: state_of(server, connection.info.backend_pid) == "active")
    try:
        yield connection, raised, thread
    finally:
        if not connection.closed:
            connection.cancel()
        thread.join(10)
        connection.close()


def state_of(server, pid):
    with server.connect() as admin:
        row = admin.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone()
    return row[0] if row else None


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_running_statement_is_cancelled_and_its_session_lives(server, tmp_path):
    settings = configured(server, tmp_path)
    folder = declared(settings)
    with busy(server, "SELECT pg_sleep(60), 'card 4111-1111'") as (connection, raised, thread):
        pid = connection.info.backend_pid
        plan = plan_change(settings, folder, "postgres.cancel", "db", {"pid": str(pid)})
        assert f"pid = {pid}" in plan.commands[0]
        assert "pg_cancel_backend" in plan.commands[0]
        assert "4111" not in str(plan)  # what a statement is about may be private
        assert state_of(server, pid) == "active"  # planning changes nothing
        outcome = execute_plan(settings, folder, plan.id)
        thread.join(10)
        assert outcome.status is OutcomeStatus.VERIFIED, outcome
        assert isinstance(raised[0], psycopg.errors.QueryCanceled)
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert phases(folder) == ["planned", "begun", "ended"]
    assert not [one for one in folder.verify() if one.is_bad]


def test_the_blocker_is_terminated_and_those_behind_it_go_on(server, tmp_path):
    settings = configured(server, tmp_path)
    folder = declared(settings)
    with server.connect("app") as app:
        app.execute("CREATE TABLE IF NOT EXISTS stock (id int)")
    blocker = server.connect("app", autocommit=False)
    blocker.execute("LOCK TABLE stock")
    pid = blocker.info.backend_pid
    with busy(server, "SELECT count(*) FROM stock") as (_, raised, thread):
        plan = plan_change(settings, folder, "postgres.terminate", "db", {"pid": str(pid)})
        waiting = next(one for one in plan.affected if one.what == "sessions waiting for it")
        assert waiting.count == 1
        outcome = execute_plan(settings, folder, plan.id)
        thread.join(10)
        assert not thread.is_alive()
        assert not raised
    assert outcome.status is OutcomeStatus.VERIFIED
    assert f"process {pid} is gone" in outcome.evidence[0]
    blocker.close()


def test_an_approval_is_for_one_time(any_server, tmp_path):
    settings = configured(any_server, tmp_path)
    folder = declared(settings)
    with any_server.connect("app", autocommit=False) as idle:
        idle.execute("SELECT 1")
        arguments = {"pid": str(idle.info.backend_pid)}
        plan = plan_change(settings, folder, "postgres.terminate", "db", arguments)
        assert execute_plan(settings, folder, plan.id).status is OutcomeStatus.VERIFIED
        with pytest.raises(RefusedError, match="already used"):
            execute_plan(settings, folder, plan.id)
        idle.close()


def test_another_session_with_the_same_process_id_is_left_alone(any_server, tmp_path):
    settings = configured(any_server, tmp_path)
    with any_server.connect("app", autocommit=False) as idle:
        idle.execute("SELECT 1")
        session = open_for_change(settings, settings.service("db"))
        try:
            backend = session.backend(idle.info.backend_pid)
            for field in ("backend_started_micros", "transaction_started_micros"):
                earlier = {name: getattr(backend, name) for name in backend.__struct_fields__}
                earlier[field] -= 1
                assert session.signal("terminate", type(backend)(**earlier)) is False
        finally:
            session.close()
        assert idle.execute("SELECT 2").fetchone() == (2,)


def test_a_finding_that_named_an_earlier_session_is_refused(any_server, tmp_path):
    settings = configured(any_server, tmp_path)
    with any_server.connect("app") as idle:
        arguments = {"pid": str(idle.info.backend_pid), "backend_start": "2026-01-15T14:31:05.123456Z"}
        with pytest.raises(RefusedError, match="a different session now"):
            plan_change(settings, declared(settings), "postgres.terminate", "db", arguments)


def test_the_world_must_be_the_one_that_was_approved(any_server, tmp_path):
    settings = configured(any_server, tmp_path)
    folder = declared(settings)
    with any_server.connect("app", autocommit=False) as session:
        session.execute("SELECT 1")
        pid = str(session.info.backend_pid)
        plan = plan_change(settings, folder, "postgres.terminate", "db", {"pid": pid})
        session.rollback()
        session.execute("SELECT count(*) FROM pg_class")  # a new transaction with another statement
        with pytest.raises(RefusedError, match="transaction_start was"):
            execute_plan(settings, folder, plan.id)
        assert session.execute("SELECT 2").fetchone() == (2,)
    assert phases(folder) == ["planned"]  # nothing was begun


def test_a_session_that_is_gone_is_nothing_to_do(any_server, tmp_path):
    settings = configured(any_server, tmp_path)
    folder = declared(settings)
    with any_server.connect("app", autocommit=False) as session:
        session.execute("SELECT 1")
        pid = str(session.info.backend_pid)
        plan = plan_change(settings, folder, "postgres.terminate", "db", {"pid": pid})
    wait_for(lambda: state_of(any_server, int(pid)) is None)
    with pytest.raises(RefusedError, match=f"no longer has a session with process id {pid}"):
        execute_plan(settings, folder, plan.id)


def test_a_role_that_may_not_signal_says_what_to_grant(server, tmp_path):
    settings = configured(server, tmp_path, "workbench")
    with server.connect("app", autocommit=False) as session:
        session.execute("SELECT 1")
        pid = {"pid": str(session.info.backend_pid)}
        with pytest.raises(RefusedError, match="GRANT pg_signal_backend TO workbench"):
            plan_change(settings, declared(settings), "postgres.terminate", "db", pid)
        with pytest.raises(RefusedError, match="GRANT pg_monitor TO plain"):
            plan_change(
                configured(server, tmp_path, "plain"), declared(settings), "postgres.terminate", "db", pid
            )
        assert session.execute("SELECT 2").fetchone() == (2,)


def test_with_the_grant_it_may_signal_but_no_superuser(any_server, tmp_path):
    settings = configured(any_server, tmp_path, "workbench")
    folder = declared(settings)
    with any_server.connect() as admin:
        admin.execute("GRANT pg_signal_backend TO workbench")
        with any_server.connect("app", autocommit=False) as session:
            session.execute("SELECT 1")
            arguments = {"pid": str(session.info.backend_pid)}
            plan = plan_change(settings, folder, "postgres.terminate", "db", arguments)
            assert execute_plan(settings, folder, plan.id).status is OutcomeStatus.VERIFIED
            session.close()
        with pytest.raises(RefusedError, match="only a superuser can end"):
            plan_change(settings, folder, "postgres.terminate", "db", {"pid": str(admin.info.backend_pid)})
        admin.execute("REVOKE pg_signal_backend FROM workbench")


def test_nothing_to_cancel_in_an_idle_session(any_server, tmp_path):
    settings = configured(any_server, tmp_path)
    with any_server.connect("app", autocommit=False) as session:
        session.execute("SELECT 1")
        with pytest.raises(RefusedError, match=r"there is no statement to cancel.*postgres\.terminate"):
            plan_change(
                settings, declared(settings), "postgres.cancel", "db", {"pid": str(session.info.backend_pid)}
            )


def test_the_servers_own_processes_are_left_alone(any_server, tmp_path):
    settings = configured(any_server, tmp_path)
    with any_server.connect() as admin:
        query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
        pid = str(admin.execute(query).fetchone()[0])
    with pytest.raises(RefusedError, match=r"checkpointer.*process of the server itself"):
        plan_change(settings, declared(settings), "postgres.terminate", "db", {"pid": pid})


def test_a_server_that_is_away_is_a_refusal(tmp_path):
    closed = f"postgresql://postgres@127.0.0.1:{postgres_service.free_port()}/shop"
    settings = Settings(document=postgres_service.settings(closed).document, root=tmp_path)
    with pytest.raises(RefusedError, match="nothing was changed"):
        plan_change(settings, declared(settings), "postgres.terminate", "db", {"pid": "1"})
