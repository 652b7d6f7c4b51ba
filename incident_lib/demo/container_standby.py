"""A standby of the database in a container of its own: a copy that streams."""

from incident_lib.demo.container_roles import ADMIN, SOCKETS
from incident_lib.demo.containers import ContainerStack
from incident_lib.errors import WorkbenchError

NAME = "standby"
# Not pg_basebackup, which streams too while it copies, and says of nothing that it is applied.
_STREAMING = "SELECT count(replay_lsn) FROM pg_stat_replication WHERE state = 'streaming'"
# Neither image lets anybody copy the database from another container.
_LET_IN = f"host replication {ADMIN} all scram-sha-256"


def start(stack: ContainerStack) -> None:
    """Copy the database and follow it. Errors: WorkbenchError with its output."""
    _change_access(stack, 'echo "$0" >> "$1"')
    stack.run(NAME, stack.roles.standby(NAME))
    stack.wait_for(lambda: stack.first_row(_STREAMING) == (1,), NAME, "does not stream")


def pause(stack: ContainerStack) -> None:
    """Receive on, and replay nothing."""
    command = ("psql", "--host", SOCKETS, "--user", ADMIN, "--command", "SELECT pg_wal_replay_pause()")
    _execute(stack, NAME, *command)


def stop(stack: ContainerStack) -> None:
    """Remove it; nothing of it stays at the database."""
    stack.containers.remove(NAME)
    _change_access(stack, 'grep -vxF "$0" "$1" > "$1.new"; cat "$1.new" > "$1"; rm "$1.new"')


def _change_access(stack: ContainerStack, script: str) -> None:
    (file,) = stack.first_row("SHOW hba_file")
    _execute(stack, "db", "sh", "-c", script, _LET_IN, file)
    stack.first_row("SELECT pg_reload_conf()")


def _execute(stack: ContainerStack, role: str, *command: str) -> None:
    code, output = stack.containers.get(role).exec_run(list(command), user=ADMIN)
    if code:
        raise WorkbenchError(f"{command[0]} failed in the container {role}: {output!r}")
