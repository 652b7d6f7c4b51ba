"""Which refusals of a server are its trouble, and what they mean on a replica; from literals."""

from typing import Any

import pytest

from incident_lib.technologies.redis.rows import RedisErrorClass, RedisStanding
from tests.unit.technologies.redis.judging import judge, severities

JUDGED = """
BUSY CLUSTERDOWN CROSSSLOT DENIED INVALIDOBJ IOERR LOADING MASTERDOWN MISCONF MOVED NOAUTH NOGOODSLAVE NOPERM
NOQUORUM NOREPLICAS OOM READONLY TRYAGAIN UNKILLABLE WRONGPASS
"""
COUNTED = """
ASK BUSYGROUP BUSYKEY ERR EXECABORT INPROG NOGOODPRIMARY NOGROUP NOMASTERLINK NOPROTO NOSCRIPT NOTBUSY
REDIRECT UNBLOCKED WRONGTYPE TSDB
"""


def errors(name: str, risen: int | None = 30, total: int = 1200, seconds: float = 2.0) -> RedisErrorClass:
    return RedisErrorClass(name=name, total_count=total, risen_count=risen, seconds=seconds)


def standing(**changes: Any) -> RedisStanding:
    fields: dict[str, Any] = {
        "role": "slave",
        "primary": "10.0.0.2:6379",
        "link_up": True,
        "link_down_seconds": None,
        "replica_count": 0,
        "good_replica_count": None,
        "least_replica_count": None,
    }
    return RedisStanding(**(fields | changes))


@pytest.mark.parametrize("name", JUDGED.split())
def test_a_refusal_that_rises_is_trouble(name: str) -> None:
    found = judge("errors", errors(name))
    assert severities(found) == {name.lower(): "WARNING"}
    (finding,) = found.values()
    assert finding.title.startswith(f"{name}: ")
    assert finding.data == {
        "risen_count": 30,
        "per_second": 15.0,
        "total_count": 1200,
        "primary": None,
        "down_seconds": None,
        "good_count": None,
        "least_count": None,
    }
    # Whatever was refused before, when is not known.
    for risen in (0, None):
        found = judge("errors", errors(name, risen))
        assert severities(found) == {"past": "INFO"}
        assert f"({name})" in found["past"].title
        assert f"{name} 1,200" in found["past"].detail
    assert severities(judge("errors", errors(name, 0, total=0))) == {"ok": "OK"}


@pytest.mark.parametrize("name", COUNTED.split())
def test_what_clients_bring_upon_themselves_is_only_counted(name: str) -> None:
    found = judge("errors", errors(name))
    assert severities(found) == {name.lower(): "INFO"}
    assert found[name.lower()].title == f"30 error replies of class {name}"
    found = judge("errors", errors(name, 0))
    assert severities(found) == {"ok": "OK"}
    assert f"{name} 1,200" in found["ok"].detail


def test_each_class_is_judged_by_itself() -> None:
    rows = errors("OOM", 0), errors("NOAUTH"), errors("WRONGTYPE")
    assert severities(judge("errors", *rows)) == {"noauth": "WARNING", "wrongtype": "INFO"}
    # What is only counted does not hide what was refused once.
    rows = errors("OOM", 0), errors("WRONGTYPE")
    assert severities(judge("errors", *rows)) == {"past": "INFO", "wrongtype": "INFO"}


@pytest.mark.parametrize(("risen", "severity"), [(9, "INFO"), (10, "WARNING")])
def test_new_clients_of_a_cluster_learn_by_some_redirections(risen: int, severity: str) -> None:
    assert severities(judge("errors", errors("MOVED", risen))) == {"moved": severity}
    assert severities(judge("errors", errors("CROSSSLOT", risen))) == {"crossslot": "WARNING"}


@pytest.mark.parametrize("name", ["READONLY", "MASTERDOWN"])
def test_a_replica_that_lost_its_primary(name: str) -> None:
    alone = standing(link_up=False, link_down_seconds=40)
    found = judge("errors", errors(name), alone)
    assert severities(found) == {f"{name.lower()}_alone": "WARNING"}
    (finding,) = found.values()
    assert "cannot reach its primary 10.0.0.2:6379" in finding.title
    assert (finding.data["primary"], finding.data["down_seconds"]) == ("10.0.0.2:6379", 40)
    # A primary is not alone, and what else a replica refuses has nothing to do with its link.
    found = judge("errors", errors(name), standing(role="master", primary=None, link_up=None))
    assert severities(found) == {name.lower(): "WARNING"}
    assert found[name.lower()].data["primary"] is None
    assert severities(judge("errors", errors("OOM"), alone)) == {"oom": "WARNING"}
    assert judge("errors", errors("OOM"), alone)["oom"].data["primary"] is None


def test_writes_to_a_replica_that_is_well_go_to_the_wrong_server() -> None:
    found = judge("errors", errors("READONLY"), standing())
    assert severities(found) == {"readonly": "WARNING"}
    assert "they use the wrong server" in found["readonly"].title
    assert found["readonly"].data["primary"] == "10.0.0.2:6379"


def test_reads_of_a_replica_whose_link_came_back_are_no_wrong_server() -> None:
    found = judge("errors", errors("MASTERDOWN"), standing())
    assert severities(found) == {"masterdown": "WARNING"}
    assert "while its link was down; the link is up again" in found["masterdown"].title


@pytest.mark.parametrize("name", ["READONLY", "MASTERDOWN"])
def test_a_link_that_is_not_known_is_neither_up_nor_down(name: str) -> None:
    found = judge("errors", errors(name), standing(link_up=None))
    assert severities(found) == {name.lower(): "WARNING"}
    assert "whether it reaches its primary is unknown" in found[name.lower()].title


@pytest.mark.parametrize(
    ("good", "least", "words"),
    [
        (0, 2, "0 of the 2 replicas that min-replicas-to-write requires are in sync"),
        (1, None, "1 replicas that min-replicas-to-write requires are in sync"),
        (None, None, "too few replicas are connected"),
    ],
)
def test_writes_that_want_replicas(good: int | None, least: int | None, words: str) -> None:
    row = standing(role="master", primary=None, good_replica_count=good, least_replica_count=least)
    finding = judge("errors", errors("NOREPLICAS"), row)["noreplicas"]
    assert words in finding.title
    assert (finding.data["good_count"], finding.data["least_count"]) == (good, least)
    # Other refusals of that server are not for want of replicas.
    assert judge("errors", errors("OOM"), row)["oom"].data["good_count"] is None
