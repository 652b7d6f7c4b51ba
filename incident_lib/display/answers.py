"""Answers to the questions of the notebooks that rest on conclusions: findings, hypotheses, scope, time."""

import os
from datetime import datetime
from html import escape

from incident_lib import clock
from incident_lib.display.block import Block
from incident_lib.investigation.case import Case
from incident_lib.model import Finding, FindingSeverity
from incident_lib.plots.moments import plot_moments
from incident_lib.reports import blocks, index_page
from incident_lib.units import format_count, format_duration

_MOST_LOG_LINES = 400


def verdict(case: Case) -> Block:
    """Return the answer in one sentence, with how much was found and how much could not be seen."""
    said = index_page.verdict(case.analysis)
    window = f"{case.window.start:%H:%M:%S} to {case.window.end:%H:%M:%S} UTC"
    asked = len(case.evidence)
    seen = sum(one.has_rows for one in case.evidence)
    html = (
        f'<p class="iw-verdict">{escape(said)}</p>{blocks.tally(case.analysis.findings)}'
        f'<p class="iw-why">Looked at {window}; {seen} of {format_count(asked, "probe")} saw something.</p>'
    )
    return Block(html, said)


def findings(case: Case, *prefixes: str) -> Block:
    """Return findings as cards, the worst first; `prefixes` picks technologies: "postgres", "redis"."""
    found = case.findings(*prefixes)
    return Block(blocks.findings(found), format_count(len(found), "finding"))


def hypotheses(case: Case) -> Block:
    """Return the ranked hypotheses with what speaks for and against each, and what to do."""
    return Block(
        blocks.hypotheses(case.analysis, case.topology), f"{len(case.analysis.hypotheses)} hypotheses"
    )


def not_assessed(case: Case, *prefixes: str) -> Block:
    """Return what could not be seen, and why: unknown, which is never ok."""
    entries = [one for one in case.analysis.not_assessed if one.probe.startswith(prefixes or ("",))]
    return Block(blocks.not_assessed(entries), f"{format_count(len(entries), 'probe')} saw nothing")


def timeline(case: Case) -> Block:
    """Return what happened: the onset, changes, and what people recorded."""
    told = list(index_page.moments(case.events, case.changes, case.onset))
    plot = plot_moments(case.window, case.onset, case.changes)
    return Block(plot + blocks.timeline(told), format_count(len(told), "moment"))


def onset(case: Case) -> Block:
    """Return since when it is broken, and which changes came shortly before."""
    began = case.onset or min((one.since for one in _bad(case) if one.since), default=None)
    if began is None:
        said = "Nothing says when it began: no finding with a time, and no onset in the logs."
        return Block(blocks.note(said, kind="unknown"), said)
    source = "from the logs" if case.onset else "the earliest finding; the logs show no onset"
    said = f"Since {clock.format_time(began)} ({source})"
    lines = "".join(f"<li>{escape(_against(moment, began))}: {escape(target)}, {escape(what)}</li>"
                    for moment, target, what in case.changes)  # fmt: skip
    changed = f'<ul class="iw-actions">{lines}</ul>' if lines else blocks.note("No change was found.")
    return Block(f'<p class="iw-verdict">{escape(said)}</p>{changed}', said)


def scope(case: Case) -> Block:
    """Return each target with its worst finding and who needs it: how far the trouble reaches."""
    names = dict.fromkeys((*case.topology.kinds, *(one.target for one in case.analysis.findings)))
    rows = "".join(_scope(case, name) for name in names)
    html = (
        '<div class="iw-scroll"><table class="iw-table"><thead><tr><th>target</th><th>kind</th><th>worst</th>'
        f"<th>findings</th><th>needed by</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
    return Block(html, format_count(len(names), "target"))


def next_steps(case: Case) -> Block:
    """Return where to look next, and when those who wait are to hear something."""
    lines = [f"{one.title}: {one.next_check}" for one in case.analysis.hypotheses[:3] if one.next_check]
    lines += [
        f"see notebook {one}" for one in dict.fromkeys(h.notebook for h in case.analysis.hypotheses) if one
    ]
    if case.incident and case.incident.next_update_at:
        lines.append(f"the next status update is due at {clock.format_time(case.incident.next_update_at)}")
    items = "".join(f"<li>{escape(one)}</li>" for one in lines) + _runbook(case)
    return Block(
        f'<ol class="iw-actions">{items}</ol>' if items else blocks.note("Nothing is left to check."), "next"
    )


def _runbook(case: Case) -> str:
    """Return the item that leads to the section of the runbook that fits the first hypothesis."""
    if not case.analysis.hypotheses:
        return ""
    first = case.analysis.hypotheses[0]
    path = case.settings.root / case.settings.document.workbench.runbooks / f"{first.target}-runbook.md"
    if not path.is_file() or case.folder is None:
        return f"<li>no runbook of {escape(first.target)} yet: incident runbook {escape(first.target)}</li>"
    pages = case.folder.path / "runs" / "one" / "html"  # every page of a run is as deep as this
    href = f"{os.path.relpath(path, pages)}#{first.id}"
    return f'<li>runbook: <a href="{escape(href)}">{escape(path.name)}, {escape(first.id)}</a></li>'


def log(case: Case, service: str, *, contains: str = "", most: int = _MOST_LOG_LINES) -> Block:
    """Return the last lines of a service's log excerpt, those that contain a text in any case."""
    lines = [line for line in case.log_lines(service) if contains.lower() in line.lower()]
    if not lines:
        return Block(blocks.note(f"The snapshot holds no such line of {service}."), "no line")
    cut = blocks.note(f"The last {most} of {len(lines)} lines.", kind="warning") if len(lines) > most else ""
    return Block(
        f'{cut}<pre class="iw-log">{escape("".join(lines[-most:]))}</pre>', format_count(len(lines), "line")
    )


def _scope(case: Case, name: str) -> str:
    found = [one for one in case.analysis.findings if one.target == name]
    worst = worst_of(case).get(name, FindingSeverity.UNKNOWN)
    users = ", ".join(sorted(case.topology.users(name))) or "nobody that is configured"
    return (
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(case.topology.kinds.get(name, ""))}</td>'
        f'<td class="iw-{worst.lower()}">{blocks.severity(worst)}</td><td>{blocks.tally(found)}</td>'
        f"<td>{escape(users)}</td></tr>"
    )


def worst_of(case: Case) -> dict[str, FindingSeverity]:
    """Return the worst severity of each target that has findings."""
    worst: dict[str, FindingSeverity] = {}
    for one in case.analysis.findings:
        if one.target not in worst or one.severity.rank < worst[one.target].rank:
            worst[one.target] = one.severity
    return worst


def _bad(case: Case) -> list[Finding]:
    return [one for one in case.analysis.findings if one.severity.is_bad]


def _against(moment: datetime, began: datetime) -> str:
    seconds = (began - moment).total_seconds()
    side = "before" if seconds >= 0 else "after"
    return f"{moment:%H:%M:%S}, {format_duration(abs(seconds))} {side}"
