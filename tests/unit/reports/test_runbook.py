import shlex
from datetime import UTC, datetime

import msgspec
import pytest

from incident_lib.config import Dependency, Service
from incident_lib.config.tables import Contact, Deploy, Document
from incident_lib.hypotheses import parse_patterns
from incident_lib.model import IncidentSeverity
from incident_lib.model.commands import Commands
from incident_lib.model.topology import Topology
from incident_lib.redact import Redactor
from incident_lib.reports.generated import merge
from incident_lib.reports.runbook import PastIncident, RunbookFacts, issues, render
from incident_lib.reports.runbook_commands import commands_of, first_commands
from incident_lib.resources import resource

PATTERNS = parse_patterns(resource("templates", "patterns.toml").read_text(), "patterns.toml")
BACKEND = Service(
    name="backend",
    kind="http",
    url="http://127.0.0.1:8000",
    health=("/health",),
    container="app-backend",
    depends_on=("db", "payments"),
    purpose="orders",
)
DB = Service(name="db", kind="postgres", dsn="env:DATABASE_URL", log="log/db.log")
PAYMENTS = Dependency(name="payments", url="https://payments.example.com/health", ca="file:my ca.pem")
SHOP = Document(
    service=(BACKEND, DB),
    dependency=(PAYMENTS,),
    contact=(Contact(role="on-call", name="Rota", chat="@rota"),),
)
GRAPH = Topology(
    kinds={"backend": "http", "db": "postgres", "payments": "outside"},
    depends_on={"backend": ("db", "payments")},
)
PAST = PastIncident(
    id="2026-01-15-checkout",
    title="Checkout | fails",
    severity=IncidentSeverity.SEV2,
    status="CLOSED",
    started_at=datetime(2026, 1, 15, 14, 31, tzinfo=UTC),
    seconds=2700,
    href="../../incidents/2026-01-15-checkout/postmortem-2026-01-15.md",
    causes=("lock-contention",),
    confirmed=("lock-contention",),
    helped=("Cancel pid 7: verified",),
)


def facts(target=DB, **changes):
    told = {"target": target, "settings": SHOP, "topology": GRAPH, "patterns": PATTERNS}
    return RunbookFacts(**{**told, **changes})


def text_of(target=DB, **changes):
    return render(facts(target, **changes), Redactor())


def test_it_tells_what_the_service_is_and_what_needs_it():
    text = text_of(BACKEND)
    assert "| **Purpose** | orders |" in text
    assert "Needs: **db**, **payments**." in text
    assert "| on-call | Rota | @rota |" in text
    assert "Needed by: **backend** (orders)." in text_of()
    assert "unknown: set `owner` in workbench.toml" in text_of()


def test_each_cause_of_that_kind_has_an_anchor_of_its_id():
    text = text_of()
    for pattern in PATTERNS:
        assert (f"\n### {pattern.id}\n" in text) == ("postgres" in pattern.kinds), pattern.id
    assert "{" not in text.replace("{{", "").split("## Escalation")[0].replace("docker inspect", "")


def test_causes_that_it_had_come_first_with_what_helped():
    assert issues(facts(past=(PAST,)))[0].id == "lock-contention"
    text = text_of(past=(PAST,))
    assert "Confirmed in [2026-01-15-checkout](../../incidents/2026-01-15-checkout/postmortem" in text
    assert "what helped: Cancel pid 7: verified." in text
    assert r"| Checkout \| fails | SEV2 |" in text


def test_only_what_can_be_rolled_back_is():
    deployed = msgspec.structs.replace(SHOP, deploy=Deploy(rollback=("./deploy.sh", "{previous}")))
    proposed = Commands(config="/srv/shop/workbench.toml")
    line = "`incident mitigate rollback backend --config /srv/shop/workbench.toml`"
    assert line in text_of(BACKEND, settings=deployed, proposed=proposed)
    assert "incident mitigate rollback" not in text_of(BACKEND)
    assert "incident mitigate rollback" not in text_of(settings=deployed)


def test_only_what_can_be_restarted_is():
    assert "`incident mitigate restart backend`" in text_of(BACKEND)
    assert "incident mitigate restart" not in text_of()


def test_what_people_wrote_stays():
    mine = text_of().replace("_What can users not do", "Checkout stops. _What can users not do")
    mine = mine.replace("### deadlocks\n", "### deadlocks\n\nAsk the data team first.\n")
    renewed = merge(mine, text_of(past=(PAST,)))
    assert "Checkout stops." in renewed
    assert "Ask the data team first." in renewed
    assert "2026-01-15-checkout" in renewed


def test_secrets_stay_references():
    named = Service(name="cache", kind="redis", url="file:secrets/cache url")
    assert commands_of("redis.memory", named)[0].text.endswith("'secrets/cache url')\" INFO memory")
    assert 'psql "$DATABASE_URL"' in text_of()
    assert "hunter2" not in text_of(
        Service(name="db", kind="postgres", dsn="postgresql://app:hunter2@db/shop")
    )


@pytest.mark.parametrize("target", [BACKEND, DB, PAYMENTS])
def test_every_command_is_one_that_a_shell_reads(target):
    assert first_commands(target)
    for command in first_commands(target):
        assert shlex.split(command.text)


def test_hostile_names_stay_words():
    hostile = Service(
        name="x",
        kind="http",
        url="http://a/`id`$(id)",
        container="a; rm -rf /",
        purpose="<b>|\n# x",
    )
    text = text_of(hostile, topology=Topology(kinds={"x": "http"}))
    assert "docker logs --timestamps --since 15m --tail 200 'a; rm -rf /'" in text
    assert "'http://a/`id`$(id)/'" in text
    assert "<b>" not in text
    assert "\n# x" not in text
