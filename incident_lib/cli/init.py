"""`incident init`: finds containers and writes a commented workbench.toml."""

import argparse
from pathlib import Path
from typing import Any

import msgspec

from incident_lib.cli.arguments import print_json
from incident_lib.errors import TargetError, UsageError
from incident_lib.incident.files import open_file
from incident_lib.investigation import discover
from incident_lib.investigation.discover import Candidate
from incident_lib.model.commands import Commands
from incident_lib.technologies import Access, table


def init(arguments: argparse.Namespace) -> int:
    """Return 0 once the file is there. Errors: UsageError where it is already."""
    path = Path(arguments.output)
    if path.exists() and not arguments.force:
        raise UsageError(f"{path} already exists; --force overwrites it, --output writes elsewhere")
    found, reason = _detect()
    text = discover.render_configuration(found or discover.common_stack(), found=bool(found))
    _write(path, text, force=arguments.force)
    if getattr(arguments, "json", False):
        _print_json(path, found, reason)
        return 0
    if found:
        print(f"Found {len(found)} running containers:\n")
        print("\n".join(_lines(found)))
        print(f"\nWrote {path}. Review it, then run:")
        print(f"  {Commands(config=str(path.resolve())).line('triage')}\n")
    else:
        print(f"{reason}; wrote the default stack's configuration to {path}. Edit what differs.\n")
    for access in _accesses():
        print(f"{access.title}:\n\n{access.text.rstrip()}\n")
    print('Then set dsn = "env:DATABASE_URL" and url = "env:REDIS_URL" in the file, with these users.')
    return 0


def _detect() -> tuple[tuple[Candidate, ...], str]:
    """Return what was found, and why nothing was."""
    try:
        return discover.discover(), "no container is running here"
    except TargetError as error:
        return (), error.message


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        with open_file(path, "w" if force else "x") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _lines(found: tuple[Candidate, ...]) -> list[str]:
    lines = []
    for candidate in found:
        service = candidate.service
        needs = f", needs {', '.join(service.depends_on)}" if service.depends_on else ""
        where = service.url or ", ".join(candidate.ports) or "no published port"
        lines.append(f"  {service.name:<12} {service.kind:<9} {service.container}, {where}{needs}")
        if candidate.readable:
            lines.append(
                f"  {'':<12} its password is an ordinary word or a name, so it is hidden only where a "
                f"password is expected"
            )
        lines += [
            f"  {'':<12} {name} points to an outside service: add a [[dependency]]"
            for name in candidate.outside
        ]
    return lines


def _accesses() -> list[Access]:
    found = [technology.discovery.access for technology in table().technologies if technology.discovery]
    return [access for access in found if access]


def _print_json(path: Path, found: tuple[Candidate, ...], reason: str) -> None:
    document: dict[str, Any] = {
        "file": str(path),
        "reason": "" if found else reason,
        "found": msgspec.to_builtins(found),
        **{access.key: access.text for access in _accesses()},
    }
    print_json(document)
