"""Records of the logs probe: what the lines of a service report in a window. Counts add up, so they merge."""

from datetime import datetime

import msgspec

from incident_lib.model.rows import Row


class LogSummary(Row, frozen=True, kw_only=True):
    """All lines of the window in a few numbers."""

    lines_count: int
    first_at: datetime | None
    last_at: datetime | None
    has_times: bool  # whether the lines, or the engine for them, name when they were written
    bucket_seconds: int  # length of the LogBucket rows
    levels: dict[str, int]  # DEBUG INFO WARNING ERROR CRITICAL; a line without level is in none
    formats: dict[str, int]  # uvicorn, json, ...
    errors_count: int  # lines of level ERROR or worse, and tracebacks without a level
    requests_count: int
    server_errors_count: int  # requests answered with 5xx
    client_errors_count: int  # requests answered with 4xx
    cut_lines_count: int = 0  # longer than the cap, so only their beginning was read
    templates_count: int = 0  # different ones in all; a record has each of the first hundred
    other_lines_count: int = 0  # of templates beyond those that are kept apart
    uncompared_templates_count: int = 0  # beyond those that are compared with each other
    # How much of it was understood. A line that belongs to another counts as that does.
    timed_lines_count: int | None = None  # with a time; None in snapshots that did not measure it
    known_lines_count: int | None = None  # of a known format
    read_lines_count: int | None = None  # of a known format, and with a time
    # Of stack traces without a time, as runtimes write them: they count with the line before them.
    traced_lines_count: int = 0
    not_text_lines_count: int = 0
    failures: dict[str, int] = msgspec.field(default_factory=dict)  # requests answered with 5xx, by status
    services: dict[str, int] = msgspec.field(default_factory=dict)  # lines by the service in envelopes
    # Error lines, and requests answered with 5xx, by that service.
    service_errors: dict[str, int] = msgspec.field(default_factory=dict)
    modified_at: datetime | None = None  # when the file was written last; None of what is no file
    newest_at: datetime | None = None  # of the newest line, where it was seen that it is before the window


class LogBucket(Row, frozen=True, kw_only=True):
    """A stretch of time, `bucket_seconds` long. A stretch without any line has no record."""

    at: datetime  # its beginning
    lines_count: int
    errors_count: int
    requests_count: int
    server_errors_count: int
    client_errors_count: int
    slow_requests_count: int  # over a second, of those with a duration
    first_error_at: datetime | None = None  # first 5xx, or first error line where there are no requests
    first_slow_at: datetime | None = None


class LogEndpoint(Row, frozen=True, kw_only=True):
    """The requests to one path, numbers and ids in it masked."""

    method: str
    path: str  # "/api/v1/orders/{id}"
    requests_count: int
    statuses: dict[str, int]  # "2xx": 120
    server_errors_count: int
    server_errors_ratio: float
    duration_p50_seconds: float | None
    duration_p95_seconds: float | None
    first_server_error_at: datetime | None = None
    last_server_error_at: datetime | None = None
    failing_ratio: float | None = None  # of the requests between the first and the last that failed
    served_since_count: int | None = None  # requests after the last that failed
    returns_count: int = 0  # how often it failed again after it had been quiet
    return_gap_seconds: float | None = None  # how long it was quiet then, usually
    last_slow_at: datetime | None = None  # the end of the last stretch in which a request took over a second
    slow_ratio: float | None = None  # of the requests between the first and the last that did
    quick_since_count: int | None = None  # requests after that stretch


class LatencyStep(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time: how many requests took about how long."""

    at: datetime  # its beginning
    microseconds: dict[int, int]  # a duration, within 10 %: how many


class LogLatency(Row, frozen=True, kw_only=True):
    """How long the requests to one path took over time, where that varied enough to matter."""

    method: str
    path: str
    step_seconds: int
    steps: tuple[LatencyStep, ...]  # in order; a stretch without any request has none


class LogTemplate(Row, frozen=True, kw_only=True):
    """Lines that differ in numbers, ids, names and paths only, whatever program wrote them."""

    template: str
    level: str  # "" where the lines have none
    count: int
    first_at: datetime | None
    last_at: datetime | None
    example: str
    error_class: str = ""  # the class of error that its lines belong to, where there is one


def same_statement(left: str, right: str) -> bool:
    """Return whether two templates are of the same statement, masked in different places.

    A place is masked only where enough different values stood there.

    >>> same_statement("login of <*> was refused", "login of root was refused")
    True
    >>> same_statement("login of <*> was refused", "login of <*> was granted")
    False
    """
    if left == right:
        return True
    words, others = left.split(), right.split()
    pairs = list(zip(words, others, strict=False))
    equal = sum(1 for a, b in pairs if a == b and "<*>" not in a)
    return len(words) == len(others) and equal >= 2 and all(a == b or "<*>" in a + b for a, b in pairs)


class LogUnread(Row, frozen=True, kw_only=True):
    """Lines of one shape that no format reads, or that have no time."""

    shape: str
    count: int
    first_at: datetime | None
    last_at: datetime | None
    example: str


class LogGrowth(Row, frozen=True, kw_only=True):
    """What was appended while the log was watched: it is of now, also where the lines have no times."""

    seconds: float
    lines_count: int
    errors_count: int
    requests_count: int
    server_errors_count: int
    error_classes: dict[str, int] = msgspec.field(default_factory=dict)  # lines of each class of error
    exceptions: dict[str, int] = msgspec.field(
        default_factory=dict
    )  # by type and frame, with a space between


class LogTail(Row, frozen=True, kw_only=True):
    """The newest lines of the log, also where they are older than the window: how it ends."""

    lines: tuple[str, ...]
    error: str = ""  # the last error in them, where the log ends in it: its words, without a traceback
    error_at: datetime | None = None


class LogException(Row, frozen=True, kw_only=True):
    """Tracebacks of one type that came from one place of the team's own code."""

    type: str  # "psycopg_pool.PoolTimeout"
    frame: str  # "shop/orders.py:checkout"
    count: int
    first_at: datetime | None
    last_at: datetime | None
    example: str  # the message of one of them
    loggers_count: int = 1  # that wrote each of them, in lines of their own; it counts once
    deaths_count: int = 0  # those in the form in which a runtime writes what ends its process
    death_gap_p50_seconds: int | None = None  # between two seconds with such a traceback
    death_gap_max_seconds: int | None = None
    returns_count: int = 0  # how often it came again after it had been quiet
    return_gap_seconds: float | None = None  # how long it was quiet then, usually


class LogErrorClass(Row, frozen=True, kw_only=True):
    """Errors of one class of `templates/log_classes.toml`: "pool_timeout", "redis_oom"."""

    error_class: str
    count: int
    first_at: datetime | None
    last_at: datetime | None
    example: str
    peers: tuple[str, ...] = ()  # the hosts that its lines name, the most frequent first: "db.example:5432"
    # Its lines by the database of the session, where PostgreSQL names that.
    databases: dict[str, int] = msgspec.field(default_factory=dict)
    duration_p50_seconds: float | None = None  # how long it lasted, where its lines say so
    duration_max_seconds: float | None = None
    returns_count: int = 0  # how often it came again after it had been quiet
    return_gap_seconds: float | None = None  # how long it was quiet then, usually


class LogEvent(Row, frozen=True, kw_only=True):
    """Something in a server's life: "start", "stop", "worker_killed", "crash_recovery"."""

    event: str
    count: int
    first_at: datetime | None
    last_at: datetime | None
    example: str
    stretches_count: int = 0  # of ten seconds in which something started; workers start together
    returns_count: int = 0  # how often it came again after it had been quiet
    return_gap_seconds: float | None = None  # how long it was quiet then, usually
