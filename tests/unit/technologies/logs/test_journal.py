"""Entries of a journal as journalctl prints them, and which log of a service is read."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from incident_lib.config import Settings
from incident_lib.config.tables import Document, Service
from incident_lib.technologies.logs import probes
from incident_lib.technologies.logs.export import reader_of
from incident_lib.technologies.logs.probes import ContainerReader, FileReader, JournalReader
from incident_lib.technologies.logs.probes.journal import JournalLine, entries_of, lines_of


def printed(**fields: Any) -> bytes:
    known = {"__CURSOR": "s=1;i=2", "__REALTIME_TIMESTAMP": "1768487465500000", "_TRANSPORT": "stdout"}
    return msgspec.json.encode({**known, **fields}) + b"\n"


def texts(**fields: Any) -> list[str]:
    return [line.text for line in lines_of(entries_of(printed(**fields)))]


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        ("listening on 8080", ["listening on 8080"]),
        ("first\n  second\n", ["first", "  second"]),
        ([114, 101, 97, 100, 121, 255], ["ready\ufffd"]),
        (["an entry with", "two messages"], ["an entry with"]),
        (None, []),
        ("\x1b[33mWARN\x1b[0m disk", ["WARN disk"]),
    ],
)
def test_a_message_is_text_bytes_a_list_or_nothing(message, lines):
    assert texts(MESSAGE=message) == lines


@pytest.mark.parametrize("transport", ["syslog", "journal", "kernel"])
def test_a_priority_that_was_sent_stands_in_front(transport):
    assert texts(MESSAGE="no space", PRIORITY="3", _TRANSPORT=transport) == ["<3>no space"]
    assert texts(MESSAGE="mounted", PRIORITY="6", _TRANSPORT=transport) == ["mounted"]


def test_the_priority_of_a_stream_is_not_the_level_of_its_lines():
    assert texts(MESSAGE="no space", PRIORITY="3") == ["no space"]


def test_what_systemd_says_keeps_its_name():
    fields = {"PRIORITY": "4", "_TRANSPORT": "journal", "SYSLOG_IDENTIFIER": "systemd", "_PID": "1"}
    assert texts(MESSAGE="a.service: Failed.", **fields) == ["<4>systemd[1]: a.service: Failed."]


def test_entries_that_were_cut_and_lines_that_are_none_are_left_out():
    whole = printed(MESSAGE="whole")
    assert len(entries_of(b"-- No entries --\n" + whole + b'{"__CURSOR": 7}\n' + whole[:40])) == 1


def test_a_line_is_shown_with_nine_digits_as_an_engine_stamps_it():
    assert JournalLine(1768487465.5, "ready").stamped == "2026-01-15T14:31:05.500000000Z ready"


@pytest.mark.parametrize(
    ("places", "reader"),
    [
        ({"journal": "shop"}, JournalReader),
        ({"journal": "shop", "container": "shop-1"}, ContainerReader),
        ({"journal": "shop", "log": "shop.log"}, FileReader),
    ],
)
def test_the_journal_is_read_where_there_is_no_file_and_no_container(places, reader):
    service = Service(name="shop", kind="process", **places)
    settings = Settings(document=Document(service=(service,)), root=Path("/srv"), path=Path("/srv/w.toml"))
    (lane,) = probes.lanes(settings)
    assert isinstance(lane.open.__self__, reader)
    assert isinstance(reader_of(settings, "shop"), reader)


def test_a_folder_of_journals_is_relative_to_the_configuration():
    service = Service(name="shop", kind="process", journal="shop", journal_directory="collected")
    settings = Settings(document=Document(service=(service,)), root=Path("/srv"), path=Path("/srv/w.toml"))
    assert reader_of(settings, "shop") == JournalReader("shop", "/srv/collected", seconds=600.0)
