"""A probe of the team's own speaks for or against the causes that it names."""

from incident_lib.config import OwnProbe, ProbeKind
from incident_lib.hypotheses import Pattern, rank
from incident_lib.hypotheses.custom_clues import with_custom_clues
from incident_lib.model import Finding, FindingSeverity
from incident_lib.model.topology import Topology
from incident_lib.technologies import catalogue

SHOP = Topology(kinds={"api": "http", "db": "postgres"}, depends_on={"api": ("db",)})
FULL = Pattern(
    id="db-full",
    title="{target} is full",
    kinds=("postgres",),
    when=("postgres.saturation.high",),
    base=0.5,
    next_check="look",
    first_action="act",
    notebook="20_database",
)


def ranked(patterns, *ids, severity=FindingSeverity.CRITICAL):
    targets = {"postgres.saturation.high": "db", "shop.pool.high": "api", "shop.pool.ok": "api"}
    found = tuple(Finding(id=one, target=targets[one], title="t", severity=severity) for one in ids)
    return rank(found, SHOP, patterns, catalogue())


def own(**named):
    return OwnProbe(name="shop.pool", target="api", kind=ProbeKind.FILE, file="f", warning=5, **named)


def test_a_supporting_probe_adds_to_the_score_and_is_named():
    patterns = with_custom_clues((FULL,), [own(supports=("db-full",))])
    (alone,) = ranked(patterns, "postgres.saturation.high")
    (helped,) = ranked(patterns, "postgres.saturation.high", "shop.pool.high")
    assert helped.score > alone.score
    assert helped.support == ("postgres.saturation.high", "shop.pool.high")


def test_a_refuting_probe_is_counter_evidence():
    patterns = with_custom_clues((FULL,), [own(refutes=("db-full",))])
    (found,) = ranked(patterns, "postgres.saturation.high", "shop.pool.high")
    assert found.against == ("shop.pool.high",)


def test_within_its_limits_it_says_nothing():
    patterns = with_custom_clues((FULL,), [own(supports=("db-full",))])
    (found,) = ranked(patterns, "postgres.saturation.high", "shop.pool.ok")
    assert found.support == ("postgres.saturation.high",)


def test_it_makes_no_cause_by_itself():
    assert ranked(with_custom_clues((FULL,), [own(supports=("db-full",))]), "shop.pool.high") == ()


def test_other_patterns_stay_as_they_are():
    assert with_custom_clues((FULL,), [own(supports=("other",))]) == (FULL,)
