"""What docs/sent.md lists is all that the code can send: what is added and not explained is found."""

import shutil

import pytest

from incident_lib.technologies.redis.connect.commands import ALLOWED
from tests import sent


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("notify/fax.py", "import socket\n", "connections of notify/fax.py"),
        ("reports/paper.py", "import subprocess\n", "processes of reports/paper.py"),
        ("reports/paper.py", "def look(place):\n    return place.run(('curl', 'x'))\n", "runs curl"),
        (
            "reports/paper.py",
            "def look(api):\n    return api.create_container('x')\n",
            "request create_container",
        ),
        (
            "reports/paper.py",
            "def look(api):\n    return api.get(f'{api.base_url}/v1/secrets')\n",
            "/secrets",
        ),
        (
            "technologies/postgres/probes/more.py",
            "TEXT = 'DELETE FROM orders'\n",
            "has a statement that",
        ),
        ("technologies/postgres/sql/more.sql", "-- View: x. Needs: y.\nUPDATE x SET y = 1\n", "has UPDATE"),
        (
            "technologies/postgres/sql/more.sql",
            "-- View: x. Needs: y.\nSELECT pg_cancel_backend(1)\n",
            "signals a session",
        ),
        ("technologies/postgres/sql/more.sql", "-- View: x. Needs: y.\nSELECT 1\n", "sent by no probe"),
        (
            "technologies/redis/change.py",
            "class More:\n    def all(self):\n        self._client.flushall()\n",
            "method flushall",
        ),
    ],
)
def test_what_is_added_is_found(tmp_path, monkeypatch, file, text, words):
    package = tmp_path / "incident_lib"
    for part in ("technologies/postgres/sql", "technologies/postgres/probes"):
        shutil.copytree(sent.PACKAGE / part, package / part)
    for part in ("technologies/postgres/change.py", "technologies/redis/change.py"):
        (package / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(sent.PACKAGE / part, package / part)
    monkeypatch.setattr(sent, "PACKAGE", package)
    monkeypatch.setattr(sent, "POSTGRES", package / "technologies" / "postgres")
    for cached in (sent._sql_files, sent._users):
        cached.cache_clear()
    path = package / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((path.read_text() if path.exists() else "") + text)
    try:
        assert any(words in line and "does not exist" not in line for line in sent.unexplained())
    finally:
        for cached in (sent._sql_files, sent._users):
            cached.cache_clear()


def test_no_command_that_reads_changes_redis():
    listed = "\n".join(sent.redis_table())
    for words in ALLOWED:
        assert f"| `{' '.join(words)}` |" in listed
    for name in ("KEYS", "EVAL", "MONITOR", "DEBUG", "FLUSHALL", "CONFIG SET", "DEL"):
        assert f"| `{name}` |" not in listed
