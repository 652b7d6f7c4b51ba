"""Other clients of the shop's servers, which cause trouble the way such clients do. One a process.

Each job takes its address from ADDRESS and stops by itself after a bounded time.
"""

import argparse
import os

from incident_lib.demo import jobs_cache, jobs_database, jobs_machine, jobs_outside

_JOBS = {**jobs_database.JOBS, **jobs_cache.JOBS, **jobs_outside.JOBS, **jobs_machine.JOBS}


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=sorted(_JOBS))
    _JOBS[parser.parse_args().job](os.environ["ADDRESS"])


if __name__ == "__main__":
    main()
