"""The images of the container tests: nothing is pulled; a root file system is made once, kept, imported."""

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from tests import services

BASE = "workbench-test/base:2"
DISTROLESS = "workbench-test/distroless:2"
POSTGRES = "shop/postgres:15.0"
REDIS = "shop/redis:7.0"
BACKEND = "shop/backend:1.4.2"
FRONTEND = "shop/frontend:1.4.2"
REVISION = "0f3c2d1a9b8e7d6c5b4a39281706f5e4d3c2b1a0"

_PACKAGES = "postgresql-15,redis-server,python3,procps,iproute2,ca-certificates"
_NOT_NEEDED = ("proc", "sys", "dev", "var/lib/apt/lists", "var/cache", "var/lib/postgresql/15")
_NOT_NEEDED += tuple(f"usr/share/{name}" for name in ("doc", "locale", "man", "info"))

_POSTGRES_ENTRYPOINT = """\
#!/bin/sh
# Understands POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB as the official image does.
set -e
PGDATA=${PGDATA:-/var/lib/postgresql/data}
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /var/run/postgresql
  chown postgres:postgres "$PGDATA" /var/run/postgresql
  chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
POSTGRES_USER=${POSTGRES_USER:-postgres}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  printf '%s' "$POSTGRES_PASSWORD" > /tmp/.password
  initdb -D "$PGDATA" -U "$POSTGRES_USER" --pwfile=/tmp/.password --auth-local=trust \\
    --auth-host=scram-sha-256 --locale=C.UTF-8 -E UTF8 --no-sync > /dev/null
  rm /tmp/.password
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  if [ "${POSTGRES_DB:-$POSTGRES_USER}" != postgres ]; then
    echo "CREATE DATABASE \\"${POSTGRES_DB:-$POSTGRES_USER}\\"" |
      postgres --single -D "$PGDATA" postgres > /dev/null
  fi
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c shared_preload_libraries=pg_stat_statements "$@"
"""

_DOCKERFILES = {
    POSTGRES: "COPY entrypoint.sh /usr/local/bin/docker-entrypoint.sh\n"
    "RUN chmod 755 /usr/local/bin/docker-entrypoint.sh\n"
    'ENTRYPOINT ["docker-entrypoint.sh"]\nEXPOSE 5432\nLABEL org.opencontainers.image.version=15.0\n',
    REDIS: 'ENTRYPOINT ["redis-server", "--protected-mode", "no"]\nEXPOSE 6379\n'
    "LABEL org.opencontainers.image.version=7.0\n",
    BACKEND: f"LABEL org.opencontainers.image.version=1.4.2 org.opencontainers.image.revision={REVISION}\n"
    "EXPOSE 8000\nCOPY async_timeout.py /usr/lib/python3/dist-packages/\n",
    FRONTEND: f"LABEL org.opencontainers.image.version=1.4.2 org.opencontainers.image.revision={REVISION}\n"
    "EXPOSE 3000\n",
}
# The Redis client wants this package on Debian's Python 3.11.2; the standard library has the same.
_ASYNC_TIMEOUT = "from asyncio import timeout as timeout\n"
# One binary and its C library: no shell, no ps, no python.
_DISTROLESS = f"""\
FROM {BASE} AS everything
FROM scratch
COPY --from=everything /usr/bin/sleep /usr/bin/sleep
COPY --from=everything /usr/lib/*-linux-gnu/libc.so.6 /lib/
COPY --from=everything /usr/lib/*-linux-gnu/ld-linux*.so.* /lib/
COPY --from=everything /usr/lib/*-linux-gnu/ld-linux*.so.* /lib64/
"""
_FILES = {"entrypoint.sh": _POSTGRES_ENTRYPOINT, "async_timeout.py": _ASYNC_TIMEOUT}


def build_all(client: docker.DockerClient) -> None:
    """Have every image on the engine; those of an earlier run are used again. The caller holds a lock."""
    if not _has(client, BASE):
        _import(client, _archive())
    for tag, text in _DOCKERFILES.items():
        _build(client, tag, f"FROM {BASE}\n{text}")
    _build(client, DISTROLESS, _DISTROLESS)


def _has(client: docker.DockerClient, tag: str) -> bool:
    try:
        client.images.get(tag)
    except ImageNotFound:
        return False
    return True


def _import(client: docker.DockerClient, archive: Path) -> None:
    name, _, tag = BASE.partition(":")
    path = "/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    changes = [f"ENV PATH={path}", "LABEL workbench-test=base"]
    with archive.open("rb") as file:
        client.api.import_image_from_data(file, repository=name, tag=tag, changes=changes)


def _build(client: docker.DockerClient, tag: str, dockerfile: str) -> None:
    if _has(client, tag):
        return
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        for name, text in {**_FILES, "Dockerfile": dockerfile}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    context.seek(0)
    client.images.build(fileobj=context, custom_context=True, tag=tag, network_mode="none", rm=True)


def _archive() -> Path:
    """Return the archive of the root file system, made by debootstrap the first time (about a minute)."""
    cache = Path(os.environ.get("INCIDENT_TEST_CACHE") or Path.home() / ".cache/incident-workbench")
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / "rootfs-2.tar"
    if not archive.exists():
        root = cache / "rootfs"
        if not (root / "usr/lib/postgresql/15/bin/postgres").exists():
            _debootstrap(root)
        _pack(root, archive)
    return archive


def _debootstrap(root: Path) -> None:
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        services.missing("no image for the containers: debootstrap, run as root, is needed to make one")
    command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", str(root)]
    if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode:
        services.missing("debootstrap could not make the root file system of the containers")


def _pack(root: Path, archive: Path) -> None:
    def keep(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        path = entry.name.removeprefix("./")
        inside = any(path.startswith(f"{name}/") for name in _NOT_NEEDED)
        return None if inside or entry.ischr() or entry.isblk() else entry

    unfinished = archive.with_suffix(".new")
    with tarfile.open(unfinished, mode="w") as tar:
        tar.add(root, arcname=".", filter=keep)
    unfinished.replace(archive)
