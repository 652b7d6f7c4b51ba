"""What faults of the container stack look like to a plain client, here and in the backend's container."""

from tests.integration.demo_clients import ask_payments

BEHIND = "SELECT coalesce(max(pg_wal_lsn_diff(flush_lsn, replay_lsn)), 0) FROM pg_stat_replication"
# As a client in there has it that connects anew.
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2)"


def standby_is_behind(stack):
    (count,) = stack.first_row(BEHIND)
    return count > 1000


def payments_swallow_inside(stack):
    command = ["python3", "-c", CONNECT, "payments", "8443"]
    code, said = stack.containers.get("backend").exec_run(command)
    return ask_payments(stack).status_code == 200 and code != 0 and b"timed out" in said


SYMPTOMS = {"replication-lag": standby_is_behind, "port-filtered": payments_swallow_inside}
