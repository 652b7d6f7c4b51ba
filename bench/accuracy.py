"""How often the first hypothesis names the fault: every fault of the demo stack, for real, under load.

    make accuracy                              each fault once, on stacks of processes, and healthy ones
    make accuracy ARGS="--pairs"               thirty pairs of faults, each pair in one stack
    make accuracy ARGS="--recovery"            the same, and each fault undone: two minutes later it is over
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
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from accuracy_figures import figures, line, misses, summary
from accuracy_measure import FAILURES, Result, measure_faults, measure_healthy, measure_recovery
from accuracy_plan import (
    CONTAINERS,
    FRESH,
    HEALTHY,
    is_known,
    is_recovery,
    needs_the_machine,
    options,
    single_of,
    wanted,
)
from accuracy_side_by_side import side_by_side, turn

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
    missing = [key for key in keys if key not in results or asked_for.only]
    try:
        for key, result in _all_measured(missing, asked_for.at_once):
            for part, measured in _parts(key, result):
                results[part] = measured
                print(line(part, measured), flush=True)
            _save(asked_for.out, results)
    except KeyboardInterrupt:
        print("\nStopped; what is finished is kept, and the same command goes on from here.")
        return 130
    counted = figures(results[key] for key in _with_singles(keys) if key in results)
    print(summary(counted))
    print(f"took {format_duration(time.monotonic() - begun)}")
    return 1 if misses(counted) else 0


def _all_measured(keys: list[str], at_once: int) -> Iterator[tuple[str, Result]]:
    """Yield what could be measured: what has the machine to itself first, then what waits side by side."""
    waiting = [key for key in keys if is_recovery(key) and not needs_the_machine(key)]
    for key in keys:
        if key not in waiting and (result := _measured(key)):
            yield key, result
    for key, result in side_by_side(_measured, waiting, at_once) if waiting else ():
        if result:
            yield key, result


def _parts(key: str, result: Result) -> Iterator[tuple[str, Result]]:
    """Yield the diagnosis while the fault lasted on its own, where the fault was undone afterwards."""
    if is_recovery(key):
        yield single_of(key), result.pop("diagnosed")
    yield key, result


def _with_singles(keys: list[str]) -> list[str]:
    return list(dict.fromkeys(part for key in keys for part in (single_of(key), key)))


def _measured(key: str) -> Result | None:
    """Return what was measured, None where this machine cannot play it; the reason is printed."""
    name = key.partition("#")[0]
    try:
        if name in _TRIAGES:
            return measure_healthy(_TRIAGES[name])
        recovers, name = is_recovery(name), single_of(name)
        if name.startswith(CONTAINERS):
            return _measured_in_containers(name.removeprefix(CONTAINERS), turn() if recovers else None)
        parts = tuple(name.split("+"))
        reason = "; ".join(filter(None, (FAULTS[part].why_not() for part in parts)))
        if not reason:
            return measure_recovery(name, turn()) if recovers else measure_faults(parts)
        print(f"skip  {key:44} {reason}", flush=True)
    except FAILURES as error:
        print(f"could not measure {key}: {type(error).__name__}: {error}", flush=True)
    return None


def _container_faults() -> tuple[str, ...]:
    # Docker's client and the tests' images are needed only here.
    from accuracy_containers import container_faults

    return container_faults()


def _measured_in_containers(name: str, turn: AbstractContextManager[Any] | None) -> Result | None:
    from accuracy_containers import FAILURES as OF_ENGINE
    from accuracy_containers import measure_container_fault

    try:
        return measure_container_fault(name, turn)
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
