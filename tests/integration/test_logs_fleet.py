"""Logs counted by real Dask workers: as here, also where one is killed; and what could not be counted."""

import gzip
import json
import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incident_lib.cli import main
from incident_lib.errors import ProblemKind, TargetError, UsageError
from incident_lib.technologies.logs import fleet
from incident_lib.technologies.logs.redaction import Redaction
from incident_lib.technologies.logs.sources import Source, find
from incident_lib.technologies.logs.summary import Scope, Summary, merge_parts, summarize
from tests import services
from tests.integration import s3_service

START = datetime(2026, 3, 14, 9, tzinfo=UTC)
PART_BYTES = 40_000
PORT = "127.0.0.1:0"  # any that is free
SCOPE = Scope(redaction=Redaction(secrets=("swordfish-77",)))


def written(path: Path, lines: int, first: datetime = START) -> Path:
    """A log with requests, errors and tracebacks, so that stretches are cut in the middle of some."""
    found = []
    for number in range(lines):
        at = (first + timedelta(milliseconds=250 * number)).isoformat(timespec="milliseconds")
        if number % 50 == 20:
            found += [
                f"{at} ERROR till.{path.stem}: order {number} failed, password=hunter{number} swordfish-77",
                "Traceback (most recent call last):",
                '  File "/srv/till/drawer.py", line 12, in open_drawer',
                "    self.lock.release()",
                "RuntimeError: release unlocked lock",
            ]
        else:
            found.append(f"{at} INFO till.{path.stem}: order {number} was paid in {number % 90} ms")
    path.write_text("\n".join(found) + "\n")
    return path


@pytest.fixture(scope="module")
def logs(tmp_path_factory) -> list[Source]:
    folder = tmp_path_factory.mktemp("logs")
    first, second = written(folder / "north.log", 3_000), written(folder / "south.log", 1_000)
    packed = folder / "east.log.gz"
    packed.write_bytes(gzip.compress(written(folder / "unpacked", 500).read_bytes()))
    return find([str(first), str(second), str(packed)]).sources


@pytest.fixture(scope="module")
def here(logs) -> Summary:
    return merge_parts(summarize(logs, SCOPE, processes=1))


@pytest.fixture(scope="module")
def store():
    with s3_service.store() as started:
        yield started


@pytest.fixture(scope="module")
def cluster(store):  # the workers take the address of the store from their environment
    """Two workers, each a process, which a nanny starts again."""
    try:
        from distributed import LocalCluster
    except ImportError:
        services.missing("the package distributed is not installed")
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=PORT, silence_logs=logging.CRITICAL
    ) as started:
        yield started


def on(cluster, sources: list[Source], scope: Scope = SCOPE, **options) -> Summary:
    address = cluster.scheduler_address
    found, interrupted = fleet.summarize_on(address, sources, scope, part_bytes=PART_BYTES, **options)
    assert interrupted == any("not read: interrupted" in note for file in found.files for note in file.notes)
    return found


def test_a_cluster_returns_what_one_process_does(cluster, logs, here):
    read: list[int] = []
    found = on(cluster, logs, advance=read.append)
    assert found.digest == here.digest
    assert (found.files, found.newest, found.complete) == (here.files, here.newest, True)
    assert found.digest.exceptions["RuntimeError", "till/drawer.py:open_drawer"].count == 90
    assert sum(read) == sum(Path(source.address).stat().st_size for source in logs)
    assert len(read) > 8


def test_nothing_secret_leaves_a_worker(cluster, logs):
    packed = [fleet._count(fleet._Work(source, SCOPE)) for source in logs]
    for package in (*packed, fleet._merge(packed), fleet.pack(fleet.unpack(packed[0]))):
        text = repr(fleet.unpack(package))
        assert "till" in text
        assert "hunter" not in text
        assert "swordfish" not in text
    assert "swordfish" not in repr(fleet._Work(logs[0], SCOPE))


def test_a_worker_that_is_killed_changes_nothing(cluster, logs, here):
    from distributed import Client

    with Client(cluster.scheduler_address, set_as_default=False) as client:
        processes = list(client.run(os.getpid).values())
    killed: list[int] = []

    def kill(_count: int) -> None:
        if not killed:
            killed.append(processes[0])
            os.kill(processes[0], signal.SIGKILL)

    found = on(cluster, logs, advance=kill)
    assert killed
    assert found.digest == here.digest
    assert (found.files, found.complete) == (here.files, True)


def test_objects_of_a_store_are_counted_as_the_files_are(cluster, store, logs, here):
    objects = {Path(source.address).name: Path(source.address).read_bytes() for source in logs}
    store.put("archive", {f"day/{name}": data for name, data in objects.items()})
    sources = find(["s3://archive/day/*"]).sources
    found = on(cluster, sources)
    assert found.digest == here.digest
    assert {file.address.rpartition("/")[2]: file.read_bytes for file in found.files} == {
        name: len(data) for name, data in objects.items()
    }


def test_what_cannot_be_read_is_in_the_result_with_its_share(cluster, logs, tmp_path):
    gone, kept = written(tmp_path / "gone.log", 400), written(tmp_path / "kept.log", 400)
    sources = find([str(gone), str(kept)]).sources
    gone.unlink()
    found = on(cluster, sources)
    first, second = found.files
    assert first.problem is not None
    assert first.problem.kind is ProblemKind.NOT_FOUND
    assert (first.read_bytes, second.lines, found.digest.lines) == (0, 432, 432)
    assert not found.complete


def test_a_worker_that_fails_leaves_a_share_and_a_reason(cluster, logs):
    found = on(cluster, logs, Scope(redaction=Redaction(patterns=("(",))))
    assert not found.complete
    assert found.digest.lines == 0
    assert all("100 %" in file.notes[0] and "RedactionError" in file.notes[0] for file in found.files)


# Of a worker: to open this file ends it, as a stretch does that takes more memory than the worker may have.
DEADLY = """
import os, signal, sys
def end(event, arguments):
    if event == "open" and "deadly" in str(arguments[0]):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(end)
"""


def test_a_stretch_that_ends_each_worker_is_left_out(capsys, tmp_path, monkeypatch):
    import dask
    from distributed import LocalCluster

    monkeypatch.chdir(tmp_path)
    deadly, kept = written(tmp_path / "deadly.log", 200), written(tmp_path / "kept.log", 4_000)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=PORT,
            silence_logs=logging.CRITICAL,
            preload=[DEADLY],
        ) as mortal,
    ):
        address = mortal.scheduler_address
        assert main(["logs", deadly.name, kept.name, "--json", "--cluster", address]) == 3
    found = json.loads(capsys.readouterr().out)
    files = {Path(file["path"]).name: file for file in found["files"]}
    assert "100 %" in files["deadly.log"]["notes"][0]
    assert "each worker that read it ended" in files["deadly.log"]["notes"][0]
    assert (files["kept.log"]["complete"], files["kept.log"]["notes"]) == (True, [])
    assert found["total_log_lines"] == files["kept.log"]["lines_count"] == 4_320


def test_the_loss_of_all_workers_is_in_the_result(logs, monkeypatch):
    from distributed import LocalCluster

    command = [sys.executable, "-m", "distributed.cli.dask_worker", "--no-nanny", "--nthreads", "1"]
    with (
        LocalCluster(
            n_workers=0,
            dashboard_address=PORT,
            protocol="tcp",
            processes=False,
            silence_logs=logging.CRITICAL,
        ) as alone,
        ExitStack() as stack,
    ):
        workers = [
            stack.enter_context(
                subprocess.Popen(
                    [*command, "--no-dashboard", alone.scheduler_address],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            for _ in range(2)
        ]
        for worker in workers:
            stack.callback(worker.kill)
        counted: list[float] = []

        def kill(_count: int) -> None:
            counted.append(time.monotonic())
            if len(counted) == 4:  # the packages of these stretches are lost, too
                monkeypatch.setattr(fleet, "_WORKERS_SECONDS", 5.0)
                for worker in workers:
                    worker.kill()

        found = on(alone, logs, advance=kill)
        assert time.monotonic() - counted[3] < 15
    assert not found.complete
    assert all("lost" in file.notes[0] for file in found.files)


def test_an_interruption_returns_what_was_counted(cluster, logs):
    counted: list[int] = []

    def interrupt(size: int) -> None:
        counted.append(size)
        if len(counted) == 3:
            raise KeyboardInterrupt

    found = on(cluster, logs, advance=interrupt)
    assert 0 < found.digest.lines < 4_500
    assert any("not read: interrupted" in note for file in found.files for note in file.notes)


def test_a_cluster_without_workers_does_not_hang(logs, monkeypatch):
    from distributed import LocalCluster

    monkeypatch.setattr(fleet, "_WORKERS_SECONDS", 0.5)
    quiet = logging.CRITICAL
    with (
        LocalCluster(
            n_workers=0, dashboard_address=PORT, protocol="tcp", processes=False, silence_logs=quiet
        ) as empty,
        pytest.raises(TargetError, match="no workers"),
    ):
        on(empty, logs)


def test_a_scheduler_that_does_not_answer_and_a_package_that_is_not_there(logs, monkeypatch):
    monkeypatch.setattr(fleet, "_CONNECT_SECONDS", 0.5)
    with pytest.raises(TargetError, match="no Dask scheduler answers"):
        fleet.summarize_on("tcp://127.0.0.1:9", logs, SCOPE)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"incident-workbench\[fleet\]"):
        fleet.summarize_on("local", logs, SCOPE)


def test_the_command_prints_the_same_with_a_cluster(cluster, logs, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [source.address for source in logs]
    assert main(["logs", *paths, "--json"]) == 0
    here = json.loads(capsys.readouterr().out)
    assert main(["logs", *paths, "--json", "--cluster", cluster.scheduler_address]) == 0
    assert json.loads(capsys.readouterr().out) == here
    assert (
        main(["logs", paths[0], str(tmp_path / "nowhere.log"), "--cluster", cluster.scheduler_address]) == 3
    )


def test_the_command_refuses_what_no_cluster_can_read(logs, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fleet, "_CONNECT_SECONDS", 0.5)
    assert main(["logs", logs[0].address, "--cluster", "nowhere"]) == 2
    assert "tcp://HOST:PORT" in capsys.readouterr().err
    assert main(["logs", logs[0].address, "--cluster", "tcp://127.0.0.1:9"]) == 1
    assert "no Dask scheduler answers" in capsys.readouterr().err
    assert main(["logs", "-", "--cluster", "local"]) == 2
    assert "standard input" in capsys.readouterr().err
