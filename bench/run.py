"""Performance, as ratios to what people use today, measured next to each other in one run.

    make bench ARGS=notebooks                  five notebooks and their pages, three turns
    make bench ARGS=logs                       a log of 100,000, 1,000,000 and 10,000,000 lines
    make bench ARGS="logs --lines 100000"      one size
    make bench ARGS="logs --full"              100,000,000 lines, too, by the file

Exit code 1 when a goal is missed.
"""

import argparse

import logs

import notebooks


def main() -> int:
    """Return 0 when what was measured meets its goals, else 1."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(required=True)
    logs.add_to(parts.add_parser("logs", help="a container's log: counted, against docker logs | grep -c"))
    text = "five notebooks of a stored snapshot: against papermill and nbconvert, one by one"
    notebooks.add_to(parts.add_parser("notebooks", help=text))
    arguments = parser.parse_args()
    return int(arguments.measure(arguments))


if __name__ == "__main__":
    raise SystemExit(main())
