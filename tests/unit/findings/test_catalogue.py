"""The catalogue of findings: what it answers, and that nothing in it is dead."""

import re
from pathlib import Path

from incident_lib.findings.catalogue import COMMON, Catalogue, Flag, Nature, entry
from incident_lib.model import Finding, FindingSeverity
from incident_lib.technologies import catalogue, table
from tests import reached

JUDGED_IN = ("correlation", "hypotheses", "investigation", "notify", "remediation", "reports")


def test_an_id_that_is_not_entered_is_neutral():
    unknown = catalogue()["shop.queue.high"]
    assert (unknown.id, unknown.flags, unknown.nature, unknown.is_felt) == (
        "shop.queue.high",
        frozenset(),
        Nature.STATE,
        False,
    )


def test_an_id_means_its_entry_before_any_glob():
    known = Catalogue((entry("a.*", Nature.STATE, "any"), entry("a.b", Nature.CHANGE, "this", Flag.DOWN)))
    assert [(known[name].id, known[name].meaning) for name in ("a.b", "a.c")] == [
        ("a.b", "this"),
        ("a.c", "any"),
    ]
    finding = Finding(id="a.b", severity=FindingSeverity.INFO, target="t", title="whatever")
    assert known.has(finding, Flag.SLOW, Flag.DOWN)
    assert not known.has(finding, Flag.SLOW)


def test_every_entry_is_the_only_one_of_its_id_and_says_what_it_means():
    entries = [kind for technology in table().technologies for kind in technology.findings] + [*COMMON]
    assert len({kind.id for kind in entries}) == len(entries)
    assert all(kind.meaning[0].isupper() and not kind.meaning.endswith(".") for kind in entries)


def test_every_flag_is_asked_for_by_whoever_judges():
    code = "".join(
        path.read_text() for folder in JUDGED_IN for path in Path("incident_lib", folder).rglob("*.py")
    )
    asked = set(re.findall(r"Flag\.([A-Z_]+)", re.sub(r"JUDGES = \(.*?\n\)", "", code, flags=re.DOTALL)))
    assert set(Flag.__members__) - asked == set()


def test_only_the_catalogue_names_findings_of_others():
    """No list of ids outside of the technologies: what somebody else's finding means is a flag."""
    own = {name for path in Path("incident_lib/correlation").glob("*.py") for name in _ids(path)}
    made = {kind.id for kind in COMMON} | {"redis.connection.starting"}
    assert own <= made
    others = [*Path("incident_lib/hypotheses").glob("*.py"), *Path("incident_lib/notify").glob("*.py")]
    others += [*Path("incident_lib/investigation").glob("*.py"), *Path("incident_lib/reports").glob("*.py")]
    assert [name for path in others for name in _ids(path)] == []


def _ids(path: Path) -> list[str]:
    """Return the ids of findings that a module names in code: comments and docstrings do not count."""
    text = re.sub(r'""".*?"""|#[^\n]*', "", path.read_text(), flags=re.DOTALL)
    return [name for name in re.findall(r'"([a-z_]+\.[a-z_]+\.[a-z_.]+)"', text) if name in catalogue().kinds]


def test_what_no_test_reaches_is_reported(monkeypatch):
    monkeypatch.setattr(reached, "emitted", {"redis.memory.ok": {"surprise"}, "redis.memory.nonsense": set()})
    monkeypatch.setattr(reached, "asked", set())
    lines = reached.unreached()
    assert "no analyzer emits redis.memory.full" in lines
    assert "the catalogue does not name data of redis.memory.ok: surprise" in lines
    assert "the catalogue has no entry for redis.memory.nonsense" in lines
    assert "nothing asks for the limit redis.memory.warning_ratio" in lines
