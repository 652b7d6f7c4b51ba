"""What the unit tests reach: ids of findings with their data, and limits. A run of all must reach all.

An id that no analyzer emits and a limit that nobody asks for are dead; data that the catalogue does not name
is data that no judge may rely on. Installed before the modules of the library are imported.
"""

import importlib
import inspect
import os
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from functools import wraps
from typing import Any

import pytest

from incident_lib.findings import base
from incident_lib.findings.thresholds import KNOWN, Thresholds
from incident_lib.model import Finding, FindingSeverity

emitted: dict[str, set[str]] = {}  # id -> keys of data
asked: set[str] = set()
# What real servers make of their load differs from run to run: only literals decide what is reached.
_ELSEWHERE = re.compile(r"tests/(?:integration|notebooks|browser)/")


def install() -> None:
    """Record from now on what analyzers and judges return, and which limits are asked for."""
    base.finding = _recording(base.finding)
    _record_limits()
    correlation = importlib.import_module("incident_lib.correlation")
    for module in pkgutil.iter_modules(correlation.__path__, f"{correlation.__name__}."):
        if not module.name.endswith(".judges"):
            _record_module(importlib.import_module(module.name))
    technologies = importlib.import_module("incident_lib.technologies")
    for technology in technologies.table().technologies:
        for analyzers in (technology.analyzers, technology.on_failure):
            for probe, analyzer in analyzers.items():
                analyzers[probe] = _recording(analyzer)


def _record_module(module: Any) -> None:
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if function.__module__ == module.__name__ and not name.startswith("_"):
            setattr(module, name, _recording(function))


def _record_limits() -> None:
    get, severity = Thresholds.__getitem__, Thresholds.severity

    def recorded_get(self: Thresholds, key: str) -> float:
        asked.add(key)
        return get(self, key)

    def recorded_severity(
        self: Thresholds, rule: str, value: float | None, unit: str, *, above: bool = True
    ) -> FindingSeverity | None:
        asked.update(f"{rule}.{name}_{unit}" for name in ("critical", "warning", "info"))
        return severity(self, rule, value, unit, above=above)

    Thresholds.__getitem__ = recorded_get  # type: ignore[method-assign]
    Thresholds.severity = recorded_severity  # type: ignore[method-assign]


def _recording(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`, which leaves a note of the findings that it makes; what it was given counts not."""

    @wraps(function)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        given = {each.id for value in args for each in _findings(value)}
        result = function(*args, **kwargs)
        if inspect.isgenerator(result):
            return _noted(result, given)
        for finding in _findings(result):
            _note(finding, given)
        return result

    return recorded


def _findings(value: object) -> Iterable[Finding]:
    if isinstance(value, Finding):
        return (value,)
    return [each for each in value if isinstance(each, Finding)] if isinstance(value, list | tuple) else ()


def _noted(result: Iterator[Any], given: set[str]) -> Iterator[Any]:
    for each in result:
        for finding in _findings(each):
            _note(finding, given)
        yield each


def _note(finding: Finding, given: set[str]) -> None:
    if finding.id not in given and not _ELSEWHERE.search(os.environ.get("PYTEST_CURRENT_TEST", "")):
        emitted.setdefault(finding.id, set()).update(finding.data)


def unreached() -> list[str]:
    """Return what is dead, or not entered, a line each."""
    technologies = importlib.import_module("incident_lib.technologies")
    catalogue = technologies.catalogue()
    lines = [f"no analyzer emits {name}" for name in sorted(catalogue.kinds.keys() - emitted.keys())]
    lines += [
        f"no analyzer emits anything like {kind.id}"
        for kind in catalogue.globs
        if not any(fnmatchcase(name, kind.id) for name in emitted)
    ]
    for name, kind in sorted(catalogue.kinds.items()):
        if unknown := sorted(emitted.get(name, set()) - kind.fields):
            lines.append(f"the catalogue does not name data of {name}: {' '.join(unknown)}")
    own = [technology.name for technology in technologies.table().technologies]
    lines += [
        f"the catalogue has no entry for {name}"
        for name in sorted(emitted)
        if name not in catalogue.kinds
        and name.partition(".")[0] in {*own, "container", "baseline", "trend", "clock"}
        and not any(fnmatchcase(name, kind.id) for kind in catalogue.globs)
    ]
    return [*lines, *(f"nothing asks for the limit {key}" for key in sorted(KNOWN.keys() - asked))]


def state() -> dict[str, Any]:
    """Return what a worker of xdist reached."""
    return {"emitted": {name: sorted(keys) for name, keys in emitted.items()}, "asked": sorted(asked)}


def merge(other: dict[str, Any]) -> None:
    """Take what a worker reached."""
    for name, keys in other["emitted"].items():
        emitted.setdefault(name, set()).update(keys)
    asked.update(other["asked"])


def is_whole(config: pytest.Config) -> bool:
    """Return whether a run holds all unit tests, so that what it did not reach is dead."""
    chosen = config.option.keyword or config.option.markexpr or config.option.collectonly
    places = {argument.rstrip("/") for argument in config.args}
    return not chosen and bool(places & {"tests", "tests/unit", str(config.rootpath)})
