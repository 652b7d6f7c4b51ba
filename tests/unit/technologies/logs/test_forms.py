"""Files that hold no record a line: the journal's export, and documents that services answer with."""

import gzip
import io
import json
import sys
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incident_lib.model import Window
from incident_lib.technologies.logs.probes import FileReader
from incident_lib.technologies.logs.probes.envelope import unwrap
from incident_lib.technologies.logs.sources import STDIN, Progress, Source, blocks, find
from incident_lib.technologies.logs.sources.forms import exported, form_of, from_export
from incident_lib.technologies.logs.summary import Scope, Summary, merge_parts, summarize

AT = 1768487465  # 2026-01-15 14:31:05 UTC


def summary_of(path: Path) -> Summary:
    found = find([str(path)])
    assert not found.problems
    return merge_parts(summarize(found.sources, Scope()))


def export(fields: dict[str, bytes]) -> bytes:
    """Return a record in the export format, with sizes where a value has line ends or is not text."""
    record = b""
    for name, value in fields.items():
        if b"\n" in value or not value.decode("utf-8", "replace").isprintable():
            record += name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
        else:
            record += name.encode() + b"=" + value + b"\n"
    return record + b"\n"


def entry(number: int, text: bytes, priority: bytes = b"6") -> bytes:
    return export(
        {
            "__CURSOR": b"s=7;i=%d" % number,
            "__REALTIME_TIMESTAMP": b"%d" % ((AT + number) * 1_000_000),
            "_HOSTNAME": b"till7",
            "SYSLOG_IDENTIFIER": b"till",
            "PRIORITY": priority,
            "MESSAGE": text,
        }
    )


def pieces_of(data: bytes, size: int) -> Iterable[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def test_the_export_format_of_the_journal_becomes_lines_of_json() -> None:
    records = [
        {"__REALTIME_TIMESTAMP": b"1768487465000000", "_HOSTNAME": b"till7", "MESSAGE": b"a=b"},
        {"MESSAGE": b"Traceback\n  File x\n", "__REALTIME_TIMESTAMP": b"1768487465000000", "PRIORITY": b"3"},
        {"MESSAGE": b"\n" * 300, "_HOSTNAME": b"till7"},
        {"MESSAGE": b"\xff\n", "_HOSTNAME": b"till7"},
    ]
    lines = list(from_export(b"".join(map(export, records)).splitlines(keepends=True), Progress()))
    assert [json.loads(line)["MESSAGE"] for line in lines] == [
        "a=b",
        "Traceback\n  File x\n",
        "\n" * 300,
        "\ufffd\n",
    ]
    found = unwrap(lines[1].decode().rstrip("\n"))
    assert found is not None
    assert (found.text, found.at, found.level) == ("Traceback\n  File x", AT, "ERROR")


@pytest.mark.parametrize(
    "cut",
    [b"MESSAGE\n\x07", b"MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xff\n", b"MESSAGE\n\x30\0\0\0\0\0\0\0ab\n\n"],
)
def test_a_cut_export_ends_without_its_last_record(cut: bytes) -> None:
    whole = export({"MESSAGE": b"open", "_HOSTNAME": b"till7"})
    progress = Progress(notes=[])
    assert len(list(from_export((whole + cut).splitlines(keepends=True), progress))) == 1
    assert not progress.complete
    assert "damaged" in progress.notes[0]


def test_what_follows_a_damaged_entry_of_an_export_counts() -> None:
    lines = [entry(1, b"open"), b"MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xff\n\n", entry(2, b"shut")]
    found = list(from_export(b"".join(lines).splitlines(keepends=True), Progress(notes=[])))
    assert [json.loads(line)["MESSAGE"] for line in found] == ["open", "shut"]


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
def test_an_export_reads_the_same_in_whatever_pieces_it_comes(size: int) -> None:
    data = b"".join(entry(number, b"drawer\n%d" % number) for number in range(20))
    whole = b"".join(exported([data], Progress()))
    assert whole.count(b"\n") == 20
    assert b"".join(exported(pieces_of(data, size), Progress())) == whole


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
def test_entries_that_the_journal_prints_with_their_fields_are_read(size: int) -> None:
    data = b"".join(
        b"Thu 2026-01-15 15:31:%02d.000000 CET [s=8f;i=%x;b=ab;m=1;t=%x;x=1]\n"
        b"    PRIORITY=3\n    _SYSTEMD_UNIT=shop.service\n    MESSAGE=drawer %d\n            is stuck\n"
        % (number, number, 1768487465000000 + number * 1_000_000, number)
        for number in range(20)
    )
    assert form_of(data) == "export"
    found = b"".join(exported(pieces_of(data, size), Progress())).splitlines()
    entries = [json.loads(line) for line in found]
    assert [each["MESSAGE"] for each in entries] == [f"drawer {number}\nis stuck" for number in range(20)]
    assert entries[7] == {
        "__REALTIME_TIMESTAMP": "1768487472000000",
        "PRIORITY": "3",
        "_SYSTEMD_UNIT": "shop.service",
        "MESSAGE": "drawer 7\nis stuck",
    }
    assert form_of(data.replace(b"[s=8f", b"[8f")) == ""


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_of_the_journals_export_is_counted_by_its_entries(tmp_path: Path, packed: bool) -> None:  # noqa: FBT001
    texts = [(b"drawer %d open" % number, b"6") for number in range(16)]
    texts += [(b"cannot print:\n no paper", b"3")] * 4
    data = b"".join(entry(number, *each) for number, each in enumerate(texts))
    path = tmp_path / "till.export"
    path.write_bytes(gzip.compress(data) if packed else data)
    summary = summary_of(path)
    assert summary.digest.lines == 24  # the text of four has two lines
    assert summary.digest.levels == {"INFO": 16, "ERROR": 4}
    assert summary.digest.services == {"till": 24}
    assert (summary.digest.first_at, summary.digest.last_at) == (AT, AT + 19)
    assert summary.complete


def test_an_export_whose_entries_begin_elsewhere_is_one_too(tmp_path: Path) -> None:
    path = tmp_path / "part"
    path.write_bytes(b"PRIORITY=6\nMESSAGE=cut in front\n\n" + b"".join(entry(n, b"open") for n in range(5)))
    assert summary_of(path).digest.levels == {"INFO": 6}


def event(number: int, text: str) -> dict[str, object]:
    return {"timestamp": (AT + number) * 1000, "message": text, "ingestionTime": (AT + number) * 1000 + 90}


def google(number: int, **more: object) -> dict[str, object]:
    moment = f"2026-01-15T14:31:{5 + number:02}.250Z"
    resource = {"type": "cloud_run_revision", "labels": {"service_name": "till", "location": "x"}}
    return {"insertId": f"{number}", "resource": resource, "timestamp": moment, **more}


WORDS = [f"INFO drawer {number} open" for number in range(15)] + ["ERROR no paper"] * 5
REQUEST = {"requestMethod": "GET", "requestUrl": "https://till.example/sum", "latency": "0.05s"}
DOCUMENTS: dict[str, object] = {
    "filter-log-events": {
        "events": [
            {**event(number, text), "logStreamName": "till", "eventId": str(number)}
            for number, text in enumerate(WORDS)
        ],
        "searchedLogStreams": [],
    },
    "get-log-events": {
        "events": [event(number, f"{text}\n") for number, text in enumerate(WORDS)],
        "nextForwardToken": "f/1",
    },
    "Cloud Logging": [
        google(number, textPayload=text[text.index(" ") + 1 :], severity=text.split()[0])
        for number, text in reversed([*enumerate(WORDS)])
    ],
    "Loki": {
        "status": "success",
        "data": {
            "resultType": "streams",
            "result": [
                {
                    "stream": {"app": "till", "cell": cell},
                    "values": [
                        [f"{AT + number}250000000", text]
                        for number, text in reversed([*enumerate(WORDS)])
                        if ("ERROR" in text) == (cell == "b")
                    ],
                }
                for cell in "ba"
            ],
            "stats": {"summary": {"execTime": 0.1}},
        },
    },
    "Elasticsearch": {
        "took": 3,
        "hits": {
            "total": {"value": 20},
            "hits": [
                {
                    "_index": "till",
                    "_source": {
                        "@timestamp": f"2026-01-15T14:31:{5 + number:02}.250Z",
                        "message": text,
                        "kubernetes": {"labels": {"app": "till"}},
                    },
                }
                for number, text in enumerate(WORDS)
            ],
        },
    },
}


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_holds_a_log_is_taken_apart(tmp_path: Path, name: str, indent: int | None) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(DOCUMENTS[name], indent=indent))
    summary = summary_of(path)
    digest = summary.digest
    assert (digest.lines, digest.read_lines, digest.errors) == (20, 20, 5)
    assert (int(digest.first_at or 0), int(digest.last_at or 0)) == (AT, AT + 19)
    assert digest.services == ({} if name == "get-log-events" else {"till": 20})
    assert [("paper" in line) for line in summary.newest] == [False] * 15 + [True] * 5  # the newest last


def test_requests_in_an_array_of_google_name_their_service(tmp_path: Path) -> None:
    statuses = [200] * 15 + [503] * 5
    entries = [
        google(number, httpRequest={**REQUEST, "status": status}, severity="INFO")
        for number, status in enumerate(statuses)
    ]
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(entries, indent=2))
    digest = summary_of(path).digest
    (requests,) = digest.requests.values()
    assert requests.count == 20
    assert [endpoint.statuses for endpoint in requests.endpoints.values()] == [{2: 15, 5: 5}]
    assert (digest.services, digest.service_errors) == ({"till": 20}, {"till": 5})


@pytest.mark.parametrize("form", ["export", "document"])
def test_the_log_of_a_target_may_hold_no_record_a_line(tmp_path: Path, form: str) -> None:
    path = tmp_path / "till.log"
    if form == "export":
        path.write_bytes(b"".join(entry(number, b"no route", b"3") for number in range(5)))
    else:
        path.write_text(json.dumps(DOCUMENTS["filter-log-events"], indent=1))
    begin = datetime.fromtimestamp(AT - 60, UTC)
    with closing(FileReader(path).open()) as log:
        reading = log.read(Window(begin, begin + timedelta(minutes=10)))
    assert (reading.digest.errors, reading.complete) == (5, True)
    assert reading.digest.timed_lines == reading.digest.lines


def test_a_document_in_another_encoding_is_taken_apart(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(DOCUMENTS["get-log-events"], indent=1), encoding="utf-16")
    assert summary_of(path).digest.errors == 5


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(DOCUMENTS["filter-log-events"], indent=1)[:900],  # cut
        '{\n "events": [1, 2],\n "a": 1\n}\n',
        '{\n "data": {"result": [{"stream": {}, "values": [["x", "y"]]}]}\n}\n',
        '[\n {"a": 1},\n',
        "[]\n",
        '{"name": "till", "version": 3}',
    ],
)
def test_a_document_that_cannot_be_taken_apart_is_read_by_its_lines(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answer.json"
    path.write_text(text)
    summary = summary_of(path)
    assert summary.complete
    assert summary.digest.timed_lines == 0 or summary.digest.lines == text.count("\n") + 1


@pytest.mark.parametrize(
    "head",
    [
        b'{"level": "info", "msg": "up"}\n{"level": "info"',
        b'l": "info"}\n{"level": "info", "msg": "up"}\n',
        b'{"level": "in\n{"level": "info", "msg": "up"}\n{"level": "info"}\n',
        b'[{"level": "info"}]\n[{"level": "info"}]\n',
        b"[2026-01-15 14:31:05] up\n",
        b"PATH=/bin\nMESSAGE=up\n",
        b"A=1\nup\n",
        b"",
    ],
)
def test_lines_are_not_taken_for_a_document(head: bytes) -> None:
    assert form_of(head) == ""


@pytest.mark.parametrize("name", ["export", "document"])
def test_standard_input_is_read_by_its_form(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    document = json.dumps(DOCUMENTS["filter-log-events"], indent=1).encode()
    data = b"".join(entry(number, b"open") for number in range(20)) if name == "export" else document
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert b"".join(blocks(Source(address=STDIN), Progress())).count(b"\n") == 20


def test_documents_over_several_lines_are_a_record_each(tmp_path: Path) -> None:
    documents = [
        {"timestamp": f"2026-01-15T14:31:{second:02}Z", "severity": level, "message": f"shard {second}"}
        for second, level in enumerate(["INFO", "ERROR", "INFO"])
    ]
    text = "\n".join(json.dumps(document, indent=2) for document in documents)
    (tmp_path / "app.log").write_text(f"{text}\n")
    digest = summary_of(tmp_path / "app.log").digest
    assert (digest.lines, digest.timed_lines, digest.levels) == (3, 3, {"INFO": 2, "ERROR": 1})


def test_what_stands_between_documents_is_a_line(tmp_path: Path) -> None:
    one = json.dumps({"level": "info", "msg": "up"}, indent=4)
    (tmp_path / "app.log").write_text(f'{one}\n{one}\nserver closed\n{one}\n{{\n    "level": "in')
    digest = summary_of(tmp_path / "app.log").digest
    assert digest.levels == {"INFO": 3}
    assert digest.lines == 6  # what is cut stays as it is
