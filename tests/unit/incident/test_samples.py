"""Samples on disk: redacted, sealed, read again."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from incident_lib.incident import manifest
from incident_lib.incident.samples import load_samples, watches, writing_samples
from incident_lib.model.sample import Sample
from incident_lib.model.series import Reading
from incident_lib.redact import Redactor

AT = datetime(2026, 1, 15, 14, 31, tzinfo=UTC)


def made(value: float, problem: str = "db/postgres.saturation: connection refused") -> Sample:
    reading = Reading(
        target="backend", name="memory", what="memory", value=value, unit="bytes", at=AT, evidence="backend/x"
    )
    return Sample(at=AT, readings=(reading,), unseen=(problem,))


def test_samples_are_read_as_they_were_written_and_sealed(tmp_path):
    with writing_samples(tmp_path, Redactor()) as writer:
        stored = [writer.add(made(number)) for number in (1.0, 2.0)]
    (path,) = watches(tmp_path)
    assert list(load_samples(path)) == stored == [made(1.0), made(2.0)]
    assert manifest.differences(path) == []
    (path / "0001.json").write_text("{}")
    assert [one.what for one in manifest.differences(path)] == ["changed"]


def interrupted(path: Path) -> None:
    with writing_samples(path, Redactor()) as writer:
        writer.add(made(1.0))
        raise KeyboardInterrupt


def test_an_interrupted_watch_is_sealed(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path)
    (path,) = watches(tmp_path)
    assert manifest.differences(path) == []
    assert len(load_samples(path)) == 1


def test_nothing_secret_reaches_the_disk(tmp_path):
    with writing_samples(tmp_path, Redactor()) as writer:
        stored = writer.add(made(1.0, "postgresql://app:hunter2hunter2@db/shop: no"))
    assert "hunter2" not in str(stored)
    assert "hunter2" not in (writer.path / "0001.json").read_text()


def test_an_incident_without_samples_has_no_watches(tmp_path):
    assert watches(tmp_path) == ()
