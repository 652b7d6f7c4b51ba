"""How long something took, as numbers and texts say it -> seconds."""

import re

_WITH_UNIT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ns|[u\u00b5\u03bc]s|ms|s|m|sec|seconds)?\s*$")
_COMPOSED = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,4})m)?(\d{1,4}(?:\.\d+)?)s$")  # of Go: 1m2.5s
_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "seconds": 1.0, "m": 60.0}
_UNITS |= dict.fromkeys(("\u00b5s", "\u03bcs"), 1e-6)
_NAMED_UNITS = (  # by how a name ends
    (("_ms", "Ms", "responseTime", "illis", "illiseconds", "Elapsed"), 1e3),
    (("_us", "Us", "icros", "icroseconds"), 1e6),
    (("_ns", "Ns", "anos", "anoseconds", "event.duration"), 1e9),
)
_SECONDS = ("_seconds", "_s", "request_time", "upstream_response_time")


def seconds_of(name: str, value: object, usual: str | None = None) -> float | None:
    """Return the duration in seconds, by the unit in the text or the name, or else the usual one.

    Where none is named, whole numbers are milliseconds (from a million on: nanoseconds), others seconds.

    >>> seconds_of("duration_ms", 12.5), seconds_of("latency", "3ms"), seconds_of("duration", 0.25)
    (0.0125, 0.003, 0.25)
    """
    if isinstance(value, str):
        match = _WITH_UNIT.match(value)
        if match is None:
            return _composed(value)
        value = float(match[1]) if "." in match[1] else int(match[1][:18])
        if match[2]:
            return value * _UNITS[match[2]]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e18:
        return None
    return value / _in_a_second(name, value, usual)


def _in_a_second(name: str, value: float, usual: str | None) -> float:
    for names, many in _NAMED_UNITS:
        if name.endswith(names):
            return many
    whole = isinstance(value, int)
    if usual == "ms" or (usual == "ns" and whole):
        return 1e3 if usual == "ms" else 1e9
    if not whole or name.endswith(_SECONDS):
        return 1.0
    return 1e3 if value < 1_000_000 else 1e9


def usual_unit(shape: tuple[str, ...], name: str | None) -> str | None:
    """Return the unit of the duration of that name, by the library that writes fields of this shape.

    None where it is of some other unit than milliseconds by its name, or nothing tells.
    """
    names = set(shape)
    if not name or any(name.endswith(ends) for ends, _ in _NAMED_UNITS) or name.endswith(_SECONDS):
        return "ms" if name and name.endswith(_NAMED_UNITS[0][0]) else None
    if shape[0] == "level" and shape[-1] == "message" and "time" in names:
        return "ms"  # zerolog
    if names >= {"controller", "action"} or (
        names >= {"pid", "hostname", "level", "time"} and shape[0] in {"level", "name"}
    ):
        return "ms"  # lograge; pino and bunyan
    if shape[:3] == ("time", "level", "msg") or "DownstreamStatus" in names:
        return "ns"  # Go's slog and Traefik; numbers with a fraction are seconds there, too
    return None


def _composed(text: str) -> float | None:
    match = _COMPOSED.match(text)
    return int(match[1] or 0) * 3600 + int(match[2] or 0) * 60 + float(match[3]) if match else None
