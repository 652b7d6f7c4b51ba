"""Long proofs that nothing is lost, nothing leaks and nothing hangs. Exit code 1 where one failed.

    make soak                            every part
    make soak ARGS="faults --every 10"   a part, with its own options
    make soak ARGS=--list                the parts

A part is a module `bench/soak_NAME.py` with `add_to(parser)`, which adds its options and sets `run`: a
function of the arguments that prints figures and returns whether all is well. It is listed in PARTS.
"""

import argparse
import sys
import time
from importlib import import_module
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

PARTS = {
    "faults": "every file-system call of every command killed, refused or torn",
    "changes": "`mitigate` killed, refused or torn at each call, for every action, on real targets",
    "syscalls": "the same with strace, for what only the system sees: writes and syncs in C code",
    "power": "the power lost at every call: what was not synced is gone, torn or out of order",
    "clocks": "a clock that jumps before and while a command runs (libfaketime)",
    "canaries": "a secret in every place, every byte searched",
    "servers": "servers that stall, flood and break the protocol",
    "redaction": "random mixtures around secrets, and lines of ten megabytes",
    "editors": "a person who saves a post-mortem while it is renewed",
}


def main() -> int:
    """Return 0 when every part that was run found nothing wrong, else 1."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="print the parts, and run none")
    parts = parser.add_subparsers(dest="part")
    for name, what in PARTS.items():
        import_module(f"soak_{name}").add_to(parts.add_parser(name, help=what))
    arguments = parser.parse_args()
    if arguments.list:
        for name, what in PARTS.items():
            print(f"{name:12} {what}")
        return 0
    wanted = [arguments] if arguments.part else [parser.parse_args([name]) for name in PARTS]
    failed = []
    for part in wanted:
        print(f"== {part.part}: {PARTS[part.part]}", flush=True)
        began = time.monotonic()
        if not part.run(part):
            failed.append(part.part)
        print(f"== {part.part}: {time.monotonic() - began:.0f} s", flush=True)
    print(f"failed: {', '.join(failed)}" if failed else "nothing failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
