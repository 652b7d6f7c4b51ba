"""One triage, in a process of its own, of targets that all answer with what no server should."""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from incident_lib import config
from incident_lib.investigation.plan import plan_lanes
from incident_lib.technologies import table
from tests.integration import hostile_engine, hostile_http, hostile_redis
from tests.integration.network_service import Conversation, serve

_ADDRESSES = {
    "postgres": 'dsn = "postgresql://reader@127.0.0.1:{port}/shop?sslmode=disable"',
    "redis": 'url = "redis://127.0.0.1:{port}"',
    "http": 'url = "http://127.0.0.1:{port}"',
}
_MIB = 1024 * 1024


# Of these something is right: they answer, or only one of their answers is wrong.
_ANSWERS = {
    "postgres": frozenset[str](),
    "redis": frozenset(hostile_redis.BROKEN) - hostile_redis.BREAKS_ALL,
    "http": frozenset(hostile_http.WELL),
}


# What a process took at most counts the memory of the one that began it, too: a small one does.
_MEASURED = """\
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
with open("peak", "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a triage."""

    exit_code: int
    output: str  # what a person reads: standard error
    analysis: dict[str, Any]
    seconds: float
    peak_mib: float
    planned: frozenset[str]  # each probe of each target

    @property
    def reported(self) -> frozenset[str]:
        """The probes of which something is reported."""
        found = (ref for finding in self.analysis["findings"] for ref in finding["evidence"])
        gaps = (f"{gap['target']}/{gap['probe']}" for gap in self.analysis["not_assessed"])
        return frozenset({*found, *gaps})

    def findings(self, *severities: str) -> list[tuple[str, str, str]]:
        """Return target, id and title of the findings of some severities."""
        return [
            (finding["target"], finding["id"], finding["title"])
            for finding in self.analysis["findings"]
            if finding["severity"] in severities
        ]


def named(kind: str, talks: Mapping[str, Conversation]) -> dict[str, tuple[str, Conversation]]:
    """Return servers of one kind by names that a configuration allows."""
    return {_name(kind, name): (kind, talk) for name, talk in talks.items()}


def _name(kind: str, name: str) -> str:
    return f"{kind}-{re.sub(r'[^a-z0-9]+', '-', name.lower())}"


def triage(
    servers: Mapping[str, tuple[str, Conversation]], *, collect_seconds: float, more: str = ""
) -> Seen:
    """Return what a triage of these servers gives: name -> kind and conversation."""
    with contextlib.ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        tables = [f"[limits]\ncollect_seconds = {collect_seconds}\nhttp_seconds = 3\n", more]
        for name, (kind, talk) in servers.items():
            port = stack.enter_context(serve(talk))
            address = _ADDRESSES[kind].format(port=port)
            tables.append(f'[[service]]\nname = "{name}"\nkind = "{kind}"\n{address}\n')
        path = root / "workbench.toml"
        path.write_text("\n".join(tables))
        settings = config.load(path, table().kinds)
        planned = {f"{lane.target}/{probe.name}" for lane in plan_lanes(settings) for probe in lane.probes}
        return _run(path, root, frozenset(planned))


def triage_engine(changed: dict[str, hostile_engine.Answer], *, collect_seconds: float) -> Seen:
    """Return what a triage of a service in a container gives, some answers of whose engine are others."""
    with contextlib.ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address = stack.enter_context(hostile_engine.running(root, changed))
        path = root / "workbench.toml"
        path.write_text(
            f"[limits]\ncollect_seconds = {collect_seconds}\n"
            '[[service]]\nname = "web"\nkind = "process"\ncontainer = "box"\n'
        )
        settings = config.load(path, table().kinds)
        planned = {f"{lane.target}/{probe.name}" for lane in plan_lanes(settings) for probe in lane.probes}
        return _run(path, root, frozenset(planned), DOCKER_HOST=address)


def _run(path: Path, root: Path, planned: frozenset[str], **variables: str) -> Seen:
    command = [sys.executable, "-c", "import sys; from incident_lib.cli import main; sys.exit(main())"]
    argv = [sys.executable, "-I", "-S", "-c", _MEASURED, *command, "triage", "--json", "--config", str(path)]
    with (root / "out").open("wb") as out, (root / "err").open("wb") as err:
        started = time.monotonic()
        environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **variables}
        code = subprocess.call(argv, stdout=out, stderr=err, cwd=root, env=environment)
    text = (root / "out").read_text(errors="replace")
    return Seen(
        exit_code=code,
        output=(root / "err").read_text(errors="replace"),
        analysis=json.loads(text) if text.strip() else {"findings": [], "not_assessed": []},
        seconds=time.monotonic() - started,
        peak_mib=int((root / "peak").read_text()) / 1024,
        planned=planned,
    )


def wrongs(
    seen: Seen, targets: Mapping[str, object], *, collect_seconds: float, peak_mib: float
) -> Iterator[str]:
    """Yield what such a triage must never do."""
    if seen.exit_code != 0:
        yield f"exit code {seen.exit_code}: {seen.output[-2000:]}"
    for sign in ("Traceback (most recent call last)", "Exception in thread", "\x1b"):
        if sign in seen.output or sign in json.dumps(seen.analysis, ensure_ascii=False):
            yield f"{sign!r} is shown: {seen.output[-2000:]}"
    if seen.seconds > 3 * collect_seconds + 10:
        yield f"it took {seen.seconds:.0f} s with {collect_seconds} s to collect in"
    if seen.peak_mib > peak_mib:
        yield f"it took {seen.peak_mib:.0f} MiB"
    if missing := sorted(seen.planned - seen.reported):
        yield f"nothing is said of {missing}"
    answers = {_name(kind, name) for kind, names in _ANSWERS.items() for name in names}
    for target, name, title in seen.findings("OK"):
        if target in targets and target not in answers and not name.startswith("network."):
            yield f"reported as well: {target} {name} {title}"
