"""The table of technologies: what each brings is consistent with the others."""

from incident_lib.technologies import Technology, table


def test_every_analyzer_belongs_to_a_probe_of_its_technology():
    for technology in table().technologies:
        names = {probe.name for probe in technology.probes}
        assert set(technology.analyzers) <= names, technology.name
        assert set(technology.on_failure) <= names, technology.name
        assert all(name.startswith(f"{technology.name}.") for name in names), technology.name


def test_kinds_and_probes_belong_to_one_technology_each():
    everything = table()
    for technology in everything.technologies:
        assert technology.kind is None or everything.of_kind(technology.kind.name) is technology
        assert all(everything.of_probe(probe.name) is technology for probe in technology.probes)
    assert everything.of_kind("mainframe") is None
    assert everything.broken == ()


def test_a_probe_that_answers_is_one_of_its_technology():
    for technology in table().technologies:
        assert technology.kind is None or technology.name == "process" or technology.answers
        assert not technology.answers or technology.answers in {probe.name for probe in technology.probes}
        assert isinstance(technology, Technology)
