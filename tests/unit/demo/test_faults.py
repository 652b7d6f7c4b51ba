from incident_lib import demo
from incident_lib.demo.faults import FAULTS

TARGETS = {"backend", "frontend", "db", "cache", "payments", "host"}


def test_the_public_names_are_resolved_when_they_are_asked_for():
    assert demo.FAULTS is FAULTS
    assert set(demo.__all__) == {"FAULTS", "DemoStack", "Fault"}


def test_faults_are_known_by_their_names_and_say_what_they_do():
    assert len(FAULTS) >= 36
    for name, fault in FAULTS.items():
        assert fault.name == name
        assert fault.target in TARGETS
        assert len(fault.title) <= 100
        assert "\n" not in fault.title
        assert 0 < fault.settle_seconds <= (20 if fault.in_suite else 70)


def test_no_more_faults_than_a_test_run_bears_are_in_the_suite():
    in_suite = [fault for fault in FAULTS.values() if fault.in_suite]
    assert 12 <= len(in_suite) <= 18
    assert len({fault.hypothesis for fault in in_suite}) == len(in_suite)
