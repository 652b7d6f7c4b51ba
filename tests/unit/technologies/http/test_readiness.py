"""Readiness bodies of many frameworks."""

import pytest

from incident_lib.technologies.http.readiness import parse_parts


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (
            '{"database": "ok", "cache": {"status": "down", "error": "refused"}}',
            {"database": "ok", "cache": "down: refused"},
        ),
        ('{"status": "ok", "checks": {"db": {"status": "ok"}}}', {"db": "ok"}),
        (
            '{"checks": [{"name": "db", "status": "pass"}, {"name": "mq", "status": "fail"}]}',
            {"db": "pass", "mq": "fail"},
        ),
        (
            '{"status": "UP", "components": {"db": {"status": "UP"}, "mq": {"status": "DOWN"}}}',
            {"db": "UP", "mq": "DOWN"},
        ),
        ('{"checks": {"db:time": [{"status": "pass"}, {"status": "warn"}]}}', {"db:time": "warn"}),
        (
            '{"status": "Unhealthy", "entries": {"db": {"status": "Unhealthy", "description": "late"}}}',
            {"db": "Unhealthy: late"},
        ),
        ('{"database": true, "cache": false}', {"database": "true", "cache": "false"}),
        ('{"services": {"db": "connection refused"}}', {"db": "connection refused"}),
        ('{"database": "error: no route", "version": "1.2"}', {"database": "error: no route"}),
        ('{"status": "degraded", "message": "late"}', {"status": "degraded: late"}),
    ],
)
def test_parts_are_named(body: str, parts: dict[str, str]) -> None:
    assert {part.name: part.text for part in parse_parts(body)} == parts


@pytest.mark.parametrize(
    "body",
    [
        '{"status": "ok", "version": "1.4.0"}',
        '{"service": "shop", "version": "2"}',
        '{"status": "ok", "maintenance": false}',
        '{"items": [1, 2], "count": 2, "active": true}',
        "[1, 2]",
        "ok",
        "",
        "<html></html>",
        '"down"',
        "[" * 100_000,
        '{"level": "warning", "text": "hello"}',
    ],
)
def test_what_names_no_broken_part_makes_no_alarm(body: str) -> None:
    assert all(part.ok for part in parse_parts(body))


def test_the_parts_are_bounded() -> None:
    body = '{"checks": {' + ", ".join(f'"part{n}": "{"x" * 1000}"' for n in range(200)) + "}}"
    parts = parse_parts(body)
    assert len(parts) == 50
    assert max(len(part.text) for part in parts) == 300
