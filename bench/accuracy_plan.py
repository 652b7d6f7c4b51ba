"""What a run of `make accuracy` measures: keys such as `ddl-queue#1`, `a+b#1`, `containers:a#1`."""

import argparse
from pathlib import Path

from accuracy_pairs import pair_keys

from incident_lib.demo import FAULTS

HEALTHY = "healthy"  # one stack, ten triages
FRESH = "healthy-fresh"  # another stack each time
CONTAINERS = "containers:"
RECOVERY = "recovery:"  # the fault is undone, and two minutes later triage is run again
OUT = Path(__file__).with_name("out") / "accuracy.json"
_ONE_EACH = ("lock-contention", "redis-full", "endpoint-error", "dependency-errors")  # by technology
_FRESH_STACKS = 2
_TIMES = 3


def options(description: str | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--pairs", action="store_true", help="thirty pairs of faults in one stack, not single ones"
    )
    parser.add_argument(
        "--full", action="store_true", help="each fault three times, pairs and containers too"
    )
    parser.add_argument("--containers", action="store_true", help="the container stack's faults")
    parser.add_argument(
        "--recovery", action="store_true", help="undo each fault, and run triage again two minutes later"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="NAME",
        help="these again: FAULT, FAULT+FAULT, recovery:FAULT, containers:FAULT, healthy",
    )
    parser.add_argument("--fresh", action="store_true", help="forget what is finished")
    parser.add_argument("--out", type=Path, default=OUT, help=f"default {OUT.parent.name}/{OUT.name}")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.only if not is_known(name)]
    if unknown:
        parser.error(f"no such fault: {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    return arguments


def is_known(name: str) -> bool:
    """Return whether `name` can be measured: `healthy`, a fault, two faults, or a fault of containers."""
    if name.startswith(CONTAINERS):
        return True
    if name.startswith(RECOVERY):
        return name.removeprefix(RECOVERY) in FAULTS
    return name in {HEALTHY, FRESH} or all(part in FAULTS for part in name.split("+"))


def wanted(arguments: argparse.Namespace, container_faults: tuple[str, ...]) -> list[str]:
    """Return the keys to measure, in order; those of containers only as far as `container_faults` go."""
    if arguments.only:
        prefix = RECOVERY if arguments.recovery else ""
        return [f"{prefix}{name.removeprefix(prefix)}#1" for name in arguments.only]
    if arguments.recovery:
        return [f"{RECOVERY}{name}#1" for name in FAULTS]
    times = _TIMES if arguments.full else 1
    contained = [f"{CONTAINERS}{name}#{number + 1}" for number in range(times) for name in container_faults]
    if arguments.full:
        return [*singles(_TIMES), *pair_keys(), *contained]
    if arguments.pairs or arguments.containers:
        return [*(pair_keys() if arguments.pairs else []), *(contained if arguments.containers else [])]
    return [*singles(1), *(f"{RECOVERY}{name}#1" for name in _ONE_EACH)]


def singles(times: int) -> list[str]:
    """Return the keys of the healthy stacks and of every fault, each `times` times."""
    fresh = [f"{FRESH}#{number + 1}" for number in range(_FRESH_STACKS)]
    faults = [f"{name}#{number + 1}" for number in range(times) for name in FAULTS]
    return [f"{HEALTHY}#1", *fresh, *faults]
