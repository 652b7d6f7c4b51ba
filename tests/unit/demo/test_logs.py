import json
import logging
import sys

from uvicorn.logging import AccessFormatter

from incident_lib.demo.application.logs import LOGGING, AccessLines, JsonLines


def record(message, **fields):
    made = logging.LogRecord("shop", logging.ERROR, __file__, 1, message, (), None)
    made.created = 1768487465.25
    made.__dict__.update(fields)
    return made


def test_a_line_is_json_with_the_usual_names():
    line = JsonLines().format(record("request", fields={"path": "/api/v1/orders", "status": 503}))
    assert json.loads(line) == {
        "timestamp": "2026-01-15T14:31:05.250Z",
        "level": "ERROR",
        "logger": "shop",
        "event": "request",
        "path": "/api/v1/orders",
        "status": 503,
    }


def test_a_traceback_stays_in_its_line():
    try:
        raise ValueError("no such order")
    except ValueError:
        line = JsonLines().format(record("failed", exc_info=sys.exc_info()))
    assert "\n" not in line
    assert json.loads(line)["exception"].endswith("ValueError: no such order")


def test_the_access_line_is_uvicorns_with_the_time_in_utc_in_front():
    settings = LOGGING["formatters"]["access"]
    formatter = AccessLines(settings["fmt"], settings["datefmt"], use_colors=False)
    made = logging.LogRecord(
        "uvicorn.access",
        logging.INFO,
        __file__,
        1,
        '%s - "%s %s HTTP/%s" %d',
        ("127.0.0.1:53122", "GET", "/health", "1.1", 200),
        None,
    )
    made.created, made.msecs = 1768487465.25, 250
    plain = AccessFormatter(
        use_colors=False, fmt='%(levelprefix)s %(client_addr)s - "%(request_line)s" 200 OK'
    )
    assert formatter.format(made) == f"2026-01-15T14:31:05.250Z {plain.format(made)}"
