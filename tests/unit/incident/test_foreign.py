"""A bundle from somebody else: it brings data of an incident, nothing that runs, and stays foreign."""

import io
import shutil
import struct
import tracemalloc
import zipfile
from datetime import UTC, datetime

import msgspec
import pytest

from incident_lib.errors import FolderError, UsageError
from incident_lib.incident import folder as folders
from incident_lib.incident import foreign, manifest
from incident_lib.incident.archive import MOST_FILES
from incident_lib.incident.bundle import plan_bundle, write_bundle
from incident_lib.incident.folder import Declaration, IncidentFolder
from incident_lib.incident.page_policy import policy
from incident_lib.incident.unbundle import open_bundle, verify_bundle
from incident_lib.model import IncidentSeverity
from incident_lib.redact import Redactor
from incident_lib.resources import resource

ID = "2026-01-15-checkout-503s"


@pytest.fixture
def folder(tmp_path):
    declaration = Declaration(
        title="Checkout 503s",
        severity=IncidentSeverity.SEV2,
        started_at=datetime(2026, 1, 15, 14, 31, tzinfo=UTC),
    )
    return folders.declare(tmp_path / "theirs", declaration, Redactor())


@pytest.fixture
def bundle(folder, tmp_path):
    write_bundle(folder, plan_bundle(folder), tmp_path / "out.zip")
    return tmp_path / "out.zip"


def with_files(bundle, target, **files):
    """Return a bundle with more files, of which its contents know, as a stranger would make it."""
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        contents = msgspec.json.decode(old.read(f"{ID}/bundle.json"))
        for info in old.infolist():
            if info.filename.removeprefix(f"{ID}/") not in {"bundle.json", *files}:
                new.writestr(info.filename, old.read(info))
        for name, data in files.items():
            new.writestr(f"{ID}/{name}", data)
            contents["files"][name] = {"sha256": manifest.sha256(data), "bytes": len(data)}
        new.writestr(f"{ID}/bundle.json", msgspec.json.encode(contents))
    return target


def opened(path, to):
    return open_bundle(path, to, Redactor())


def there(path, to):
    return IncidentFolder(opened(path, to).path, Redactor())


NOT_TAKEN = [
    "workbench.toml",
    "lab/jupyterlab.py",
    "lab/20_database.ipynb",
    "lab/.written.json",
    "ipykernel_launcher.py",
    "events/x.py",
    "events/workbench.toml",
    "snapshots/20260115T143105Z/workbench.toml",
    "snapshots/20260115T143105Z/evidence/db/postgres.py",
    "snapshots/evil/findings.json",
    "runs/20260115T143105Z/notebooks/redis.py",
    "runs/20260115T143105Z/html/page.js",
    "runs/20260115T143105Z/html/page.html",
    "mitigations/deploy.sh",
    "communication/update.html",
    "attachments/dump.py",
    "attachments/deep/page.HTML",
    "attachments/workbench.toml",
    ".git/config",
    "postmortem-2026-01-15.ipynb",
]
TAKEN = [
    "attachments/dump.txt",
    "attachments/deep/graph.png",
    "communication/update.md",
    "mitigations/0123456789abcdef.json",
    "postmortem-2026-01-15.md",
    "samples/20260115T143105Z/0001.json",
    "snapshots/20260115T143105Z/evidence/db/postgres.locks.json",
    "snapshots/20260115T143105Z/logs/backend.log.zst",
    "runs/20260115T143105Z/notebooks/20_database.ipynb",
]


def test_known_names_are_taken_and_no_others(bundle, tmp_path):
    files = dict.fromkeys((*NOT_TAKEN, *TAKEN), b"evil")
    files |= {
        "incident.json": b'{"id": "evil"}',
        "index.html": b"<script>",
        "postmortem-2026-01-15.html": b"x",
    }
    found = opened(with_files(bundle, tmp_path / "evil.zip", **files), tmp_path / "to")
    present = {path.relative_to(found.path).as_posix() for path in found.path.rglob("*") if path.is_file()}
    assert {name for name in present if not name.startswith("events/")} == {
        *TAKEN,
        "bundle.json",
        "incident.json",
    }
    assert set(found.left_out) == set(NOT_TAKEN)
    assert msgspec.json.decode((found.path / "incident.json").read_bytes())["id"] == ID


def test_a_page_is_taken_only_where_it_forbids_what_ours_forbid(bundle, tmp_path):
    shell = resource("templates", "page", "shell.html.j2").read_text()
    top = resource("templates", "page", "head.html.j2").read_text().replace("{{ policy }}", policy())
    head = shell[: shell.index("{%")] + top[: top.index("<style>")]
    pages = {
        "ours": head,
        "script": "<!doctype html><html><head><script>x()</script>" + head,
        "other": head.replace("default-src 'none'", "default-src *"),
        "more": head.replace("img-src data:", "img-src data:; script-src 'unsafe-inline'"),
        "strange": head.replace("sha256-", "sha256-A"),
        "leads": head + '<meta http-equiv="refresh" content="0;url=http://evil.example">',
        "none": "<p>hello",
    }
    run = "runs/20260115T143105Z/html"
    files = {f"{run}/{name}.html": page.encode() for name, page in pages.items()}
    found = opened(with_files(bundle, tmp_path / "evil.zip", **files), tmp_path / "to")
    assert [path.stem for path in found.path.glob("runs/*/html/*")] == ["ours"]
    assert set(found.left_out) == {f"{run}/{name}.html" for name in pages if name != "ours"}


def test_an_opened_incident_is_foreign_and_refuses_what_acts(bundle, tmp_path):
    found = there(bundle, tmp_path / "to")
    assert found.is_foreign
    with pytest.raises(UsageError, match="came from elsewhere"):
        found.require_own()
    assert found.verify() == []
    assert folders.newest_open(tmp_path / "to", Redactor()) is None


def test_it_has_to_be_named_where_there_is_one_of_ours(folder, bundle, tmp_path):
    found = there(bundle, tmp_path / "to")
    assert folders.find(tmp_path / "to", "", Redactor()).id == found.id
    shutil.copytree(folder.path, tmp_path / "to" / "2026-01-14-ours")
    assert folders.find(tmp_path / "to", "", Redactor()).id == "2026-01-14-ours"
    assert folders.newest_open(tmp_path / "to", Redactor()).id == "2026-01-14-ours"


def test_its_mark_outlives_the_loss_of_either_file_and_verify_misses_it(bundle, tmp_path):
    for number, lose in enumerate(("events", "bundle.json", "changed")):
        found = there(bundle, tmp_path / f"to{number}")
        event = found.path / "events" / [path.name for path in sorted((found.path / "events").iterdir())][-1]
        if lose == "changed":
            (found.path / "bundle.json").write_text("{}")
        else:
            (event if lose == "events" else found.path / "bundle.json").unlink()
        again = IncidentFolder(found.path, Redactor())
        assert again.is_foreign
        assert [each for each in again.verify() if each.is_bad]


def test_its_mark_goes_along_when_it_is_copied_or_bundled_again(bundle, tmp_path):
    found = there(bundle, tmp_path / "to")
    write_bundle(found, plan_bundle(found), tmp_path / "again.zip")
    second = there(tmp_path / "again.zip", tmp_path / "third")
    assert second.is_foreign
    assert second.verify() == []
    assert len([event for event in second.events if foreign.OPENED in event.data]) == 2


def test_an_incident_that_an_earlier_version_opened_is_foreign(folder, bundle):
    assert not folder.is_foreign
    with zipfile.ZipFile(bundle) as archive:
        (folder.path / "bundle.json").write_bytes(archive.read(f"{ID}/bundle.json"))
    assert folder.is_foreign
    assert [difference.is_bad for difference in folder.verify()] == [False]


def test_nothing_stays_of_what_is_refused(bundle, tmp_path):
    with zipfile.ZipFile(bundle, "a") as archive:
        archive.writestr(f"{ID}/communication/new.md", "x")
    with pytest.raises(FolderError):
        opened(bundle, tmp_path / "to")
    assert list((tmp_path / "to").iterdir()) == []


def overlapping(bundle, target):
    """Return an archive of which many entries are the same bytes."""
    block = io.BytesIO()
    with zipfile.ZipFile(block, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{ID}/bundle.json", b"{}")
        archive.writestr(f"{ID}/events/a.json", bytes(1 << 20))
    data = block.getvalue()
    end = data.rindex(b"PK\x05\x06")
    start = struct.unpack_from("<L", data, end + 16)[0]
    entries = data[start:end]
    more = b"".join(
        entries[entries.rindex(b"PK\x01\x02") :].replace(b"a.json", b"%06d" % number)
        for number in range(1000)
    )
    directory = entries + more
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1002, 1002, len(directory), start, 0)
    target.write_bytes(data[:start] + directory + tail)


def many(_bundle, target):
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    directory = entry * 1_000_000
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, len(directory), 0, 0)
    target.write_bytes(directory + tail)


def some_too_many(_bundle, target):
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    directory = entry * (MOST_FILES + 1)
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), 0, 0)
    target.write_bytes(directory + tail)


def long_names(_bundle, target):
    with zipfile.ZipFile(target, "w") as archive:
        for number in range(20):
            archive.writestr(f"{ID}/{number}/{'x' * 60_000}", b"")


def zeros(bundle, target):
    with_files(bundle, target, **{"attachments/zeros": bytes(80 << 20)})


def in_turn(bundle, target):
    """Make an archive whose entries announce less than they unpack to."""
    with_files(bundle, target, **{"attachments/a": bytes(50 << 20)})
    data = target.read_bytes()
    target.write_bytes(data.replace(struct.pack("<L", 50 << 20), struct.pack("<L", 10)))


def prefixed(bundle, target):
    target.write_bytes(b"MZ" * 1000 + bundle.read_bytes())


@pytest.mark.parametrize("bomb", [overlapping, many, some_too_many, long_names, zeros, in_turn, prefixed])
def test_a_bomb_is_refused_in_constant_memory_and_leaves_nothing(bomb, bundle, tmp_path):
    path = tmp_path / "bomb.zip"
    bomb(bundle, path)
    tracemalloc.start()
    try:
        with pytest.raises(FolderError) as refused:
            opened(path, tmp_path / "to")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(str(refused.value)) < 2000
    assert most < 32 << 20
    assert not (tmp_path / "to").exists() or not list((tmp_path / "to").iterdir())
    assert verify_bundle(path)[0].is_bad
