"""How often the first hypothesis names the fault: every fault of the demo stack, for real, under load.

    make accuracy                          each fault once, on the embedded stack
    make accuracy ARGS="--full"            each three times
    make accuracy ARGS="--only ddl-queue"  one, again
    make accuracy ARGS="--fresh"           forget what an earlier run found

What is finished is kept in bench/out/accuracy.json, and the next run goes on from there. The diagnosis sees
the stack's workbench.toml and nothing else; the fault's name is compared with its answer afterwards.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
import redis

from incident_lib import config
from incident_lib.clock import format_time, now
from incident_lib.demo import FAULTS, DemoStack, Fault
from incident_lib.errors import WorkbenchError
from incident_lib.investigation.case import Case
from incident_lib.investigation.collect import Watch
from incident_lib.investigation.take import take_snapshot
from incident_lib.model import Evidence, Finding

HEALTHY_SECONDS = 6.0
HEALTHY = "healthy"
OUT = Path(__file__).with_name("out") / "accuracy.json"
_FAILURES = (WorkbenchError, psycopg.Error, redis.RedisError, OSError)
TECHNOLOGY = {
    "db": "PostgreSQL",
    "cache": "Redis",
    "backend": "application",
    "frontend": "application",
    "payments": "network and outside",
}

Result = dict[str, Any]


def main() -> int:
    """Return 0 when every fault was named first and the healthy stack was called healthy, else 1."""
    options = _parse()
    results = {} if options.fresh else _load(options.out)
    try:
        for key in _wanted(options):
            if key in results and not options.only:
                continue
            try:
                results[key] = _measure(key.split("#")[0])
            except _FAILURES as error:
                print(f"could not measure {key}: {type(error).__name__}: {error}", flush=True)
                continue
            _save(options.out, results)
            print(_line(key, results[key]), flush=True)
    except KeyboardInterrupt:
        print("\nStopped; what is finished is kept, and the same command goes on from here.")
        return 130
    print(_summary(results))
    return 0 if all(result["is_right"] for result in results.values()) else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", action="store_true", help="each fault three times")
    parser.add_argument("--only", nargs="+", default=[], choices=[HEALTHY, *FAULTS], metavar="NAME")
    parser.add_argument("--fresh", action="store_true", help="forget what is finished")
    parser.add_argument("--out", type=Path, default=OUT, help=f"default {OUT.name}")
    return parser.parse_args()


def _wanted(options: argparse.Namespace) -> list[str]:
    times = 3 if options.full else 1
    return [
        f"{name}#{number + 1}" for number in range(times) for name in (options.only or [HEALTHY, *FAULTS])
    ]


def _load(path: Path) -> dict[str, Result]:
    if not path.exists():
        return {}
    kept: dict[str, Result] = json.loads(path.read_text(encoding="utf-8"))["results"]
    return {key: one for key, one in kept.items() if key.split("#")[0] in (HEALTHY, *FAULTS)}


def _save(path: Path, results: dict[str, Result]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    document = {"saved_at": format_time(now()), **_figures(results.values()), "results": results}
    fresh.write_text(json.dumps(document, indent=1), encoding="utf-8")
    fresh.replace(path)


def _measure(name: str) -> Result:
    """Return what a stack of its own, broken by one fault, was diagnosed as."""
    with DemoStack() as stack:
        stack.drive(HEALTHY_SECONDS)
        if name == HEALTHY:
            stack.drive(HEALTHY_SECONDS)
            return _healthy(*_triage(stack, "15m"))
        fault = FAULTS[name]
        fault.inject(stack)
        stack.drive(fault.settle_seconds)
        answer = _triage(stack, f"{HEALTHY_SECONDS + fault.settle_seconds:.0f}s")
        return _judged(fault, *answer, mended=_mend(fault, stack))


def _mend(fault: Fault, stack: DemoStack) -> str:
    try:
        fault.undo(stack)
    except _FAILURES as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _triage(stack: DemoStack, since: str) -> tuple[Case, dict[str, float]]:
    """Return the case, and when each finding was there, in seconds from the start of the diagnosis."""
    begun, arrived = time.monotonic(), dict[str, float]()

    def note(_evidence: Evidence, findings: tuple[Finding, ...]) -> None:
        for one in findings:
            if one.severity.is_bad:
                arrived.setdefault(one.id, time.monotonic() - begun)

    with tempfile.TemporaryDirectory(prefix="accuracy-") as where:
        case = take_snapshot(config.load(stack.config), Path(where), since, Watch(evidence=note))
    return case, {**arrived, "end": time.monotonic() - begun}


def _told(case: Case) -> list[str]:
    return [f"{one.id} at {one.target}" for one in case.analysis.hypotheses]


def _alarms(case: Case) -> list[str]:
    return [f"{one.target}: {one.id}: {one.title}" for one in case.analysis.findings if one.severity.is_bad]


def _healthy(case: Case, arrived: dict[str, float]) -> Result:
    told, alarms = _told(case), _alarms(case)
    return {
        "expected": "",
        "told": told,
        "alarms": alarms,
        "seconds": round(arrived["end"], 1),
        "is_right": not told and not alarms,
    }


def _judged(fault: Fault, case: Case, arrived: dict[str, float], *, mended: str) -> Result:
    expected, told = f"{fault.hypothesis} at {fault.target}", _told(case)
    rank = told.index(expected) + 1 if expected in told else None
    support = case.analysis.hypotheses[rank - 1].support if rank else ()
    first = min((arrived[one] for one in support if one in arrived), default=None)
    return {
        "technology": TECHNOLOGY[fault.target],
        "expected": expected,
        "told": told[:5],
        "rank": rank,
        "first_right_finding_seconds": None if first is None else round(first, 2),
        "seconds": round(arrived["end"], 1),
        "alarms": _alarms(case),
        "not_mended": mended,
        "is_right": rank == 1 and not mended,
    }


def _line(key: str, result: Result) -> str:
    mark = "ok   " if result["is_right"] else "WRONG"
    first = result["told"][0] if result["told"] else "nothing"
    wanted = "" if result["is_right"] else f"  instead of {result['expected'] or 'nothing'}"
    trouble = f"  NOT MENDED: {result['not_mended']}" if result.get("not_mended") else ""
    return f"{mark} {key:28} {first}{wanted}  ({result['seconds']} s){trouble}"


def _figures(results: Iterable[Result]) -> dict[str, Any]:
    faults = [one for one in results if one["expected"]]
    by_technology = {
        name: _hits([one for one in faults if one["technology"] == name])
        for name in sorted({one["technology"] for one in faults})
    }
    wrong = Counter(
        f"{one['expected']} -> {one['told'][0] if one['told'] else 'nothing'}"
        for one in faults
        if one["rank"] != 1
    )
    return {"all": _hits(faults), "by_technology": by_technology, "confusion": dict(wrong)}


def _hits(faults: list[Result]) -> dict[str, Any]:
    times = sorted(one["first_right_finding_seconds"] for one in faults if one["first_right_finding_seconds"])
    return {
        "faults": len(faults),
        "top_1": sum(one["rank"] == 1 for one in faults),
        "top_3": sum(one["rank"] is not None and one["rank"] <= 3 for one in faults),
        "abstentions": sum(not one["told"] for one in faults),
        "median_first_right_finding_seconds": times[len(times) // 2] if times else None,
    }


def _summary(results: dict[str, Result]) -> str:
    figures = _figures(results.values())
    rows = {**figures["by_technology"], "all": figures["all"]}
    lines = [f"{'':22}{'faults':>8}{'top-1':>8}{'top-3':>8}{'abstained':>11}{'first right finding':>22}"]
    for name, row in rows.items():
        median = row["median_first_right_finding_seconds"]
        lines.append(
            f"{name:22}{row['faults']:8}{row['top_1']:8}{row['top_3']:8}{row['abstentions']:11}"
            f"{'-' if median is None else f'{median:.1f} s':>22}"
        )
    lines += [f"confused: {pair} ({count})" for pair, count in figures["confusion"].items()]
    healthy = [result for key, result in results.items() if key.startswith(HEALTHY)]
    alarms = [alarm for result in healthy for alarm in (*result["alarms"], *result["told"])]
    lines.append(f"healthy stack under load: {len(healthy)} runs, {len(alarms)} findings of WARNING or worse")
    return "\n".join(["", *lines, *(f"  {alarm}" for alarm in alarms)])


if __name__ == "__main__":
    sys.exit(main())
