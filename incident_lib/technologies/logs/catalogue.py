"""What each finding about logs means."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from incident_lib.findings.catalogue import CHANGE, HINT, STATE, SYMPTOM, FindingKind, Flag, entry, flagged
from incident_lib.technologies.logs.classes import LogClass, classes_of_files, shipped_classes
from incident_lib.technologies.logs.probes.events import server_events

_COVERAGE = (
    "cut_lines_count known_lines_count lines_count not_text_lines_count read_lines_count read_ratio "
    "timed_lines_count"
)
_CLASS = (
    "address addresses advice count database duration_max_seconds duration_p50_seconds error_class last_at "
    "least_count peers problem reason returns_count setting"
)


def _classes(rows: Iterable[LogClass]) -> Iterator[FindingKind]:
    for row in rows:
        name, meaning = f"logs.lines.class.{row.id}", f"{row.title[0].upper()}{row.title[1:]}"
        yield entry(name, HINT, meaning, Flag.FAILS, Flag.LOGGED, *row.flags, fields=_CLASS, about=row.about)


def _starts(rows: Iterable[LogClass]) -> Iterator[FindingKind]:
    for row in rows:
        if row.no_start:
            name = f"logs.lines.cannot_start.{row.id}"
            yield entry(name, SYMPTOM, f"It did not start: {row.title}", fields="error_class advice")


def _events() -> Iterator[FindingKind]:
    for row in server_events().values():
        name, meaning = f"logs.lines.server.{row.id}", f"{row.title[0].upper()}{row.title[1:]}"
        nature = CHANGE if row.is_change else STATE
        yield entry(
            name,
            nature,
            meaning,
            Flag.LOGGED,
            fields="count event last_at",
            event=row.timeline,
            precedence=row.precedence,
        )


def kinds_of_files(paths: Iterable[Path], before: Iterable[Path]) -> tuple[FindingKind, ...]:
    """Return the entries of classes that a package brings. Errors: ConfigError.

    `before` are the files of packages that came before it, whose ids it may not take.
    """
    others = len(classes_of_files(before))
    rows = list(classes_of_files([*before, *paths]).values())[others:]
    return flagged(_classes(rows), Flag.FIRST_SEEN)


FINDINGS = (
    entry("logs.lines.stopped", STATE, "The log ends with a clean shutdown", Flag.LOGGED),
    entry("logs.lines.onset", SYMPTOM, "Requests started to fail", Flag.ONSET, Flag.MOMENT,
          fields="after_ratio before_ratio strength", event="failing"),
    # When the window moves, so does the first time that a line was seen in it.
    *flagged((
        entry("logs.lines.errors", SYMPTOM, "Requests fail", Flag.FAILS, Flag.ANY_FAILURE, Flag.ERROR_RATE,
              fields="client_errors_count endpoint error_ratio error_ratio_since_onset failed_count "
                     "requests_count",
              event="failing", precedence=1),
        entry("logs.lines.endpoint", SYMPTOM, "One endpoint fails, the others work", Flag.ANY_FAILURE,
              fields="endpoint endpoint_failure_ratio failed_count other_failure_ratio share_of_errors",
              event="failing", precedence=2),
        entry("logs.lines.exception", SYMPTOM, "Exceptions are raised", Flag.FAILS, Flag.ANY_FAILURE,
              Flag.RAISED,
              fields="count frame kinds_count message type", event="failing", precedence=3),
        entry("logs.lines.error_lines", SYMPTOM, "Many lines are errors", fields="error_ratio errors_count"),
        entry("logs.lines.slow", SYMPTOM, "Requests are slow", Flag.SLOW, Flag.WAITS, Flag.BY_SERVICE,
              fields="endpoint endpoints_count p95_seconds slow_endpoints_count slow_ratio_since_onset"),
        entry("logs.lines.slow_onset", SYMPTOM, "Requests became slow", Flag.SLOW_ONSET,
              fields="after_ratio before_ratio strength"),
        entry("logs.lines.latency", SYMPTOM, "An endpoint takes many times longer than before",
              Flag.SLOW, Flag.SLOWER, Flag.WAITS, Flag.BY_SERVICE,
              fields="after_count after_seconds before_count before_seconds endpoint endpoints_count factor "
                     "load_factor slower_endpoints_count statistic strength"),
        entry("logs.lines.template", STATE, "The most frequent error line", fields="count new template"),
        entry("logs.lines.unknown_error", SYMPTOM, "A frequent error belongs to no known class", Flag.FAILS,
              Flag.LOGGED,
              fields="count error_ratio template"),
        entry("logs.lines.front", STATE, "Requests fail in the log of a proxy, which gives no error",
              fields="endpoint"),
        entry("logs.lines.templates_cut", STATE, "More kinds of lines than can be kept apart",
              fields="other_lines_count uncompared_templates_count"),
        entry("logs.lines.empty", STATE, "Nothing was logged", fields="age_seconds"),
        entry("logs.lines.no_times", STATE, "The lines have no times, so when they were written is unknown",
              fields=_COVERAGE),
        entry("logs.lines.coverage", STATE, "Too few of the lines could be read", fields=_COVERAGE),
        entry("logs.lines.stale", STATE, "The newest line is much older than the gaps between those before",
              fields="age_seconds gap_seconds"),
        entry("logs.lines.worded", SYMPTOM, "Lines without an error level report failures in their text",
              Flag.FAILS, fields="count error_ratio template"),
        entry("logs.lines.warned", SYMPTOM, "Many lines are new warnings",
              fields="count template"),
        entry("logs.lines.replaced", STATE, "Lines of one kind took the place of others",
              fields="before_count before_template count template"),
        entry("logs.lines.service", STATE, "Only one of several services in a log writes its errors",
              fields="errors_count service services_count share_of_errors"),
        entry("logs.lines.last", STATE, "The log ends with an error", Flag.LAST_WORDS,
              fields="addresses error error_class"),
        entry("logs.lines.ok", STATE, "Nothing unusual in the part of the log that was read",
              fields="lines_count read_ratio requests_count"),
        *_classes(shipped_classes().values()),
        *_starts(shipped_classes().values()),
        entry("logs.lines.class.*", HINT, "A class from another version", Flag.FAILS, Flag.LOGGED,
              fields=_CLASS),
        entry("logs.lines.server.not_ready", STATE, "The server started but has not reported ready",
              Flag.NOT_READY),
        entry("logs.lines.server.boot_loop", SYMPTOM, "A server or its workers keep restarting",
              Flag.FAILS, Flag.LOGGED, fields="boots_count check event interval_seconds last_at rate"),
        *_events(),
        entry("logs.lines.server.*", STATE, "An event of the server", Flag.LOGGED,
              fields="count event last_at"),
    ), Flag.FIRST_SEEN),
)  # fmt: skip
