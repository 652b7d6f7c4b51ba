"""`incident lab` as a person uses it: JupyterLab in a real Chromium, on a stack that is broken for real."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psycopg
import pytest

from incident_lib import clock, config
from incident_lib.demo import FAULTS, DemoStack
from incident_lib.demo.postgres import find_binaries
from incident_lib.demo.redis import find_server
from incident_lib.errors import WorkbenchError
from incident_lib.incident.folder import Declaration, IncidentFolder, declare
from incident_lib.investigation.setup import marks_for, redactor_for
from incident_lib.investigation.snapshot import open_investigation
from incident_lib.model import IncidentSeverity
from tests import services
from tests.browser.test_pages import browser

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.postgres, pytest.mark.redis]

COMMAND = [sys.executable, "-c", "import sys; from incident_lib.cli import main; sys.exit(main())"]
SECONDS = 120.0  # for one step on a machine that other work keeps busy
NETWORK_CHANGED = "ERR_NETWORK_CHANGED"
NEWS = "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
LANDING = "00_start_here"
SHIPPED = ("00_triage", "10_application", "20_database", "30_redis", "40_network", "60_postmortem")
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


class Lab:
    """A broken stack, an incident about it with one snapshot, and JupyterLab as `incident lab` starts it."""

    def __init__(self, stack: DemoStack, folder: IncidentFolder, place: Path):
        self.stack, self.folder, self.place = stack, folder, place
        settings = place / "jupyter"
        (settings / NEWS).parent.mkdir(parents=True)
        (settings / NEWS).write_text('{"fetchNews": "true"}')  # of a person who once said yes
        self.environment = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(place / "config"),
            "JUPYTER_RUNTIME_DIR": str(place / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(settings),
            "JUPYTERLAB_WORKSPACES_DIR": str(place / "workspaces"),
        }

    def command(self, *words: str) -> list[str]:
        return [*COMMAND, "--config", str(self.stack.config), *words]

    def typed(self, *words: str) -> str:
        """Return what a command prints that is typed next to JupyterLab."""
        done = subprocess.run(
            self.command(*words),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env=self.environment,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def events(self):
        return IncidentFolder(self.folder.path, self.folder.redactor).events

    def home(self) -> str:
        return (self.folder.path / "index.html").read_text()

    def snapshots(self) -> set[str]:
        return {path.name for path in (self.folder.path / "snapshots").iterdir() if path.is_dir()}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    try:
        find_binaries(18)
        find_server()
    except WorkbenchError as error:
        services.missing(str(error))
    place = tmp_path_factory.mktemp("lab")
    for folder in (place, *place.parents[:2]):
        folder.chmod(0o755)  # the database runs as another user
    with DemoStack(place / "stack", incidents=place / "incidents") as stack:
        stack.drive(2)
        FAULTS["lock-contention"].inject(stack)
        stack.drive(FAULTS["lock-contention"].settle_seconds)
        settings = config.load(stack.config)
        declaration = Declaration(
            title="Checkout fails or hangs", severity=IncidentSeverity.SEV2, started_at=clock.now()
        )
        folder = declare(
            settings.incidents, declaration, redactor_for(settings, marks_for(settings, begin=True))
        )
        open_investigation(str(folder.path), snapshot="new", config=str(stack.config))
        yield Lab(stack, folder, place)


@pytest.fixture(scope="module")
def address(lab):
    """The address that `incident lab` prints; Ctrl-C ends it."""
    log = lab.place / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            lab.command("lab", "--no-browser"), stdout=output, stderr=subprocess.STDOUT, env=lab.environment
        )
    try:
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/lab/tree/\S+", log.read_text())):
            assert time.monotonic() < deadline, log.read_text()
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        yield found[0]
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0


class Desk:
    """The page of JupyterLab, with everything it asked for and complained about."""

    def __init__(self, browser, address: str, folder: Path):
        self.folder, self.address = folder, address
        self.context = browser.new_context(viewport={"width": 1400, "height": 900})
        self.context.set_default_timeout(SECONDS * 1000)
        self.page = self.context.new_page()
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on(
            "console",
            lambda message: self.complaints.append(message.text) if message.type == "error" else None,
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.is_begun = False
        self.load()

    def load(self):
        """Load the page, once more where the network of this machine changed meanwhile.

        Chromium breaks off what it loads when an interface comes up, as that of a container does.
        """
        for _ in range(5):
            self.complaints.clear()
            self.page.goto(self.address)
            self.panel.wait_for()
            self.wait_until_idle()
            if not self.is_interrupted:
                return

    @property
    def is_interrupted(self) -> bool:
        """Whether Chromium broke off a request because the network of this machine changed."""
        return any(NETWORK_CHANGED in complaint for complaint in self.complaints)

    @property
    def panel(self):
        """The notebook in front."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def wait_until_idle(self):
        """Wait until a kernel is there, and runs nothing."""
        self.panel.locator(".jp-KernelName", has_text="Incident workbench").wait_for()
        self.panel.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()

    def open(self, name: str):
        """Open a notebook from the file browser, and wait for its kernel."""
        self.page.locator(".jp-DirListing-item", has_text=f"{name}.ipynb").dblclick()
        tab = self.page.locator(".lm-DockPanel .lm-TabBar-tab.lm-mod-current", has_text=f"{name}.ipynb")
        tab.wait_for()
        self.wait_until_idle()

    def close(self):
        """Close the notebook in front, and end its kernel."""
        self.page.get_by_role("menuitem", name="File", exact=True).click()
        self.page.get_by_role("menuitem", name="Close and Shut Down Notebook").click()
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.locator(".jp-Dialog").wait_for(state="detached")

    def begin(self):
        """Bring the landing notebook to the front, run."""
        self.open(LANDING)
        if not self.is_begun:
            self.run_all()
        self.is_begun = True

    def until(self, is_so):
        """Wait until something is so."""
        deadline = time.monotonic() + SECONDS
        while not is_so():
            assert time.monotonic() < deadline, "it did not happen in time"
            self.page.wait_for_timeout(50)

    @property
    def last(self):
        """The last cell of the notebook in front."""
        return self.panel.locator(".jp-CodeCell").last

    def run_all(self):
        """Run all cells of the notebook in front, and wait for the last."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.page.wait_for_function(ALL_RAN)
        self.wait_until_idle()

    def type_in(self, cell, source: str):
        """Replace what a cell holds, run it, and wait for its end."""
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(source)
        before = cell.locator(".jp-InputPrompt").inner_text()
        self.page.keyboard.press("Control+Enter")
        prompt = "([node, before]) => /\\d/.test(node.textContent) && node.textContent !== before"
        self.page.wait_for_function(prompt, arg=[cell.locator(".jp-InputPrompt").element_handle(), before])
        self.wait_until_idle()

    def add(self, source: str):
        """Run `source` in a new last cell, and return it."""
        self.panel.locator(".jp-Notebook > * .jp-Cell, .jp-Cell").last.locator(".cm-content").click()
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        cell = self.panel.locator(".jp-CodeCell").last
        self.type_in(cell, source)
        return cell

    def save(self, name: str):
        """Save the notebook in front, and return it as it is on disk."""
        self.page.keyboard.press("Control+S")
        self.page.locator(".lm-DockPanel .lm-mod-current:not(.jp-mod-dirty)", has_text=name).wait_for()
        return nbformat.read(self.folder / "lab" / f"{name}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def desk(browser, lab, address):
    seen = Desk(browser, address, lab.folder.path)
    yield seen
    seen.context.close()


@pytest.fixture(autouse=True)
def quiet(desk):
    """Nothing that a test does brings an error into the console, or asks anything of another server."""
    if desk.is_interrupted:  # after the test before: a dialog says that the server is gone
        desk.load()
    yield
    host = re.match(r"http://[^/]+/", desk.address)[0]
    assert [url for url in desk.requests if not url.startswith((host, "data:", "blob:"))] == []
    assert [url for url in desk.requests if "/api/news" in url or "/api/update" in url] == []
    assert [complaint for complaint in desk.complaints if NETWORK_CHANGED not in complaint] == []


def errors_of(made):
    return [
        output
        for cell in made.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


def test_the_lab_opens_at_the_landing_notebook_next_to_the_files_of_the_incident(desk, lab):
    page = desk.page
    assert page.locator(".jp-toastContainer .Toastify__toast").count() == 0
    desk.run_all()
    assert errors_of(desk.save(LANDING)) == []
    answer = desk.panel.locator(".jp-OutputArea-output", has_text="wait for a lock").first
    assert answer.is_visible()
    page.locator(".jp-BreadCrumbs-home").click()
    for name in ("events", "snapshots", "lab", "incident.json"):
        page.locator(".jp-DirListing-item", has_text=name).first.wait_for()
    page.locator(".jp-DirListing-item", has_text="lab").first.dblclick()
    page.locator(".jp-DirListing-item", has_text="00_triage.ipynb").wait_for()


@pytest.mark.parametrize("name", [*SHIPPED, "50_mitigation"])
def test_a_shipped_notebook_runs_to_its_end(desk, name):
    desk.open(name)
    desk.run_all()
    made = desk.save(name)
    assert errors_of(made) == []
    assert all(cell.outputs for cell in made.cells if cell.cell_type == "code" and "show." in cell.source)
    assert desk.panel.locator("table.iw-table:not(:has(caption))").count() == 0
    desk.close()


def test_a_click_collects_again_and_so_does_one_probe_of_one_target(desk, lab):
    desk.begin()
    before = lab.snapshots()
    desk.panel.get_by_role("button", name="Collect again").click()
    shown = desk.panel.locator(".jp-OutputArea-output", has_text="Run the cells below again")
    shown.wait_for()
    (fresh,) = lab.snapshots() - before
    assert fresh in shown.inner_text()
    cell = desk.add('case.refresh("postgres.locks", "db")')
    (probed,) = lab.snapshots() - before - {fresh}
    assert probed in cell.locator(".jp-OutputArea-output").inner_text()
    collected = json.loads(
        (lab.folder.path / "snapshots" / probed / "evidence/db/postgres.locks.json").read_text()
    )
    carried = json.loads(
        (lab.folder.path / "snapshots" / probed / "evidence/cache/redis.memory.json").read_text()
    )
    assert collected["collected_at"] > carried["collected_at"]


def test_a_filter_a_level_a_span_and_a_service_change_what_is_shown(desk):
    desk.begin()
    log = desk.panel.locator(".jp-OutputArea-output", has_text="Range (UTC)")
    count, lines = log.locator(".iw-why"), log.locator("pre.iw-log")
    everything = count.inner_text()
    log.locator(".widget-text input").fill("/api/v1/checkout")
    log.locator(".widget-text input").press("Enter")
    desk.until(lambda: count.inner_text() != everything)
    assert all("/api/v1/checkout" in line for line in lines.inner_text().splitlines())
    filtered = count.inner_text()
    log.locator(".widget-dropdown select").last.select_option("ERROR")
    desk.until(lambda: count.inner_text() != filtered)
    assert "ERROR" in lines.inner_text()
    assert "INFO" not in lines.inner_text()
    errors = count.inner_text()
    log.locator(".widget-dropdown select").last.select_option("every level")
    desk.until(lambda: count.inner_text() == filtered)
    log.locator(".widget-text input").fill("")
    log.locator(".widget-text input").press("Enter")
    desk.until(lambda: count.inner_text() not in {filtered, errors})
    everything = count.inner_text()  # of the newest snapshot: another test may have collected again
    handle = log.locator(".noUi-handle-lower")
    handle.focus()
    handle.press("End")
    desk.until(lambda: count.inner_text() != everything)
    log.locator(".widget-dropdown select").first.select_option("frontend")
    desk.until(lambda: count.inner_text().startswith("frontend:"))


def test_from_the_landing_notebook_to_ones_own_plot_that_is_attached(desk, lab):
    desk.begin()
    cell = desk.add(
        'frame = case.frame("postgres.activity")\n'
        'ax = frame["state"].value_counts().plot.bar(title="sessions by state")'
    )
    assert cell.locator("img, svg").first.is_visible()
    desk.type_in(
        desk.last,
        'case.attach(ax, "Idle in a transaction since the price job; password=hunter2-hunter2")\n'
        'case.attach(frame, "All sessions")\n'
        'case.note("The job of Kim holds them; password=hunter2-hunter2")',
    )
    recorded = [event.text.partition(" ")[0] for event in lab.events if event.source == "notebook"]
    assert recorded == ["Attached:", "Attached:", "The"]
    assert {path.suffix for path in (lab.folder.path / "attachments").iterdir()} == {".png", ".csv"}
    home = lab.home()
    assert "Idle in a transaction since the price job" in home
    assert "The job of Kim holds them" in home
    written = [path for path in lab.folder.path.rglob("*") if path.is_file() and "lab" not in path.parts]
    assert not [path for path in written if b"hunter2" in path.read_bytes()]


def test_ones_own_cell_stays_is_run_again_and_becomes_evidence(desk, lab):
    desk.begin()
    desk.add('mine = case.frame("postgres.locks")\nf"{len(mine)} rows of locks, counted by hand"')
    desk.save(LANDING)
    printed = lab.typed("run", "--snapshot", "latest")
    (run,) = re.findall(r"runs/(\w+)/html", printed)
    page = (lab.folder.path / "runs" / run / "html" / f"{LANDING}_in_the_lab.html").read_text()
    assert "rows of locks, counted by hand" in page
    assert LANDING in (lab.folder.path / "runs" / run / "manifest.json").read_text()
    assert lab.typed("verify")


def test_a_typed_approval_executes_that_plan_and_no_other(desk, lab):
    desk.open("50_mitigation")
    desk.run_all()
    proposed = desk.panel.locator(".jp-OutputArea-output", has_text="postgres.cancel").first.inner_text()
    pid = re.search(r"mitigate postgres\.cancel db --arg pid=(\d+)", proposed)[1]
    choose = desk.panel.locator(".jp-CodeCell", has_text="mitigations.plan(")
    plans = []
    for action in ("postgres.terminate", "postgres.cancel"):
        desk.type_in(
            choose,
            f'action, target, arguments = "{action}", "db", "pid={pid}"\n'
            "mitigations.plan(case, action, target, arguments)",
        )
        plans.append(re.search(r"Plan ([0-9a-f]{16})", choose.locator("pre.iw-log").inner_text())[1])
    approve = desk.panel.locator(".jp-CodeCell", has_text="carry_out(")
    with psycopg.connect(lab.stack.postgres_dsn, autocommit=True) as database:
        holder = f"SELECT count(*) FROM pg_locks WHERE granted AND locktype = 'transactionid' AND pid = {pid}"
        assert database.execute(holder).fetchone() == (1,)
        desk.type_in(approve, 'mitigations.carry_out(case, "0123456789abcdef")')
        assert "Not executed" in approve.locator(".jp-OutputArea-output").inner_text()
        assert database.execute(holder).fetchone() == (1,)
        desk.type_in(approve, f'mitigations.carry_out(case, "{plans[1]}")')
        assert "Done and verified" in approve.locator(".jp-OutputArea-output").inner_text()
        assert database.execute(holder).fetchone() == (0,)
    changes = [event.data for event in lab.events if event.kind.value == "mitigation"]
    assert {change["plan"] for change in changes if change["phase"] != "planned"} == {plans[1]}
    assert "pg_cancel_backend" in lab.home()


ALL_RAN = """() => [...document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell')].every(
  cell => /\\d/.test(cell.querySelector('.jp-InputPrompt').textContent)
    || !cell.querySelector('.cm-content')?.textContent.trim())"""
