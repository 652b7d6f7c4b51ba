"""Parameters that a notebook does not have are refused, with the nearest it has."""

import pytest
from papermill.parameterize import parameterize_notebook

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


@pytest.mark.parametrize("again", [False, True], ids=["once", "again"])
@pytest.mark.parametrize("tagged", [True, False])
def test_the_cell_is_the_one_that_papermill_writes(tagged, again):
    values = {"incident": 'é "quoted" \\ back\nslash', "since": "15m"}

    def made():
        source = notebook("x = 1")
        for cell in source.cells:
            cell.metadata["tags"] = cell.metadata.get("tags", []) if tagged else []
            cell.id = "same"
        source.metadata["papermill"] = {}
        return source

    ours, theirs = parameters.inject(made(), values), parameterize_notebook(made(), values)
    if again:
        ours, theirs = (
            parameters.inject(ours, {"since": "1h"}),
            parameterize_notebook(theirs, {"since": "1h"}),
        )
    for cell in (*ours.cells, *theirs.cells):
        cell.id = "same"
    assert ours == theirs


def test_a_value_cannot_leave_its_quotes():
    made = parameters.inject(notebook("x = 1"), {"incident": 'a"; import os #\n'})
    cell = next(cell for cell in made.cells if "injected-parameters" in cell.metadata.get("tags", ()))
    namespace = {}
    exec(cell.source, namespace)
    assert namespace["incident"] == 'a"; import os #\n'
    assert "os" not in namespace
