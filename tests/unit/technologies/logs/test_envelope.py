"""What shippers and engines put around a line comes off, and nothing else does."""

import json

import pytest

from incident_lib.technologies.logs.probes.envelope import unwrap

AT = 1768487465.0  # 2026-01-15 14:31:05 UTC
LINES = (
    'INFO:     10.0.0.7:53122 - "GET /a?b=c HTTP/1.1" 200 OK',
    '10.2.0.9 - - [15/Jan/2026:14:31:05 +0000] "POST /pay HTTP/1.1" 502 1 "-" "x/1"',
    "Traceback (most recent call last):",
    '  File "/srv/till/cash.py", line 31, in take',
    '{"level": "info", "message": "drawer is open", "timestamp": "2026-01-15T14:31:05Z"}',
    "1:M 15 Jan 2026 14:31:05.123 * Ready to accept connections",
    "",
)


def journal(text: str, **more: object) -> str:
    entry = {"__REALTIME_TIMESTAMP": "1768487465000000", "_HOSTNAME": "till7", "PRIORITY": "4"}
    return json.dumps({**entry, "SYSLOG_IDENTIFIER": "till", "MESSAGE": text, **more})


# By its name: how the envelope reads, and the service, stream, host and time that it names.
ENVELOPES = {
    "compose": ("web-1  | {}", "web-1", "", "", None),
    "older compose": ("shop_web_1    | {}", "shop_web_1", "", "", None),
    "named container": ("redis     | {}", "redis", "", "", None),
    "docker logs -t": ("2026-01-15T14:31:05.000000000Z {}", "", "", "", AT),
    "cri": ("2026-01-15T14:31:05.000000000Z stderr F {}", "", "stderr", "", AT),
    "podman": ("2026-01-15T15:31:05.000000000+01:00 stdout F {}", "", "stdout", "", AT),
    "kubectl": ("[pod/till-7c9d-x2/till] {}", "till-7c9d-x2/till", "", "", None),
    "stern": ("till-6d4cf56db6-abcde till {}", "till-6d4cf56db6-abcde/till", "", "", None),
    "syslog": ("Jan 15 14:31:05 till7 till[2211]: {}", "till", "", "till7", AT),
    "rfc 3164": ("<34>Jan 15 14:31:05 till7 till: {}", "till", "", "till7", AT),
    "rfc 5424": ("<165>1 2026-01-15T14:31:05Z till7 till 12 ID1 [a@1 b=\"c\"] {}", "till", "", "till7", AT),
    "journal short-iso": ("2026-01-15T14:31:05+0000 till7 till[7]: {}", "till", "", "till7", AT),
    "heroku": ("2026-01-15T14:31:05.000000+00:00 app[web.1]: {}", "app[web.1]", "", "", AT),
    "fluentd": ("2026-01-15 14:31:05 +0000 kube.till: {{\"log\": {!j}, \"stream\": \"stdout\"}}", "kube.till",
                "stdout", "", AT),
}  # fmt: skip


def wrapped(name: str, text: str) -> str:
    form = ENVELOPES[name][0]
    return form.replace("{!j}", json.dumps(text)).replace("{{", "{").replace("}}", "}").replace("{}", text)


@pytest.mark.parametrize("text", LINES)
@pytest.mark.parametrize("name", ENVELOPES)
def test_an_envelope_gives_back_its_line(name: str, text: str) -> None:
    _, service, stream, host, at = ENVELOPES[name]
    found = unwrap(wrapped(name, text))
    assert found is not None
    assert (found.text, found.service, found.stream, found.host, found.at) == (
        text,
        service,
        stream,
        host,
        at,
    )


DOCUMENTS = {
    "docker": lambda text: {"log": f"{text}\n", "stream": "stderr", "time": "2026-01-15T14:31:05.000000000Z"},
    "fluent-bit": lambda text: {
        "log": text,
        "stream": "stderr",
        "time": "2026-01-15T14:31:05Z",
        "kubernetes": {"pod_name": "till-1", "container_name": "till"},
    },
    "journal": lambda text: json.loads(journal(text)),
    "journal bytes": lambda text: json.loads(journal(text)) | {"MESSAGE": list(text.encode())},
    "google": lambda text: {"textPayload": text, "timestamp": "2026-01-15T14:31:05Z", "severity": "WARNING"},
    "loki": lambda text: {"line": text, "timestamp": "2026-01-15T14:31:05Z", "labels": {"app": "till"}},
    "filebeat": lambda text: {
        "@timestamp": "2026-01-15T14:31:05Z",
        "message": text,
        "agent": {"type": "filebeat"},
    },
    "cloudwatch": lambda text: {"timestamp": 1768487465000, "message": text, "logStreamName": "till/1"},
}


@pytest.mark.parametrize("text", LINES)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_gives_back_its_line(name: str, text: str) -> None:
    found = unwrap(json.dumps(DOCUMENTS[name](text)))
    assert found is not None
    assert (found.text, found.at) == (text, AT)


@pytest.mark.parametrize("inner", ["cri", "docker logs -t", "syslog", "rfc 5424"])
@pytest.mark.parametrize("outer", ["compose", "kubectl", "stern", "docker logs -t", "heroku"])
@pytest.mark.parametrize("text", LINES)
def test_envelopes_in_each_other_come_off_in_turn(outer: str, inner: str, text: str) -> None:
    found = unwrap(wrapped(outer, wrapped(inner, text)))
    assert found is not None
    assert (found.text, found.at) == (text, AT)
    assert found.service == (ENVELOPES[inner][1] or ENVELOPES[outer][1])


@pytest.mark.parametrize(
    "text",
    [
        *LINES,
        "2026-01-15 14:31:05.123 | INFO     | app.api:checkout:80 - order 7 paid",
        '[GIN] 2026/01/15 - 14:31:05 | 200 |  1.2ms | 10.0.0.7 | GET  "/a"',
        "INFO | till | drawer is open",
        "error | drawer is stuck",
        " id | name ",
        "12 | drawer",
        "2026-01-15T14:31:05.123Z ERROR till: drawer is stuck",
        "2026-01-15T14:31:05Z warn server[12]: slow",
        "2026/01/15 14:31:05 [error] 31#31: *9 connect() failed, client: 10.0.0.1",
        "[2026-01-15 14:31:05 +0000] [7] [INFO] Booting worker with pid: 7",
        "May the drawer open",
        "drawer-one is open, and so is drawer-two",
        '{"message": "open", "level": "info", "agent": "till/1"}',
        '{"log": "a word", "msg": "open"}',
        '{"httpRequest": {"status": 200}, "textPayload": "x", "timestamp": "2026-01-15T14:31:05Z"}',
        '{"log": ',
        "<b>bold</b>",
        "Thu Jan 15 14:31:05 2026 - *** uWSGI is running ***",
    ],
)
def test_a_line_without_an_envelope_stays_as_it_is(text: str) -> None:
    assert unwrap(text) is None


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("2026-01-15T14:31:05.000000000Z stdout P half", "half"),
        (json.dumps({"log": "half", "stream": "stdout", "time": "2026-01-15T14:31:05Z"}), "half"),
        (journal("half", CONTAINER_PARTIAL_MESSAGE="true"), "half"),
    ],
)
def test_a_piece_of_a_line_is_known_as_such(text: str, inside: str) -> None:
    found = unwrap(text)
    assert found is not None
    assert (found.text, found.is_partial) == (inside, True)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("<131>Jan 15 14:31:05 till7 till: stuck", "ERROR"),
        ("<165>1 2026-01-15T14:31:05Z till7 till - - - open", "INFO"),
        (journal("stuck"), "WARNING"),
        (journal("open", PRIORITY="6", _TRANSPORT="stdout"), ""),
    ],
)
def test_a_priority_is_a_level(text: str, level: str) -> None:
    found = unwrap(text)
    assert found is not None
    assert found.level == level


def test_a_database_numbers_its_parts_for_syslog() -> None:
    found = unwrap("Jan 15 14:31:05 db1 postgres[812]: [7-1] ERROR:  deadlock detected")
    assert found is not None
    assert (found.text, found.service) == ("ERROR:  deadlock detected", "postgres")


@pytest.mark.parametrize(
    "start", ["<", "[pod/", "{", "2026-01-15T14:31:05Z ", "Jan 15 14:31:05 ", "a-", "<34>1 "]
)
@pytest.mark.parametrize("part", ["[", "a", "-", '\\"', "{", " |", '="', "\u2028"])
def test_hostile_lines_end_soon(start: str, part: str) -> None:
    assert unwrap(start + part * 60_000) is None or part == " |"
