"""`[[probe]]`: a look of the team's own, as data. What could change a target is refused here."""

import math
import re
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec

from incident_lib.expressions import expression

# Of findings that no probe makes; the names of technologies are refused where these are known.
RESERVED = ("baseline", "container", "extension", "trend")

# What may run in a container: commands that read, and the options that make them wait, walk or write.
# A letter is refused also inside a group of options; of commands with refused letters every long option is.
READING: dict[str, str] = {
    "cat": "", "df": "", "free": "sc", "getent": "", "grep": "rRdDf", "head": "", "id": "", "ls": "R",
    "nproc": "", "pg_isready": "", "pgrep": "", "ps": "", "stat": "", "tail": "fF", "test": "", "uptime": "",
    "wc": "",
}  # fmt: skip
_NEEDS_FILE = {"cat", "grep", "head", "tail", "wc"}  # without one they wait for input
# Functions that a read-only transaction lets through, and words that lock or make a table.
_CHANGES = expression(
    r"\b(?:set_config|nextval|setval|lo_\w+|dblink\w*|query_to_xml\w*|pg_(?:terminate_backend|cancel_backend"
    r"|reload_conf|rotate_logfile|switch_wal|promote|notify|sleep\w*|\w*advisory\w*|stat_\w*reset\w*|create_\w+"
    r"|drop_\w+|copy_\w+|replication_\w+|logical_\w+|wal_replay_\w+|backup_\w+|read_\w+|file_\w+))\"?\s*\("
    r"|\bu&[\"']|\binto\s+\S|\bfor\s+(?:no\s+key\s+|key\s+)?(?:update|share)\b",
    re.IGNORECASE,
)


def _doc(text: str, **constraints: Any) -> msgspec.Meta:
    return msgspec.Meta(description=text, **constraints)


class ProbeKind(StrEnum):
    """What a probe of the team's own asks."""

    SQL = "sql"
    HTTP = "http"
    COMMAND = "command"
    FILE = "file"


class OwnProbe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[[probe]]`: a number of your own, asked like all the others: read-only, bounded, redacted."""

    name: Annotated[
        str,
        _doc(
            "its id, with your own prefix: shop.queue-depth",
            pattern=r"^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+$",
            max_length=80,
        ),
    ]
    target: Annotated[str, _doc("the service, dependency or host that it reports on")]
    kind: Annotated[ProbeKind, _doc("sql, http, command or file")]
    title: Annotated[str, _doc("what the number means: Orders waiting; the name if empty")] = ""
    question: Annotated[str, _doc("the question it answers, for people")] = ""
    unit: Annotated[str, _doc("unit of the number: orders, seconds")] = ""
    sql: Annotated[
        str, _doc("one SELECT that returns one row; tables with their schema. Text columns become labels")
    ] = ""
    columns: Annotated[tuple[str, ...], _doc("its numeric columns; the first if empty")] = ()
    url: Annotated[
        str, _doc("what to GET; a path is joined to the target's url; env: or file: if secret")
    ] = ""
    json: Annotated[str, _doc("where the number is in a JSON answer: queues[0].depth")] = ""
    metric: Annotated[
        str, _doc("or its name in the Prometheus text format; otherwise the status is the number")
    ] = ""
    labels: Annotated[dict[str, str], _doc("labels that the metric must have")] = {}
    command: Annotated[
        tuple[str, ...], _doc(f"a read-only command in the target's container: {', '.join(sorted(READING))}")
    ] = ()
    read: Annotated[
        Literal["stdout", "exit_code"], _doc("of the command: the first number printed, or exit_code")
    ] = "stdout"
    file: Annotated[str, _doc("a file of this machine")] = ""
    measure: Annotated[
        Literal["value", "age", "size"], _doc("of the file: the number in it, age in seconds, size in bytes")
    ] = "value"
    warning: Annotated[float | None, _doc("limit; 400 for a status, 1 for an exit code")] = None
    critical: Annotated[float | None, _doc("limit; 500 for a status")] = None
    bad: Annotated[Literal["above", "below"], _doc("above or below: which side of the limits is bad")] = (
        "above"
    )
    supports: Annotated[tuple[str, ...], _doc("hypotheses that it supports when past a limit")] = ()
    refutes: Annotated[tuple[str, ...], _doc("hypotheses that it counts against when past a limit")] = ()

    def __post_init__(self) -> None:
        """Refuse what does not fit the kind, and what could change a target."""
        if self.name.partition(".")[0] in RESERVED:
            raise ValueError(f"the name {self.name!r} uses a reserved prefix; use your own")
        _check_keys(self)
        _CHECKS[self.kind](self)
        warning, critical = self.limits
        if not all(math.isfinite(limit) for limit in (warning or 0, critical or 0)):
            raise ValueError(f"{self.name}: a limit is a number")
        if warning is not None and critical is not None:
            wrong = warning > critical if self.bad == "above" else warning < critical
            if wrong:
                raise ValueError(f"{self.name}: with bad = {self.bad!r} warning is beyond critical")

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """Warning and critical; a status and an exit code have limits of their own."""
        if self.warning is None and self.critical is None:
            if self.kind is ProbeKind.HTTP and not self.json and not self.metric:
                return 400.0, 500.0
            if self.kind is ProbeKind.COMMAND and self.read == "exit_code":
                return 1.0, None
        return self.warning, self.critical

    @property
    def heading(self) -> str:
        """What the number is, for people."""
        return self.title or self.name


_KEYS = {
    ProbeKind.SQL: {"sql", "columns"},
    ProbeKind.HTTP: {"url", "json", "metric", "labels"},
    ProbeKind.COMMAND: {"command", "read"},
    ProbeKind.FILE: {"file", "measure"},
}


def _check_keys(probe: OwnProbe) -> None:
    if not getattr(probe, "url" if probe.kind is ProbeKind.HTTP else probe.kind.value):
        key = "url" if probe.kind is ProbeKind.HTTP else probe.kind.value
        raise ValueError(f"{probe.name} is of kind {probe.kind.value}: its key `{key}` is missing")
    for kind, keys in _KEYS.items():
        for key in sorted(keys):
            changed = getattr(probe, key) not in ("", (), {}, "stdout", "value")
            if kind is not probe.kind and changed:
                raise ValueError(f"{probe.name}: key `{key}` is for probes of kind {kind.value}")


def _check_sql(probe: OwnProbe) -> None:
    r"""Refuse what is no single SELECT, and what a read-only session lets through."""
    text = re.sub(r"--[^\n]*|/\*.*?\*/", " ", probe.sql, flags=re.DOTALL).strip()
    if not re.match(r"(select|with)\b", text, re.IGNORECASE):
        raise ValueError(f"{probe.name}: key `sql`: expected a SELECT")
    if ";" in probe.sql.strip().removesuffix(";"):
        raise ValueError(f"{probe.name}: key `sql`: expected one statement; write ';' in a text as chr(59)")
    if found := _CHANGES.search(probe.sql) or _CHANGES.search(text):
        raise ValueError(f"{probe.name}: key `sql`: {found[0]!r} is not read-only")


def _check_http(probe: OwnProbe) -> None:
    if probe.json and probe.metric:
        raise ValueError(f"{probe.name}: keys `json` and `metric` cannot be combined")
    if probe.labels and not probe.metric:
        raise ValueError(f"{probe.name}: key `labels` needs `metric`")
    if not re.match(r"(https?://|/|env:|file:)", probe.url):
        raise ValueError(f"{probe.name}: key `url`: expected http://, https://, a path, env: or file:")
    if re.search(r"://[^/\s]*@", probe.url):
        raise ValueError(f"{probe.name}: key `url` holds a login; write env:NAME or file:PATH")


def _check_command(probe: OwnProbe) -> None:
    if reason := refusal_of(probe.command):
        raise ValueError(f"{probe.name}: key `command`: {reason}")


def refusal_of(command: tuple[str, ...]) -> str:
    """Return why a command is not allowed in a container, "" where it only reads and ends by itself.

    >>> refusal_of(("df", "-Pk", "/dev/shm")), refusal_of(("tail", "-f", "/log"))
    ('', "tail may not have '-f'")
    """
    name, arguments = command[0], command[1:]
    if name not in READING:
        return f"{name!r} is none of {', '.join(sorted(READING))}"
    refused = READING[name]
    for argument in arguments:
        group = re.fullmatch(r"-[A-Za-z0-9]+", argument)
        if refused and (argument.startswith("--") or (group and set(argument) & set(refused))):
            return f"{name} may not have {argument!r}"
        in_dev = name != "df" and re.search(r"(^|[^\w])/dev(/|$)", argument)  # df opens no file
        if in_dev or "/proc/kmsg" in argument or argument == "-":
            return f"{argument!r} may wait or never end"
        if re.search(r"/environ\b", argument):
            return f"{argument!r} holds passwords"
    if name in _NEEDS_FILE and not any(not argument.startswith("-") for argument in arguments):
        return f"{name} needs a file to read"
    return ""


def _check_file(probe: OwnProbe) -> None:
    if re.match(r"/(dev|proc/kmsg)", probe.file):
        raise ValueError(f"{probe.name}: key `file`: expected a regular file")


_CHECKS = {
    ProbeKind.SQL: _check_sql,
    ProbeKind.HTTP: _check_http,
    ProbeKind.COMMAND: _check_command,
    ProbeKind.FILE: _check_file,
}
