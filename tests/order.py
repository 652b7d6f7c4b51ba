"""The order in which the files of the suite are taken: the long ones early, and short ones between them.

Most long files wait for servers, most short ones need a processor: next to each other they take little time.
Which files are long changes nothing but how long a run takes.
"""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

LONG = (  # from the longest on
    "integration/test_canaries.py",
    "integration/test_container_faults.py",
    "browser/test_lab.py",
    "integration/test_diagnosis_servers.py",
    "unit/incident/test_faults.py",
    "integration/test_diagnosis_application.py",
    "notebooks/test_forking.py",
    "integration/test_demo_stack.py",
    "browser/test_pages.py",
    "integration/test_situations.py",
    "integration/test_remediation_demo.py",
    "integration/test_redis_probes.py",
    "integration/test_logs_fleet.py",
    "integration/test_remediation_faults.py",
    "integration/test_baseline.py",
    "integration/test_docker_container.py",
    "integration/test_technology_package.py",
    "integration/test_containers.py",
    "integration/test_postgres_locks.py",
    "integration/test_redis_buffers.py",
    "unit/cli/test_proposed.py",
    "unit/cli/test_lifecycle.py",
    "unit/redact/test_hostile.py",
    "integration/test_whole_incident.py",
    "notebooks/test_papermill.py",
    "integration/test_redis_connection.py",
    "integration/test_postgres_container.py",
    "notebooks/test_batch.py",
    "integration/test_notify_command.py",
    "integration/test_own_probes.py",
    "integration/test_redis_flush.py",
    "integration/test_network_inside.py",
    "integration/test_postgres_sick.py",
    "unit/incident/test_growth.py",
    "integration/test_postgres_logins.py",
    "unit/cli/test_clock_jumps.py",
    "unit/technologies/logs/test_parts.py",
    "integration/test_postgres_roots.py",
    "notebooks/test_execution.py",
    "integration/test_wrong_peer.py",
    "integration/test_remediation_docker.py",
    "integration/test_places.py",
    "integration/test_redis_load.py",
    "unit/cli/test_hostile_files.py",
    "integration/test_redis_roles.py",
    "integration/test_redis_queues.py",
    "integration/test_redis_standing.py",
    "integration/test_causes.py",
    "integration/test_postgres_schema.py",
    "integration/test_redis_stampede.py",
    "unit/cli/test_foreign.py",
    "integration/test_many_targets.py",
    "integration/test_postgres_upkeep.py",
    "integration/test_demo_faults.py",
    "unit/incident/test_modes.py",
    "unit/cli/test_ordinary_user.py",
    "integration/test_network.py",
    "unit/cli/test_no_color.py",
    "integration/test_sampling.py",
    "unit/response/test_home.py",
    "integration/test_health.py",
    "integration/test_redis_rules.py",
    "integration/test_postgres_progress.py",
    "integration/test_health_docker.py",
)


def by_length(files: Iterable[Path], tests: Path) -> list[Path]:
    """Return the files in the order in which they are taken; `tests` is the folder of the suite.

    >>> by_length([Path("t/a.py"), Path("t/b.py"), Path("t/notebooks/test_forking.py")], Path("t"))[1].name
    'a.py'
    """
    rank = {tests / name: place for place, name in enumerate(LONG)}
    there = list(dict.fromkeys(files))
    long = sorted((path for path in there if path in rank), key=rank.__getitem__)
    rest = [path for path in there if path not in rank and path.is_relative_to(tests)]
    examples = [
        path for path in there if not path.is_relative_to(tests)
    ]  # of docstrings: none takes a second
    # From both ends: the first need servers, the last are unit tests.
    ends = (path for pair in zip(rest, reversed(rest), strict=True) for path in pair)
    short = iter(list(dict.fromkeys(ends)))
    each = -(-len(rest) // max(len(long), 1))
    ordered: list[Path] = []
    for path in long:
        ordered += [path, *islice(short, each)]
    return [*ordered, *short, *examples]
