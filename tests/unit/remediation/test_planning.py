from datetime import UTC, datetime

import msgspec
import pytest

from incident_lib.config import Settings
from incident_lib.config.tables import Document
from incident_lib.connections.change import Action, Argument, Proposal, RefusedError, Request
from incident_lib.model.remediation import Bound, Plan
from incident_lib.redact import Redactor
from incident_lib.remediation.actions import ACTIONS, find_action
from incident_lib.remediation.planning import LIFETIME, differences, hash_of, make_plan

AT = datetime(2026, 1, 15, 14, 31, 5, tzinfo=UTC)


def action(proposal, **more):
    arguments = (Argument(name="pattern", help="which", default=""),)
    return Action(
        id="test.act",
        title="Act",
        targets="anything",
        propose=lambda _: proposal,
        arguments=arguments,
        **more,
    )


def made(tmp_path, proposal, secrets=(), **arguments):
    settings = Settings(document=Document(), root=tmp_path)
    request = Request(settings=settings, target="cache", arguments={"pattern": "", **arguments})
    return make_plan(request, action(proposal), "2026-01-15-checkout", Redactor(secrets), at=AT)[0]


def test_the_actions_are_those_that_findings_propose():
    assert list(ACTIONS) == [
        "restart",
        "rollback",
        "postgres.cancel",
        "postgres.terminate",
        "redis.delete_keys",
        "docker.prune",
        "log.rotate",
        "tls.renew",
    ]
    assert all(name == one.id for name, one in ACTIONS.items())
    assert all((one.carry_out is None) == (one.verify is None) for one in ACTIONS.values())


def test_a_plan_is_named_by_everything_it_says(tmp_path):
    proposal = Proposal(commands=("docker restart app",), world={"container": "a"})
    plan = made(tmp_path, proposal)
    assert plan.id == hash_of(plan)
    assert plan.expires_at - plan.created_at == LIFETIME
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan
    for name, value in {
        "target": "db",
        "commands": (),
        "world": {},
        "expires_at": AT,
        "incident": "x",
    }.items():
        assert hash_of(msgspec.structs.replace(plan, **{name: value})) != plan.id


def test_a_plan_holds_no_secret(tmp_path):
    proposal = Proposal(
        commands=("deploy --token=abc123 postgresql://app:hunter2@db/shop",), private="hunter2"
    )
    plan = made(tmp_path, proposal, secrets=("correct-horse",))
    text = msgspec.json.encode(plan).decode()
    assert not [word for word in ("abc123", "hunter2", "correct-horse") if word in text]
    with pytest.raises(RefusedError, match="looks like a secret"):
        made(tmp_path, proposal, secrets=("correct-horse",), pattern="correct-horse")


def test_the_world_is_compared_word_by_word_and_numbers_within_bounds(tmp_path):
    before = Proposal(
        commands=("x",),
        world={"container": "a", "started_at": "14:00"},
        bounds={"keys": Bound(least=5, most=15)},
    )
    plan = made(tmp_path, before)

    def now(keys=10, commands=("x",), **world):
        proposal = Proposal(
            commands=commands,
            world={"container": "a", "started_at": "14:00", **world},
            numbers={"keys": keys},
        )
        return differences(plan, made(tmp_path, proposal), proposal)

    assert now() == now(keys=5) == now(keys=15) == []
    assert now(started_at="14:30") == ["started_at was 14:00, and is 14:30"]
    assert now(keys=16) == ["keys: 16, which is not within 5 to 15"]
    assert now(keys=4) != []
    assert now(commands=("y",)) == ["it would now run different commands"]


def test_a_world_that_cannot_be_seen_any_more_is_another_one(tmp_path):
    plan = made(tmp_path, Proposal(commands=("x",), world={"a": "1"}, bounds={"n": Bound(most=9)}))
    blind = Proposal(commands=("x",))
    assert differences(plan, made(tmp_path, blind), blind) == [
        "a was 1, and is not known",
        "n: None, which is not within 0 to 9",
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"pid": ""}, "needs pid"),
        ({}, "needs pid"),
        ({"pid": "1", "pud": "2"}, "no argument 'pud'; did you mean `pid`"),
    ],
)
def test_arguments_are_complete_or_refused(given, said):
    with pytest.raises(RefusedError, match=said):
        find_action("postgres.cancel").complete(given)


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "0", "11", "\u0661", "1_0"])
def test_a_number_is_a_whole_one_within_its_bounds(text, tmp_path):
    settings = Settings(document=Document(), root=tmp_path)
    request = Request(settings=settings, target="db", arguments={"pid": text})
    with pytest.raises(RefusedError, match="not a whole number from 1 to 10"):
        request.number("pid", least=1, most=10)


@pytest.mark.parametrize("action", ACTIONS.values(), ids=list(ACTIONS))
def test_every_action_says_what_it_does_how_to_undo_it_and_when_not_to_use_it(action: Action) -> None:
    assert action.does.endswith(".")
    assert action.undo.endswith(".")
    assert action.not_when
    assert all(text.endswith(".") for text in action.not_when)
