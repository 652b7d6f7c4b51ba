"""Answers to the questions of the notebooks that rest on conclusions: findings, hypotheses, scope, time."""

import os
import re
from datetime import datetime
from html import escape

from incident_lib import clock
from incident_lib.display.block import Block
from incident_lib.investigation.case import Case
from incident_lib.investigation.severity import propose_severity
from incident_lib.model import FindingSeverity
from incident_lib.plots.moments import plot_moments
from incident_lib.reports import blocks, index_page
from incident_lib.reports.attachments import render_attached
from incident_lib.units import format_count, format_duration

_MOST_LOG_LINES = 400


def verdict(case: Case) -> Block:
    """Return the answer in one sentence, with how much was found and how much could not be collected."""
    answer = index_page.verdict(case.analysis)
    window = f"{case.window.start:%H:%M:%S} to {case.window.end:%H:%M:%S} UTC"
    with_data = sum(evidence.has_rows for evidence in case.evidence)
    probes = format_count(len(case.evidence), "probe")
    carried = f" Carried over: {case.carried_words}." if case.carried else ""
    html = (
        f'<p class="iw-verdict">{escape(answer)}</p>{blocks.tally(case.analysis.findings)}'
        f'<p class="iw-why">Window {window}; {with_data} of {probes} returned data.{carried}</p>'
    )
    return Block(html, answer)


def findings(case: Case, *prefixes: str) -> Block:
    """Return findings as cards, the worst first; `prefixes` picks technologies: "postgres", "redis"."""
    found = case.findings(*prefixes)
    return Block(blocks.findings(found), format_count(len(found), "finding"))


def hypotheses(case: Case) -> Block:
    """Return the ranked hypotheses with support, counter-evidence and what to do."""
    return Block(
        blocks.hypotheses(case.analysis, case.topology), f"{len(case.analysis.hypotheses)} hypotheses"
    )


def not_assessed(case: Case, *prefixes: str) -> Block:
    """Return what could not be judged, and why: unknown, which is never ok."""
    entries = [entry for entry in case.analysis.not_assessed if entry.probe.startswith(prefixes or ("",))]
    return Block(blocks.not_assessed(entries), f"{format_count(len(entries), 'probe')} not assessed")


def timeline(case: Case) -> Block:
    """Return what happened: the onset, changes, and what people recorded."""
    moments = list(index_page.moments(case.events, case.changes, case.onset))
    plot = plot_moments(case.window, case.onset, case.changes)
    return Block(plot + blocks.timeline(moments), format_count(len(moments), "moment"))


def onset(case: Case) -> Block:
    """Return since when it is broken, and which changes came shortly before it."""
    since = (finding.since for finding in case.analysis.findings if finding.severity.is_bad and finding.since)
    began = case.onset or min(since, default=None)
    if began is None:
        answer = "The start is unknown: no finding has a time, and the logs show no onset."
        return Block(blocks.note(answer, kind="unknown"), answer)
    source = "from the logs" if case.onset else "the earliest finding; the logs show no onset"
    answer = f"Since {clock.format_time(began)} ({source})"
    lines = "".join(f"<li>{escape(_against(moment, began))}: {escape(target)}, {escape(what)}</li>"
                    for moment, target, what in case.changes)  # fmt: skip
    changed = f'<ul class="iw-actions">{lines}</ul>' if lines else blocks.note("No change was found.")
    return Block(f'<p class="iw-verdict">{escape(answer)}</p>{changed}', answer)


def scope(case: Case) -> Block:
    """Return each target with its worst finding and what needs it: how far the trouble reaches."""
    names = dict.fromkeys((*case.topology.kinds, *(finding.target for finding in case.analysis.findings)))
    rows = "".join(_scope(case, name) for name in names)
    words = ("target", "kind", "worst", "findings", "needed by")
    head = "".join(f'<th scope="col">{word}</th>' for word in words)
    table = (
        f'<table class="iw-table"><caption>How far it reaches</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )
    return Block(blocks.scroll(table, "Affected services"), format_count(len(names), "target"))


def severity(case: Case) -> Block:
    """Return the severity that the measurements suggest and why, next to the declared one.

    A person confirms it; in doubt the worse one.
    """
    suggested, reason = propose_severity(case.analysis, case.topology)
    proposal = f"{suggested.value} is suggested: {reason}"
    declared = case.incident.severity if case.incident else None
    within, every = (
        re.sub(r" 0[hms]$", "", format_duration(interval.total_seconds()))
        for interval in (suggested.respond_within, suggested.update_every)
    )
    note = f"{suggested.impact}; respond within {within}, update every {every}."
    if declared and declared is not suggested:
        note += f" Declared is {declared.value}; a person decides."
    html = f'<p class="iw-verdict">{escape(proposal)}</p><p class="iw-why">{escape(note)}</p>'
    return Block(html, proposal)


def next_steps(case: Case) -> Block:
    """Return what to check next, and when the next status update is due."""
    ranked = case.analysis.hypotheses
    lines = [f"{likely.title}: {likely.next_check}" for likely in ranked[:3] if likely.next_check]
    lines += [f"see notebook {name}" for name in dict.fromkeys(each.notebook for each in ranked) if name]
    if case.incident and case.incident.next_update_at:
        lines.append(f"the next status update is due at {clock.format_time(case.incident.next_update_at)}")
    items = "".join(f"<li>{escape(line)}</li>" for line in lines) + _runbook(case)
    return Block(
        f'<ol class="iw-actions">{items}</ol>' if items else blocks.note("There is nothing left to check."),
        "next",
    )


def _runbook(case: Case) -> str:
    """Return the item that leads to the section of the runbook that fits the first hypothesis."""
    if not case.analysis.hypotheses:
        return ""
    first = case.analysis.hypotheses[0]
    if first.target not in case.topology.kinds:  # one event at many targets
        return ""
    path = case.settings.root / case.settings.document.workbench.runbooks / f"{first.target}-runbook.md"
    if not path.is_file() or case.folder is None:
        line = case.commands.line("runbook", first.target)
        return f"<li>{blocks.command(f'no runbook of {first.target} yet:', line)}</li>"
    pages = case.folder.path / "runs" / "any" / "html"  # every page of a run is as deep as this
    href = f"{os.path.relpath(path, pages)}#{first.id}"
    return f'<li>runbook: <a href="{escape(href)}">{escape(path.name)}, {escape(first.id)}</a></li>'


def attachments(case: Case) -> Block:
    """Return what people attached to the incident: pictures, the first rows of tables, with the reasons."""
    found = case.attached
    html = (
        render_attached(found) if found else blocks.note("Nothing is attached; use case.attach(thing, why).")
    )
    return Block(html, format_count(len(found), "attachment"))


def log(case: Case, service: str, *, contains: str = "", most: int = _MOST_LOG_LINES) -> Block:
    """Return the last lines of a service's log excerpt, those that contain a text in any case."""
    lines = [line for line in case.log_lines(service) if contains.lower() in line.lower()]
    if not lines:
        why = case.unknown_target(service)
        missing = f"The snapshot has no such line of {service}{f': {why}' if why else '.'}"
        return Block(blocks.note(missing), "no line")
    cut = blocks.note(f"The last {most} of {len(lines)} lines.", kind="warning") if len(lines) > most else ""
    return Block(
        f'{cut}<pre class="iw-log" tabindex="0">{escape("".join(lines[-most:]))}</pre>',
        format_count(len(lines), "line"),
    )


def _scope(case: Case, name: str) -> str:
    of_target = [finding for finding in case.analysis.findings if finding.target == name]
    worst = worst_of(case).get(name, FindingSeverity.UNKNOWN)
    users = ", ".join(sorted(case.topology.users(name))) or "no configured service"
    return (
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(case.topology.kinds.get(name, ""))}</td>'
        f'<td class="iw-{worst.lower()}">{blocks.severity(worst)}</td><td>{blocks.tally(of_target)}</td>'
        f"<td>{escape(users)}</td></tr>"
    )


def worst_of(case: Case) -> dict[str, FindingSeverity]:
    """Return the worst severity of each target that has findings."""
    worst: dict[str, FindingSeverity] = {}
    for finding in case.analysis.findings:
        if finding.target not in worst or finding.severity.rank < worst[finding.target].rank:
            worst[finding.target] = finding.severity
    return worst


def _against(moment: datetime, began: datetime) -> str:
    seconds = (began - moment).total_seconds()
    side = "before" if seconds >= 0 else "after"
    return f"{moment:%H:%M:%S}, {format_duration(abs(seconds))} {side}"
