"""What a responder reads in the terminal: findings as they come, then the hypotheses."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.console import Group as Stack
from rich.padding import Padding
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from incident_lib.cli.console import STYLES, labelled, plain, print_command
from incident_lib.config import Settings
from incident_lib.findings.catalogue import Manner
from incident_lib.history.similar import similar_incidents
from incident_lib.hypotheses import findings_named
from incident_lib.incident.folder import IncidentFolder
from incident_lib.investigation.case import Case
from incident_lib.investigation.collect import Watch
from incident_lib.investigation.severity import propose_severity
from incident_lib.model import (
    EVERYTHING,
    Analysis,
    Evidence,
    Finding,
    FindingSeverity,
    Holds,
    Hypothesis,
)
from incident_lib.remediation.proposals import command_of, proposed_actions, what_is_missing
from incident_lib.reports.groups import MOST_ALONE, Group, apart_from_events, by_reason, grouped, headline
from incident_lib.reports.index_page import failed_at_unknown_time, nothing_here
from incident_lib.response.collection import collect_case
from incident_lib.technologies import catalogue
from incident_lib.units import format_count, some_of

_FAILED = re.compile(r"^[\w-]+(\.[\w-]+)+ failed: ")
_HYPOTHESES = 3
_RECOVERED = 6
_SIMILAR_SECONDS = 0.5
_PROPOSALS = 2
_CHANGES = 8
_MOST_PROBES = 0.6  # of all; with them, what answers at once has answered
_REASONS, _FEWER_REASONS = 4, 2


@contextmanager
def watching(console: Console, stream: "FindingStream | None" = None) -> Iterator[Watch]:
    """Yield a watch that prints what is wrong as it is found, above a progress bar on a terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(bar_width=24))
    with Progress(
        *columns,
        TextColumn("{task.completed}/{task.total}"),
        console=console,
        transient=True,
        disable=not console.is_terminal or console.color_system is None,
        redirect_stdout=False,  # the streams have a guard of their own
        redirect_stderr=False,
    ) as bar:
        task = bar.add_task("checking", total=None)
        ends_here = stream is None
        stream = stream or FindingStream()

        def begun(probes: int) -> None:
            """Give the bar its length."""
            bar.update(task, total=probes)

        def seen(evidence: Evidence, findings: tuple[Finding, ...]) -> None:
            """Move the bar on, and print what is bad."""
            bar.update(task, advance=1, description=f"{evidence.target} {evidence.probe}")
            if evidence.is_late_by_us:  # that may be our own waiting, which is judged at the end
                stream.held.update(finding.target for finding in findings if finding.severity.is_bad)
                return
            for finding in stream.pass_on(findings):
                if finding.severity is FindingSeverity.CRITICAL:
                    bar.console.print(_line(finding))
                else:
                    stream.waiting.append(finding)

        def waits() -> None:
            """Say why nothing is found yet."""
            text = "The same targets are already being probed; waiting for that to end, at most 10 s"
            bar.console.print(text, style="dim")

        yield Watch(begun=begun, evidence=seen, waits=waits)
    if ends_here and stream.waiting:
        console.print(*map(_line, stream.waiting), sep="\n")


class FindingStream:
    """Passes on what is wrong as it is found, at the first few targets; of the others it keeps the names.

    What is less than critical is `waiting` until everything is collected: then the worst stands first.
    """

    def __init__(self, most: int = MOST_ALONE) -> None:
        self._most = most
        self._manners: dict[str, set[Manner]] = {}
        self.held: set[str] = set()
        self.waiting: list[Finding] = []

    def pass_on(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Yield findings to be printed now: bad ones, and no second sign of the same fact.

        Whether what was not seen again is over, the other targets show.
        """
        for finding in findings:
            if not finding.severity.is_bad or _may_be_over(finding):
                continue
            known = self._manners.get(finding.target)
            if known is None and len(self._manners) >= self._most:
                self.held.add(finding.target)
                continue
            known = self._manners.setdefault(finding.target, set())
            manner = catalogue()[finding.id].manner
            if manner and any(manner in Manner(each).follow for each in known):
                continue
            known.update(filter(None, (manner,)))
            yield finding


def _line(finding: Finding) -> Table:
    return _group_line(Group(findings=(finding,)))


def _group_line(group: Group) -> Table:
    finding = group.first
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=8, no_wrap=True)
    grid.add_column(min_width=10, max_width=18)
    grid.add_column(ratio=1, overflow="fold")
    style = STYLES[finding.severity]
    grid.add_row(
        Text(finding.severity.value, style=style),
        Text(group.about, style="bold"),
        Text(_without_target(group.title, finding.target)),
    )
    return grid


def _without_target(title: str, target: str) -> str:
    """Return a title for a line that already names the target.

    >>> _without_target("cache was started", "cache"), _without_target("the log is empty", "cache")
    ('Was started', 'The log is empty')
    """
    return headline(plain(title).removeprefix(f"{target} "))


def _may_be_over(finding: Finding) -> bool:
    """Return whether it was not seen again, and is not known to be over."""
    return finding.holds is Holds.UNKNOWN and finding.until is not None


def print_findings(console: Console, analysis: Analysis) -> None:
    """Print the findings that need attention, the worst first; those of one event at many targets as one."""
    for group in grouped(f for f in apart_from_events(analysis) if f.severity.is_bad):
        console.print(_group_line(group))


def print_derived(
    console: Console, case: Case, held: Collection[str] = (), waiting: Sequence[Finding] = ()
) -> None:
    """Print what was held back while it was found, and what comes of no single probe, the worst first.

    That is what rises over time, and how much is not as normal.
    """
    bad = [finding for finding in case.analysis.findings if finding.severity.is_bad]
    late = [f for f in apart_from_events(case.analysis) if f.severity.is_bad and f.target in held]
    alone = [*waiting]
    alone += (f for f in bad if f.id.startswith("trend.") or (_may_be_over(f) and f.target not in held))
    groups = [*grouped(late), *(Group(findings=(finding,)) for finding in {f.ref: f for f in alone}.values())]
    for group in sorted(groups, key=lambda group: group.first.severity.rank):
        console.print(_group_line(group))
    unlike = sum(finding.id.startswith("baseline.") for finding in bad)
    if unlike:
        console.print(f"and {format_count(unlike, 'difference')} from the baseline:", style="dim")
        now = (f"{case.commands.incident}/{case.snapshot}",) if case.folder else ()
        print_command(console, case.commands.line("diff", "baseline", *now))


def print_analysis(console: Console, case: Case, *, verbose: bool) -> None:
    """Print what was concluded: counts, what is unknown, changes, and the hypotheses to try first."""
    analysis = case.analysis
    console.print(_counts(analysis, len(case.evidence)))
    if verbose:
        console.print(*(_line(f) for f in analysis.findings if not f.severity.is_bad), sep="\n")
    elif unknown := _not_assessed(analysis):
        console.print(unknown)
    if recovered := _recovered(analysis):
        console.print(recovered)
    if changes := _changes(case):
        console.print(changes)
    console.print(_hypotheses(case, verbose=verbose))
    if analysis.hypotheses:
        _print_similar(console, case)


def _print_similar(console: Console, case: Case) -> None:
    exclude = case.incident.id if case.incident else ""
    similar = similar_incidents(
        case.settings.incidents, case.analysis, case.topology, exclude, deadline_seconds=_SIMILAR_SECONDS
    )
    for past in similar.found[:1]:
        ended = (past.resolution.reason, *past.resolution.mitigations, past.resolution.cause)
        ended_by = "; ".join(part for part in ended if part) or "how it was resolved was not recorded"
        console.print(labelled("Like", f"{past.incident}: {ended_by}"))


def print_short(console: Console, case: Case, command: Sequence[str] = ()) -> None:
    """Print what a tired reader needs last on the screen: the verdict, the first action, what to type.

    `command` is typed where no action is proposed. In a large incident all of it fits on a small screen.
    """
    analysis = case.analysis
    for first in analysis.hypotheses[:1]:
        console.print(Text("\nIn short", style="bold"))
        severity, reason = propose_severity(analysis, case.topology)
        declared = case.incident.severity if case.incident else None
        differs = "" if declared in {None, severity} else f" (declared {declared}; a person decides)"
        console.print(labelled("Severity", f"{severity} by the measurements{differs}: {reason}"))
        console.print(labelled("Top cause", first.title))
        for finding in findings_named(first.support, first.target, analysis.findings, case.topology)[:1]:
            shown = f" ({finding.evidence[0]})" if finding.evidence else ""
            console.print(labelled("Because", f"{_of_target(finding)}{shown}"))
        if first.first_action:
            console.print(labelled("First action", first.first_action))
    proposed = proposed_actions(analysis, case.settings)[:_PROPOSALS] if case.incident else ()
    for action in proposed:
        console.print(labelled("Suggested", f"{action.text}:"))
        print_command(console, command_of(action, case.commands))
    if case.incident and analysis.hypotheses:
        for missing in what_is_missing(analysis, case.settings)[:1]:
            console.print(labelled("Missing", missing))
    if command and not proposed:
        print_command(console, case.commands.line(*command))


def print_unkept(console: Console, why: str) -> None:
    """Print why nothing was kept."""
    console.print(f"\nThe snapshot is not kept: {plain(why)}", style="yellow", markup=False, soft_wrap=True)


def collect(
    settings: Settings,
    since: str,
    folder: IncidentFolder | None,
    console: Console,
    *,
    deadline_seconds: float | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> tuple[Case, str]:
    """Return what was seen, printed as it was found, and why the incident could not keep it.

    `meanwhile` is called once most probes have answered: those that are left mostly wait.
    """

    def unkept(why: str) -> None:
        """Print why it goes on without keeping anything."""
        text = f"{plain(why)}. Collecting anyway; the snapshot is not kept ..."
        console.print(text, style="yellow", markup=False, soft_wrap=True)

    # What is only assumed to be here is no fault before it is known whether any of it is.
    stream = FindingStream(MOST_ALONE if settings.path else 0)
    try:
        with watching(console, stream) as watch:
            case, why = collect_case(
                settings,
                since,
                folder,
                _calling(watch, meanwhile) if meanwhile else watch,
                deadline_seconds=deadline_seconds,
                unkept=unkept,
            )
    except BaseException:  # interrupted: what was found until then is printed all the same
        console.print(*map(_line, stream.waiting), sep="\n")
        raise
    print_derived(console, case, stream.held, stream.waiting)
    return case, why


def _calling(watch: Watch, meanwhile: Callable[[], None]) -> Watch:
    """Return the watch, which calls `meanwhile` once most probes have answered."""
    left: list[int] = []

    def begun(probes: int) -> None:
        """Count how many are to answer before that."""
        left[:] = [max(1, round(_MOST_PROBES * probes))]
        watch.begun(probes)

    def seen(evidence: Evidence, findings: tuple[Finding, ...]) -> None:
        """Pass it on, and call at the right one."""
        watch.evidence(evidence, findings)
        left[0] -= 1
        if left[0] == 0:
            meanwhile()

    return replace(watch, begun=begun, evidence=seen)


def _counts(analysis: Analysis, probes: int) -> Text:
    counts: dict[FindingSeverity, int] = defaultdict(int)
    for finding in analysis.findings:
        counts[finding.severity] += 1
    text = Text("\n")
    for severity in FindingSeverity:
        text.append(
            f"{counts[severity]} {severity.value.lower()}  ", STYLES[severity] if counts[severity] else "dim"
        )
    return text.append(f"from {probes} probes", "dim")


def _not_assessed(analysis: Analysis) -> Table | None:
    if not analysis.not_assessed:
        return None
    table = _grid("Not assessed (unknown, not OK)")
    entries = [
        msgspec.structs.replace(gap, reason=_without_probe(gap.reason)) for gap in analysis.not_assessed
    ]
    for targets, probes, reason in by_reason(entries):
        which = probes[0] if len(probes) == 1 else f"{probes[0]} and {len(probes) - 1} more"
        about = targets[0] if len(targets) == 1 else format_count(len(targets), "target")
        names = f" ({some_of(targets)})" if len(targets) > 1 else ""
        table.add_row(Text(about, style="bold"), Text(plain(f"{which}: {reason}{names}")))
    return table


def _without_probe(reason: str) -> str:
    """Return a reason without the probe it names, so that what failed with that probe stands in its line.

    >>> _without_probe("postgres.connection failed: 127.0.0.1:5432/shop: Connection refused")
    '127.0.0.1:5432/shop: Connection refused'
    """
    return _FAILED.sub("", reason)


def _recovered(analysis: Analysis) -> Table | None:
    """Return what failed in the window, or in the snapshot before, and is well since; None without any."""
    past = [finding for finding in analysis.findings if finding.is_past]
    if not past:
        return None
    past.sort(key=lambda finding: (finding.target, finding.id))
    table = _grid("Recovered")
    for finding in past[:_RECOVERED]:
        title = plain(_without_target(finding.title, finding.target))
        table.add_row(Text(finding.target, style="bold"), Text(title))
    if len(past) > _RECOVERED:
        table.add_row("", Text(f"and {len(past) - _RECOVERED} more", style="dim"))
    return table


def _changes(case: Case) -> Table | None:
    changes = [(when, target, what, "") for when, target, what in case.changes]
    if case.onset:
        changes.append((case.onset, "", "trouble begins (from the logs)", "bold"))
    if not changes:
        return None
    table = _grid("Changes and onset")
    changes.sort()
    cut = len(changes) - _CHANGES
    if cut > 0:
        table.add_row(Text(""), Text(f"{cut} earlier events: see the timeline", style="dim"))
    for when, target, what, style in changes[-_CHANGES:]:
        text = f"{target}: {_without_target(what, target)}" if target else what
        table.add_row(Text(f"{when:%H:%M:%S}"), Text(text, style=style))
    return table


def _hypotheses(case: Case, *, verbose: bool) -> Stack | Text:
    analysis = case.analysis
    if not analysis.hypotheses:
        bad = any(finding.severity.is_bad for finding in analysis.findings)
        blind = f"; not assessed: {len(analysis.not_assessed)}, see above" if analysis.not_assessed else ""
        well = "Nothing is wrong anymore" if any(f.is_past for f in analysis.findings) else "Nothing is wrong"
        text = "No hypothesis is supported" if bad else f"{well} as far as can be seen"
        if nothing := nothing_here(analysis):  # a busy machine is not the stack, and says nothing of it
            return Text(f"\n{headline(nothing.title)}. {nothing.detail}", style="bold")
        if not bad and (failed := failed_at_unknown_time(analysis)):
            text = f"Requests to {failed.target} failed; whether they still do is unknown"
        return Text(f"\n{text}{blind}.", style="bold")
    causes = [each for each in analysis.hypotheses if not each.symptom_of.startswith(f"{EVERYTHING}:")]
    shown = analysis.hypotheses if verbose else tuple(causes[:_HYPOTHESES])
    rest = len(analysis.hypotheses) - len(shown)
    more = [Text(f"   and {rest} more, which -v shows", style="dim")] if rest else []
    return Stack(
        Text("\nMost likely", style="bold"),
        *(_hypothesis(hypothesis, case, verbose=verbose) for hypothesis in shown),
        *more,
    )


def _because(names: tuple[str, ...], hypothesis: Hypothesis, case: Case) -> str:
    """Return in words what speaks for or against a hypothesis: most for the first."""
    most = _REASONS if hypothesis.rank == 1 else _FEWER_REASONS
    named = findings_named(names, hypothesis.target, case.analysis.findings, case.topology)
    lines = [
        line
        for f in named[:most]
        for line in ([*f.detail.split("\n")] if f.target == EVERYTHING else [_of_target(f)])
    ]
    rest = max(0, len(named) - most)
    return "\n".join([*lines, f"and {rest} more"] if rest else lines)


def _of_target(finding: Finding) -> str:
    return f"{finding.target}: {_without_target(finding.title, finding.target)}"


def _hypothesis(hypothesis: Hypothesis, case: Case, *, verbose: bool) -> Stack:
    head = Text(f"{hypothesis.rank}. ", style="bold").append(plain(hypothesis.title), "bold")
    where = "" if hypothesis.target == EVERYTHING else f" · {hypothesis.target}"
    head.append(f"  {hypothesis.id}{where} · score {hypothesis.score:.2f}", "dim")
    table = Table.grid(padding=(0, 1))
    table.add_column(width=8, style="dim")
    table.add_column(ratio=1, overflow="fold")
    rows: tuple[tuple[str, str], ...] = (
        ("because", _because(hypothesis.support, hypothesis, case)),
        ("against", _because(hypothesis.against, hypothesis, case)),
        ("when", hypothesis.reason),
        ("check", hypothesis.next_check),
        ("do", hypothesis.first_action),
    )
    if hypothesis.alike and not verbose:
        rows = (("", hypothesis.reason),)
    for word, text in rows:
        if text:
            table.add_row(word, Text("\n".join(plain(line) for line in text.split("\n"))))
    return Stack(head, Padding(table, (0, 0, 0, 3)))


def _grid(title: str) -> Table:
    table = Table(
        title=Text(f"\n{title}", style="bold"),
        title_justify="left",
        box=None,
        show_header=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table
