"""README's tables of probes and of configuration keys, made from the code: checked by `make check`.

`python tests/check_readme.py --write` renews them.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec

from incident_lib.config.tables import Document
from incident_lib.technologies.deploys import probes as deploys
from incident_lib.technologies.docker import probes as docker
from incident_lib.technologies.host import probes as host
from incident_lib.technologies.http import probes as http
from incident_lib.technologies.logs import probes as logs
from incident_lib.technologies.network import probes as network
from incident_lib.technologies.postgres import probes as postgres
from incident_lib.technologies.process import probes as process
from incident_lib.technologies.redis import probes as redis

README = Path(__file__).parent.parent / "README.md"
_TECHNOLOGIES = (postgres, redis, docker, process, http, network, logs, host, deploys)


def probe_table() -> Iterator[str]:
    """Yield the lines of the table of what each probe does to a system."""
    yield "| probe | answers | statement, command or request | needs | cost on the target |"
    yield "|---|---|---|---|---|"
    for technology in _TECHNOLOGIES:
        for probe in technology.PROBES:
            cells = (f"`{probe.name}`", probe.question, _statement(probe.source), probe.needs, probe.cost)
            yield f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _statement(source: str) -> str:
    """Return a statement in a few words: for SQL the views that its first comment names."""
    said = " ".join(line.removeprefix("-- ") for line in source.splitlines() if line.startswith("--"))
    views = re.search(r"View: (.+?)\. Needs", said)
    return f"SELECT from {views[1]}" if views else source


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def config_table() -> Iterator[str]:
    """Yield the lines of the table of configuration keys."""
    yield "| table | key | default | meaning |"
    yield "|---|---|---|---|"
    for field in msgspec.structs.fields(Document):
        struct, name = _struct_of(field.type), field.encode_name
        if struct is None:
            yield f'| `[{name}]` | `"postgres.saturation.warning_ratio"`, ... | | a limit of your own |'
            continue
        shown = f"[[{name}]]" if get_args(field.type) else f"[{name}]"
        for key in msgspec.structs.fields(struct):
            yield f"| `{shown}` | `{key.encode_name}` | {_default(key)} | {_meaning(key.type)} |"


def _struct_of(kind: Any) -> type[msgspec.Struct] | None:
    candidates = (kind, *get_args(kind))
    found = [one for one in candidates if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    return found[0] if found else None


def _meaning(kind: Any) -> str:
    metas = [arg for arg in get_args(kind) if isinstance(arg, msgspec.Meta)]
    return _cell(next((meta.description for meta in reversed(metas) if meta.description), ""))


def _default(field: Any) -> str:
    if field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT:
        return "required"
    value = field.default
    return (
        ""
        if value in ("", (), None, msgspec.NODEFAULT)
        else f"`{str(value).lower() if isinstance(value, bool) else value}`"
    )


BLOCKS = {"probes": probe_table, "configuration": config_table}


def renewed(text: str) -> str:
    """Return README with its generated tables renewed."""
    for name, table in BLOCKS.items():
        begin, end = f"<!-- {name}: generated -->", f"<!-- {name}: end -->"
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        if not tail:
            raise SystemExit(f"README.md has no block {begin} ... {end}")
        text = "\n".join((f"{head}{begin}", *table(), f"{end}{tail}"))
    return text


def main() -> int:
    """Return 0 when README is up to date, 1 when not."""
    text = README.read_text(encoding="utf-8")
    fresh = renewed(text)
    if "--write" in sys.argv:
        README.write_text(fresh, encoding="utf-8")
    elif fresh != text:
        print("README.md is out of date; run: python tests/check_readme.py --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
