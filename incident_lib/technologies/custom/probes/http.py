"""An answer of the team: its status, a number in its JSON, or a metric in Prometheus text."""

from incident_lib.config import Dependency, OwnProbe, Service, Settings
from incident_lib.connections import http
from incident_lib.connections.session import NoSession
from incident_lib.connections.urls import join, safe_url
from incident_lib.errors import ProblemKind, TargetError
from incident_lib.model import Truncation, Window
from incident_lib.model.rows import Measurement
from incident_lib.probes.base import Fetched
from incident_lib.technologies.custom.probes.numbers import number_in_json, samples

_BODY_BYTES = 2 * 1024 * 1024  # pages of metrics are long
_MOST = 50  # samples of one metric


def fetch_answer(_session: NoSession, _window: Window, *, custom: OwnProbe, settings: Settings) -> Fetched:
    """Return what one GET brings: a Measurement, or one for each sample of the metric.

    Source: GET, redirects on the same host followed. Cost: one request, 2 MiB at most. Errors: TargetError
    where there is no answer, and for a number where the answer is no 2xx or does not hold it.
    """
    entries: tuple[Service | Dependency, ...] = (*settings.services, *settings.dependencies)
    target = next((entry for entry in entries if entry.name == custom.target), None)
    url = settings.resolve(custom.url)
    if url.startswith("/"):
        url = join(settings.resolve(target.url if target else ""), url)
    ca = settings.file(target.ca) if target and target.ca else None
    answer = http.get(url, seconds=settings.limits.http_seconds, ca=ca, body_limit_bytes=_BODY_BYTES)
    if answer.error:
        raise answer.error
    wants = custom.json or custom.metric
    if wants and not 200 <= (answer.status or 0) < 300:
        raise TargetError(ProblemKind.PROTOCOL, f"it answered {answer.status}, so there is no {wants}")
    rows = _rows(custom, answer)
    return Fetched(
        rows=rows[:_MOST],
        source=f"GET {safe_url(url)}" + (f", {wants}" if wants else ""),
        truncated=_cut(answer, len(rows)),
    )


def _rows(custom: OwnProbe, answer: http.Answer) -> tuple[Measurement, ...]:
    text = answer.body.decode("utf-8", "replace")
    if custom.json:
        return (Measurement(name=custom.name, value=number_in_json(text, custom.json), unit=custom.unit),)
    if not custom.metric:
        status = float(answer.status) if answer.status is not None else None
        return (Measurement(name=custom.name, value=status, unit=custom.unit),)
    found = samples(text, custom.metric, custom.labels)
    if not found:
        where = "in the part that was read" if answer.truncated else "in the answer"
        raise TargetError(
            ProblemKind.UNSUPPORTED,
            f"there is no number for {custom.metric} with these labels {where}",
            "compare the name and labels with the metrics page",
        )
    return tuple(
        Measurement(name=custom.name, value=value, unit=custom.unit, labels=labels) for value, labels in found
    )


def _cut(answer: http.Answer, count: int) -> Truncation | None:
    if count > _MOST:
        return Truncation(kept=_MOST, total=count, unit="samples")
    return Truncation(kept=_BODY_BYTES, unit="bytes of a body") if answer.truncated else None
