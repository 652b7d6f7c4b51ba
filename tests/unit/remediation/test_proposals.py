from pathlib import Path

import msgspec
import pytest

from incident_lib.config import Settings
from incident_lib.config.tables import Deploy, Document, Service
from incident_lib.model import Analysis, Finding, FindingSeverity, Hypothesis, ProposedAction
from incident_lib.model.commands import Commands
from incident_lib.remediation.actions import ACTIONS
from incident_lib.remediation.proposals import _BY_HYPOTHESIS, command_of, proposed_actions, what_is_missing


def finding(name, severity, *actions):
    return Finding(id=name, severity=severity, target="db", title="", actions=actions)


def hypothesis(name, target, rank=1, support=()):
    return Hypothesis(id=name, target=target, rank=rank, score=0.9, title=name, support=support)


SHOP = Settings(
    document=Document(
        service=(
            Service(name="backend", kind="http", container="app-backend"),
            Service(name="worker", kind="process", log="worker.log"),
            Service(name="db", kind="postgres", dsn="env:DATABASE_URL"),
        ),
        deploy=Deploy(rollback=("./deploy.sh", "{previous}")),
    ),
    root=Path("/srv/shop"),
)
TERMINATE = ProposedAction(action="postgres.terminate", target="db", text="end it", arguments={"pid": "7"})
CANCEL = ProposedAction(action="postgres.cancel", target="db", text="cancel it", arguments={"pid": "9"})
STRANGE = ProposedAction(action="reboot.everything", target="db", text="no")


def test_every_hypothesis_leads_to_an_action_that_there_is():
    assert set(_BY_HYPOTHESIS.values()) <= set(ACTIONS)


def test_the_likeliest_comes_first_and_each_once():
    analysis = Analysis(
        snapshot="20260115T143105Z",
        findings=(
            finding("postgres.transactions.long", FindingSeverity.WARNING, CANCEL, STRANGE),
            finding("postgres.locks.blocked", FindingSeverity.CRITICAL, TERMINATE),
            finding(
                "postgres.locks.none",
                FindingSeverity.OK,
                ProposedAction(action="restart", target="db", text=""),
            ),
        ),
        hypotheses=(
            hypothesis("bad-deploy", "backend"),
            hypothesis("lock-contention", "db", 2, ("db:postgres.locks.blocked",)),
        ),
    )
    found = [(one.action, one.target) for one in proposed_actions(analysis, SHOP)]
    assert found == [("rollback", "backend"), ("postgres.terminate", "db"), ("postgres.cancel", "db")]


def test_the_line_that_plans_quotes_what_it_must():
    proposed = ProposedAction(
        action="redis.delete_keys", target="cache", text="", arguments={"pattern": "cache:*"}
    )
    assert command_of(proposed, Commands(incident="x")) == (
        "incident mitigate redis.delete_keys cache --arg 'pattern=cache:*' --incident x"
    )


@pytest.mark.parametrize(
    ("action", "target", "is_proposed"),
    [
        ("restart", "backend", True),
        ("restart", "worker", False),  # neither a container nor a command
        ("restart", "payments", False),
        ("rollback", "worker", True),
        ("rollback", "payments", False),
        ("log.rotate", "worker", True),
        ("log.rotate", "backend", False),
        ("tls.renew", "payments", True),
    ],
)
def test_only_what_can_be_executed_as_configured_is_proposed(action, target, is_proposed):
    proposal = ProposedAction(action=action, target=target, text="")
    analysis = Analysis(snapshot="S", findings=(finding("x.y.z", FindingSeverity.WARNING, proposal),))
    assert proposed_actions(analysis, SHOP) == ((proposal,) if is_proposed else ())


def test_nothing_is_rolled_back_without_a_command_for_it():
    document = msgspec.structs.replace(SHOP.document, deploy=Deploy())
    settings = msgspec.structs.replace(SHOP, document=document)
    proposal = ProposedAction(action="rollback", target="backend", text="")
    analysis = Analysis(snapshot="S", findings=(finding("x.y.z", FindingSeverity.WARNING, proposal),))
    assert proposed_actions(analysis, settings) == ()


def test_what_is_missing_for_the_likeliest_change_is_stated_once():
    hypotheses = (hypothesis("service-down", "worker"), hypothesis("event-loop-blocked", "worker", 2))
    (missing,) = what_is_missing(Analysis(snapshot="S", hypotheses=hypotheses), SHOP)
    assert missing.startswith("restart of worker is not proposed: it needs a service with a container")
    assert (
        what_is_missing(Analysis(snapshot="S", hypotheses=(hypothesis("service-down", "backend"),)), SHOP)
        == ()
    )


@pytest.mark.parametrize(
    ("name", "target", "why"),
    [
        ("docker.engine.no_engine", "docker", "the Docker engine cannot be used from here"),
        ("container.state.not_found", "backend", "there is no container app-backend"),
    ],
)
def test_a_container_that_cannot_be_reached_is_not_restarted(name, target, why):
    seen = Finding(id=name, severity=FindingSeverity.UNKNOWN, target=target, title="no right")
    analysis = Analysis(snapshot="S", findings=(seen,), hypotheses=(hypothesis("service-down", "backend"),))
    assert proposed_actions(analysis, SHOP) == ()
    assert why in what_is_missing(analysis, SHOP)[0]
    by_command = msgspec.structs.replace(
        SHOP.document.service[0], restart=("systemctl", "restart", "backend")
    )
    document = msgspec.structs.replace(SHOP.document, service=(by_command,))
    settings = msgspec.structs.replace(SHOP, document=document)
    assert what_is_missing(analysis, settings) == ()


def test_a_symptom_is_not_mended_for_its_own_sake():
    pool = msgspec.structs.replace(hypothesis("app-pool-exhausted", "backend", 2), symptom_of="db-down:db")
    for symptom, expected in ((pool, []), (msgspec.structs.replace(pool, symptom_of=""), ["backend"])):
        analysis = Analysis(snapshot="x", hypotheses=(hypothesis("db-down", "db"), symptom))
        assert [proposed.target for proposed in proposed_actions(analysis, SHOP)] == expected


def test_nothing_is_proposed_for_what_was_so_in_a_span_of_the_past():
    found = finding("postgres.locks.blocked", FindingSeverity.CRITICAL, TERMINATE)
    now = Analysis(snapshot="S", findings=(found,), hypotheses=(hypothesis("bad-deploy", "worker"),))
    assert proposed_actions(now, SHOP)
    bare = msgspec.structs.replace(SHOP, document=Document(service=SHOP.document.service))
    assert what_is_missing(now, bare)
    past = msgspec.structs.replace(now, looks_back=True)
    assert proposed_actions(past, SHOP) == ()
    assert what_is_missing(past, bare) == ()
