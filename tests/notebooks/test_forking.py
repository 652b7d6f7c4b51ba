"""Forked kernels: like those that are started by themselves, apart from each other, gone with the rest."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from incident_lib import clock
from incident_lib.model.run import ExecutionStatus
from incident_lib.redact import Redactor
from incident_lib.run import execution, kernels, parents
from incident_lib.run.batch import Batch, run_notebooks
from tests.notebooks import sample
from tests.notebooks.made import notebook
from tests.notebooks.processes import is_parent, left_behind

# What a process may have from the one that started it, and what libraries keep for a whole process.
STATE = """
import asyncio, gc, json, locale, logging, os, random, signal, socket, sys, tempfile, threading, warnings
import matplotlib, numpy, pandas
kept = {name: value for name, value in os.environ.items() if name not in ("IPYTHONDIR", "JPY_PARENT_PID")}
state = {
    "environment": kept,
    "folder": os.getcwd(),
    "arguments": [word for word in sys.argv if "kernel.json" not in word],
    "path": sys.path,
    "safe path": sys.flags.safe_path,
    "main": sorted(vars(sys.modules["__main__"])),
    "signals": {number.name: str(signal.getsignal(number)).split(" at ")[0]
                for number in signal.valid_signals() if isinstance(number, signal.Signals)},
    "mask": sorted(map(str, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
    "umask": oct(os.umask(0o022)),
    "threads": sorted(thread.name.rstrip("0123456789-") for thread in threading.enumerate()),
    "loggers": {name: [[str(type(each)) for each in logger.handlers], logger.level, logger.disabled]
                for name, logger in logging.Logger.manager.loggerDict.items()
                if isinstance(logger, logging.Logger)
                and (logger.handlers or logger.level or logger.disabled)},
    "root logger": [str(logging.root.handlers), logging.root.level],
    "loop": [type(asyncio.get_event_loop()).__name__, type(asyncio.get_event_loop_policy()).__name__],
    "matplotlib": {name: repr(value) for name, value in matplotlib.rcParams.items()},
    "figures": matplotlib.pyplot.get_fignums() if hasattr(matplotlib, "pyplot") else [],
    "time-out of sockets": socket.getdefaulttimeout(),
    "locale": locale.setlocale(locale.LC_ALL),
    "temporary": tempfile.gettempdir(),
    "limit of recursion": sys.getrecursionlimit(),
    "collector": gc.isenabled(),
    "session": os.getsid(0) == os.getpid(),
    "streams": [sys.__stdout__.encoding, sys.__stderr__.errors, os.readlink("/proc/self/fd/1")[:5]],
    "open": len([name for name in os.listdir("/proc/self/fd")
                 if os.path.exists(f"/proc/self/fd/{name}")
                 and os.readlink(f"/proc/self/fd/{name}").startswith("/") and not
                 os.readlink(f"/proc/self/fd/{name}").startswith("/dev/")]),
}
print(json.dumps(state))
"""
CHANGE = """
import asyncio, logging, os, random, signal, socket, sys, threading, time
import matplotlib, numpy
os.environ["LEFT"] = "here"; os.chdir("/usr"); os.umask(0o077)
random.seed(1); numpy.random.seed(1)
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
logging.getLogger("left").setLevel(1); logging.basicConfig(level=1)
matplotlib.rcParams["figure.dpi"] = 7
import matplotlib.pyplot; matplotlib.pyplot.figure()
socket.setdefaulttimeout(3); sys.setrecursionlimit(5000); sys.path.insert(0, "/left")
left = open("/etc/hostname"); listening = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=time.sleep, args=(600,), daemon=True, name="left").start()
"""


async def ran(made, **options):
    job = execution.Job(
        name="made",
        notebook=made,
        deadline=clock.monotonic() + options.pop("seconds", 120.0),
        redactor=Redactor(),
        **options,
    )
    return await execution.execute(job)


def printed(source, **options):
    """Return what a notebook of one cell prints."""
    made = notebook(source)
    record = asyncio.run(ran(made, **options))
    assert record.status is ExecutionStatus.COMPLETED, record.error
    return "".join(output.text for output in made.cells[-1].outputs if output.output_type == "stream")


def state(**options):
    return json.loads(printed(STATE, **options))


def wait_for(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def lives(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def parent_of_kernels():
    """Return the process that kernels are forked from here, which is there, or has just been started."""
    found = []
    wait_for(lambda: found.extend(filter(is_parent, psutil.Process().children())) or found)
    (parent,) = found
    return parent


@pytest.fixture
def no_parent():
    """Begin and end without a parent."""
    parents.end()
    yield
    parents.end()


def test_a_kernel_is_forked_from_a_process_that_stays():
    first, second = (int(printed("import os; print(os.getppid())")) for _ in range(2))
    assert first == second == parent_of_kernels().pid
    assert left_behind() == []


def test_ps_shows_a_forked_kernel_as_a_kernel_and_its_parent_as_what_it_is():
    shown = printed("import psutil; print(*psutil.Process().cmdline())")
    assert "ipykernel_launcher -f " in shown
    assert "ipykernel" not in " ".join(parent_of_kernels().cmdline())


def test_a_forked_kernel_is_like_one_that_is_started_by_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("A_SECRET", "of this test")
    forked = state(directory=tmp_path)
    monkeypatch.setenv("INCIDENT_FORK", "no")
    alone = state(directory=tmp_path)
    assert alone["environment"].pop("INCIDENT_FORK") == "no"
    assert forked == alone
    assert forked["folder"] == str(tmp_path)
    assert forked["environment"]["A_SECRET"] == "of this test"


def test_what_a_kernel_changes_is_not_there_in_the_next(tmp_path):
    before = state(directory=tmp_path)
    assert asyncio.run(ran(notebook(CHANGE), directory=tmp_path)).status is ExecutionStatus.COMPLETED
    assert state(directory=tmp_path) == before


def test_two_kernels_at_once_share_nothing_that_changes():
    source = "import numpy, random, uuid; print(random.random(), numpy.random.random(), uuid.uuid4())"

    async def both():
        made = [
            notebook(CHANGE.replace("random.seed(1); numpy.random.seed(1)", ""), source) for _ in range(2)
        ]
        await asyncio.gather(*(ran(each) for each in made))
        return [each.cells[-1].outputs[0].text.split() for each in made]

    first, second = asyncio.run(both())
    assert all(one != other for one, other in zip(first, second, strict=True))


def test_settings_of_matplotlib_in_the_folder_hold_for_its_kernel_alone(tmp_path):
    source = "import matplotlib; print(matplotlib.rcParams['figure.dpi'])"
    usual = printed(source)
    (tmp_path / "matplotlibrc").write_text("figure.dpi: 33\n")
    assert printed(source, directory=tmp_path).strip() == "33.0"
    assert printed(source) == usual


def test_an_end_in_order_does_what_is_to_be_done_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "GRACE_SECONDS", 20.0)
    source = (
        "import atexit, tempfile\n"
        f"atexit.register(open({str(tmp_path / 'end')!r}, 'w').write, 'reached')\n"
        f"kept = tempfile.NamedTemporaryFile(dir={str(tmp_path)!r})\n"
        f"folder = tempfile.TemporaryDirectory(dir={str(tmp_path)!r})"
    )
    assert asyncio.run(ran(notebook(source))).status is ExecutionStatus.COMPLETED
    assert [path.name for path in tmp_path.iterdir()] == ["end"]
    assert (tmp_path / "end").read_text() == "reached"


def test_another_zone_gets_a_parent_that_started_with_it(monkeypatch):
    source = "import os, time; print(os.getppid(), time.tzname[0])"
    before, _ = printed(source).split()
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    after, zone = printed(source).split()
    assert (zone, before != after) == ("JST", True)
    wait_for(lambda: not lives(int(before)))
    assert left_behind() == []


def test_a_parent_whose_modules_changed_on_disk_is_not_forked(tmp_path):
    (tmp_path / "edited.py").write_text("VALUE = 1\n")
    check = (
        "import os, sys, time; from incident_lib.run import forking; forking._FRESH_SECONDS = 0\n"
        "start = dict(os.environ); environment = forking.Environment(); import edited\n"
        "environment.note_imports(); print(repr(environment.difference(start)))\n"
        "os.utime(edited.__file__, (1, 1)); print(environment.difference(start))\n"
        "print(environment.difference({**start, 'LANG': 'xx'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", check],
        env={**os.environ, "PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{tmp_path}".lstrip(":")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "''",
        f"{tmp_path / 'edited.py'} has changed",
        "LANG has another value",
    ]


def test_an_idle_parent_ends_by_itself_and_the_next_kernel_has_another(no_parent, monkeypatch):
    monkeypatch.setattr(parents, "IDLE_SECONDS", 0.2)
    pid = int(printed("import os, time; time.sleep(1); print(os.getppid())"))
    wait_for(lambda: not lives(pid))
    assert left_behind() == []
    assert int(printed("import os; print(os.getppid())")) != pid


def test_a_parent_that_ends_between_two_requests_is_replaced(no_parent):
    pid = int(printed("import os; print(os.getppid())"))
    os.kill(pid, signal.SIGSTOP)  # it does not read the request any more, and then it is gone

    async def raced():
        made = notebook("import os; print(os.getppid())")
        job = asyncio.ensure_future(ran(made))
        await asyncio.sleep(1)
        os.kill(pid, signal.SIGKILL)
        return (await job).status, int(made.cells[-1].outputs[0].text)

    status, other = asyncio.run(raced())
    assert status is ExecutionStatus.COMPLETED
    assert other != pid


def test_the_parent_killed_takes_its_kernels_along_and_what_they_started(no_parent):
    source = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid); import time; time.sleep(600)"

    async def killed():
        made = notebook("1", source)
        begun = asyncio.Event()
        job = asyncio.ensure_future(ran(made, begin=lambda index: begun.set() if index == 3 else None))
        await begun.wait()
        parent = parent_of_kernels()
        while len(parent.children(recursive=True)) < 2:
            await asyncio.sleep(0.02)
        below = [child.pid for child in parent.children(recursive=True)]
        parent.kill()
        return await job, below

    record, below = asyncio.run(killed())
    assert record.status is ExecutionStatus.KERNEL_DIED
    wait_for(lambda: not any(lives(pid) for pid in below))
    assert left_behind() == []
    assert asyncio.run(ran(notebook("6 * 7"))).status is ExecutionStatus.COMPLETED


def test_nothing_is_left_of_a_driver_that_is_killed(tmp_path):
    begun = tmp_path / "begun"
    cell = (
        "import os, subprocess, time; child = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(begun)!r}, 'w').write(f'{{os.getpid()}} {{os.getppid()}} {{child.pid}}\\n')\n"
        "time.sleep(600)"
    )
    driver = (
        "import asyncio, sys; from tests.notebooks.test_forking import ran; "
        "from tests.notebooks.made import notebook; asyncio.run(ran(notebook(sys.argv[1])))"
    )
    process = subprocess.Popen([sys.executable, "-c", driver, cell])
    with process:
        wait_for(lambda: begun.exists() and begun.read_text().endswith("\n"), seconds=120)
        process.kill()
    pids = [int(pid) for pid in begun.read_text().split()]
    assert len(pids) == 3
    wait_for(lambda: not any(lives(pid) for pid in pids))


def test_a_killed_kernel_costs_its_own_notebook_alone():
    async def several():
        made = [
            notebook("import os; os.kill(os.getpid(), 9)"),
            notebook("import time; time.sleep(2)", "6 * 7"),
        ]
        return await asyncio.gather(*(ran(each) for each in made))

    dead, fine = asyncio.run(several())
    assert dead.status is ExecutionStatus.KERNEL_DIED
    assert "signal 9" in dead.error
    assert fine.status is ExecutionStatus.COMPLETED


def test_a_kernel_that_eats_memory_costs_its_own_notebook_alone():
    eats = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9))\n"
        "held = []\nwhile True: held.append(bytearray(10**7))"
    )

    async def several():
        made = [notebook(eats), notebook("import time; time.sleep(2)", "6 * 7")]
        return await asyncio.gather(*(ran(each) for each in made))

    eater, fine = asyncio.run(several())
    assert eater.status in {ExecutionStatus.FAILED, ExecutionStatus.KERNEL_DIED}
    assert fine.status is ExecutionStatus.COMPLETED


def test_what_a_cell_started_ends_with_its_kernel():
    pid = int(printed("import subprocess; print(subprocess.Popen(['sleep', '600']).pid)"))
    wait_for(lambda: not lives(pid))


def test_what_the_parent_takes_counts_as_taken_by_us_and_ctrl_c_does_not_reach_it(no_parent):
    parents.begin()
    parent = parent_of_kernels()
    assert os.getsid(parent.pid) == os.getsid(0)
    assert os.getpgid(parent.pid) != os.getpgid(0)


def test_a_fork_of_the_driver_does_not_keep_the_parent(no_parent):
    parents.begin()
    parent = parent_of_kernels()
    child = os.fork()
    if child == 0:
        time.sleep(600)
        os._exit(0)
    try:
        parents.end()
        wait_for(lambda: not lives(parent.pid))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("INCIDENT_FORK", "no", "INCIDENT_FORK is no"),
        ("PYTHONPATH", "relative", "PYTHONPATH has a relative folder"),
    ],
)
def test_where_no_kernel_is_forked_it_is_started_by_itself_and_that_is_said(name, value, reason):
    assert parents.impossible(parents.COMMAND, {name: value}) == reason
    assert parents.impossible(["R", "--slave"], {})
    assert not parents.impossible(parents.COMMAND, {})


def pages(case, directory):
    batch = Batch(
        case=case,
        directory=directory,
        notebooks=("00_triage", "20_database", "40_network"),
        parameters={"incident": str(case.folder.path), "snapshot": case.snapshot},
        deadline_seconds=240.0,
    )
    record = run_notebooks(batch)
    assert [each.error for each in record.notebooks] == ["", "", ""]
    texts = {}
    for path in sorted(directory.glob("html/*.html")):
        text = re.sub(r"\d+(\.\d+)? (ms|s)\b", "N s", path.read_text())
        texts[path.name] = re.sub(r"\d\d:\d\d(:\d\d)?", "T", text)
    return texts


def test_pages_are_equal_with_forked_kernels_and_without(tmp_path, monkeypatch):
    case = sample.made(tmp_path)
    forked = pages(case, tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "forked")
    monkeypatch.setenv("INCIDENT_FORK", "no")
    alone = pages(case, tmp_path / "run")
    assert forked == alone
    assert len(forked) == 4
