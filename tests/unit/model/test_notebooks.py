from incident_lib.model.notebooks import NOTEBOOKS, InBatch, find, names
from incident_lib.resources import resource


def test_the_list_is_what_ships():
    assert [notebook.name for notebook in NOTEBOOKS] == sorted(
        path.stem for path in resource("notebooks").glob("*.ipynb")
    )


def test_each_notebook_asks_its_question_itself():
    for notebook in NOTEBOOKS:
        text = resource("notebooks", f"{notebook.name}.ipynb").read_text(encoding="utf-8")
        assert notebook.question in text


def test_a_batch_runs_what_investigates_and_no_change():
    assert names(InBatch.ALWAYS) == ("00_triage", "10_application", "20_database", "30_redis", "40_network")
    assert names(InBatch.NEVER) == ("50_mitigation",)


def test_an_unknown_name_is_no_notebook():
    assert find("99") is None
    assert find("") is None
