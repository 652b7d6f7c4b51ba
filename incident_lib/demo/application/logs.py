"""Log lines, to standard output: JSON for the application, uvicorn's own with a time for the rest."""

import json
import logging
import time
from datetime import UTC, datetime
from typing import Any

from uvicorn.logging import AccessFormatter, DefaultFormatter

_TIME = "%Y-%m-%dT%H:%M:%S"


class JsonLines(logging.Formatter):
    """One JSON document a line; `extra={"fields": {...}}` adds to it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        document: dict[str, Any] = {
            "timestamp": at.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            document["exception"] = self.formatException(record.exc_info)
        return json.dumps(document, default=str)


class ServerLines(DefaultFormatter):
    """uvicorn's messages, with the time in UTC in front."""

    converter = staticmethod(time.gmtime)


class AccessLines(AccessFormatter):
    """uvicorn's access log, with the time in UTC in front."""

    converter = staticmethod(time.gmtime)


def _output(formatter: str) -> dict[str, Any]:
    return {
        "class": "logging.StreamHandler",
        "formatter": formatter,
        "stream": "ext://sys.stdout",
    }


def _logger(output: str, level: str = "INFO") -> dict[str, Any]:
    return {"handlers": [output], "level": level, "propagate": False}


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": JsonLines},
        "server": {
            "()": ServerLines,
            "fmt": "%(asctime)s.%(msecs)03dZ %(levelprefix)s %(message)s",
            "datefmt": _TIME,
            "use_colors": False,
        },
        "access": {
            "()": AccessLines,
            "fmt": "%(asctime)s.%(msecs)03dZ %(levelprefix)s "
            '%(client_addr)s - "%(request_line)s" %(status_code)s',
            "datefmt": _TIME,
            "use_colors": False,
        },
    },
    "handlers": {name: _output(name) for name in ("json", "server", "access")},
    "root": {"handlers": ["json"], "level": "INFO"},
    "loggers": {
        "uvicorn": _logger("server"),
        "uvicorn.access": _logger("access"),
        "httpx": _logger("json", "WARNING"),
    },
}
