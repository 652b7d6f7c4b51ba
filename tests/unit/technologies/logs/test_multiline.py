"""Lines that belong together: counted as the one event that they report."""

import json

import pytest

from incident_lib.technologies.logs.probes.digest import Digest, merge
from incident_lib.technologies.logs.probes.scan import Scan

EVER = (float("-inf"), float("inf"))


def digest(text: str) -> Digest:
    scan = Scan(*EVER)
    for line in text.strip("\n").split("\n"):
        scan.feed(line)
    return scan.finish()


PYTHON = """\
Traceback (most recent call last):
  File "/srv/till/cash.py", line 31, in take
    raise DrawerError("drawer is open")
till.errors.DrawerError: drawer is open"""
CHAINED = """\
Traceback (most recent call last):
  File "/srv/till/store.py", line 8, in load
    return rows[key]
KeyError: 'k1'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/till/cash.py", line 31, in take
    load()
till.errors.DrawerError: drawer is open"""
LOGURU = """\
Traceback (most recent call last):

  File "/usr/lib/python3.12/runpy.py", line 8, in <module>
    run()
    \u2514 <function run at 0x7f00>
> File "/srv/till/cash.py", line 31, in take
    raise DrawerError
          \u2514 <class 'DrawerError'>

till.errors.DrawerError: drawer is open"""
GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "/srv/till/tasks.py", line 5, in run
  |     async with TaskGroup() as group:
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/srv/till/cash.py", line 31, in take
    |     raise DrawerError("drawer is open")
    | till.errors.DrawerError: drawer is open
    +------------------------------------"""


@pytest.mark.parametrize("trace", [PYTHON, CHAINED, LOGURU, GROUP])
@pytest.mark.parametrize(
    "head",
    [
        "2026-01-15 14:31:05,250 ERROR till: closing failed",
        "ERROR:    Exception in ASGI application",
        "[2026-01-15 14:31:05 +0000] [7] [ERROR] Error handling request /take",
    ],
)
def test_an_error_line_and_its_traceback_are_a_single_error(head: str, trace: str) -> None:
    found = digest(f"{head}\n{trace}\n{head}\n{trace}\nINFO:     done")
    assert found.errors == 2
    assert {key: tally.count for key, tally in found.exceptions.items()} == {
        ("till.errors.DrawerError", "till/cash.py:take"): 2
    }
    assert found.lines == 3 + 2 * len(trace.split("\n"))


@pytest.mark.parametrize(
    ("message", "error", "name"),
    [
        ("QueuePool limit of size 3 overflow 2 reached", "sqlalchemy.exc.TimeoutError", "pool_timeout"),
        ("sorry, too many clients already", "psycopg.OperationalError", "db_too_many_clients"),
        ("[Errno 24] Too many open files: '/srv/x'", "OSError", "open_files"),
    ],
)
def test_a_class_counts_once_in_a_message_and_its_traceback(message: str, error: str, name: str) -> None:
    trace = f'Traceback (most recent call last):\n  File "/srv/a.py", line 3, in get\n{error}: {message}'
    found = digest(f"2026-01-15 14:31:05 ERROR app: failed: {message}\n{trace}")
    assert {key: tally.count for key, tally in found.classes.items() if key == name} == {name: 1}


def test_a_plain_line_between_an_error_and_its_traceback_belongs_to_both() -> None:
    text = f"2026-01-15 14:31:05,250 - ERROR - accept() failed\nsocket: <socket fd=8>\n{PYTHON}"
    found = digest(text)
    assert found.errors == 1
    assert sum(tally.count for tally in found.templates.values()) == 1


@pytest.mark.parametrize(
    "line",
    [
        '2026-01-15 14:31:06 INFO app: 10.0.0.9:4112 - "GET /a HTTP/1.1" 200',
        'INFO:     10.0.0.9:4112 - "GET /a HTTP/1.1" 200 OK',
    ],
)
def test_a_traceback_ends_after_its_last_line(line: str) -> None:
    found = digest(f"{PYTHON}\n{line}\n{PYTHON}\n{line}")
    assert sum(tally.count for tally in found.exceptions.values()) == 2


@pytest.mark.parametrize("trace", [PYTHON, CHAINED, LOGURU, GROUP])
@pytest.mark.parametrize("start", ["", "web-1  | ", "2026-01-15T14:31:05.000000001Z stderr F "])
def test_tracebacks_right_behind_each_other_are_several_errors(start: str, trace: str) -> None:
    found = digest("\n".join(start + line for line in "\n".join([trace] * 3).split("\n")))
    assert [tally.count for tally in found.exceptions.values()] == [3]
    assert found.errors == 3


@pytest.mark.parametrize(
    "document",
    [
        {"textPayload": "", "timestamp": "2026-01-15T14:31:05Z", "severity": "DEFAULT"},
        {"MESSAGE": "", "__REALTIME_TIMESTAMP": "1768487465000000", "SYSLOG_IDENTIFIER": "till"},
        {"timestamp": 1768487465000, "message": "", "logStreamName": "till/1"},
    ],
)
@pytest.mark.parametrize("trace", [PYTHON, CHAINED])
def test_a_document_may_hold_a_whole_traceback(trace: str, document: dict[str, object]) -> None:
    lines = [json.dumps({key: value or trace for key, value in document.items()})] * 3
    found = digest("\n".join(lines))
    assert {key: tally.count for key, tally in found.exceptions.items()} == {
        ("till.errors.DrawerError", "till/cash.py:take"): 3
    }
    assert found.errors == 3


def test_a_line_of_another_thread_does_not_end_a_traceback() -> None:
    first, *rest = PYTHON.split("\n")
    found = digest("\n".join([f"ERROR:    failed\n{first}", "INFO:     other", *rest]))
    assert list(found.exceptions) == [("till.errors.DrawerError", "till/cash.py:take")]


TRACES = {
    "java": (
        """\
java.lang.IllegalStateException: drawer is open
\tat shop.Till.take(Till.java:31)
\tat java.base/java.lang.Thread.run(Thread.java:840)
Caused by: java.io.IOException: no
\t... 3 more""",
        ("java.lang.IllegalStateException", "Till.java:shop.Till.take"),
    ),
    "node": (
        """\
TypeError: drawer is open
    at take (/srv/till/cash.js:31:7)
    at node:internal/main:5:1""",
        ("TypeError", "till/cash.js:take"),
    ),
    "ruby": (
        """\
/srv/till/cash.rb:31:in `take': drawer is open (DrawerError)
\tfrom /srv/till/main.rb:3:in `<main>'""",
        ("DrawerError", "till/cash.rb:take"),
    ),
    "rails": (
        """\
Till::DrawerError (drawer is open):

app/models/cash.rb:31:in `take'
app/jobs/x.rb:2:in `run'""",
        ("Till::DrawerError", "models/cash.rb:take"),
    ),
    "php": (
        """\
PHP Fatal error:  Uncaught Till\\DrawerError: drawer is open in /srv/till/cash.php:31
Stack trace:
#0 /srv/till/main.php(3): take()
#1 {main}
  thrown in /srv/till/cash.php on line 31""",
        ("Till\\DrawerError", "till/cash.php:31"),
    ),
    "rust": (
        """\
thread 'main' panicked at src/cash.rs:31:5:
drawer is open
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace""",
        ("panic", "src/cash.rs:31"),
    ),
    "older rust": (
        """\
thread 'tokio-runtime-worker' panicked at 'drawer is open', src/cash.rs:31:5
stack backtrace:
   0: std::panicking::begin_panic
             at /rustc/1/library/std/src/p.rs:9""",
        ("panic", "src/cash.rs:31"),
    ),
    "go": (
        """\
panic: drawer is open

goroutine 1 [running]:
main.take(...)
\t/srv/till/cash.go:31 +0x1d""",
        ("panic", "till/cash.go:main.take"),
    ),
}


@pytest.mark.parametrize("language", TRACES)
@pytest.mark.parametrize("head", ["", "2026-01-15 14:31:05 ERROR till: closing failed\n"])
def test_traces_of_other_languages_are_read_with_or_without_an_error_line(head: str, language: str) -> None:
    trace, key = TRACES[language]
    found = digest(f"{head}{trace}\n2026-01-15 14:31:06 INFO till: open\n{head}{trace}")
    assert {key: tally.count for key, tally in found.exceptions.items()} == {key: 2}
    assert next(iter(found.exceptions.values())).example.startswith("drawer is open")
    assert found.errors == 2


def test_what_a_client_sent_is_no_error_of_the_server() -> None:
    found = digest(
        "2026-01-15 14:31:05.250 UTC [12] ERROR:  duplicate key value violates unique constraint\n"
        "2026-01-15 14:31:05.250 UTC [12] DETAIL:  Key (id)=(7) already exists.\n"
        "2026-01-15 14:31:05.250 UTC [12] STATEMENT:  INSERT INTO notes VALUES ('No space left on device')"
    )
    assert "disk_full" not in found.classes
    (example,) = [tally.example for tally in found.templates.values()]
    assert "already exists" in example
    assert found.errors == 1


def parts(lines: list[str], size: int) -> Digest:
    whole = Digest()
    for start in range(0, len(lines), size):
        scan = Scan(*EVER)
        scan.prime((line, None) for line in lines[max(start - 40, 0) : start])
        for line in lines[start : start + size]:
            scan.feed(line)
        whole = merge(whole, scan.finish(lines[start + size :]))
    return whole


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 34])
def test_the_digest_of_parts_is_that_of_the_whole(size: int) -> None:
    text = "\n".join(
        f"2026-01-15 14:31:{number:02} ERROR till: closing {number} failed\n{trace}\nplain {number}\n"
        f'INFO:     10.0.0.{number}:4112 - "GET /a/{number} HTTP/1.1" {200 + 300 * (number % 2)} OK'
        for number, (trace, _) in enumerate([*TRACES.values(), (CHAINED, 0), (LOGURU, 0), (GROUP, 0)])
    )
    lines = text.split("\n")
    assert parts(lines, size) == digest(text)


def test_lines_of_several_writers_are_joined_apart() -> None:
    mixed = []
    short, long = ["ERROR:    a", *PYTHON.split("\n")], ["ERROR:    b", *CHAINED.split("\n")]
    for number, right in enumerate(long):
        mixed += [f"web-1  | {left}" for left in short[number : number + 1]]
        mixed.append(f"worker-1  | {right}")
    found = digest("\n".join(mixed))
    assert found.errors == 2
    assert {key: tally.count for key, tally in found.exceptions.items()} == {
        ("till.errors.DrawerError", "till/cash.py:take"): 2
    }
    assert set(found.services) == {"web-1", "worker-1"}


def test_a_line_in_pieces_is_read_whole() -> None:
    found = digest(
        "2026-01-15T14:31:05.000000001Z stderr P ERROR:    no space left on\n"
        '2026-01-15T14:31:05.000000002Z stdout F INFO:     10.0.0.9:1 - "GET /a HTTP/1.1" 200 OK\n'
        "2026-01-15T14:31:05.000000003Z stderr F  this device"
    )
    assert found.errors == 1
    assert [tally.example for (level, _), tally in found.templates.items() if level == "ERROR"] == [
        "no space left on this device"
    ]


def test_panics_of_go_right_behind_each_other_are_two() -> None:
    panic = "panic: {0} [recovered]\n\tpanic: {0}\n\ngoroutine 1 [running]:\nmain.load(...)\n\t/srv/main.go:7"
    found = digest("\n".join(panic.format(word) for word in ("no port", "no host")))
    assert [tally.count for tally in found.exceptions.values()] == [2]


def test_an_entry_with_a_severity_of_its_own_is_an_event_of_its_own() -> None:
    head = "<{}>1 2026-01-15T14:31:05Z gate relay 7 - - "
    found = digest(
        "\n".join(head.format(131 if each % 2 else 134) + f"door {each} moved" for each in range(8))
    )
    assert found.levels == {"ERROR": 4, "INFO": 4}
    assert found.errors == 4


def test_an_indented_entry_of_the_same_moment_belongs_to_the_error_before() -> None:
    head = "<131>1 2026-01-15T14:31:05Z gate relay 7 - - "
    found = digest(f"{head}no way to the store\n{head}\tis it up?")
    assert found.errors == 1


@pytest.mark.parametrize(("second", "lines_of_their_own"), [("05.200", 0), ("09.000", 1)])
def test_a_line_belongs_to_a_message_of_the_same_moment_alone(second: str, lines_of_their_own: int) -> None:
    found = digest(
        "2026-01-15T14:31:05.000000000Z stderr F ERROR: the till is shut\n"
        f"2026-01-15T14:31:{second}000000Z stderr F try another"
    )
    assert found.errors == 1
    assert found.formats.get("plain", 0) == lines_of_their_own


def test_what_a_program_writes_under_mod_wsgi_is_read_as_its_own() -> None:
    head = "[Thu Jan 15 14:31:05.123456 2026] [wsgi:error] [pid 75:tid 140] [remote 10.0.0.7:37026] "
    trace = (
        *(
            "Internal Server Error: /a",
            "Traceback (most recent call last):",
            '  File "/srv/a.py", line 3, in a',
        ),
        'psycopg2.OperationalError: connection to server at "db", port 5432 failed: FATAL:  no',
        *('connection to server at "db", port 5432 failed: FATAL:  no', "", "INFO order 7 stored"),
    )
    found = digest("\n".join(f"{head}{line}" for line in trace))
    assert [tally.count for tally in found.exceptions.values()] == [1]
    assert found.levels.get("ERROR", 0) == 0
    own = "[Thu Jan 15 14:31:05.123456 2026] [wsgi:error] [pid 75:tid 140] [client 10.0.0.7:37026] "
    assert digest(f"{own}Timeout when reading response headers from daemon process 'a'").levels == {
        "ERROR": 1
    }


def test_a_statement_goes_on_in_the_lines_below_its_header() -> None:
    head = "2026-01-15 14:31:05,123 INFO sqlalchemy.engine.Engine"
    found = digest(f"{head} SELECT errors.id \nFROM errors \nWHERE errors.failed\n{head} ROLLBACK\nFROM here")
    assert found.formats == {"text": 2, "plain": 1}
