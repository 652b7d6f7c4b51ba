import shutil

import pytest

from incident_lib.errors import UsageError
from incident_lib.history.search import search
from tests.unit.history.made import FULL, LOCKED, incident, note


@pytest.fixture
def incidents(tmp_path):
    full = incident(tmp_path, "Checkout fails", FULL)
    note(full, "Policy was changed to NoEviction, größer")
    locked = incident(tmp_path, "Orders hang", LOCKED)
    (locked.path / "postmortem-2026-01-15.md").write_text(
        "# Post-mortem\n\n## Root cause\n\nThe re-price job held <script>row locks</script>.\n"
    )
    locked.write_text("communication/update.md", "Buyers may see a blank page.")
    return tmp_path


def ids(found):
    return [hit.title for hit in found.hits]


@pytest.mark.parametrize(
    ("text", "title", "where"),
    [
        ("CHECKOUT", "Checkout fails", "title"),
        ("noeviction", "Checkout fails", "timeline 2026-01-15 14:32:00"),
        ("GRÖSSER", "Checkout fails", "timeline 2026-01-15 14:32:00"),
        ("lock-contention", "Orders hang", "hypothesis 1 in"),
        ("redis.memory.full", "Checkout fails", "finding in"),
        ("re-price row", "Orders hang", "postmortem-2026-01-15.md (Root cause)"),
        ("blank page", "Orders hang", "communication/update.md"),
    ],
)
def test_every_kind_of_text_is_found_with_its_place(incidents, text, title, where):
    found = search(incidents, text)
    assert ids(found) == [title]
    assert found.hits[0].places[0].where.startswith(where)
    assert found.looked_at == 2


def test_all_words_must_stand_somewhere_in_the_incident(incidents):
    assert ids(search(incidents, "checkout noeviction")) == ["Checkout fails"]
    assert ids(search(incidents, "checkout blank")) == []


def test_what_was_well_is_no_find(incidents):
    assert ids(search(incidents, "nobody waits")) == []


def test_a_title_counts_more_than_a_note(incidents):
    other = incident(incidents, "Mail is late")
    note(other, "checkout is well")
    assert ids(search(incidents, "checkout")) == ["Checkout fails", "Mail is late"]
    cut = search(incidents, "checkout", limit=1)
    assert (len(cut.hits), cut.total) == (1, 2)


@pytest.mark.parametrize(
    "text", ["(((", ".*", "\\", '"', "\x00", "a\udcff", "%s {0}", "<script>", "' or 1=1", "[", "\u202e"]
)
def test_hostile_text_is_only_text(incidents, text):
    found = search(incidents, text)
    assert ids(found) in ([], ["Orders hang"])


def test_quotes_are_found_although_json_writes_them_differently(incidents):
    note(incident(incidents, "third"), 'it said "disk\\full" twice')
    assert ids(search(incidents, '"disk\\full"')) == ["third"]


@pytest.mark.parametrize("text", ["", "  \n", "x" * 501])
def test_no_words_or_a_whole_text_is_wrong_usage(incidents, text):
    with pytest.raises(UsageError):
        search(incidents, text)


def test_damaged_incidents_hide_no_other(incidents):
    broken = incident(incidents, "checkout broken")
    shutil.rmtree(broken.path / "events")
    half = incident(incidents, "checkout half", FULL)
    (half.snapshots[0] / "findings.json").write_text("{")
    for path in (half.path / "events").iterdir():
        path.write_text("{")
    found = search(incidents, "checkout")
    assert ids(found) == ["Checkout fails"]
    assert [one.path for one in found.damaged] == [broken.id, half.id]


def test_a_long_text_is_shown_around_the_word(incidents):
    note(incident(incidents, "long"), "x " * 400 + "needle" + " y" * 400)
    shown = search(incidents, "needle").hits[0].places[0].excerpt
    assert "needle" in shown
    assert len(shown) < 250
    assert shown.startswith("…")
    assert shown.endswith("…")
