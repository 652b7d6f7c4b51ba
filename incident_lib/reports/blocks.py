"""Findings, hypotheses and the rest as HTML: the same blocks in notebooks, in their pages and in the index.

Everything that comes from evidence or from people is escaped here.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from urllib.parse import quote

from msgspec.structs import replace

from incident_lib import clock
from incident_lib.hypotheses import findings_named
from incident_lib.incident.files import evidence_file
from incident_lib.model import (
    EVERYTHING,
    Analysis,
    Evidence,
    Finding,
    FindingSeverity,
    Hypothesis,
    NotAssessed,
)
from incident_lib.model.topology import Topology
from incident_lib.reports.groups import apart_from_events, by_reason, headline
from incident_lib.units import format_count, format_duration, some_of

NOTHING = (
    "Nothing was found that points to a cause. What could not be checked is listed under “Not assessed”."
)
_UNCONNECTED = Topology()
_MOST_SOURCES = 8  # statements of a probe that are shown; they differ where they name their target
_LONGEST_ANSWER = 160


def findings(found: Sequence[Finding], *, target: bool = True, level: int = 4) -> str:
    """Return cards, the worst first; INFO and OK are folded. `level`: of their headings."""
    ordered = _ordered(found)
    cards = _gathered(
        each for each in ordered if each.severity not in {FindingSeverity.INFO, FindingSeverity.OK}
    )
    past = [each for each in ordered if each.is_past]
    notes = [each for each in ordered if each.severity is FindingSeverity.INFO and not each.is_past]
    passed = [each for each in ordered if each.severity is FindingSeverity.OK]
    if not ordered:
        return note("No findings: nothing was checked here.")
    well = "" if cards else ", nothing wrong"
    quiet = format_count(len(passed), "check")
    return (
        f'<div class="iw-findings">{"".join(finding(card, target=target, level=level) for card in cards)}'
        f"{_folded(past, f'{len(past)} recovered, healthy since', 'iw-noted', target=target)}"
        f"{_folded(notes, f'{len(notes)} worth knowing', 'iw-noted', target=target)}"
        f"{_folded(passed, f'{quiet} passed{well}', 'iw-passed', target=target)}</div>"
    )


def finding(found: Finding, *, target: bool = True, level: int = 4) -> str:
    """Return a finding as a card, with links to the evidence that it rests on."""
    about = f'<span class="iw-target">{escape(found.target)}</span>' if target else ""
    until = f", not seen since {_time(found.until)}" if found.until else ""
    since = f'<span class="iw-since">since {_time(found.since)}{until}</span>' if found.since else ""
    actions = "".join(f"<li>{escape(action.text)}</li>" for action in found.actions)
    proposed = f'<ul class="iw-actions">{actions}</ul>' if actions else ""
    links = ", ".join(f'<a href="#{evidence_anchor(ref)}">{escape(ref)}</a>' for ref in found.evidence[:4])
    basis = f'<p class="iw-basis">Evidence: {links}</p>' if links else ""
    return (
        f'<article class="iw-finding iw-{found.severity.lower()}" id="{anchor(found)}">'
        f'<div class="iw-line">{severity(found.severity)}{about}'
        f'<h{level} class="iw-title">{escape(headline(found.title))}</h{level}>{since}</div>'
        f"{_detail(found.detail)}{proposed}{basis}</article>"
    )


def basis(found: Sequence[Finding]) -> str:
    """Return findings in one line each, with links to their cards and to the evidence that shows them."""
    items = "".join(
        f'<li><span class="iw-target">{escape(each.target)}</span> '
        f'<a href="#{anchor(each)}">{escape(headline(each.title))}</a>{_shown_by(each)}</li>'
        for each in found
    )
    return f'<div class="iw-refs"><span>Because</span><ul>{items}</ul></div>' if items else ""


def _shown_by(found: Finding) -> str:
    links = ", ".join(f'<a href="#{evidence_anchor(ref)}">{escape(ref)}</a>' for ref in found.evidence[:2])
    return f' <small class="iw-basis">evidence: {links}</small>' if links else ""


def without_dead_links(html: str, elsewhere: str = "") -> str:
    """Return a page whose links to what is not on it lead to the page `elsewhere`; to nothing without one.

    >>> without_dead_links('<p id="a"></p><a href="#a">x</a><a href="#b">y</a>', "index.html")
    '<p id="a"></p><a href="#a">x</a><a href="index.html#b">y</a>'
    """
    names = set(_NAMES.findall(html))
    other = '<a href="{}#{}"' if elsewhere else "<a"

    def followed(link: re.Match[str]) -> str:
        """Return the link with an address that exists."""
        return link[0] if link[1] in names else other.format(elsewhere, link[1])

    return _LINK.sub(followed, html)


def anchor(found: Finding) -> str:
    """Return the name by which links reach a finding: what it is and of which target, in every run."""
    return escape(found.ref.replace(" ", "_"))


def evidence_anchor(ref: str) -> str:
    """Return the name by which links reach a piece of evidence.

    >>> evidence_anchor("db/postgres.locks")
    'evidence-db/postgres.locks'
    """
    return escape(f"evidence-{ref}".replace(" ", "_"))


def scroll(table: str, label: str) -> str:
    """Return a table in a frame that is moved sideways where it is too wide, also by keys."""
    return f'<div class="iw-scroll" tabindex="0" role="group" aria-label="{escape(label)}">{table}</div>'


_NAMES = re.compile(r'\bid="([^"<>]+)"')
_LINK = re.compile(r'<a href="#([^"<>]+)"')
_ID = re.compile(r'(<[a-z][\w-]*\s[^<>]*?\bid=")([^"<>]+)(")')


def unique_ids(html: str) -> str:
    """Return a page in which each name for links stands once: what has it a second time gets a number.

    >>> unique_ids('<p id="a">x</p><p id="a">y</p>')
    '<p id="a">x</p><p id="a--2">y</p>'
    """
    seen: dict[str, int] = {}

    def numbered(match: re.Match[str]) -> str:
        """Return the tag with a name of its own."""
        name = match[2]
        seen[name] = seen.get(name, 0) + 1
        return match[0] if seen[name] == 1 else f"{match[1]}{name}--{seen[name]}{match[3]}"

    return _ID.sub(numbered, html)


def severity(value: FindingSeverity) -> str:
    """Return the label of a finding's severity; the word is always there, not the colour alone."""
    return f'<span class="iw-severity">{escape(value.value.capitalize())}</span>'


def by_target(analysis: Analysis) -> str:
    """Return the findings under their targets, the target with the worst first."""
    groups: dict[str, list[Finding]] = {}
    for each in _ordered(analysis.findings):
        groups.setdefault(each.target, []).append(each)
    if not groups:
        return note("No findings: nothing was checked.")
    well = [
        name for name, found in groups.items() if all(each.severity is FindingSeverity.OK for each in found)
    ]
    shared = analysis.covered
    alone = {finding.target for finding in apart_from_events(analysis) if finding.severity.is_bad}
    many = [name for name in groups if name in shared and name not in alone]
    html = "".join(
        f'<section class="iw-group"><h3>{escape(target)} {tally(found)}</h3>'
        f"{findings(found, target=False)}</section>"
        for target, found in groups.items()
        if target not in well and target not in many
    )
    html += _together([each for name in many for each in groups[name]], many)
    passed = [each for name in well for each in groups[name]]
    label = (
        f"{', '.join(escape(name) for name in well)}: {format_count(len(passed), 'check')} passed, "
        "nothing wrong"
    )
    return html + _folded(passed, label, "iw-passed", target=True)


def _together(found: Sequence[Finding], targets: Sequence[str]) -> str:
    """Return what an event at many targets stands for, folded: a line for each finding."""
    if not found:
        return ""
    bad = [each for each in found if each.severity.is_bad]
    items = "".join(
        f'<li id="{anchor(each)}">{severity(each.severity)} {_line(each, target=True, more=False)}</li>'
        for each in bad
    )
    names, count = escape(some_of(targets)), format_count(len(targets), "target")
    return (
        f'<section class="iw-group"><h3>{count} of one event {tally(found)}</h3>'
        f'<details class="iw-noted"><summary>{names}</summary><ul>{items}</ul></details></section>'
    )


def tally(found: Iterable[Finding]) -> str:
    """Return how many findings there are of each severity, without those that are none."""
    counts = dict.fromkeys(FindingSeverity, 0)
    for each in found:
        counts[each.severity] += 1
    return (
        '<span class="iw-tally">'
        + "".join(
            f'<span class="iw-{level.lower()}">{number} {escape(level.lower())}</span>'
            for level, number in counts.items()
            if number
        )
        + "</span>"
    )


def hypotheses(
    analysis: Analysis, topology: Topology = _UNCONNECTED, *, most: int = 5, level: int = 4
) -> str:
    """Return the ranked hypotheses: for, against, what to check, what to do first."""
    if not analysis.hypotheses:
        return note(NOTHING)
    causes = [each for each in analysis.hypotheses if not each.symptom_of.startswith(f"{EVERYTHING}:")]
    later = [*causes[most:], *(each for each in analysis.hypotheses if each not in causes)]
    shown, rest = (
        "".join(hypothesis(each, analysis, topology, level=level) for each in part)
        for part in (causes[:most], later)
    )
    more = f"<details><summary>{len(later)} more</summary>{rest}</details>" if rest else ""
    return f'<div class="iw-hypotheses">{shown}{more}</div>'


def hypothesis(ranked: Hypothesis, analysis: Analysis, topology: Topology, *, level: int = 4) -> str:
    """Return a hypothesis as a card. The score orders, it is no probability: drawn, not written."""
    width = round(max(0.0, min(1.0, ranked.score)) * 100)
    steps = "".join(
        f"<div><dt>{label}</dt><dd>{escape(text)}</dd></div>"
        for label, text in (("First action", ranked.first_action), ("Next check", ranked.next_check))
        if text
    )
    reason = f'<p class="iw-detail">{escape(headline(ranked.reason))}</p>' if ranked.reason else ""
    kind = f'<span class="iw-kind">{escape(topology.kinds.get(ranked.target, ""))}</span>'
    support, against = (
        findings_named(names, ranked.target, analysis.findings, topology)
        for names in (ranked.support, ranked.against)
    )
    bar = (
        '<svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="100" height="6" class="iw-track"/>'
        f'<rect width="{width}" height="6" class="iw-bar"/></svg>'
    )
    return (
        f'<article class="iw-hypothesis" id="{hypothesis_anchor(ranked)}">'
        f'<div class="iw-rank" title="rank; the bar shows the order, not a '
        f'probability">{ranked.rank}{bar}</div>'
        f'<div class="iw-body"><div class="iw-line"><span class="iw-target">{escape(ranked.target)}</span>'
        f'{kind}<h{level} class="iw-title">{escape(ranked.title)}</h{level}>'
        f'<code class="iw-id">{escape(ranked.id)}</code></div>'
        f"{reason}"
        f'<dl class="iw-steps">{steps}</dl>'
        f"{refs('For', support)}{refs('Against', against)}</div></article>"
    )


def hypothesis_anchor(ranked: Hypothesis) -> str:
    """Return the name by which links reach a hypothesis: what it is and of which target, in every run."""
    return escape(f"hypothesis-{ranked.target}:{ranked.id}".replace(" ", "_"))


def evidence(collected: Sequence[Evidence], folder: str) -> str:
    """Return evidence by probe: what each target answered, the file, and the statement that was sent.

    `folder`: of the snapshot, as links reach it.
    """
    probes: dict[str, list[Evidence]] = {}
    for each in collected:
        probes.setdefault(each.probe, []).append(each)
    return "".join(_probe(name, held, folder) for name, held in probes.items())


def _probe(name: str, held: Sequence[Evidence], folder: str) -> str:
    sources = dict.fromkeys(each.source for each in held)
    sent = "".join(f'<pre tabindex="0">{escape(source)}</pre>' for source in list(sources)[:_MOST_SOURCES])
    rest = len(sources) - _MOST_SOURCES
    more = note(f"{rest} more in the files.") if rest > 0 else ""
    rows = "".join(
        f'<tr id="{evidence_anchor(each.ref)}"><th scope="row">{escape(each.target)}</th>'
        f"<td>{escape(_fate(each))}</td><td>{_time(each.collected_at)}</td>"
        f'<td class="iw-number">{escape(format_duration(each.duration_seconds))}</td>'
        f'<td><a href="{escape(_file(folder, each.ref))}">file</a></td></tr>'
        for each in held
    )
    heads = "".join(
        f'<th scope="col">{word}</th>'
        for word in ("target", "answer", "queried at (UTC)", "took", "evidence")
    )
    table = (
        f'<table class="iw-table"><caption>{escape(name)}, by target</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )
    return (
        f'<section class="iw-evidence" id="probe-{escape(name)}"><h3>{escape(name)}</h3>{scroll(table, name)}'
        f"<details><summary>what was sent</summary>{sent}{more}</details></section>"
    )


def _file(folder: str, ref: str) -> str:
    return quote(evidence_file(Path(folder), ref).as_posix(), safe="/.-_~")


def _fate(each: Evidence) -> str:
    if each.problem:
        return f"{each.status.value.lower()}: {each.problem.message}"[:_LONGEST_ANSWER]
    return format_count(len(each.rows), "record")


def as_table(found: Sequence[Finding]) -> str:
    """Return findings as one table, which the page's script searches, sorts and groups."""
    rows = "".join(
        f'<tr><td class="iw-{each.severity.lower()}">{severity(each.severity)}</td>'
        f"<td>{escape(each.target)}</td>"
        f"<td>{escape(each.id)}</td><td>{_time(each.since) if each.since else ''}</td>"
        f'<td class="iw-prose">{escape(headline(each.title))}</td></tr>'
        for each in _ordered(found)
    )
    heads = (("severity", ""), ("target", ""), ("kind", ""), ("since (UTC)", "minute"))
    head = "".join(f'<th scope="col" data-group="{group}">{word}</th>' for word, group in heads)
    return scroll(
        f'<table class="iw-table"><caption>All findings</caption><thead><tr>{head}'
        f'<th scope="col">what</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>",
        "All findings",
    )


def not_assessed(entries: Sequence[NotAssessed]) -> str:
    """Return what could not be judged, by target and reason: unknown, which is never ok."""
    if not entries:
        return note("Every probe returned data.", kind="ok")
    rows = "".join(
        f'<tr><th scope="row">{escape(", ".join(targets))}</th><td>{escape(reason)}</td>'
        f'<td class="iw-probes">{escape(", ".join(probes))}</td></tr>'
        for targets, probes, reason in by_reason(entries)
    )
    heads = "".join(f'<th scope="col">{word}</th>' for word in ("target", "why", "probes"))
    return scroll(
        f'<table class="iw-table"><caption>Not assessed</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table>",
        "Not assessed",
    )


def timeline(moments: Iterable[tuple[datetime, str, str]]) -> str:
    """Return what happened, in order: moment, kind (`onset`, `change`, `declared`, ...), text."""
    items = "".join(
        f'<li class="iw-{escape(kind)}">{_time(moment)}<span class="iw-kind">{escape(kind)}</span>'
        f"<span>{escape(text)}</span></li>"
        for moment, kind, text in sorted(moments)
    )
    return f'<ol class="iw-timeline">{items}</ol>' if items else note("No changes are known.")


def refs(label: str, found: Sequence[Finding]) -> str:
    """Return the findings `For` or `Against` something, each with its target; "" for none."""
    items = "".join(
        f'<li><span class="iw-target">{escape(each.target)}</span> '
        f'<a href="#{anchor(each)}">{escape(headline(each.title))}</a></li>'
        if each.target != EVERYTHING
        else "".join(f"<li>{escape(line)}</li>" for line in (headline(each.title), *each.detail.split("\n")))
        for each in found
    )
    return (
        f'<div class="iw-refs iw-{label.lower()}"><span>{label}</span><ul>{items}</ul></div>' if items else ""
    )


def command(text: str, line: str) -> str:
    """Return a proposed command behind what it is for; however it is wrapped, one line is copied."""
    return f'<p class="iw-command">{escape(text)} <code tabindex="0">{escape(line)}</code></p>'


def note(text: str, *, kind: str = "info") -> str:
    """Return one sentence that stands where a table or card would."""
    return f'<p class="iw-note iw-{kind}">{escape(text)}</p>'


def _gathered(found: Iterable[Finding]) -> list[Finding]:
    """Return findings; what is UNKNOWN of a target for the same reason becomes a single one that counts."""
    groups: dict[tuple[str, str] | str, list[Finding]] = {}
    for each in found:
        unknown = each.severity is FindingSeverity.UNKNOWN
        groups.setdefault((each.target, each.title) if unknown else each.ref, []).append(each)
    return [_gather(group) for group in groups.values()]


def _gather(group: list[Finding]) -> Finding:
    if len(group) == 1:
        return group[0]
    probes = ", ".join(each.probe for each in group)
    details = [each.detail for each in group if each.detail][:1]
    return replace(group[0], detail="\n".join([*details, f"{format_count(len(group), 'check')}: {probes}"]))


def _ordered(found: Iterable[Finding]) -> list[Finding]:
    return sorted(found, key=lambda each: (each.severity.rank, each.target, each.id))


def _folded(found: Sequence[Finding], label: str, css: str, *, target: bool) -> str:
    if not found:
        return ""
    items = "".join(
        f'<li id="{anchor(each)}">{_line(each, target=target, more=css == "iw-noted")}</li>' for each in found
    )
    return f'<details class="{css}"><summary>{label}</summary><ul>{items}</ul></details>'


def _line(found: Finding, *, target: bool, more: bool) -> str:
    about = f"<b>{escape(found.target)}</b> " if target else ""
    detail = f'<span class="iw-more">{escape(found.detail)}</span>' if more and found.detail else ""
    return f"{about}{escape(headline(found.title))}{detail}"


def _detail(text: str) -> str:
    """Return a finding's detail; more than three lines are folded behind the first two."""
    lines = text.splitlines()
    if len(lines) <= 3:
        return f'<p class="iw-detail">{escape(text)}</p>' if text else ""
    head, rest = escape("\n".join(lines[:2])), escape("\n".join(lines[2:]))
    more = f'<details><summary>{len(lines) - 2} more lines</summary><p class="iw-detail">{rest}</p></details>'
    return f'<p class="iw-detail">{head}</p>{more}'


def _time(moment: datetime) -> str:
    return (
        f'<time datetime="{moment.isoformat()}" title="{clock.format_time(moment)}">{moment:%H:%M:%S}</time>'
    )
