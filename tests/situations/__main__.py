"""Play situations and print what is wrong with each answer."""

import argparse
import json
import sys
import time
from pathlib import Path

from tests.situations.judging import hypotheses_of, rows_of
from tests.situations.playing import played, situations


def main() -> int:
    """Return 0 when every answer was right, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.situations", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[])
    parser.add_argument("--act", action="store_true", help="execute what the first hypothesis offers")
    parser.add_argument("--json", type=Path, help="write the answers to this file")
    parser.add_argument("-v", "--verbose", action="store_true", help="show what was answered")
    options = parser.parse_args()
    names = options.only or list(situations())
    right, answers = 0, {}
    for name in names:
        begun = time.monotonic()
        try:
            wrong, world = played(name, act=options.act)
        except Exception as error:  # noqa: BLE001 - a situation that cannot be played must not end the others
            print(f"BROKEN {name}: {type(error).__name__}: {error}", flush=True)
            continue
        right += not wrong
        answers[name] = {"wrong": wrong, "acted": world.acted, "answer": world.answer}
        print(f"{'wrong' if wrong else 'right'}  {name}  ({time.monotonic() - begun:.0f} s)", flush=True)
        for text in (*wrong, *(f"acted: {text}" for text in world.acted)):
            print(f"       {text}", flush=True)
        if options.verbose:
            print(f"       first: {[h['id'] + ': ' + h['title'] for h in hypotheses_of(world.answer)][:3]}")
            for row in rows_of(world.answer):
                if row.severity not in ("OK", "INFO"):
                    print(f"         {row.where}: {row.text[:240]}", flush=True)
    print(f"{right} of {len(names)} right")
    if options.json:
        options.json.write_text(json.dumps(answers, indent=1))
    return 0 if right == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
