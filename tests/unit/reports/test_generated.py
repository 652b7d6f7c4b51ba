import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_lib.reports.generated import block, digest, document, merge, parse

NAMES = ("summary", "impact", "timeline")


def fresh(version, names=NAMES):
    return document("# Title\n\n" + "\nWrite here.\n\n".join(block(n, f"{n} {version}") for n in names))


def bodies(text, role="begin"):
    return {part.name: part.body.strip() for part in parse(text) if part.role == role}


def test_untouched_blocks_are_renewed_and_the_rest_stays():
    old = fresh(1).replace("Write here.", "What I know.", 1)
    new = merge(old, fresh(2))
    assert bodies(new) == {name: f"{name} 2" for name in NAMES}
    assert "What I know." in new
    assert new.count("Write here.") == 1


def test_an_edited_block_is_kept_and_the_newer_text_put_beside_it():
    edited = fresh(1).replace("impact 1", "impact 1, and revenue")
    once = merge(edited, fresh(2))
    assert bodies(once)["impact"] == "impact 1, and revenue"
    assert "impact 2" in bodies(once, "offer")["impact"]
    assert "Newer text" in once
    assert merge(once, fresh(2)) == once
    assert once.index("and revenue") < once.index("impact 2") < once.index("timeline 2")


def test_newer_text_replaces_an_offer_that_nobody_touched():
    once = merge(fresh(1).replace("impact 1", "mine"), fresh(2))
    twice = merge(once, fresh(3))
    assert "impact 2" not in twice
    assert "impact 3" in bodies(twice, "offer")["impact"]
    assert bodies(twice)["impact"] == "mine"


def test_an_edited_offer_belongs_to_the_person():
    once = merge(fresh(1).replace("impact 1", "mine"), fresh(2)).replace("impact 2", "impact 2 with my words")
    twice = merge(once, fresh(3))
    assert "impact 2 with my words" in twice
    assert "impact 3" in twice


def test_a_deleted_offer_comes_back_only_with_newer_text():
    once = merge(fresh(1).replace("impact 1", "mine"), fresh(2))
    offer = next(part.text for part in parse(once) if part.role == "offer")
    rejected = once.replace(offer, "")
    assert merge(rejected, fresh(2)) == rejected
    assert "impact 3" in merge(rejected, fresh(3))


def test_taking_the_offer_over_ends_it():
    once = merge(fresh(1).replace("impact 1", "mine"), fresh(2))
    accepted = once.replace("mine", "impact 2", 1)
    assert merge(accepted, fresh(2)) == fresh(2)


def test_a_deleted_block_stays_deleted_and_a_new_one_comes_in_its_place():
    deleted = fresh(1).replace(block("impact", "impact 1"), "")
    assert "impact" not in bodies(merge(deleted, fresh(2)))
    with_new = merge(deleted, fresh(2, ("summary", "risks", "impact", "timeline")))
    assert list(bodies(with_new)) == ["summary", "risks", "timeline"]
    assert with_new.splitlines()[-1] == "<!-- incident:blocks summary impact timeline risks -->"


@pytest.mark.parametrize(
    "missing", ["<!-- incident:end impact -->\n", block("impact", "impact 1").split("\n")[0] + "\n"]
)
def test_a_block_without_one_of_its_marks_is_a_persons_text(missing):
    broken = fresh(1).replace(missing, "")
    new = merge(broken, fresh(2))
    assert "impact 1\n" in new
    assert "summary 2" in new
    assert "timeline 2" in new
    assert merge(new, fresh(2)) == new


def test_duplicated_blocks_are_each_renewed_or_kept():
    doubled = fresh(1).replace(block("impact", "impact 1"), block("impact", "impact 1") * 2)
    assert merge(doubled, fresh(2)).count("impact 2") == 2
    both_edited = doubled.replace("impact 1", "first", 1).replace("impact 1", "second", 1)
    new = merge(both_edited, fresh(2))
    assert "first" in new
    assert "second" in new
    assert new.count("impact 2") == 1
    assert merge(new, fresh(2)) == new
    one_edited = doubled.replace("impact 1", "mine", 1)
    assert merge(one_edited, fresh(2)).count("impact 2") == 1


def test_line_ends_of_windows_are_no_edit_and_are_kept():
    windows = fresh(1).replace("\n", "\r\n")
    assert merge(windows, fresh(2)) == fresh(2).replace("\n", "\r\n")


def test_trailing_spaces_are_no_edit():
    assert merge(fresh(1).replace("impact 1", "impact 1   "), fresh(2)) == fresh(2)


def test_a_file_that_was_never_ours_is_kept_and_added_to():
    theirs = "# Backend\n\nRestart it.\n"
    new = merge(theirs, fresh(1))
    assert new.startswith(theirs)
    assert bodies(new)["impact"] == "impact 1"
    assert merge(new, fresh(1)) == new


def test_hostile_text_cannot_end_its_block():
    hostile = "x\n<!-- incident:end impact -->\n<!-- incident:begin impact 000000000000 -->"
    text = document(block("impact", hostile) + block("timeline", "t"))
    assert list(bodies(text)) == ["impact", "timeline"]
    assert merge(text, fresh(2, ("impact", "timeline"))).count("impact 2") == 1


_LINES = st.lists(
    st.sampled_from(
        [
            "mine\n",
            "\n",
            "mine\r\n",
            "tail",
            "# Title\n",
            "<!-- incident:end impact -->\n",
            "<!-- incident:begin impact 0123456789ab -->\n",
            "<!-- incident:offer summary 0123456789ab -->\n",
            "<!-- incident:blocks -->\n",
            *block("summary", "summary 1").splitlines(keepends=True),
            *block("impact", "impact 1").splitlines(keepends=True),
            *block("impact", "impact 2", role="offer").splitlines(keepends=True),
        ]
    ),
    max_size=14,
)


@settings(max_examples=200, deadline=None)
@given(
    lines=_LINES,
    start=st.booleans(),
    at=st.integers(0, 20),
    gone=st.integers(0, 4),
    version=st.integers(1, 3),
)
def test_nothing_that_a_person_wrote_is_ever_lost(lines, start, at, gone, version):
    base = fresh(1).splitlines(keepends=True) if start else []
    text = "".join([*base[:at], *lines, *base[at + gone :]])
    new = merge(text, fresh(version))
    place = 0
    for part in parse(text):
        owned = part.text if part.role in {"", "open"} else part.body if part.is_touched else ""
        for line in owned.splitlines():
            if "incident:" in line or not line.strip():
                continue
            place = new.find(line, place)
            assert place >= 0, f"{line!r} of {text!r} is not in {new!r}"
            place += len(line)
    assert merge(new, fresh(version)) == new


@given(st.text())
def test_the_parts_of_a_text_are_the_text(text):
    assert "".join(part.text for part in parse(text)) == text
    assert digest(text) == digest(text + "\n")
