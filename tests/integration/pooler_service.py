"""A real PgBouncer before a real PostgreSQL server, for the tests."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from incident_lib.demo.accounts import make_data_folder, server_account
from tests import services
from tests.integration import postgres_service
from tests.integration.postgres_clients import until
from tests.integration.postgres_service import PASSWORD, Server

_PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
_USERS = {"app": PASSWORD, "workbench": PASSWORD, "admin": PASSWORD}
_CONF = """\
[databases]
{database} = host=127.0.0.1 port={server} dbname=shop pool_size=1
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
stats_users = workbench
admin_users = admin
pool_mode = transaction
max_client_conn = 20
"""


@dataclass
class Pooler:
    """A running PgBouncer with one connection for the database `shop`, under the name `database`."""

    server: Server
    port: int
    process: subprocess.Popen[bytes]
    log: Path
    database: str = "shop"

    def dsn(self, role: str = "app", database: str = "", password: str = PASSWORD) -> str:
        """Return the address for `role`."""
        where = f"127.0.0.1:{self.port}/{database or self.database}"
        return f"postgresql://{role}:{password}@{where}?sslmode=disable"

    def answers(self) -> bool:
        """Return whether it lets a client in."""
        try:
            psycopg.connect(self.dsn(), connect_timeout=2, autocommit=True).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running(
    server: Server, database: str = "shop", passwords: Mapping[str, str] | None = None
) -> Iterator[Pooler]:
    """Yield a PgBouncer before `server`; `passwords` are those of its users that have another one there."""
    if _PROGRAM is None:
        services.missing("no pgbouncer is installed here")
    account, port = server_account(), postgres_service.free_port()
    folder = make_data_folder(Path(tempfile.gettempdir()), account)
    users = _USERS | dict(passwords or {})
    (folder / "users").write_text("".join(f'"{name}" "{password}"\n' for name, password in users.items()))
    conf = _CONF.format(server=server.port, port=port, folder=folder, database=database)
    (folder / "ini").write_text(conf)
    identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [_PROGRAM, str(folder / "ini")], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **identity
        )
    made = Pooler(server, port, process, folder / "log", database)
    until(made.answers, 20)
    yield made
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    shutil.rmtree(folder, ignore_errors=True)
