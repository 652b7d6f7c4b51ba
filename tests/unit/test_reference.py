"""Everything that a user can name has an entry in the reference, whose pages are read as text here."""

import re
from pathlib import Path

import msgspec
import pytest

import incident_lib
from incident_lib.cli.parser import build, commands_of
from incident_lib.config.tables import Document
from incident_lib.findings.thresholds import KNOWN
from incident_lib.remediation.actions import ACTIONS
from incident_lib.technologies import catalogue, table
from tests import reference
from tests.check_docs import INTERNAL, struct_of

DOCS = Path(__file__).parents[2] / "docs"


def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


def headings(name):
    return set(re.findall(r"^#{2,3} `?(.+?)`?$", page(name), re.MULTILINE))


def test_each_command_has_its_flags():
    text = page("commands.md")
    for name, parser in commands_of(build()).choices.items():
        section = text.partition(f"### `incident {name}`\n")[2].partition("\n### ")[0]
        assert section, name
        for action in parser._actions:
            for flag in action.option_strings:
                everywhere = flag in ("-h", "--help", "--config", "--json", "--no-color", "-v", "--verbose")
                assert everywhere or re.search(rf"`[^`]*{re.escape(flag)}\b", section), (name, flag)


def test_each_key_of_the_configuration_is_described():
    rows = re.findall(
        r"^\| `\[+([a-z_]+)\]+`[^|]*\| `([^`]+)` \|[^|]*\| (.*) \|$", page("configuration.md"), re.M
    )
    described = {(name, key) for name, key, meaning in rows if meaning}
    for field in msgspec.structs.fields(Document):
        for key in msgspec.structs.fields(struct) if (struct := struct_of(field.type)) else ():
            assert key.encode_name in INTERNAL or (field.encode_name, key.encode_name) in described, key.name


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("diagnoses.md", {pattern.id for pattern in reference.patterns()}),
        ("actions.md", set(ACTIONS)),
        ("notebooks.md", {path.stem for path in reference.NOTEBOOKS.glob("*.ipynb")}),
        ("notebooks-api.md", set(incident_lib.__all__)),
    ],
)
def test_each_name_has_a_section(name, known):
    assert known
    assert known <= headings(name)


def test_each_finding_probe_and_limit_has_a_row():
    entries = catalogue()
    findings = {entry.id for entry in (*entries.kinds.values(), *entries.globs)}
    probes = {probe.name for technology in table().technologies for probe in technology.probes}
    for name, known in (("findings.md", findings), ("probes.md", probes), ("thresholds.md", set(KNOWN))):
        assert known <= set(re.findall(r"^\| `([^`]+)` \|", page(name), re.MULTILINE)), name


def test_a_finding_leads_to_the_causes_it_supports_and_these_to_what_to_do():
    row = next(
        line for line in page("findings.md").splitlines() if line.startswith("| `postgres.locks.blocked` ")
    )
    assert "[lock-contention](diagnoses.md#lock-contention)" in row
    section = page("diagnoses.md").partition("### `lock-contention`\n")[2].partition("\n### ")[0]
    assert "**First action.**" in section
    assert "**Next check.**" in section
    assert "`postgres.locks.blocked`" in section
