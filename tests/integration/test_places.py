"""This machine and a real container: commands, files and connections, with their deadlines and caps."""

import pickle
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from incident_lib.connections.places.container import Container, DockerEngine, OpenContainer
from incident_lib.connections.places.machine import ThisMachine
from incident_lib.errors import ProblemKind, TargetError
from tests.integration import docker_service
from tests.integration.docker_service import CASES

engine = docker_service.engine
in_docker = pytest.mark.docker
HERE = ThisMachine()
_PREPARE = """
mkfifo /tmp/pipe
seq 1000000 >/tmp/big
printf 0123456789 >/tmp/ten
ln -s /tmp/ten /tmp/link
sleep 600
"""


@pytest.fixture(scope="module")
def place(engine: docker.DockerClient) -> Iterator[Container]:
    with docker_service.container(engine, ["sh", "-c", _PREPARE]) as made:
        until = time.monotonic() + 20
        while made.exec_run(["test", "-L", "/tmp/link"]).exit_code and time.monotonic() < until:
            time.sleep(0.1)
        yield Container(made.name)


def kind_of(call, *arguments, **options) -> ProblemKind:
    with pytest.raises(TargetError) as raised:
        call(*arguments, **options)
    return raised.value.kind


def python(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


def test_this_machine_runs_a_command(tmp_path: Path) -> None:
    text = (
        "import os, sys; print(os.getcwd(), os.environ['WORD']); print('err', file=sys.stderr); sys.exit(3)"
    )
    output = HERE.run(python(text), environment={"WORD": "x"}, directory=str(tmp_path))
    assert (output.exit_code, output.stderr, output.truncated) == (3, b"err\n", False)
    assert output.stdout.decode().split() == [str(tmp_path), "x"]
    killed = HERE.run(python("import os; os.kill(os.getpid(), 9)"))
    assert killed.exit_code == 128 + 9


def test_this_machine_ends_a_command_at_the_deadline(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    text = f"import time; print('begun', flush=True); time.sleep(2); open({str(mark)!r}, 'w')"
    started = time.monotonic()
    assert kind_of(HERE.run, python(text), seconds=0.5) is ProblemKind.TIMED_OUT
    assert time.monotonic() - started < 1.5
    time.sleep(2)
    assert not mark.exists()


def test_this_machine_does_not_wait_for_what_a_command_leaves_running() -> None:
    started = time.monotonic()
    output = HERE.run(("sh", "-c", "echo done; sleep 20 &"), seconds=15)
    assert (output.stdout, output.exit_code) == (b"done\n", 0)
    assert time.monotonic() - started < 5


def test_this_machine_bounds_a_command_that_closes_its_output_and_goes_on() -> None:
    text = "import os, time; os.close(1); os.close(2); time.sleep(20)"
    assert kind_of(HERE.run, python(text), seconds=0.5) is ProblemKind.TIMED_OUT


def test_this_machine_cuts_what_a_command_prints() -> None:
    output = HERE.run(python("while True: print('x' * 1000)"), most_bytes=5000, seconds=5)
    assert (output.truncated, len(output.stdout), output.exit_code) == (True, 5000, -1)


def test_this_machine_without_the_program() -> None:
    assert kind_of(HERE.run, ("no-such-program-here",)) is ProblemKind.UNSUPPORTED


def test_this_machine_reads_files(tmp_path: Path) -> None:
    path = tmp_path / "ten"
    path.write_bytes(b"0123456789")
    assert HERE.read(str(path)).data == b"0123456789"
    assert not HERE.read(str(path), most_bytes=10).truncated
    part = HERE.read(str(path), start=2, most_bytes=3)
    assert (part.data, part.size_bytes, part.truncated) == (b"234", 10, True)
    assert HERE.read(str(path), start=-4).data == b"6789"
    assert abs(part.modified_at.timestamp() - time.time()) < 60
    assert HERE.read("/proc/self/stat").data.endswith(b"\n")
    assert HERE.read("/proc/self/stat", most_bytes=3).truncated


def test_this_machine_says_why_a_file_cannot_be_read(tmp_path: Path) -> None:
    assert kind_of(HERE.read, str(tmp_path / "none")) is ProblemKind.NOT_FOUND
    assert kind_of(HERE.read, str(tmp_path)) is ProblemKind.UNSUPPORTED
    assert kind_of(HERE.read, "/dev/zero") is ProblemKind.UNSUPPORTED
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert kind_of(HERE.read, str(loop)) is ProblemKind.PRIVILEGE


def test_this_machine_connects() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        (attempt,) = HERE.connect("127.0.0.1", port)
        assert (attempt.kind, attempt.sock) == (None, None)
    (attempt,) = HERE.connect("127.0.0.1", port)
    assert attempt.kind is ProblemKind.REFUSED
    assert kind_of(HERE.connect, "no-such-host.invalid", 80) is ProblemKind.NAME_NOT_RESOLVED


def test_places_are_picklable_by_name() -> None:
    places = (HERE, Container("app-db"), Container("app-db", DockerEngine("tcp://b:2375")))
    assert pickle.loads(pickle.dumps(places)) == places
    assert [place.vantage for place in places][:2] == ["this machine", "inside the container app-db"]


@in_docker
def test_a_container_runs_a_command(place: Container) -> None:
    output = place.run(("ls", "/tmp/ten", "/tmp/none"))
    assert (output.stdout, output.exit_code) == (b"/tmp/ten\n", 2)
    assert b"/tmp/none" in output.stderr
    with_word = place.run(("redis-cli", "--version"), environment={"WORD": "x"})
    assert with_word.exit_code == 0


@in_docker
def test_a_container_past_the_deadline(place: Container) -> None:
    started = time.monotonic()
    assert kind_of(place.run, ("cat", "/tmp/pipe"), seconds=0.7) is ProblemKind.TIMED_OUT
    assert time.monotonic() - started < 2
    opened = place.open()
    assert kind_of(opened.run, ("cat", "/tmp/pipe"), seconds=0.7) is ProblemKind.TIMED_OUT
    assert opened.run(("cat", "/tmp/ten")).stdout == b"0123456789"
    opened.close()


@in_docker
def test_a_container_cuts_what_a_command_prints(place: Container) -> None:
    output = place.run(("cat", "/tmp/big"), most_bytes=5000)
    assert (output.truncated, len(output.stdout), output.exit_code) == (True, 5000, -1)
    output = place.run(("cat", "/tmp/big"))
    assert (output.truncated, len(output.stdout)) == (True, 4 * 1024 * 1024)


@in_docker
def test_a_container_that_cannot_run_it(engine: docker.DockerClient, place: Container) -> None:
    with docker_service.container(engine, **CASES["no shell"]) as made:
        assert kind_of(Container(made.name).run, ("psql", "-V")) is ProblemKind.UNSUPPORTED
        assert kind_of(Container(made.name).connect, "127.0.0.1", 9) is ProblemKind.UNSUPPORTED
        made.pause()
        assert kind_of(Container(made.name).run, ("id",)) is ProblemKind.REFUSED
        made.unpause()
    assert kind_of(Container("no-such-container").run, ("id",)) is ProblemKind.NOT_FOUND
    away = Container(place.name, DockerEngine("unix:///nonexistent/docker.sock"))
    assert kind_of(away.run, ("id",)) is ProblemKind.NO_ENGINE


@in_docker
@pytest.mark.parametrize(
    "argv",
    [
        ("rm", "/tmp/ten"),
        ("sh", "-c", "rm /tmp/ten"),
        ("python3", "-c", "import os; os.remove('/tmp/ten')"),
        ("python3", "-I", "-S", "-B", "-c", "import os; os.remove('/tmp/ten')"),
        ("tail", "-f", "/tmp/ten"),
        ("cat", "/proc/1/environ"),
    ],
)
def test_a_container_runs_nothing_but_what_reads(place: Container, argv: tuple[str, ...]) -> None:
    opened = place.open()
    assert kind_of(place.run, argv) is ProblemKind.UNSUPPORTED
    assert kind_of(opened.run, argv) is ProblemKind.UNSUPPORTED
    assert kind_of(opened.stream, argv, {}) is ProblemKind.UNSUPPORTED
    opened.close()
    assert place.read("/tmp/ten").data == b"0123456789"


@in_docker
def test_a_container_reads_files(place: Container) -> None:
    content = place.read("/tmp/ten")
    assert (content.data, content.size_bytes, content.truncated) == (b"0123456789", 10, False)
    assert abs(content.modified_at.timestamp() - time.time()) < 600
    assert place.read("/tmp/link", start=2, most_bytes=3).data == b"234"
    end = place.read("/tmp/big", start=-8)
    assert (end.data, end.truncated) == (b"1000000\n", True)
    assert b"Pid:" in place.read("/proc/1/status").data


@in_docker
def test_a_container_says_why_a_file_cannot_be_read(place: Container) -> None:
    for path in ("/tmp/none", "/proc/none"):
        assert kind_of(place.read, path) is ProblemKind.NOT_FOUND
    for path in ("/tmp", "/tmp/pipe"):
        assert kind_of(place.read, path) is ProblemKind.UNSUPPORTED


@in_docker
def test_a_container_that_has_ended_can_still_be_read(engine: docker.DockerClient) -> None:
    with docker_service.container(engine, ["sh", "-c", "echo last >/tmp/words"]) as made:
        made.wait()
        assert Container(made.name).read("/tmp/words").data == b"last\n"


@in_docker
@pytest.mark.parametrize("shell_only", [False, True])
def test_a_container_connects(engine: docker.DockerClient, shell_only: object) -> None:
    serve = "import socket; s = socket.create_server(('127.0.0.1', 8123))\nwhile True: s.accept()[0].recv(1)"
    limits = {"mem_limit": "48m"} if shell_only else {}  # too little left for python3
    with docker_service.container(engine, ["python3", "-c", serve], **limits) as made:
        opened = OpenContainer(DockerEngine().open(), made.name)
        until = time.monotonic() + 20
        attempts = opened.connect("127.0.0.1", 8123)
        while attempts[0].kind and time.monotonic() < until:
            attempts = opened.connect("127.0.0.1", 8123)
        opened.close()
        assert [(attempt.address.text, attempt.kind) for attempt in attempts] == [("127.0.0.1:8123", None)]
        (refused,) = Container(made.name).connect("127.0.0.1", 8124)
        assert refused.kind is ProblemKind.REFUSED
        unknown = kind_of(Container(made.name).connect, "no-such-host.invalid", 80)
        assert unknown is ProblemKind.NAME_NOT_RESOLVED
