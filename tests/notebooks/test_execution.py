"""Notebooks through real kernels: what fails, hangs or dies is recorded so, and nothing is left behind."""

import asyncio
import os
import signal
import time

import psutil
import pytest

from incident_lib import clock
from incident_lib.model.run import ExecutionStatus
from incident_lib.redact import Redactor
from incident_lib.run import execution
from tests.notebooks.made import notebook
from tests.notebooks.processes import left_behind


def run(made, *, seconds=60.0, secrets=(), **options):
    job = execution.Job(
        name="made",
        notebook=made,
        deadline=clock.monotonic() + seconds,
        redactor=Redactor(secrets),
        **options,
    )
    return asyncio.run(execution.execute(job))


def statuses(record):
    return [cell.status.value for cell in record.cells]


def kernels_left():
    return [
        child for child in left_behind() if child.is_running() and child.name() != "runc"
    ]  # an engine of tests


def test_a_notebook_that_works_is_completed():
    made = notebook("6 * 7")
    record = run(made)
    assert record.status is ExecutionStatus.COMPLETED
    assert statuses(record) == ["completed", "completed"]
    assert made.cells[-1].outputs[0].data["text/plain"] == "42"
    assert made.metadata["incident"]["status"] == "completed"
    assert kernels_left() == []


def test_a_cell_that_raises_ends_the_notebook_there():
    record = run(notebook("1 / 0", "'never'"))
    assert record.status is ExecutionStatus.FAILED
    assert statuses(record) == ["completed", "failed", "not_run"]
    assert record.error == "cell 2: ZeroDivisionError: division by zero"
    assert record.cells[-1].seconds is None


def test_a_memory_error_is_a_failure_with_its_name():
    record = run(notebook("bytearray(10**18)"))
    assert record.status is ExecutionStatus.FAILED
    assert "MemoryError" in record.error


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import os; os._exit(7)", "exit code 7"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "killed by signal 9"),
    ],
)
def test_a_dead_kernel_is_never_completed(source, reason):
    record = run(notebook(source, "'never'"))
    assert record.status is ExecutionStatus.KERNEL_DIED
    assert statuses(record) == ["completed", "kernel_died", "not_run"]
    assert reason in record.error


def test_a_cell_that_hangs_is_ended_at_the_deadline_with_its_children():
    started = time.monotonic()
    made = notebook("import subprocess; subprocess.run(['sleep', '600'])", "'never'")
    record = run(made, seconds=3)
    assert time.monotonic() - started < 6
    assert record.status is ExecutionStatus.TIMED_OUT
    assert statuses(record) == ["completed", "timed_out", "not_run"]
    assert kernels_left() == []


def test_a_cell_that_ignores_signals_is_ended_too():
    source = "import signal, time\nfor s in (2, 15): signal.signal(s, signal.SIG_IGN)\ntime.sleep(600)"
    record = run(notebook(source), seconds=3)
    assert record.status is ExecutionStatus.TIMED_OUT
    assert kernels_left() == []


def test_a_kernel_that_is_not_installed_is_a_failure():
    record = run(notebook("1", kernel="no-such-kernel"))
    assert record.status is ExecutionStatus.FAILED
    assert "no kernel is named 'no-such-kernel'" in record.error
    assert statuses(record) == ["not_run", "not_run"]


def test_interrupting_leaves_a_record_and_no_kernel():
    made = notebook("import time; time.sleep(600)")

    async def interrupted():
        begun = asyncio.Event()
        job = execution.Job(
            name="made",
            notebook=made,
            deadline=clock.monotonic() + 60,
            redactor=Redactor(),
            begin=lambda index: begun.set() if index == 2 else None,
        )
        task = asyncio.ensure_future(execution.execute(job))
        await begun.wait()
        task.cancel()
        return await task

    record = asyncio.run(interrupted())
    assert record.status is ExecutionStatus.INTERRUPTED
    assert statuses(record) == ["completed", "interrupted"]
    assert kernels_left() == []


def test_an_interruption_while_its_kernel_ends_leaves_a_complete_notebook_complete():
    async def interrupted():
        task = asyncio.ensure_future(
            execution.execute(
                execution.Job(
                    name="made",
                    notebook=notebook("6 * 7"),
                    deadline=clock.monotonic() + 60,
                    redactor=Redactor(),
                    ended=lambda: asyncio.get_running_loop().call_soon(task.cancel),
                )
            )
        )
        record = await task
        return record, kernels_left()  # before the loop ends what it still holds

    record, left = asyncio.run(interrupted())
    assert record.status is ExecutionStatus.COMPLETED
    assert record.error == ""
    assert statuses(record) == ["completed", "completed"]
    assert left == []


def test_a_kernel_dies_with_the_process_that_started_it(tmp_path):
    pid = os.fork()
    if pid == 0:
        path = str(tmp_path / "pid")
        made = notebook(f"import os, time; open({path!r}, 'w').write(str(os.getpid())); time.sleep(600)")
        try:
            run(made)
        finally:
            os._exit(0)
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    kernel = int((tmp_path / "pid").read_text())
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    wait_for(lambda: not psutil.pid_exists(kernel) or psutil.Process(kernel).status() == "zombie")


def wait_for(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_outputs_and_errors_are_redacted():
    made = notebook(
        "print('postgresql://app:' + 'hunt' + 'er2@db/shop')",
        "raise RuntimeError('the key is s3cr' + 'et-value')",
    )
    record = run(made, secrets=["s3cret-value"])
    kept = str(made) + str(record)
    assert "hunter2" not in kept
    assert "the key is [secret]" in record.error
    assert "s3cret-value" not in kept


def test_a_cell_that_writes_without_end_is_cut_and_that_is_said():
    made = notebook("for _ in range(3000): print('x' * 10_000)")
    record = run(made)
    assert record.status is ExecutionStatus.COMPLETED
    text = "".join(output.text for output in made.cells[-1].outputs)
    assert len(text) < 2 * execution.OUTPUT_CHARACTERS
    assert "the rest is not kept" in text


def test_what_a_kernel_says_beside_its_cells_is_in_the_record_and_not_in_the_terminal(capfd):
    said = "import os; os.write(2, b'')\nimport sys; sys.__stderr__.write('a warning of token=hunter2xyz\\n')"
    record = run(notebook(said))
    assert record.status is ExecutionStatus.COMPLETED
    assert record.kernel_said == "a warning of token=[secret]"
    assert capfd.readouterr() == ("", "")


def test_a_kernel_that_talks_without_end_is_kept_to_its_last_words():
    record = run(notebook("import sys\nfor n in range(100_000):\n    print(n, file=sys.__stderr__)"))
    assert record.status is ExecutionStatus.COMPLETED
    assert record.kernel_said.startswith("[only the last")
    assert record.kernel_said.endswith("99999")
    assert len(record.kernel_said) < 20_000
