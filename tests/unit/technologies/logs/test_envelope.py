"""What shippers and engines put around a line comes off, and nothing else does."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_lib import clock
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
    "compose with a time": ("web-1  | 2026-01-15T14:31:05.000000000Z {}", "web-1", "", "", AT),
    "pm2": ("0|till-api  | {}", "till-api", "", "", None),
    "podman-compose": ("[till]     | {}", "till", "", "", None),
    "supervisor-stdout": ("till stderr | {}", "till", "stderr", "", None),
    "swarm": ("till_api.2.q1w2e3r4t5y6u7i8o9p0a1s2d@till7    | {}", "till_api.2", "", "till7", None),
    "stern in every namespace": ("shop a-6d4cf56db6-x2b7k till {}", "a-6d4cf56db6-x2b7k/till", "", "", None),
    "stern of a set": ("till-0 till {}", "till-0/till", "", "", None),
    "journal short-precise": ("Jan 15 14:31:05.000000 till7 till[7]: {}", "till", "", "till7", AT),
    "journal short-full": ("Thu 2026-01-15 14:31:05 UTC till7 till[7]: {}", "till", "", "till7", AT),
    "journal with-unit": ("Thu 2026-01-15 14:31:05 UTC till7 t.service[7]: {}", "t.service", "", "till7", AT),
    "journal short-unix": ("1768487465.000000 till7 till[7]: {}", "till", "", "till7", AT),
    "stored by rsyslog": ("2026-01-15T14:31:05.000000+00:00 till7 till: {}", "till", "", "till7", AT),
    "rfc 3164 with an ISO time": ("<34>2026-01-15T15:31:05+01:00 till7 till[7]: {}", "till", "", "till7", AT),
    "rfc 5424 without values": ("<165>1 2026-01-15T14:31:05.000Z - till - - - {}", "till", "", "", AT),
    "docker's": ("<27>Jan 15 14:31:05 till7 3f6d1b5ad292[8]: {}", "3f6d1b5ad292", "stderr", "till7", AT),
    "router of Heroku": ("2026-01-15T14:31:05.000000+00:00 heroku[router]: {}", "heroku[router]", "", "", AT),
    "cf logs": ("   2026-01-15T14:31:05.00+0000 [APP/PROC/WEB/0] ERR {}", "APP/PROC/WEB/0", "stderr", "", AT),
    "Fly": ("2026-01-15T14:31:05Z app[148e21ea7d3e18] lhr [info] {}", "app[148e21ea7d3e18]", "", "", AT),
    "task in CloudWatch": (
        "2026-01-15T14:31:05.000000+00:00 ecs/till/0123456789abcdef0123456789abcdef {}", "till", "", "", AT),
    "function in CloudWatch": (
        "2026-01-15T14:31:05.000000+00:00 2026/01/15/[$LATEST]0123456789abcdef {}", "", "", "", AT),
    "logcli": ('2026-01-15T14:31:05Z {app="till", level="info", pod="till-1"} {}', "till", "", "till-1", AT),
    "seven digits": ("2026-01-15T14:31:05.0000000Z {}", "", "", "", AT),
    "fluentd": ("2026-01-15 14:31:05 +0000 kube.till: {{\"log\": {!j}, \"stream\": \"stdout\"}}", "kube.till",
                "stdout", "", AT),
}  # fmt: skip


def wrapped(name: str, text: str) -> str:
    form = ENVELOPES[name][0]
    form = form.replace("{!j}", "\0").replace("{{", "{").replace("}}", "}")  # not those of the text
    return form.replace("{}", text).replace("\0", json.dumps(text))


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


@pytest.mark.parametrize("text", LINES)
def test_a_line_of_s6_has_a_time_of_tai(text: str) -> None:
    found = unwrap(f"@{2**62 + 10 + 1768487465:016x}{250_000_000:08x} {text}")
    assert found is not None
    assert (found.text, found.at) == (text, 1768487465.25)


def test_logcli_leaves_out_labels_that_all_streams_have() -> None:
    found = unwrap("2026-01-15T14:31:05Z {} no route")
    assert found is not None
    assert (found.text, found.at, found.service) == ("no route", AT, "")


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


MORE_DOCUMENTS = {
    "fluent-bit on standard output": {"date": AT, "log": "stuck"},
    "docker's fluentd driver": {"container_name": "/till", "source": "stderr", "log": "stuck", "time": AT},
    "FireLens": {
        "container_name": "till",
        "source": "stdout",
        "log": "stuck",
        "ecs_cluster": "c",
        "date": AT,
    },
    "fluentd with metadata": {"message": "stuck", "kubernetes": {"pod_name": "t-1"}, "@timestamp": AT},
    "vector": {
        "message": "stuck\n",
        "source_type": "file",
        "timestamp": "2026-01-15T14:31:05Z",
        "file": "/l",
    },
    "filebeat's file": {"@timestamp": AT, "message": "stuck", "log": {"offset": 7, "file": {"path": "/l"}}},
    "logcli": {"labels": {"container": "till"}, "line": "stuck", "timestamp": "2026-01-15T14:31:05Z"},
    "Grafana": {"line": "stuck", "timestamp": "1768487465000000000", "date": "", "fields": {"app": "till"}},
    "CloudWatch's events": {"timestamp": 1768487465000, "message": "stuck\n", "ingestionTime": 1768487466000},
    "CloudWatch's queries": {"@timestamp": "2026-01-15 14:31:05.000", "@message": "stuck", "@logStream": "s"},
    "Azure's apps": {"TimeStamp": "2026-01-15T14:31:05.000", "Log": "stuck"},
    "Azure's clusters": {"TimeGenerated": "2026-01-15T14:31:05Z", "LogMessage": "stuck", "PodName": "till-1"},
    "colours": {"log": "\x1b[31mstuck\x1b[0m\n", "stream": "stderr", "time": "2026-01-15T14:31:05Z"},
}


@pytest.mark.parametrize("name", MORE_DOCUMENTS)
def test_documents_of_other_shippers_give_their_line(name: str) -> None:
    found = unwrap(json.dumps(MORE_DOCUMENTS[name]))
    assert found is not None
    assert (found.text, found.at) == ("stuck", AT)


@pytest.mark.parametrize(
    "document",
    [
        {"@timestamp": "2026-01-15T14:31:05Z", "message": "open", "log": {"level": "info", "logger": "till"}},
        {
            "@timestamp": "2026-01-15T14:31:05Z",
            "log.level": "info",
            "message": "open",
            "service.name": "till",
        },
        {
            "timestamp": "2026-01-15T14:31:05Z",
            "level": "INFO",
            "fields": {"message": "open"},
            "target": "till",
        },
        {"EventId": 0, "LogLevel": "Information", "Category": "Till", "Message": "open"},
        {"severity": "INFO", "jsonPayload": {"message": "open"}, "timestamp": "2026-01-15T14:31:05Z"},
        {"level": "info", "line": 17, "file": "till.go", "msg": "open"},
        {"level": "info", "log": "open"},
        {"log": 7, "stream": "stdout"},
        {"MESSAGE": "open"},
    ],
)
def test_a_document_of_a_program_stays_as_it_is(document: dict[str, object]) -> None:
    assert unwrap(json.dumps(document)) is None


@pytest.mark.parametrize(
    "text",
    [
        " drawer | state ",
        "drawer | state",
        "drawer-one   | open   | 3",
        "| drawer | state |",
        "drawer | 3",
        "till.cash | drawer is open",
        "SUCCESS  | drawer is open",
        "14:31:05 | INFO | drawer is open",
        "14:31:05 INFO | drawer is open",
        "2026-01-15T14:31:05.123456789Z  INFO till: drawer is open",
        "2026-01-15T14:31:05.123456Z  WARN till::cash: drawer is stuck",
        "2026-01-15T14:31:05+00:00 ERROR till: drawer is stuck",
        "2026-01-15T14:31:05Z till cash: drawer is open",
        "2026-01-15 14:31:05.123 UTC [123] LOG:  checkpoint starting: time",
        "2026-01-15 14:31:05 UTC:10.0.0.7(5432):app@till:[7]:LOG:  statement",
        "2026-01-15 14:31:05,123 till 7 4711 open",
        "Jan 15 14:31:05 ERROR till: drawer is stuck",
        "[2026-01-15 14:31:05,123] [till] | open",
        "[error] | drawer is stuck",
        "[1768487465] nothing => nothing",
        "coffee-machine is-open and ready",
        "utf-8 codec cannot decode",
        "<999>Jan 15 14:31:05 till7 till: open",
        "<34>",
    ],
)
def test_what_only_resembles_an_envelope_stays(text: str) -> None:
    assert unwrap(text) is None


@pytest.mark.parametrize(
    "line",
    [
        "2026-01-15 14:31:04,900 INFO till: open",
        "[2026-01-15 14:31:04 +0000] [7] [INFO] Booting worker with pid: 7",
        '10.0.0.7 - - [15/Jan/2026:14:31:04 +0000] "GET / HTTP/1.1" 200 1',
        "1:M 15 Jan 2026 14:31:04.900 * Ready to accept connections",
        "I0115 14:31:04.900000       1 server.go:7] ready",
    ],
)
@pytest.mark.parametrize(
    "time", ["2026-01-15T14:31:05Z ", "2026-01-15 14:31:05.000 UTC  ", "2026-01-15T15:31:05.000+01:00\t"]
)
def test_a_viewer_puts_its_time_before_a_line_with_its_own(time: str, line: str) -> None:
    found = unwrap(time + line)
    assert found is not None
    assert (found.text, found.at) == (line, AT)


@pytest.mark.parametrize("line", ["INFO:     ready", "Traceback (most recent call last):", "    run()", ""])
@pytest.mark.parametrize("name", ["worker | ", "web    | ", "redis_cache | "])
def test_a_short_name_counts_where_a_line_of_a_log_follows(name: str, line: str) -> None:
    found = unwrap(name + line)
    assert found is not None
    assert (found.text, found.service) == (line, name.rstrip(" |"))


@pytest.mark.parametrize("name", ["web.1  ", "worker.12", "system"])
def test_a_time_without_a_date_is_one_that_has_passed_in_some_zone(name: str) -> None:
    now = clock.now().timestamp()
    for hour in range(0, 24, 4):
        found = unwrap(f"{hour:02}:31:05 {name} | ready")
        assert found is not None
        assert found.at is not None
        assert (found.text, found.service, found.zoned) == ("ready", name.strip(), False)
        assert found.at % 86_400 == hour * 3600 + 31 * 60 + 5
        assert now - 86_400 <= found.at <= now + 50_401


@pytest.mark.parametrize(
    ("text", "inside", "service"),
    [
        ("Jan 15 14:31:05 till7 kernel: [15.364001] a invoked oom-killer", "a invoked oom-killer", "kernel"),
        ("Jan 15 14:31:05 till7 kernel: [    7.000001]  dump_stack+0x6d", " dump_stack+0x6d", "kernel"),
        ("Jan 15 14:31:05 db1 postgres[8]: [7-2] #011Process 9 waits", "\tProcess 9 waits", "postgres"),
        ("Jan 15 14:31:05 db1 postgres[8]: [7-2] and so on", "\tand so on", "postgres"),
        ("Jan 15 14:31:05 db1 postgres[8]: [7-2] a@b HINT:  wait", "a@b HINT:  wait", "postgres"),
        ("Jan 15 14:31:05 till7 till[8]: #011at Till.open(Till.java)", "\tat Till.open(Till.java)", "till"),
        ("Jan 15 14:31:05 till7 sshd(pam_unix)[8]: failed", "failed", "sshd(pam_unix)"),
        ("Jan 15 14:31:05 till7 (till)[8]: Failed at step EXEC", "Failed at step EXEC", "till"),
    ],
)  # fmt: skip
def test_the_program_in_syslog_is_the_service(text: str, inside: str, service: str) -> None:
    found = unwrap(text)
    assert found is not None
    assert (found.text, found.service) == (inside, service)


@pytest.mark.parametrize(
    ("text", "level", "stream"),
    [
        ("<30>Jan 15 14:31:05 till7 docker/till[8]: open", "", "stdout"),
        (journal("open", PRIORITY="3", CONTAINER_NAME="till"), "", "stderr"),
        (journal("open", PRIORITY="6", CONTAINER_NAME="till"), "", "stdout"),
        (journal("stuck", PRIORITY="3", _TRANSPORT="journal"), "ERROR", ""),
    ],
)
def test_a_priority_that_says_only_the_stream_is_no_level(text: str, level: str, stream: str) -> None:
    found = unwrap(text)
    assert found is not None
    assert (found.level, found.stream) == (level, stream)


@pytest.mark.parametrize(
    ("more", "is_partial"),
    [
        ({"logtag": "P"}, True),
        ({"logtag": "F"}, False),
        ({"partial_message": "true", "partial_last": "false"}, True),
        ({"partial_message": "true", "partial_last": "true"}, False),
        ({"kubernetes": {"pod_name": "till-1"}}, False),
    ],
)
def test_shippers_mark_pieces_of_a_line(more: dict[str, object], *, is_partial: bool) -> None:
    found = unwrap(json.dumps({"log": "half", "stream": "stdout", "time": AT, **more}))
    assert found is not None
    assert found.is_partial is is_partial


@pytest.mark.parametrize(
    ("values", "text"),
    [({"MESSAGE": None}, ""), ({"MESSAGE": [195, 164, 255]}, "\u00e4\ufffd"), ({"MESSAGE": ["a", "b"]}, "a")],
)
def test_a_journal_holds_any_message(values: dict[str, object], text: str) -> None:
    found = unwrap(journal("", **values))
    assert found is not None
    assert (found.text, found.at, found.service, found.host) == (text, AT, "till", "till7")


def test_fluent_bits_pairs_give_the_log() -> None:
    for time in ("1768487465.000000000", "[1768487465.000000000, {}]"):
        found = unwrap(f'[3] till.log: [{time}, {{"stream"=>"stderr", "log"=>"say \\"open\\""}}]')
        assert found is not None
        assert (found.text, found.at, found.service) == ('say "open"', AT, "till.log")


def test_three_envelopes_come_off_from_outside() -> None:
    docker = json.dumps({"log": f"{LINES[0]}\n", "stream": "stderr", "time": "2026-01-15T14:31:06Z"})
    found = unwrap(f"agent-1  | 2026-01-15T14:31:07.000000000Z stdout F {docker}")
    assert found is not None
    assert (found.text, found.at, found.service, found.stream) == (LINES[0], AT + 1, "agent-1", "stderr")


def test_colours_around_the_name_come_off() -> None:
    found = unwrap("\x1b[36mweb-1  | \x1b[0mready")
    assert found is not None
    assert (found.text, found.service) == ("ready", "web-1")


WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_categories=["Cc"]), max_size=200)


@settings(max_examples=60, deadline=None)
@given(WORDS.filter(lambda text: unwrap(text) is None))
def test_any_line_comes_back_from_every_envelope(text: str) -> None:
    names = set(ENVELOPES) - {"stern of a set"}  # there the line must be a complete one or the set's
    if "|" in text:
        names -= {"named container"}  # a word before a cell is a row of a table
    for name in names:
        found = unwrap(wrapped(name, text))
        assert found is not None, name
        assert found.text == text, name
    for name, document in DOCUMENTS.items():
        found = unwrap(json.dumps(document(text)))
        assert found is not None, name
        assert found.text == text, name


@pytest.mark.parametrize(
    ("kubernetes", "service"),
    [
        ({"pod_name": "till-0", "container_name": "till"}, "till-0/till"),
        ({"container_name": "till"}, "till"),
        ({"labels": {"app": "till"}}, "till"),
        ({"labels": {"app.kubernetes.io/name": "till"}, "namespace_name": "shop"}, "till"),
        ({"namespace_name": "shop"}, ""),
    ],
)
def test_what_a_shipper_knows_of_the_pod_names_the_service(
    kubernetes: dict[str, object], service: str
) -> None:
    for line in ({"log": "up\n", "stream": "stdout"}, {"message": "up"}):
        found = unwrap(json.dumps({**line, "kubernetes": kubernetes}))
        assert found is not None
        assert (found.text, found.service) == ("up", service)


@pytest.mark.parametrize("label", ["container", "app", "service", "pod"])
def test_a_label_of_loki_names_the_service(label: str) -> None:
    found = unwrap(json.dumps({"labels": {label: "till", "cluster": "eu"}, "line": "up"}))
    assert found is not None
    assert found.service == "till"
