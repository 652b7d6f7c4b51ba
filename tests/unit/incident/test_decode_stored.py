"""What earlier versions and sick databases stored is decoded whole, whatever its numbers are."""

from pathlib import Path

import msgspec
import pytest

from incident_lib.incident import decode
from incident_lib.investigation.stored import load_evidence
from incident_lib.model import rows

STORED = Path(__file__).parents[2] / "data" / "snapshot-1" / "20261123T154350Z"


def test_every_row_of_a_stored_snapshot_is_there(caplog):
    decode.report.cache_clear()
    documents = [msgspec.json.decode(path.read_bytes()) for path in STORED.glob("evidence/*/*.json")]
    evidence = load_evidence(STORED)
    assert sum(len(each.rows) for each in evidence) == sum(len(each.get("rows", ())) for each in documents)
    assert caplog.messages == []


@pytest.mark.parametrize("row", [7, "x", {"row": "MemorySample", "at": 7}, {"row": "MemorySample"}, []])
def test_a_row_that_makes_no_sense_is_left_out_and_the_evidence_says_so(row, tmp_path):
    path = next(STORED.glob("evidence/db/postgres.sequences.json"))
    document = msgspec.json.decode(path.read_bytes())
    count = len(document["rows"])
    document["rows"].insert(1, row)
    (tmp_path / "a.json").write_bytes(msgspec.json.encode(document))
    evidence = decode.load_evidence(tmp_path / "a.json")
    assert len(evidence.rows) == count
    assert evidence.truncated is not None
    assert (evidence.truncated.kept, evidence.truncated.total) == (count, count + 1)
    assert evidence.status == "partial"


def test_records_of_no_version_are_left_out_before_they_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "_MOST_UNKNOWN", len(rows._unknown_types) + 20)
    document = msgspec.json.decode(next(STORED.glob("evidence/db/postgres.sequences.json")).read_bytes())
    document["rows"] = [{"row": f"Unknown{number}", "value": number} for number in range(100)]
    (tmp_path / "a.json").write_bytes(msgspec.json.encode(document))
    assert len(decode.load_evidence(tmp_path / "a.json").rows) == 20
