"""Parameters that a notebook does not have are refused, with the nearest it has."""

import pytest

from incident_lib.errors import UsageError
from incident_lib.run import parameters
from tests.notebooks.made import notebook


def test_the_tagged_cell_declares_the_names():
    assert parameters.declared(notebook("x = 1")) == ("incident", "since", "config")


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'since'"):
        parameters.check("made", ("incident", "since"), ("sinse",))


def test_a_name_like_no_other_is_refused_with_all_there_are():
    with pytest.raises(UsageError, match="it has: incident, since"):
        parameters.check("made", ("incident", "since"), ("zzz",))


def test_a_value_cannot_leave_its_quotes():
    made = parameters.inject(notebook("x = 1"), {"incident": 'a"; import os #\n'})
    cell = next(cell for cell in made.cells if "injected-parameters" in cell.metadata.get("tags", ()))
    namespace = {}
    exec(cell.source, namespace)
    assert namespace["incident"] == 'a"; import os #\n'
    assert "os" not in namespace
