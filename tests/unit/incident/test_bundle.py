import base64
import os
import shutil
import zipfile
from datetime import UTC, datetime

import nbformat
import pytest
import zstandard

from incident_lib import response
from incident_lib.errors import FolderError, UsageError
from incident_lib.incident import folder as folders
from incident_lib.incident import manifest
from incident_lib.incident.bundle import plan_bundle, write_bundle
from incident_lib.incident.events import Draft, file_name
from incident_lib.incident.folder import Declaration, IncidentFolder
from incident_lib.incident.unbundle import is_bundle, open_bundle, read_contents, verify_bundle
from incident_lib.model import EventKind, IncidentSeverity, IncidentStatus
from incident_lib.model.run import NotebookRecord
from incident_lib.redact import Redactor
from incident_lib.redact.marks import Marks
from incident_lib.reports.communication import DraftKind
from incident_lib.reports.page import Frame
from incident_lib.response.drafts import draft
from incident_lib.response.postmortem import write_postmortem
from incident_lib.run import export, outputs
from incident_lib.run.batch import Batch, run_notebooks
from incident_lib.run.engine import save
from tests.notebooks import sample

START = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)
ID = "2026-01-15-checkout-503s"
HEAD = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:">'
)


@pytest.fixture
def folder(tmp_path):
    declaration = Declaration(title="Checkout 503s", severity=IncidentSeverity.SEV2, started_at=START)
    made = folders.declare(tmp_path / "incidents", declaration, Redactor())
    made.record(Draft(kind=EventKind.NOTE, text="the pool is full", source="test"))
    made.write_text("communication/declaration.md", "We look into it.\n")
    run = made.new_run()
    (run / "html").mkdir()
    (run / "html" / "index.html").write_text(f"{HEAD}<p>pool</p>")
    made.seal_run(run)
    return made


def bundled(folder, output):
    write_bundle(folder, plan_bundle(folder), output)
    return output


def rewritten(source, target, change):
    """Copy an archive, each entry passing `change(name, data)`, which returns what to write."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            for name, data in change(info.filename, old.read(info)):
                new.writestr(name, data)
    return target


def archive(path, *entries):
    with zipfile.ZipFile(path, "w") as file:
        for name, data in entries:
            file.writestr(name, data)
    return path


def test_a_bundle_opens_as_the_same_incident(folder, tmp_path):
    path = bundled(folder, tmp_path / "out.zip")
    assert verify_bundle(path) == []
    there = IncidentFolder(open_bundle(path, tmp_path / "elsewhere", Redactor()).path, Redactor())
    assert there.incident == folder.incident
    assert there.events[:-1] == folder.events
    assert there.events[-1].text == "Opened from the bundle out.zip"
    assert there.verify() == []
    assert (there.path / "communication/declaration.md").read_text() == "We look into it.\n"


def test_the_same_folder_gives_the_same_bytes_also_after_a_journey(folder, tmp_path):
    first = bundled(folder, tmp_path / "a.zip")
    os.utime(folder.path / "incident.json", (0, 0))
    assert bundled(folder, tmp_path / "b.zip").read_bytes() == first.read_bytes()
    there = IncidentFolder(open_bundle(first, tmp_path / "elsewhere", Redactor()).path, Redactor())
    again = read_contents(bundled(there, tmp_path / "c.zip")).files
    before = read_contents(first).files
    assert {name for name, sealed in again.items() if before.get(name) != sealed} == {
        "incident.json",
        f"events/{file_name(there.events[-1])}",
    }
    assert before.keys() <= again.keys()


def test_scratch_temporary_files_and_links_stay_here(folder, tmp_path):
    (folder.path / "lab").mkdir()
    (folder.path / "lab" / "mine.ipynb").write_text("{}")
    (folder.path / "communication" / ".x.part").write_text("half")
    (folder.path / "secrets").symlink_to("/etc")
    (folder.path / "passwd").symlink_to("/etc/passwd")
    os.mkfifo(folder.path / "pipe")
    contents = read_contents(bundled(folder, tmp_path / "out.zip"))
    assert set(contents.excluded) == {"lab", "communication/.x.part", "secrets", "passwd", "pipe"}
    assert not any("passwd" in name or "lab" in name for name in contents.files)


def test_what_was_changed_is_told_and_goes_along_only_said(folder, tmp_path):
    (folder.runs[0] / "html" / "index.html").write_text("<p>nothing happened</p>")
    plan = plan_bundle(folder)
    assert not plan.is_intact
    write_bundle(folder, plan, tmp_path / "forced.zip")
    assert [one.what for one in read_contents(tmp_path / "forced.zip").differences] == ["changed"]
    (bad,) = verify_bundle(tmp_path / "forced.zip")
    assert (bad.what, bad.is_bad) == ("changed", True)


def test_a_sealed_file_that_is_a_link_is_missing(folder):
    index = folder.runs[0] / "html" / "index.html"
    index.rename(folder.path / "elsewhere.html")
    index.symlink_to(folder.path / "elsewhere.html")
    plan = plan_bundle(folder)
    assert [(one.path, one.is_bad) for one in plan.differences] == [
        (f"runs/{folder.runs[0].name}/html/index.html", True)
    ]


def test_a_secret_that_is_known_only_now_never_goes_along(folder, tmp_path):
    folder.record(Draft(kind=EventKind.NOTE, text="the key is kumquat-77", source="test"))
    folder.write_text("communication/note.md", "with kumquat-77\n")
    today = IncidentFolder(folder.path, Redactor(["kumquat-77"]))
    plan = plan_bundle(today)
    assert plan.is_intact
    assert plan.secrets["communication/note.md"] == ("configured",)
    contents = write_bundle(today, plan, tmp_path / "forced.zip")
    (event,) = contents.withheld
    assert event.startswith("events/")
    with zipfile.ZipFile(tmp_path / "forced.zip") as file:
        assert not any(b"kumquat" in file.read(name) for name in file.namelist())
    bad = [one for one in verify_bundle(tmp_path / "forced.zip") if one.is_bad]
    assert event in {one.path for one in bad}
    assert "kumquat-77" in (folder.path / event).read_text()  # the folder itself is never touched


def test_a_file_that_is_no_text_is_said(folder, tmp_path):
    (folder.path / "communication" / "screen.png").write_bytes(b"\x89PNG\xff\x00")
    contents = read_contents(bundled(folder, tmp_path / "out.zip"))
    assert contents.not_read == ("communication/screen.png",)


def test_without_a_declaration_it_is_not_intact(folder):
    for path in (folder.path / "events").iterdir():
        path.unlink()
    (folder.path / "incident.json").unlink()
    assert "no event declares" in plan_bundle(folder).differences[0].what


def test_nothing_is_overwritten(folder, tmp_path):
    path = bundled(folder, tmp_path / "out.zip")
    with pytest.raises(UsageError, match="already exists"):
        open_bundle(path, folder.path.parent, Redactor())
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / ID).symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="already exists"):
        open_bundle(path, tmp_path / "to", Redactor())


def test_a_changed_missing_or_added_entry_is_told_and_not_opened(folder, tmp_path):
    def change(name, data):
        if name.endswith("declaration.md"):
            yield name, b"All is well."
            yield name + ".sh", b"x"
        elif not name.endswith("incident.json"):
            yield name, data

    path = rewritten(bundled(folder, tmp_path / "out.zip"), tmp_path / "bad.zip", change)
    told = {(one.path, one.what) for one in verify_bundle(path) if one.is_bad}
    assert {
        ("communication/declaration.md", "changed"),
        ("communication/declaration.md.sh", "added"),
        ("incident.json", "missing"),
    } <= told
    with pytest.raises(FolderError, match="changed since it was bundled"):
        open_bundle(path, tmp_path / "to", Redactor())
    assert list((tmp_path / "to").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", f"{ID}/../../evil", f"{ID}\\..\\evil", "C:/evil", f"{ID}/a\nb", f"{ID}//x"],
)
def test_a_name_that_leads_elsewhere_is_refused(folder, tmp_path, name):
    def change(entry, data):
        yield entry, data
        if entry.endswith("bundle.json"):
            yield name, b"x"

    path = rewritten(bundled(folder, tmp_path / "out.zip"), tmp_path / "evil.zip", change)
    with pytest.raises(FolderError):
        open_bundle(path, tmp_path / "deep" / "to", Redactor())
    assert not list(tmp_path.rglob("evil"))
    assert [one.is_bad for one in verify_bundle(path)] == [True]


def test_a_link_in_the_archive_is_refused(folder, tmp_path):
    link = zipfile.ZipInfo(f"{ID}/link")
    link.external_attr = 0o120777 << 16
    path = bundled(folder, tmp_path / "out.zip")
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(FolderError, match="link"):
        open_bundle(path, tmp_path / "to", Redactor())


def test_two_entries_of_one_name_are_refused(folder, tmp_path):
    path = bundled(folder, tmp_path / "out.zip")
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(f"{ID}/INCIDENT.json", "{}")
    with pytest.raises(FolderError, match="twice"):
        open_bundle(path, tmp_path / "to", Redactor())


def test_a_bomb_is_refused_before_it_is_unpacked(folder, tmp_path):
    path = bundled(folder, tmp_path / "out.zip")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr(f"{ID}/zeros", bytes(3_000_000))
    with pytest.raises(FolderError, match="would unpack"):
        open_bundle(path, tmp_path / "to", Redactor(), most_bytes=1_000_000)
    assert "would unpack" in verify_bundle(path, most_bytes=1_000_000)[0].what


def test_what_is_no_bundle_says_so(folder, tmp_path):
    text = tmp_path / "text.zip"
    text.write_text("hello")
    other = archive(tmp_path / "other.zip", ("a/b.txt", "x"))
    broken = archive(tmp_path / "broken.zip", ("a/bundle.json", "{"))
    foreign = archive(tmp_path / "foreign.zip", ("a/bundle.json", '{"incident": "b", "files": {}}'))
    half = tmp_path / "half.zip"
    half.write_bytes(bundled(folder, tmp_path / "out.zip").read_bytes()[:900])
    for path in (text, other, broken, foreign, half):
        assert is_bundle(str(path))
        (one,) = verify_bundle(path)
        assert one.is_bad
        with pytest.raises(FolderError):
            open_bundle(path, tmp_path / "to", Redactor())
    with pytest.raises(UsageError, match="does not exist"):
        verify_bundle(tmp_path / "nowhere.zip")


def test_a_flipped_byte_is_found(folder, tmp_path):
    path = bundled(folder, tmp_path / "out.zip")
    with zipfile.ZipFile(path) as file:
        info = next(one for one in file.infolist() if one.filename.endswith("incident.json"))
    data = bytearray(path.read_bytes())
    data[info.header_offset + 30 + len(info.filename) + 9] ^= 0xFF
    path.write_bytes(bytes(data))
    assert any(one.path == "incident.json" and one.is_bad for one in verify_bundle(path))


def test_an_unsealed_run_is_told(folder):
    run = folder.new_run()
    (run / "run.json").write_text("{}")
    assert "not sealed" in plan_bundle(folder).differences[0].what
    assert (run / manifest.NAME).exists() is False


def test_what_a_person_saves_while_it_is_bundled_is_redacted_too(folder, tmp_path):
    plan = plan_bundle(folder)
    (folder.path / "communication" / "declaration.md").write_text("the password=kumquat-77 of the pool\n")
    contents = write_bundle(folder, plan, tmp_path / "out.zip")
    assert contents.redacted.keys() == {"communication/declaration.md"}
    with zipfile.ZipFile(tmp_path / "out.zip") as file:
        assert not any(b"kumquat" in file.read(name) for name in file.namelist())


def test_a_secret_in_the_names_of_a_manifest_stays_here(folder, tmp_path):
    run = folder.new_run()
    (run / "kumquat-77.html").write_text("<p>x</p>")
    folder.seal_run(run)
    today = IncidentFolder(folder.path, Redactor(["kumquat-77"]))
    assert f"runs/{run.name}/manifest.json" in plan_bundle(today).withheld


PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40).decode()


@pytest.fixture(scope="module")
def worked_on(tmp_path_factory):
    """Return an incident with all that the product writes, but that no kernel ran."""
    case = sample.made(tmp_path_factory.mktemp("worked"))
    settings, incident = case.settings, case.folder
    response.note(
        incident, "POSTGRES_PASSWORD=hunter2-of-the-pool; see https://shop.example/?id=5&token=abc123"
    )
    response.update(incident, status=IncidentStatus.IDENTIFIED, findings="token_count=5, auth: ok")
    for kind in ("update", "executive"):
        draft(settings, incident, DraftKind(kind))
    run = incident.new_run()
    record = run_notebooks(Batch(case=case, directory=run, notebooks=(), parameters={}))
    notebook = of_everything()
    outputs.redact(notebook, incident.redactor)
    save(notebook, run / "notebooks" / "10_application.ipynb")
    page = export.render_page(notebook, NotebookRecord(name="10_application"), frame_of(case), case.analysis)
    (run / "html" / "10_application.html").write_text(page)
    assert record.id == run.name
    incident.seal_run(run)
    incident.record(Draft(kind=EventKind.RUN, text=f"Run {run.name}: done", source="run"))
    response.resolve(incident)
    write_postmortem(settings, incident)
    return incident


def frame_of(case):
    return Frame(
        incident=case.incident,
        snapshot=case.snapshot,
        collected_at=case.collected_at,
        made_at=case.collected_at,
        notebooks=("10_application",),
    )


def of_everything():
    markup = "<tr><td title='token=abc123'>password</td><td>postgres://user:hunter2@db &lt;5&gt;</td></tr>"
    made = nbformat.v4.new_output
    cells = [
        nbformat.v4.new_markdown_cell("# Which secrets?\n\n| token | count |\n|---|---|\n| a | 5 |\n"),
        nbformat.v4.new_code_cell(
            "connect(password='hunter2')",
            outputs=[
                made("stream", name="stdout", text="Authorization: Bearer abcdefghijk123456\nall is well\n"),
                made("display_data", data={"text/html": markup, "text/plain": "password=hunter2"}),
                made("display_data", data={"image/png": PNG}),
                made("display_data", data={"text/html": f'<img src="data:image/png;base64,{PNG}">'}),
                made("execute_result", data={"application/json": {"password": "hunter2", "tokens": 5}}),
                made("error", ename="E", evalue="dsn=postgres://a:hunter2@db", traceback=["token=abc123"]),
            ],
        ),
    ]
    return nbformat.v4.new_notebook(cells=cells)


def test_all_that_the_product_wrote_is_bundled_as_it_is(worked_on, tmp_path):
    plan = plan_bundle(worked_on)
    assert plan.secrets == {}
    assert plan.is_intact
    assert plan.not_read == ()
    contents = write_bundle(worked_on, plan, tmp_path / "out.zip")
    kinds = {path.rpartition(".")[2] for path in contents.files}
    assert kinds >= {"json", "html", "ipynb", "md"}
    assert [found for found in verify_bundle(tmp_path / "out.zip") if found.is_bad] == []
    there = open_bundle(tmp_path / "out.zip", tmp_path / "there", Redactor()).path
    assert b"hunter2" not in b"".join(path.read_bytes() for path in there.rglob("*") if path.is_file())
    assert PNG in (next(there.glob("runs/*/notebooks/10_application.ipynb"))).read_text()


def test_what_people_added_is_redacted_on_the_way_and_named(worked_on, tmp_path):
    place = tmp_path / "copy" / worked_on.id
    shutil.copytree(worked_on.path, place)
    postmortem = next(place.glob("postmortem-*.md"))
    with postmortem.open("a") as file:
        file.write("\nWe typed\n\n    export DB_PASSWORD=kumquat-77\n\nand uptime=5 was fine.\n")
    attachments = place / "attachments"
    attachments.mkdir()
    (attachments / "page.html").write_text('<p class="token">password=kumquat-77</p><b data-x="1 < 2">ok</b>')
    (attachments / "notes.md").write_text("| where | what |\n|---|---|\n| pool | password=kumquat-77 |\n")
    (attachments / "hers.ipynb").write_text(nbformat.writes(of_everything()))
    (attachments / "screen.png").write_bytes(base64.b64decode(PNG))
    folder = IncidentFolder(place, Redactor())
    plan = plan_bundle(folder)
    assert plan.is_intact
    assert plan.withheld == {}
    contents = write_bundle(folder, plan, tmp_path / "out.zip")
    people = {postmortem.name, *(f"attachments/{name}" for name in ("page.html", "notes.md", "hers.ipynb"))}
    assert contents.redacted.keys() == people
    assert contents.not_read == ("attachments/screen.png",)
    there = open_bundle(tmp_path / "out.zip", tmp_path / "there", Redactor()).path
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    unpacked = tmp_path / "unpacked" / folder.id
    everything = b"".join(path.read_bytes() for path in unpacked.rglob("*") if path.is_file())
    for secret in (b"kumquat-77", b"hunter2", b"abcdefghijk123456"):
        assert secret not in everything
    assert "uptime=5 was fine." in (there / postmortem.name).read_text()
    assert (
        nbformat.read(unpacked / "attachments" / "hers.ipynb", as_version=4)
        .cells[1]
        .outputs[2]
        .data["image/png"]
        == PNG
    )
    assert IncidentFolder(there, Redactor()).verify() != []
    assert not any(found.is_bad for found in IncidentFolder(there, Redactor()).verify())


def test_what_another_machine_hid_stays_hidden_and_is_no_secret(tmp_path):
    here, there = Redactor(marks=Marks(bytes(32))), Redactor(marks=Marks(b"k" * 32))
    declaration = Declaration(title="Checkout 503s", severity=IncidentSeverity.SEV2, started_at=START)
    made = folders.declare(tmp_path / "incidents", declaration, here)
    mark = here.marks.mark("hunter2")
    made.record(Draft(kind=EventKind.NOTE, text=f"password={mark} fails", source="test"))
    (made.path / "communication").mkdir()
    (made.path / "communication" / "note.md").write_text(f"password={mark} fails\n")
    run = made.new_run()
    (run / "logs").mkdir()
    lines = f"password={mark}\n".encode() * 5 + b"no end"
    (run / "logs" / "a.log.zst").write_bytes(zstandard.compress(lines))
    made.seal_run(run)
    plan = plan_bundle(IncidentFolder(made.path, there))
    assert plan.secrets == {}
    write_bundle(IncidentFolder(made.path, there), plan, tmp_path / "out.zip")
    assert (
        open_bundle(tmp_path / "out.zip", tmp_path / "there", Redactor()).path / "communication/note.md"
    ).read_text() == (made.path / "communication/note.md").read_text()


def test_a_stored_log_that_is_a_bomb_is_named_and_not_unpacked_without_bound(folder):
    log = folder.path / "snapshots" / "20260115T143105Z" / "logs" / "backend.log.zst"
    log.parent.mkdir(parents=True)
    log.write_bytes(zstandard.compress(b"x" * (64 << 20)))
    with pytest.raises(FolderError, match=r"backend\.log\.zst unpacks to more than any stored log"):
        plan_bundle(folder)


def test_the_folder_of_an_opening_that_was_killed_is_removed_by_the_next_one(folder, tmp_path):
    left = tmp_path / "other" / ".open-abandoned"
    (left / "half").mkdir(parents=True)
    os.utime(left, (0, 0))
    open_bundle(bundled(folder, tmp_path / "a.zip"), tmp_path / "other", Redactor())
    assert [path.name for path in (tmp_path / "other").iterdir()] == [ID]
