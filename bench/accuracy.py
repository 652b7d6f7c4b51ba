"""How often the first hypothesis names the fault: every fault of the demo stack, for real, under load.

    make accuracy                              each fault once, on stacks of processes, and healthy ones
    make accuracy ARGS="--pairs"               thirty pairs of faults, each pair in one stack
    make accuracy ARGS="--recovery"            each fault undone: two minutes later it is recovered
    make accuracy ARGS="--full"                each fault three times, the pairs, and the container stack
    make accuracy ARGS="--only ddl-queue"      one again; --only a+b is a pair
    make accuracy ARGS="--fresh"               forget what an earlier run found

What is finished is kept in bench/out/accuracy.json, and the next run goes on from there. The diagnosis sees
the stack's workbench.toml and nothing else; the fault is compared with its answer afterwards. Exit code 1
when a goal is missed: 95 % of the faults first, all in the first three, both of every pair in the first
three, nothing reported about a healthy stack, and nothing proposed two minutes after a fault was undone.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from accuracy_figures import figures, line, misses, summary
from accuracy_measure import FAILURES, Result, measure_faults, measure_healthy, measure_recovery
from accuracy_plan import CONTAINERS, FRESH, HEALTHY, RECOVERY, is_known, options, wanted

from incident_lib.clock import format_time, now
from incident_lib.demo import FAULTS
from incident_lib.units import format_duration

_TRIAGES = {HEALTHY: 10, FRESH: 1}


def main() -> int:
    """Return 0 when every goal is met by what was measured, else 1."""
    asked_for = options(__doc__)
    results = {} if asked_for.fresh else _load(asked_for.out)
    begun = time.monotonic()
    keys = wanted(asked_for, _container_faults() if asked_for.full or asked_for.containers else ())
    try:
        for key in keys:
            if (key not in results or asked_for.only) and (result := _measured(key)):
                results[key] = result
                _save(asked_for.out, results)
                print(line(key, result), flush=True)
    except KeyboardInterrupt:
        print("\nStopped; what is finished is kept, and the same command goes on from here.")
        return 130
    counted = figures(results[key] for key in keys if key in results)
    print(summary(counted))
    print(f"took {format_duration(time.monotonic() - begun)}")
    return 1 if misses(counted) else 0


def _measured(key: str) -> Result | None:
    """Return what was measured, None where this machine cannot play it; the reason is printed."""
    name = key.partition("#")[0]
    try:
        if name in _TRIAGES:
            return measure_healthy(_TRIAGES[name])
        if name.startswith(CONTAINERS):
            return _measured_in_containers(name.removeprefix(CONTAINERS))
        recovers, name = name.startswith(RECOVERY), name.removeprefix(RECOVERY)
        parts = tuple(name.split("+"))
        reason = "; ".join(filter(None, (FAULTS[part].why_not() for part in parts)))
        if not reason:
            return measure_recovery(name) if recovers else measure_faults(parts)
        print(f"skip  {key:44} {reason}", flush=True)
    except FAILURES as error:
        print(f"could not measure {key}: {type(error).__name__}: {error}", flush=True)
    return None


def _container_faults() -> tuple[str, ...]:
    # Docker's client and the tests' images are needed only here.
    from accuracy_containers import container_faults

    return container_faults()


def _measured_in_containers(name: str) -> Result | None:
    from accuracy_containers import FAILURES as OF_ENGINE
    from accuracy_containers import measure_container_fault

    try:
        return measure_container_fault(name)
    except OF_ENGINE as error:
        print(f"could not measure {CONTAINERS}{name}: {type(error).__name__}: {error}", flush=True)
        return None


def _load(path: Path) -> dict[str, Result]:
    if not path.exists():
        return {}
    kept: dict[str, Result] = json.loads(path.read_text(encoding="utf-8"))["results"]
    return {
        key: result
        for key, result in kept.items()
        if is_known(key.partition("#")[0]) and "hypotheses" in result.get("runs", [result])[0]
    }


def _save(path: Path, results: dict[str, Result]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    document: dict[str, Any] = {
        "saved_at": format_time(now()),
        **figures(results.values()),
        "results": results,
    }
    fresh.write_text(json.dumps(document, indent=1), encoding="utf-8")
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main())
