"""A whole run: notebooks fail, hang, die or are refused; all have pages, and the others are complete."""

import json
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from html.parser import HTMLParser

import nbformat
import psutil
import pytest

from incident_lib.errors import UsageError
from incident_lib.incident import page_policy
from incident_lib.model.run import ExecutionStatus, RunStatus
from incident_lib.run.batch import Batch, run_notebooks
from tests.notebooks import sample
from tests.notebooks.made import notebook, save
from tests.notebooks.processes import left_behind

SICK = {
    "fine": notebook("6 * 7"),
    "raises": notebook("1 / 0"),
    "dies": notebook("import os; os._exit(3)"),
    "memory": notebook("bytearray(10**18)"),
    "hangs": notebook("import time; time.sleep(600)"),
    "no_kernel": notebook("1", kernel="no-such-kernel"),
    "also_fine": notebook("'still here'"),
}


def run(case, tmp_path, notebooks, **options):
    paths = tuple(str(save(made, tmp_path / f"{name}.ipynb")) for name, made in notebooks.items())
    directory = case.folder.path / "runs" / "20260115T144503Z"
    options = {"parameters": {"incident": str(case.folder.path)}, "deadline_seconds": 12.0, **options}
    return run_notebooks(Batch(case=case, directory=directory, notebooks=paths, **options)), directory


@pytest.fixture(scope="module")
def sick(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    refused = notebook("1")
    refused.cells[1].source = 'since: str = "15m"'
    garbage = folder / "garbage.ipynb"
    garbage.write_text("{not json")
    case = sample.made(folder)
    paths = [str(save(made, folder / f"{name}.ipynb")) for name, made in {**SICK, "refused": refused}.items()]
    directory = case.folder.path / "runs" / "20260115T144503Z"
    started = time.monotonic()
    record = run_notebooks(
        Batch(
            case=case,
            directory=directory,
            notebooks=(*paths, str(garbage)),
            parameters={"incident": str(case.folder.path)},
            jobs=4,
            deadline_seconds=12.0,
        )
    )
    return record, directory, time.monotonic() - started


def test_each_notebook_is_recorded_as_what_became_of_it(sick):
    record, _, seconds = sick
    assert {one.name: one.status.value for one in record.notebooks} == {
        "fine": "completed",
        "raises": "failed",
        "dies": "kernel_died",
        "memory": "failed",
        "hangs": "timed_out",
        "no_kernel": "failed",
        "also_fine": "completed",
        "refused": "failed",
        "garbage": "failed",
    }
    assert record.status is RunStatus.PARTIAL
    assert seconds < 15


def test_every_notebook_has_its_output_and_its_page(sick):
    record, directory, _ = sick
    for one in record.notebooks:
        nbformat.read(directory / "notebooks" / f"{one.name}.ipynb", as_version=4)
        page = (directory / one.html).read_text()
        assert ("incomplete" in page) == (one.status is not ExecutionStatus.COMPLETED)
        assert page.rstrip().endswith("</html>")


def test_the_page_says_why_at_the_top(sick):
    _, directory, _ = sick
    page = (directory / "html" / "dies.html").read_text()
    assert page.index("exit code 3") < page.index("This cell: its kernel died")
    assert "no parameter &#39;incident&#39;" in (directory / "html" / "refused.html").read_text()
    assert "the file is not a notebook" in (directory / "html" / "garbage.html").read_text()


def test_run_json_tells_the_same(sick):
    _, directory, _ = sick
    told = json.loads((directory / "run.json").read_text())
    assert told["status"] == "partial"
    by_name = {one["name"]: one for one in told["notebooks"]}
    assert by_name["raises"]["cells"][-1]["error"] == "ZeroDivisionError: division by zero"
    assert by_name["hangs"]["cells"][-1]["status"] == "timed_out"
    assert by_name["no_kernel"]["cells"][-1] | {"id": ""} == {
        "index": 3,
        "id": "",
        "status": "not_run",
        "seconds": None,
        "error": "",
    }


def test_no_kernel_is_left(sick):
    assert [child.name() for child in left_behind()] == []


def test_no_page_loads_anything_or_runs_what_strangers_wrote(sick):
    _, directory, _ = sick
    for path in sorted((directory / "html").glob("*.html")):
        page = Page()
        page.feed(path.read_text())
        assert page.scripts == [page_policy.script()], path
        assert page.tags.isdisjoint({"img", "iframe", "object", "embed", "base", "form"}), path
        assert not [name for name, _ in page.attributes if name.startswith("on")], path
        addresses = [value for name, value in page.attributes if name in {"src", "href"}]
        beside = re.compile(r"(?:(?:\.\./)*\w[\w./-]*)?(?:#[\w./:-]+)?|data:,")
        assert [value for value in addresses if not beside.fullmatch(value)] == []
        assert not re.search(r"@import|url\(", path.read_text())


class Page(HTMLParser):
    """The tags and attributes of a page as a browser sees them."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.scripts = set(), [], []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.lasttag == "script" and not self.scripts[-1]:
            self.scripts[-1] = data


RUN = """\
import sys
from pathlib import Path
from incident_lib import signals
from incident_lib.run.batch import Batch, run_notebooks
from tests.notebooks import sample
place = Path(sys.argv[1])
case = sample.made(place)
paths = tuple(str(place / f"{name}.ipynb") for name in ("fine", "slow", "next"))
with signals.interrupting():
    record = run_notebooks(
        Batch(
            case=case,
            directory=place / "run",
            notebooks=paths,
            parameters={"incident": str(case.folder.path)},
            jobs=1,
            deadline_seconds=120.0,
        )
    )
print(record.status.value, [notebook.status.value for notebook in record.notebooks])
"""


@contextmanager
def running(place):
    """Yield the process of a run whose first notebook is complete, and whose second hangs."""
    begun = place / "begun"
    hangs = f"import os, time; open({str(begun)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    for name, source in {"fine": "6 * 7", "slow": hangs, "next": "1"}.items():
        save(notebook(source), place / f"{name}.ipynb")
    command = [sys.executable, "-c", RUN, str(place)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        while not (begun.exists() and begun.read_text()):
            assert process.poll() is None
            time.sleep(0.05)
        yield process, int(begun.read_text())


def lives(pid):
    """Return whether a process runs: a dead one may wait for its end to be noticed."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_index_is_there_from_the_start_and_each_page_once_its_notebook_ended(tmp_path):
    pages = tmp_path / "run" / "html"
    with running(tmp_path) as (process, _):
        assert "This run is in progress" in (pages / "index.html").read_text()
        assert "did not complete" not in (pages / "index.html").read_text()
        assert {path.name for path in pages.iterdir()} == {"index.html", "fine.html"}
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert "This run is in progress" not in (pages / "index.html").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_an_interruption_keeps_what_is_complete_and_leaves_no_kernel(tmp_path, number):
    with running(tmp_path) as (process, kernel):
        process.send_signal(number)
        assert process.communicate(timeout=60)[0] == "interrupted ['completed', 'interrupted', 'not_run']\n"
    assert not lives(kernel)
    directory = tmp_path / "run"
    assert "This run was interrupted" in (directory / "html" / "index.html").read_text()
    assert len(list((directory / "html").glob("*.html"))) == 4
    assert "42" in (directory / "notebooks" / "fine.ipynb").read_text()


def test_the_second_interruption_ends_at_once_and_leaves_no_kernel(tmp_path):
    with running(tmp_path) as (process, kernel):
        process.send_signal(signal.SIGSTOP)  # so that both arrive together
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        assert process.communicate(timeout=60)[0] == ""
        assert process.returncode == 130
    until = time.monotonic() + 30
    while lives(kernel) and time.monotonic() < until:
        time.sleep(0.05)
    assert not lives(kernel)
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_notebook_that_does_not_exist_is_a_wrong_call(tmp_path):
    case = sample.made(tmp_path)
    with pytest.raises(UsageError, match="no notebook '99_none'"):
        run_notebooks(Batch(case=case, directory=tmp_path, notebooks=("99_none",), parameters={}))
