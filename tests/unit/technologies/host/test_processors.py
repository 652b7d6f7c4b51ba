"""Who ran between two samples, from literals: programs, families, services, and ourselves."""

from incident_lib.technologies.host.processors import Process, Sample, users_between

FIRST = 90_000_000  # no machine has processes of such numbers


def process(number, name, ran, *, parent=1, session=None, started=1, waited=None):
    return Process(
        pid=FIRST + number,
        parent=FIRST + parent,
        session=FIRST + (number if session is None else session),
        name=name,
        started=started,
        ran_seconds=ran,
        first_ran_seconds=ran if waited is not None else None,
        first_waited_seconds=waited,
    )


def users(before, now, *, services=None, own=99):
    first, second = (
        Sample(at=at, processes={one.pid: one for one in found})
        for at, found in ((10.0, before), (12.0, now))
    )
    named = {FIRST + number: name for number, name in (services or {}).items()}
    return users_between(first, second, services=named, own=FIRST + own)


def test_programs_of_one_name_are_one():
    (one,) = users(
        (process(2, "gzip", 1.0, waited=0.0), process(3, "gzip", 1.0, waited=0.0)),
        (process(2, "gzip", 2.0, waited=1.0), process(3, "gzip", 2.5, waited=1.5)),
    )
    assert (one.name, one.pid, one.process_count) == ("gzip", FIRST + 3, 2)
    assert (one.cores, one.waiting_cores, one.waiting_ratio) == (1.25, 1.25, 0.5)


def test_an_interpreter_is_told_by_its_family():
    now = (
        process(2, "python3", 1.0),
        process(3, "python3", 1.0, parent=2),
        process(4, "python3", 0.5),
    )
    found = users((), now)
    assert [(one.process_count, one.cores) for one in found] == [(2, 1.0), (1, 0.25)]


def test_a_number_that_was_given_again_is_another_process():
    (one,) = users((process(2, "gzip", 50.0, started=1),), (process(2, "gzip", 1.0, started=7),))
    assert one.cores == 0.5


def test_children_of_a_service_are_the_service():
    now = (process(2, "postgres", 0.0), process(3, "postgres", 1.0, parent=2))
    (one,) = users((process(3, "postgres", 0.0, parent=2),), now, services={2: "db"})
    assert (one.service, one.cores, one.is_ours) == ("db", 0.5, False)


def test_whoever_looks_what_it_started_and_what_started_it_are_ours():
    now = (
        process(98, "bash", 1.0),
        process(99, "incident", 1.0, parent=98, session=98),
        process(100, "psql", 1.0, parent=99, session=98),
        process(101, "redis-server", 1.0, parent=99),  # a session of its own: a stack that it runs
        process(102, "gzip", 1.0, parent=98, session=98),  # beside it, from the same shell
    )
    found = {one.name: one.is_ours for one in users((), now)}
    assert found == {"bash": True, "incident": True, "psql": True, "redis-server": False, "gzip": False}


def test_what_hardly_ran_is_told_of_services_alone():
    now = (process(2, "cron", 0.01), process(3, "web", 0.01, waited=0.2))
    assert [one.name for one in users((), now, services={3: "site"})] == ["web"]
