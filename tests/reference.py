"""The reference pages of `docs/` as they are generated from the code: commands, notebooks, public names,
findings and hypotheses."""

import argparse
import inspect
import re
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

import incident_lib
from incident_lib.cli.parser import build, commands_of
from incident_lib.findings.thresholds import KNOWN
from incident_lib.hypotheses import Pattern, parse_patterns
from incident_lib.hypotheses.patterns import CLUES
from incident_lib.technologies import catalogue, table

if TYPE_CHECKING:
    from incident_lib.findings.catalogue import FindingKind

ROOT = Path(__file__).parent.parent
PATTERNS = ROOT / "templates" / "patterns.toml"
NOTEBOOKS = ROOT / "notebooks"
_EVERYWHERE = {"config", "json", "no_color", "verbose", "help"}
# The fields of a pattern that hold clues, in the words of the reference.
_CLUES = {
    "when": "Rests on",
    "hints": "Or, with less weight, on",
    "also": "Needs one of these too",
    "support": "Supported by",
    "against": "Contradicted by",
    "unless": "Refuted by",
    "denied_by": "Weighs less when a measurement shows",
    "follows": "Supported by a change minutes before",
}
_SEEN_FROM = {
    "users": "at what needs it",
    "needs": "at what it needs",
    "any": "anywhere",
    "outside": "as an outside dependency",
    "named": "in a log of what needs it",
    "unnamed": "in its own log",
}


def cell(text: str) -> str:
    """Return a text as it may stand in a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def patterns() -> tuple[Pattern, ...]:
    """Return the causes that are shipped."""
    return parse_patterns(PATTERNS.read_text(encoding="utf-8"), PATTERNS.name)


def command_reference() -> Iterator[str]:
    """Yield a section for each command: what it does, its usage and its flags."""
    commands = commands_of(build())
    about = {action.dest: action.help or "" for action in commands._choices_actions}
    for name, parser in commands.choices.items():
        if name not in about:
            continue
        yield from ("", f"### `incident {name}`", "", f"{_sentence(about[name])}")
        if parser.description and parser.description != about[name]:
            is_laid_out = parser.formatter_class is argparse.RawDescriptionHelpFormatter
            lines = [f"    {line}".rstrip() for line in parser.description.strip().splitlines()]
            yield from ("", *(lines if is_laid_out else (_sentence(" ".join(parser.description.split())),)))
        rows = [_flag(action) for action in parser._actions if action.dest not in _EVERYWHERE]
        if rows:
            yield from ("", "| argument | meaning |", "|---|---|", *rows)
    yield ""


def _sentence(text: str) -> str:
    text = text % {"prog": "incident"} if "%(prog)s" in text else text.replace("%%", "%")
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _flag(action: argparse.Action) -> str:
    """Return the row of one argument: flags with the name of their value, meaning, default."""
    value = action.metavar or action.dest.upper()
    if action.choices is not None:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    takes = "" if action.nargs == 0 else f" {value if isinstance(value, str) else ' '.join(value)}"
    if action.nargs in ("*", "+"):
        takes += "..."
    shown = ", ".join(action.option_strings) + takes if action.option_strings else takes.strip()
    words = {**vars(action), "prog": "incident"}
    meaning = (action.help or "") % words if action.help and "%" in action.help else action.help or ""
    kept = action.default not in (None, "", False, argparse.SUPPRESS, [], ())
    if kept and "default" not in meaning:
        meaning += f" (default {action.default})"
    return f"| `{cell(shown)}` | {cell(meaning)} |"


def notebook_reference() -> Iterator[str]:
    """Yield a section for each notebook: its question, what it reads, writes and changes, its parameters."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        head = notebook.cells[0].source.splitlines()
        question = next(line.strip("*") for line in head if line.startswith("**"))
        yield from ("", f"### {path.stem}", "", f"**{question}**", "")
        yield from (
            f"- {line.strip()}" for line in head if line.startswith(("Reads:", "Writes:", "Changes:"))
        )
        asked = [
            cell.source.removeprefix("## ")
            for cell in notebook.cells[1:]
            if cell.cell_type == "markdown" and cell.source.startswith("## ")
        ]
        yield from ("", f"It asks: {' '.join(line.splitlines()[0] for line in asked)}", "")
        yield from ("| parameter | default | meaning |", "|---|---|---|")
        for line in notebook.cells[1].source.splitlines():
            name, _, rest = line.partition(":")
            default, _, meaning = rest.partition("=")[2].partition("  # ")
            yield f"| `{name}` | `{default.strip()}` | {cell(meaning)} |"
    yield ""


def name_reference() -> Iterator[str]:
    """Yield a section for each public name of `incident_lib`: its signature and its docstring."""
    for name in sorted(incident_lib.__all__, key=str.lower):
        thing = getattr(incident_lib, name)
        yield from ("", f"### `{name}`", "")
        if inspect.isfunction(thing):
            yield from ("```python", _signature(name, thing), "```", "")
        yield from inspect.cleandoc(thing.__doc__ or "").splitlines()
        members = [] if inspect.isfunction(thing) or issubclass(thing, Exception) else list(_members(thing))
        if members:
            yield from ("", "| attribute | returns |", "|---|---|", *members)
    yield ""


def _signature(name: str, function: Callable[..., object]) -> str:
    return re.sub(r"\b(?:[a-z_]+\.)+([A-Z]\w+)", r"\1", f"{name}{inspect.signature(function)}")


def _members(kind: type) -> Iterator[str]:
    for name, member in sorted(vars(kind).items()):
        if name.startswith("_"):
            continue
        documented = member.fget if isinstance(member, property) else member
        documented = getattr(member, "func", documented)  # a cached property
        documented = getattr(documented, "__func__", documented)
        if not inspect.isfunction(documented) or not documented.__doc__:
            continue
        is_call = inspect.isfunction(getattr(member, "__func__", member))
        parameters = [
            parameter
            for parameter in inspect.signature(documented).parameters
            if parameter not in ("self", "cls")
        ]
        shown = f"{name}({', '.join(parameters)})" if is_call else name
        first = inspect.cleandoc(documented.__doc__).split("\n\n")[0]
        yield f"| `{shown}` | {cell(first)} |"


def finding_reference() -> Iterator[str]:
    """Yield the findings by what they are about: source, limits, meaning, and the causes they support."""
    entries = catalogue()
    sections: dict[str, list[FindingKind]] = {}
    for entry in sorted((*entries.kinds.values(), *entries.globs), key=lambda entry: entry.id):
        sections.setdefault(section_of(entry.id), []).append(entry)
    probes = {probe.name: probe for technology in table().technologies for probe in technology.probes}
    causes = _causes()
    for section, kinds in sections.items():
        yield from ("", f"### {section}" if "*" not in section else "### Several technologies", "")
        if probe := probes.get(section):
            yield from (f"Source: probe [`{probe.name}`](probes.md): {probe.question}", "")
        if limits := [key for key in KNOWN if key.startswith(f"{section}.")]:
            shown = ", ".join(f"`{key}` ({KNOWN[key].value:,g})" for key in limits)
            yield from (f"[Limits](thresholds.md): {shown}", "")
        yield from ("| finding | kind | meaning | supports |", "|---|---|---|---|")
        for entry in kinds:
            links = ", ".join(f"[{cause}](diagnoses.md#{cause})" for cause in causes.get(entry.id, ()))
            yield f"| `{entry.id}` | {entry.nature.value} | {cell(entry.meaning)} | {links} |"
    yield ""


def section_of(finding_id: str) -> str:
    """Return what a finding is about: `redis.memory` of `redis.memory.full`, `trend` of `trend.disk`."""
    parts = finding_id.split(".")
    return "*" if "*" in parts[:2] else ".".join(parts[: min(2, len(parts) - 1)])


def _causes() -> dict[str, list[str]]:
    """Return for each finding id that a pattern names in full the causes that it speaks for."""
    causes: dict[str, list[str]] = {}
    for pattern in patterns():
        for field in ("when", "hints", "support"):
            for clue in getattr(pattern, field):
                found = causes.setdefault(clue.rpartition(":")[2], [])
                if pattern.id not in found:
                    found.append(pattern.id)
    return causes


def diagnosis_reference() -> Iterator[str]:
    """Yield a section for each cause: what it rests on, what contradicts it, what to check and to do."""
    known = patterns()
    assert set(_CLUES) <= set(CLUES)
    for pattern in known:
        yield from ("", f"### `{pattern.id}`", "", f"**{cell(pattern.title)}**", "")
        yield f"- **Next check.** {_with_others(pattern.next_check, pattern.next_checks)}"
        yield f"- **First action.** {_with_others(pattern.first_action, pattern.first_actions)}"
        for field, words in _CLUES.items():
            if clues := getattr(pattern, field):
                yield f"- {words}: {', '.join(map(_clue, clues))}"
        symptoms = [
            each.rpartition(":")[2]
            for each in (*pattern.explains, *chain.from_iterable(pattern.explains_by.values()))
        ]
        if symptoms:
            yield f"- Explains: {', '.join(f'[{each}](#{each})' for each in dict.fromkeys(symptoms))}"
        yield f"- Blames: {', '.join(pattern.kinds)}. Notebook: {pattern.notebook}"
    yield ""


def _with_others(text: str, others: dict[str, str]) -> str:
    """Return an advice, and those that other findings call for."""
    further = "".join(f"<br>With `{finding}`: {cell(other)}" for finding, other in others.items())
    return f"{cell(text)}{further}"


def _clue(clue: str) -> str:
    relation, _, name = clue.rpartition(":")
    return f"`{name}`" + (f" ({_SEEN_FROM[relation]})" if relation else "")
