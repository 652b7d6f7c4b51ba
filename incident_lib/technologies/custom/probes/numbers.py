"""The number in what a file, a command or an answer says: pure."""

import json
import math
import re
from typing import Any

from incident_lib.errors import ProblemKind, TargetError
from incident_lib.redact.excerpt import excerpt

_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)\s*(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?(?:\s*#.*)?$")
_LABEL = re.compile(r'([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"')
_STEP = re.compile(r"[^.\[\]]+")
_START_CHARACTERS = 80


def first_number(text: str, place: str) -> float:
    """Return the first number in `text`. Errors: TargetError where there is none.

    >>> first_number("  12 /srv/queue", "wc")
    12.0
    """
    if (found := _NUMBER.search(text)) is None:
        start = excerpt(text.strip(), _START_CHARACTERS)
        start = "".join(char for char in start if char.isprintable()) or "nothing readable"
        raise TargetError(ProblemKind.UNSUPPORTED, f"{place} holds no number, but {start}")
    return float(found[0])


def number_in_json(text: str, path: str) -> float | None:
    """Return the number that `path` leads to, None for null. Errors: TargetError.

    >>> number_in_json('{"queues": [{"depth": 7}]}', "queues[0].depth")
    7.0
    """
    try:
        here: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TargetError(ProblemKind.PROTOCOL, "the answer is not JSON, or too long to read") from error
    for step in _STEP.findall(path.removeprefix("$")):
        here = _follow(here, step, path)
    if here is None:
        return None
    try:
        value = float(here)
    except (TypeError, ValueError, OverflowError) as error:
        raise TargetError(ProblemKind.UNSUPPORTED, f"the value at {path} is not a number") from error
    return value if math.isfinite(value) else None


def _follow(here: Any, step: str, path: str) -> Any:
    try:
        return here[int(step)] if isinstance(here, list) else here[step]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        names = ", ".join(list(here)[:10]) if isinstance(here, dict) else ""
        raise TargetError(
            ProblemKind.UNSUPPORTED,
            f"the answer has nothing at {path}: no {step!r}",
            f"there is {names}" if names else "correct the path",
        ) from error


def samples(text: str, metric: str, labels: dict[str, str]) -> tuple[tuple[float, dict[str, str]], ...]:
    r"""Return value and labels of each sample of `metric` that has `labels`, from Prometheus text.

    >>> samples('# TYPE jobs gauge\njobs{queue="mail"} 7\njobs{queue="pay"} 1', "jobs", {"queue": "pay"})
    ((1.0, {'queue': 'pay'}),)
    """
    found = []
    for line in text.splitlines():
        if not line.startswith(metric) or (sample := _SAMPLE.match(line)) is None or sample[1] != metric:
            continue
        has = {name: re.sub(r"\\(.)", _unescaped, value) for name, value in _LABEL.findall(sample[2] or "")}
        if labels.items() <= has.items() and (value := _value(sample[3])) is not None:
            found.append((value, has))
    return tuple(found)


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]


def _value(text: str) -> float | None:
    """Return a finite number, None for NaN, infinity and what is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
