"""Sending to real services: a webhook, PagerDuty's address, a mail server; well, sick, slow and gone."""

import email
import email.policy
import time

import pytest

from incident_lib.notify.chat import Address, ChatText
from incident_lib.notify.outcome import Result
from incident_lib.notify.pagerduty import send_event
from tests.integration.notify_service import TOKEN, MailService, WebService, serving

# Apprise's own import of a module that Python 3.13 drops; it has its replacement there.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
TEXT = ChatText(title="SEV2 update: no checkout", body="- Status: Identified\n- We <cancel> it & wait")


@pytest.fixture
def web():
    with serving(WebService()) as server:
        yield server


@pytest.fixture
def mail():
    with serving(MailService()) as server:
        yield server


def chat(url, *, seconds=5.0):
    return Address(url, "env:CHAT").send(TEXT, seconds=seconds)


def pager(url, *, seconds=5.0):
    return send_event(url, TOKEN, {"event_action": "trigger", "dedup_key": "x"}, seconds=seconds)


def test_a_webhook_gets_title_and_text(web):
    assert chat(f"json://{web.place}/{TOKEN}").result is Result.SENT
    ((path, body),) = web.received
    assert path == f"/{TOKEN}"
    assert (body["title"], body["message"]) == (TEXT.title, TEXT.body)


def test_a_webhook_in_the_form_of_slack_gets_the_text_as_it_was_shown(web):
    assert chat(f"mmost://{web.place}/{TOKEN}").result is Result.SENT
    ((path, body),) = web.received
    assert path == f"/hooks/{TOKEN}"
    assert body["text"].replace("\r\n", "\n") == TEXT.text


def test_pagerduty_gets_the_key_and_the_event(web):
    web.behaviour = "202"
    assert pager(f"http://{web.place}/v2/enqueue").result is Result.SENT
    assert web.received == [
        ("/v2/enqueue", {"routing_key": TOKEN, "event_action": "trigger", "dedup_key": "x"})
    ]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("500", "the service has a problem"),
        ("503", "problem"),
        ("404", "removed"),
        ("403", "credentials"),
        ("429", "too many"),
    ],
)
def test_a_service_that_says_no_is_told_in_words(web, status, words):
    web.behaviour = status
    for outcome in (chat(f"json://{web.place}/{TOKEN}"), pager(f"http://{web.place}/{TOKEN}")):
        assert outcome.result is Result.FAILED
        assert words in outcome.reason
        assert TOKEN not in outcome.reason
    assert len(web.received) == 2


def test_pagerduty_that_refuses_the_key_says_so(web):
    web.behaviour = "400"
    assert "routing key" in pager(f"http://{web.place}/").reason


def test_something_else_that_answers_is_not_taken_for_pagerduty(web):
    assert pager(f"http://{web.place}/").result is Result.FAILED


@pytest.mark.parametrize("behaviour", ["slow", "drip", "cut"])
def test_no_answer_is_neither_sent_nor_failed_and_never_takes_long(web, behaviour):
    web.behaviour = behaviour
    for call in (chat, pager):
        scheme = "json" if call is chat else "http"
        began = time.monotonic()
        outcome = call(f"{scheme}://{web.place}/{TOKEN}", seconds=2)
        assert time.monotonic() - began < 15, "the service itself answers, or ends, after 20 s"
        assert outcome.result is Result.UNCLEAR
        assert "may have arrived" in outcome.reason
        assert TOKEN not in outcome.reason
    assert len(web.received) == 2


def test_nobody_there_is_told_at_once():
    with serving(WebService()) as gone:
        place = gone.place
    for outcome in (
        chat(f"json://{place}/{TOKEN}"),
        pager(f"http://{place}/"),
        chat(f"mailto://{place}?from=a@example.org&to=b@example.org"),
    ):
        assert outcome.result is Result.FAILED
        assert "refused" in outcome.reason


def test_a_name_that_does_not_resolve_is_told():
    for outcome in (chat("json://nowhere.invalid/x"), pager("http://nowhere.invalid/x")):
        assert outcome.result is Result.FAILED
        assert "resolve" in outcome.reason


def test_mail_arrives_at_every_recipient(mail):
    url = f"mailto://{mail.place}?from=incidents@example.org&to=kim@example.org,ada@example.org"
    address = Address(url, "env:MAIL")
    assert set(address.recipients) == {"kim@example.org", "ada@example.org"}
    assert address.send(TEXT, seconds=5).result is Result.SENT
    assert {to for recipients, _ in mail.received for to in recipients} == {
        "<kim@example.org>",
        "<ada@example.org>",
    }
    message = email.message_from_string(mail.received[0][1], policy=email.policy.default)
    assert message["Subject"] == TEXT.title
    assert TEXT.body in message.get_content().replace("\r\n", "\n")


def test_a_mail_server_that_refuses_is_told(mail):
    mail.refuses = "RCPT"
    outcome = chat(f"mailto://{mail.place}?from=a@example.org&to=kim@example.org")
    assert outcome.result is Result.FAILED
    assert mail.received == []
