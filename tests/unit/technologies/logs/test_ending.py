"""The last lines of a log: the error that a program ends in, whatever it writes after it."""

import pytest

from incident_lib.technologies.logs.probes.digest import Digest, EndpointCount, Requests
from incident_lib.technologies.logs.probes.ending import growth, tail

STOPPED_PYTHON = """\
2026-03-02 09:12:01,004 INFO ledger: reading /etc/ledger.toml
Traceback (most recent call last):
  File "/srv/ledger/__main__.py", line 31, in <module>
    main()
  File "/srv/ledger/start.py", line 12, in main
    settings.load(path)
KeyError: 'currency'
"""
STOPPED_GUNICORN = """\
[2026-03-02 09:12:01 +0000] [1] [INFO] Starting gunicorn 23.0.0
[2026-03-02 09:12:01 +0000] [7] [INFO] Booting worker with pid: 7
[2026-03-02 09:12:02 +0000] [7] [ERROR] Exception in worker process
Traceback (most recent call last):
  File "/srv/venv/lib/python3.12/site-packages/gunicorn/arbiter.py", line 608, in spawn_worker
    worker.init_process()
  File "/srv/stock/wsgi.py", line 3, in <module>
    from stock.app import create
ModuleNotFoundError: No module named 'stock.app'
[2026-03-02 09:12:02 +0000] [7] [INFO] Worker exiting (pid: 7)
[2026-03-02 09:12:02 +0000] [1] [ERROR] Worker (pid:7) exited with code 3
[2026-03-02 09:12:02 +0000] [1] [ERROR] Shutting down: Master
[2026-03-02 09:12:02 +0000] [1] [ERROR] Reason: Worker failed to boot.
"""
STOPPED_POSTGRES = """\
2026-03-02 09:12:01.101 UTC [31] LOG:  starting PostgreSQL 16.4 on x86_64-pc-linux-gnu
2026-03-02 09:12:01.140 UTC [31] FATAL:  could not map anonymous shared memory: Cannot allocate memory
2026-03-02 09:12:01.140 UTC [31] HINT:  Reduce shared_buffers or max_connections.
2026-03-02 09:12:01.141 UTC [31] LOG:  database system is shut down
"""
STARTED_POSTGRES = """\
2026-03-02 09:12:01.140 UTC [31] FATAL:  the database system is starting up
2026-03-02 09:12:01.150 UTC [31] LOG:  database system is ready to accept connections
"""
STOPPED_REDIS = """\
1:C 02 Mar 2026 09:12:01.004 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo
1:M 02 Mar 2026 09:12:01.011 # Fatal error loading the DB, check server logs. Exiting.
"""
STOPPED_NODE = """\
> shop@1.4.0 start
node:events:497
      throw er; // Unhandled 'error' event
      ^

Error: listen EADDRINUSE: address already in use :::3000
    at Server.setupListenHandle [as _listen2] (node:net:1904:16)
    at listenInCluster (node:net:1961:12)
    at Object.<anonymous> (/srv/shop/server.js:12:8)
"""
STOPPED_NGINX = """\
2026/03/02 09:12:01 [notice] 1#1: using the "epoll" event method
2026/03/02 09:12:01 [emerg] 1#1: host not found in upstream "basket:8000" in /etc/nginx/conf.d/a.conf:4
"""
STOPPED_SHELL = """\
starting the worker
/srv/run.sh: line 4: celery: command not found
"""


@pytest.mark.parametrize(
    ("log", "error"),
    [
        (STOPPED_PYTHON, "KeyError: 'currency'"),
        (STOPPED_GUNICORN, "ModuleNotFoundError: No module named 'stock.app'"),
        (STOPPED_POSTGRES, "could not map anonymous shared memory: Cannot allocate memory; "),
        (STOPPED_REDIS, "Fatal error loading the DB, check server logs. Exiting."),
        (STOPPED_NODE, "Error: listen EADDRINUSE: address already in use :::3000"),
        (STOPPED_NGINX, 'host not found in upstream "basket:8000"'),
        (STOPPED_SHELL, "/srv/run.sh: line 4: celery: command not found"),
    ],
)
def test_the_error_that_a_program_ended_in_is_found(log, error):
    assert error in tail(log.splitlines()).error


def test_the_hint_of_a_database_is_kept_with_its_error():
    assert tail(STOPPED_POSTGRES.splitlines()).error.endswith("Reduce shared_buffers or max_connections.")


@pytest.mark.parametrize("log", [STOPPED_PYTHON, STOPPED_NGINX, STOPPED_SHELL])
def test_an_engine_puts_its_time_in_front(log):
    stamped = [
        f"2026-03-02T09:12:{number:02}.000000001Z {line}" for number, line in enumerate(log.splitlines())
    ]
    ending = tail(stamped)
    assert ending.error == tail(log.splitlines()).error
    assert ending.error_at is not None


def test_the_lines_of_a_file_may_be_in_an_envelope():
    stamp = "2026-03-02T09:12:01.000000001Z"
    container = [f"{stamp} stderr F {line}" for line in STOPPED_PYTHON.splitlines()]
    composed = [f"ledger-1  | {line}" for line in STOPPED_PYTHON.splitlines()]
    assert {tail(container).error, tail(composed).error} == {"KeyError: 'currency'"}


@pytest.mark.parametrize(
    "log",
    [
        "INFO: ready\nINFO: listening on 8080\n",
        'ERROR: no route\nINFO:     10.0.0.4:41002 - "GET /a HTTP/1.1" 200 OK\n',
        "ERROR: once\n" + "INFO: tick\n" * 6,
        STARTED_POSTGRES,
        '2026-03-02 09:12:01.140 UTC [31] ERROR:  relation "till" does not exist at character 15\n',
        "INFO: the import of invalid rows failed never\n",  # at a harmless level, words are only words
        "",
    ],
)
def test_a_log_that_goes_on_ends_in_no_error(log):
    assert tail(log.splitlines()).error == ""


@pytest.mark.parametrize(("after", "is_found"), [(5, True), (6, False)])
def test_an_error_is_the_end_while_few_records_follow(after, is_found):
    assert bool(tail(["ERROR: once", *["INFO: tick"] * after]).error) == is_found


def test_the_newest_lines_are_kept_and_long_ones_cut():
    ending = tail([*(f"line {number}" for number in range(60)), "x" * 9000])
    assert len(ending.lines) == 40
    assert ending.lines[0] == "line 21"
    assert len(ending.lines[-1]) == 500


@pytest.mark.parametrize(("statuses", "failed"), [({2: 5}, 0), ({2: 1, 5: 4}, 4), ({5: 7, 4: 2}, 7)])
def test_what_was_appended_is_counted(statuses, failed):
    endpoints = {("GET", "/a"): EndpointCount(statuses=statuses)}
    requests = {"uvicorn": Requests(count=sum(statuses.values()), endpoints=endpoints)}
    row = growth(Digest(lines=20, requests=requests), 1.5)
    assert (row.lines_count, row.requests_count, row.server_errors_count) == (
        20,
        sum(statuses.values()),
        failed,
    )
