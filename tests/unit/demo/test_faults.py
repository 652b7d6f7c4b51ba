from incident_lib import demo
from incident_lib.demo.faults import FAULTS

TARGETS = {"backend", "frontend", "db", "cache", "payments"}


def test_the_public_names_are_resolved_when_they_are_asked_for():
    assert demo.FAULTS is FAULTS
    assert set(demo.__all__) == {"FAULTS", "DemoStack", "Fault"}


def test_faults_are_known_by_their_names_and_say_what_they_do():
    assert len(FAULTS) >= 12
    for name, fault in FAULTS.items():
        assert fault.name == name
        assert fault.target in TARGETS
        assert len(fault.title) <= 100
        assert "\n" not in fault.title
        assert 0 < fault.settle_seconds <= 20


def test_each_fault_has_a_hypothesis_of_its_own():
    assert len({fault.hypothesis for fault in FAULTS.values()}) == len(FAULTS)
