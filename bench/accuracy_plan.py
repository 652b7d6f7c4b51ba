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
_AT_ONCE = 3


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
        "--at-once",
        type=int,
        default=_AT_ONCE,
        metavar="N",
        help=f"stacks that wait for those two minutes side by side; default {_AT_ONCE}",
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
    undone, name = name.startswith(RECOVERY), name.removeprefix(RECOVERY)
    if name.startswith(CONTAINERS):
        return True
    if undone:
        return name in FAULTS
    return name in {HEALTHY, FRESH} or all(part in FAULTS for part in name.split("+"))


def wanted(arguments: argparse.Namespace, container_faults: tuple[str, ...]) -> list[str]:
    """Return the keys to measure, in order; those of containers only as far as `container_faults` go."""
    undone = RECOVERY if arguments.recovery else ""
    if arguments.only:
        asked_for = [f"{undone}{name.removeprefix(undone)}" for name in arguments.only]
        return [f"{name if is_known(name) else name.removeprefix(undone)}#1" for name in asked_for]
    times = _TIMES if arguments.full else 1
    contained = [
        f"{undone}{CONTAINERS}{name}#{number + 1}" for number in range(times) for name in container_faults
    ]
    if arguments.full:
        return [*singles(_TIMES, undone), *pair_keys(), *contained]
    if arguments.pairs or arguments.containers:
        return [*(pair_keys() if arguments.pairs else []), *(contained if arguments.containers else [])]
    return singles(1, undone)


def singles(times: int, undone: str) -> list[str]:
    """Return the keys of the healthy stacks and of every fault, each `times` times.

    Some are undone and looked at again, one a technology; all are where `undone` begins their keys.
    """
    fresh = [f"{FRESH}#{number + 1}" for number in range(_FRESH_STACKS)]
    faults = [
        f"{RECOVERY if name in _ONE_EACH and not number else undone}{name}#{number + 1}"
        for number in range(times)
        for name in FAULTS
    ]
    return [f"{HEALTHY}#1", *fresh, *faults]


def is_recovery(key: str) -> bool:
    """Return whether what is measured is also undone and looked at again."""
    return key.startswith(RECOVERY)


def needs_the_machine(key: str) -> bool:
    """Return whether nothing else can be measured at the same time."""
    name = single_of(key).partition("#")[0]
    return name in FAULTS and FAULTS[name].target == "host"


def single_of(key: str) -> str:
    """Return the key of the diagnosis while the fault lasted, which a recovery measures, too.

    >>> single_of("recovery:ddl-queue#1")
    'ddl-queue#1'
    """
    return key.removeprefix(RECOVERY)
