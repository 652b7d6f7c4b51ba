"""The canaries for as long as one likes: real servers, new secrets and new surroundings in every round.

Each round plants a unique secret in every place, types every command, opens every byte that was written and
printed, and prints what was planted, searched and found. It ends with 1 when anything was found, or when a
place was not read.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.integration.canary_places import planted
from tests.integration.canary_search import Search
from tests.integration.canary_typist import Typist, search
from tests.integration.canary_values import Canaries

_MINUTES = 10.0


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of this part, and what runs it."""
    parser.add_argument("--minutes", type=float, default=_MINUTES, help="one round is run at least")
    parser.add_argument("--seed", type=int, help="of a single round, as it was printed")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Return whether no secret was found in any round. Prints a line a round, and what was found."""
    end = time.monotonic() + arguments.minutes * 60
    rounds = secrets = files = found = unread = 0
    while not rounds or (arguments.seed is None and time.monotonic() < end):
        seed = random.randrange(1_000_000_007) if arguments.seed is None else arguments.seed
        result = _round(seed)
        rounds, secrets, files = rounds + 1, secrets + result.planted, files + result.files
        found, unread = found + len(result.found), unread + len(result.unread)
        print(result.report(), flush=True)
    print(f"canaries: {rounds} rounds, {secrets} secrets planted, {files} files searched, {found} found")
    return found == 0 and not unread


def _round(seed: int) -> Search:
    before, place = dict(os.environ), Path.cwd()
    with tempfile.TemporaryDirectory(prefix="canaries-", ignore_cleanup_errors=True) as name:
        try:
            with planted(Path(name), Canaries(seed, is_wild=True)) as stack:
                os.chdir(stack.folder)
                os.environ.update(stack.environment)
                typist = Typist(stack)
                typist.all()
                return search(stack, typist)
        finally:
            os.chdir(place)
            os.environ.clear()
            os.environ.update(before)
