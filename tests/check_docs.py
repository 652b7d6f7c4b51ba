"""The generated tables of `docs/`, and the links between its pages: checked by `make check`.

`python tests/check_docs.py --write` renews the tables.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec

from incident_lib.config.tables import Document
from incident_lib.demo import FAULTS
from incident_lib.findings.thresholds import KNOWN
from incident_lib.remediation.actions import ACTIONS
from incident_lib.technologies import table
from tests import dependencies, reference, security, sent
from tests.reference import cell

ROOT = Path(__file__).parent.parent
README_LINES = 200
INTERNAL = {"options"}  # filled in from the keys of a technology's kind


def probe_table() -> Iterator[str]:
    """Yield the lines of the table of what each probe does to a system."""
    yield "| probe | answers | statement, command or request | needs | cost on the target |"
    yield "|---|---|---|---|---|"
    for technology in table().technologies:
        for probe in technology.probes:
            cells = (f"`{probe.name}`", probe.question, _statement(probe.source), probe.needs, probe.cost)
            yield f"| {' | '.join(cell(text) for text in cells)} |"


def _statement(source: str) -> str:
    """Return a statement in a few words: for SQL the views that its first comment names."""
    comment = " ".join(line.removeprefix("-- ") for line in source.splitlines() if line.startswith("--"))
    views = re.search(r"View: (.+?)\. Needs", comment)
    return f"SELECT from {views[1]}" if views else source


def config_table() -> Iterator[str]:
    """Yield the lines of the table of configuration keys."""
    yield "| table | key | default | meaning |"
    yield "|---|---|---|---|"
    for field in msgspec.structs.fields(Document):
        struct, name = struct_of(field.type), field.encode_name
        if struct is None:
            example = '`"postgres.saturation.warning_ratio"`, ...'
            yield f"| `[{name}]` | {example} | | a limit of yours: [thresholds.md](thresholds.md) |"
            continue
        shown = f"[[{name}]]" if get_args(field.type) else f"[{name}]"
        for key in msgspec.structs.fields(struct):
            if key.encode_name in INTERNAL:
                continue
            yield f"| `{shown}` | `{key.encode_name}` | {_default(key)} | {_meaning(key.type)} |"
        for kind in table().kinds.values() if name == "service" else ():
            for key in msgspec.structs.fields(kind.keys) if kind.keys else ():
                where = f"`{shown}` of kind `{kind.name}`"
                yield f"| {where} | `{key.encode_name}` | {_default(key)} | {_meaning(key.type)} |"


def struct_of(kind: Any) -> type[msgspec.Struct] | None:
    """Return the record that a table of the configuration is read into, None where it is none."""
    candidates = (kind, *get_args(kind))
    structs = (each for each in candidates if isinstance(each, type) and issubclass(each, msgspec.Struct))
    return next(structs, None)


def _meaning(kind: Any) -> str:
    metas = [arg for arg in get_args(kind) if isinstance(arg, msgspec.Meta)]
    return cell(next((meta.description for meta in reversed(metas) if meta.description), ""))


def _default(field: Any) -> str:
    if field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT:
        return "required"
    value = field.default
    return (
        ""
        if value in ("", (), None, msgspec.NODEFAULT)
        else f"`{str(value).lower() if isinstance(value, bool) else value}`"
    )


def threshold_table() -> Iterator[str]:
    """Yield the lines of the table of limits that `[thresholds]` overrides."""
    yield "| key | default | source | reason |"
    yield "|---|---|---|---|"
    table()  # the technologies bring their limits
    for key, limit in KNOWN.items():
        yield f"| `{key}` | {limit.value:,g} | {limit.source} | {cell(limit.reason)} |"


def action_pages() -> Iterator[str]:
    """Yield a section for each action: what it does, how to take it back, when not to use it."""
    for action in ACTIONS.values():
        yield from ("", f"## `{action.id}`", "", f"{action.title}. Target: {action.targets}.")
        arguments = [f"`{argument}` ({argument.help})" for argument in action.arguments]
        if arguments:
            yield from ("", f"Arguments: {'; '.join(arguments)}.")
        if action.does:
            yield from ("", f"**What it does.** {action.does}")
        if action.undo:
            yield from ("", f"**How to undo it.** {action.undo}")
        if action.not_when:
            yield from ("", "**When not to use it.**", "", *(f"- {text}" for text in action.not_when))
    yield ""


# Page of docs/ -> its generated blocks.
PAGES = {
    "probes.md": {"probes": probe_table},
    "configuration.md": {"configuration": config_table},
    "thresholds.md": {"thresholds": threshold_table},
    "findings.md": {"findings": reference.finding_reference},
    "diagnoses.md": {"diagnoses": reference.diagnosis_reference},
    "commands.md": {"commands": reference.command_reference},
    "notebooks.md": {"notebooks": reference.notebook_reference},
    "notebooks-api.md": {"names": reference.name_reference},
    "../SECURITY.md": {"figures": security.figures_table},
    "actions.md": {"actions": action_pages},
    "dependencies.md": {"dependencies": dependencies.dependency_table},
    "sent.md": {
        "actions": sent.actions_table,
        "statements": sent.statements_table,
        "redis": sent.redis_table,
        "docker": sent.docker_table,
        "commands": sent.commands_table,
        "connections": sent.connections_table,
    },
}


def renewed(page: str, text: str) -> str:
    """Return the text of a page with its generated tables renewed."""
    for name, lines in PAGES[page].items():
        begin, end = f"<!-- {name}: generated -->", f"<!-- {name}: end -->"
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        if not tail:
            raise SystemExit(f"docs/{page} has no block {begin} ... {end}")
        text = "\n".join((f"{head}{begin}", *lines(), f"{end}{tail}"))
    return text


def problems() -> Iterator[str]:
    """Yield what is wrong with the documentation."""
    for page in PAGES:
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        if renewed(page, text) != text:
            yield f"docs/{page} is out of date; run: python tests/check_docs.py --write"
    yield from _dead_links()
    yield from _wrongly_unplayed()
    yield from sent.unexplained()
    yield from dependencies.problems()
    yield from security.problems((ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    length = len((ROOT / "README.md").read_text(encoding="utf-8").splitlines())
    if length > README_LINES:
        yield f"README.md has {length} lines; {README_LINES} at most"
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "docs" / "decisions").glob("0*.md")):
        if f"({path.name})" not in index:
            yield f"docs/decisions/README.md does not list {path.name}"


def _dead_links() -> Iterator[str]:
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            if not (path.parent / link).exists():
                yield f"{path.relative_to(ROOT)} links to {link}, which does not exist"


def _wrongly_unplayed() -> Iterator[str]:
    """Yield where docs/not-covered.md and the faults of the demo stack disagree."""
    unplayed = {pattern.id for pattern in reference.patterns()} - {
        fault.hypothesis for fault in FAULTS.values()
    }
    text = (ROOT / "docs" / "not-covered.md").read_text(encoding="utf-8").partition("| hypothesis |")[2]
    rows = [line.partition(" | ")[0] for line in text.splitlines() if line.startswith("| `")]
    listed = {name for row in rows for name in re.findall(r"`([\w-]+)`", row)}
    for name in sorted(unplayed - listed):
        yield f"docs/not-covered.md does not list {name}, for which the demo stack has no fault"
    for name in sorted(listed - unplayed):
        yield f"docs/not-covered.md lists {name}, which is unknown or has a fault in the demo stack"


def main() -> int:
    """Return 0 when the documentation is up to date, 1 when not."""
    if "--write" in sys.argv:
        for page in PAGES:
            path = ROOT / "docs" / page
            path.write_text(renewed(page, path.read_text(encoding="utf-8")), encoding="utf-8")
    found = list(problems())
    sys.stderr.writelines(f"{problem}\n" for problem in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
