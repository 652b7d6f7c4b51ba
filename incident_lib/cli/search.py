"""`incident search`: past incidents by words."""

import argparse
import sys
from pathlib import Path

from incident_lib import config
from incident_lib.cli.arguments import print_json
from incident_lib.cli.console import plain
from incident_lib.config import Settings
from incident_lib.history.past import Damage
from incident_lib.history.search import Found
from incident_lib.history.search import search as search_all
from incident_lib.units import format_count


def search(arguments: argparse.Namespace) -> int:
    """Return 0, whatever is found."""
    settings = config.load(arguments.config)
    found = search_all(settings.incidents, " ".join(arguments.text), limit=arguments.limit)
    if arguments.json:
        return print_json(found)
    _print_found(found)
    print_damaged(settings, found.damaged)
    return 0


def _print_found(found: Found) -> None:
    for hit in found.hits:
        print(f"{hit.severity:4}  {hit.started_at:%Y-%m-%d %H:%M}  {plain(hit.title)}\n      {hit.incident}")
        for place in hit.places:
            print(f"      {plain(place.where)}: {plain(place.excerpt)}")
    total = f"{found.total} of {format_count(found.looked_at, 'incident')}"
    cut = f", the best {len(found.hits)} shown (--limit)" if found.total > len(found.hits) else ""
    print(f"{total}{cut}" if found.looked_at else "There are no incidents to search yet.")


def print_damaged(settings: Settings, damaged: tuple[Damage, ...]) -> None:
    """Print what could not be read of past incidents, and how to look at it."""
    for damage in damaged:
        sys.stderr.write(f"damaged: {plain(damage.path)}: {plain(damage.text)}\n")
        sys.stderr.write(
            f"  {settings.commands(settings.incidents / Path(damage.path).parts[0]).line('verify')}\n"
        )
