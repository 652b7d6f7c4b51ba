"""Servers that stall, drip, flood and break their protocol, all of them, each flood in a process of its own.

What must hold for each: exit code 0, no stack trace, an end near the deadline, memory within a bound,
something reported of every probe, and nothing as well of a server that answers nothing that can be read.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping

from tests.integration import hostile_engine, hostile_http, hostile_postgres, hostile_redis, hostile_run
from tests.integration.hostile_run import Seen

_KINDS = {"postgres": hostile_postgres, "redis": hostile_redis, "http": hostile_http}
_TOGETHER = 12  # broken servers in one triage
_PEAK_MIB = 300.0  # of a triage of one flood; 64 MiB are the largest answer that is read


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of this part."""
    parser.add_argument("--seconds", type=float, default=12.0, help="to collect in")
    parser.add_argument("--only", default="", help="those whose name holds this word")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> bool:
    """Return whether all held. Prints one line a triage."""
    tried, wrong, worst = 0, [], 0.0
    for names, seen, targets in _triages(options.seconds, options.only):
        tried += len(names)
        worst = max(worst, seen.peak_mib)
        found = list(hostile_run.wrongs(seen, targets, collect_seconds=options.seconds, peak_mib=_PEAK_MIB))
        wrong += [f"{', '.join(names)}: {text}" for text in found]
        state = "wrong" if found else "held"
        print(f"{state:5} {seen.seconds:5.1f} s {seen.peak_mib:5.0f} MiB  {', '.join(names)}", flush=True)
    for text in wrong:
        print(f"WRONG {text}", file=sys.stderr)
    print(f"{tried} hostile servers, {len(wrong)} promises broken, at most {worst:.0f} MiB of memory")
    return not wrong


def _triages(seconds: float, only: str) -> Iterable[tuple[list[str], Seen, Mapping[str, object]]]:
    for kind, module in _KINDS.items():
        broken = {name: talk for name, talk in module.BROKEN.items() if only in f"{kind} {name}"}
        for start in range(0, len(broken), _TOGETHER):
            some = dict(list(broken.items())[start : start + _TOGETHER])
            servers = hostile_run.named(kind, some)
            yield list(servers), hostile_run.triage(servers, collect_seconds=seconds), servers
        for name, talk in module.FLOODS.items():
            if only in f"{kind} {name}":
                servers = hostile_run.named(kind, {name: talk})
                yield list(servers), hostile_run.triage(servers, collect_seconds=seconds), servers
    for name, changed in (hostile_engine.BROKEN | hostile_engine.FLOODS).items():
        if only in f"engine {name}":
            yield [f"engine: {name}"], hostile_run.triage_engine(changed, collect_seconds=seconds), {}
