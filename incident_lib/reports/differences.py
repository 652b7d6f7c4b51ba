"""What differs between two snapshots, as texts, as a table and as one self-contained page."""

from collections.abc import Sequence
from html import escape

from markupsafe import Markup

from incident_lib import clock
from incident_lib.model import FindingSeverity
from incident_lib.model.difference import Comparison, Difference, Value
from incident_lib.plots.values import UNKNOWN, show
from incident_lib.reports import blocks
from incident_lib.reports.page import environment

# What a kind of difference is called; the same words in the terminal and in pages.
_KINDS = {
    "baseline.latency": "latency",
    "baseline.errors": "error rate",
    "baseline.connections": "connections",
    "baseline.memory": "memory",
    "baseline.host_memory": "memory",
    "baseline.files": "open files",
    "baseline.disk": "disk",
    "baseline.certificate": "certificate",
    "baseline.templates": "new in the log",
    "baseline.exceptions": "new error",
    "baseline.settings": "setting",
    "baseline.version": "version",
    "baseline.scans": "whole tables read",
    "baseline.unknown": "not compared",
    "finding.new": "new finding",
    "finding.gone": "finding gone",
    "finding.severity": "finding",
    "hypothesis.rank": "hypothesis",
}
_WORDS = {FindingSeverity.OK: "Better", FindingSeverity.INFO: "Changed", FindingSeverity.WARNING: "Worse"}
_MOST = 200


def kind(one: Difference) -> str:
    """Return what kind of difference it is, in words."""
    return _KINDS.get(one.id, one.name)


def hint(one: Difference) -> str:
    """Return how the change is to be taken, in a word."""
    return _WORDS.get(one.severity, one.severity.value.capitalize())


def spell(value: Value, unit: str) -> str:
    """Return one side of a difference as people read it.

    >>> spell(None, "seconds"), spell(0.25, "seconds"), spell(0.5, "ratio"), spell(2.25, "days")
    ('unknown', '250 ms', '50.0 %', '2.2 days')
    """
    if value is None:
        return UNKNOWN
    if unit == "days" and not isinstance(value, str):
        return f"{value:.1f} days"
    return show(f"value_{unit}" if unit else "", value)


def summary(comparison: Comparison) -> str:
    """Return in one sentence how much differs; never "the same" for what was not seen."""
    counts = {
        word: sum(one.severity in severities for one in comparison.differences)
        for word, severities in (
            ("worse", {FindingSeverity.CRITICAL, FindingSeverity.WARNING}),
            ("changed", {FindingSeverity.INFO}),
            ("better or as expected", {FindingSeverity.OK}),
            ("not comparable", {FindingSeverity.UNKNOWN}),
        )
    }
    told = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    return told or "Nothing differs in what was compared"


def table(differences: Sequence[Difference], *, most: int = _MOST) -> str:
    """Return the differences as a table, in their order; a cut is said."""
    if not differences:
        return blocks.note("Nothing differs in what was compared.", kind="ok")
    rows = "".join(_row(one) for one in differences[:most])
    rest = len(differences) - most
    cut = blocks.note(f"{rest} more are not shown here.") if rest > 0 else ""
    head = "".join(f"<th>{word}</th>" for word in ("", "target", "kind", "what", "before", "now"))
    return (
        '<div class="iw-scroll"><table class="iw-table"><thead><tr>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div>{cut}"
    )


def sections(differences: Sequence[Difference], *, most: int = _MOST) -> str:
    """Return what is worse or changed as a table; what is better and what is unknown is folded away."""
    seen = [one for one in differences if one.severity not in {FindingSeverity.OK, FindingSeverity.UNKNOWN}]
    better = [one for one in differences if one.severity is FindingSeverity.OK]
    unknown = [one for one in differences if one.severity is FindingSeverity.UNKNOWN]
    first = (
        table(seen, most=most) if seen else blocks.note("Nothing is worse in what was compared.", kind="ok")
    )
    return (
        first
        + _folded(unknown, "could not be compared: one side did not see it")
        + _folded(better, "better, or as expected")
    )


def render_page(comparison: Comparison) -> str:
    """Return the comparison as one HTML file that needs nothing else."""
    return (
        environment()
        .get_template("differences.html.j2")
        .render(
            before=comparison.before,
            now=comparison.now,
            times=[clock.format_time(side.collected_at) for side in (comparison.before, comparison.now)],
            summary=summary(comparison),
            content=Markup(sections(comparison.differences)),  # noqa: S704 - escaped where it is made
        )
    )


def _folded(differences: Sequence[Difference], label: str) -> str:
    if not differences:
        return ""
    return f"<details><summary>{len(differences)} {escape(label)}</summary>{table(differences)}</details>"


def _row(one: Difference) -> str:
    cells = (kind(one), one.what, spell(one.before, one.unit), spell(one.now, one.unit))
    refs = ", ".join(dict.fromkeys((*one.evidence_before, *one.evidence_now)))
    return (
        f'<tr class="iw-{one.severity.lower()}" title="{escape(refs)}">'
        f'<td><span class="iw-severity">{escape(hint(one))}</span></td>'
        f'<th scope="row">{escape(one.target)}</th>'
        + "".join(f"<td>{escape(text)}</td>" for text in cells)
        + "</tr>"
    )
