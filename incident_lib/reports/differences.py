"""What differs between two snapshots, as texts, as a table and as one self-contained page."""

from collections.abc import Sequence
from html import escape

from markupsafe import Markup

from incident_lib import clock
from incident_lib.model import FindingSeverity
from incident_lib.model.difference import Comparison, Difference
from incident_lib.reports import blocks
from incident_lib.reports.page import environment
from incident_lib.units import format_value

# Put before the name of what differs, where the name alone does not say what it is.
_KINDS = {
    "baseline.exceptions": "new error: ",
    "baseline.templates": "new in the log: ",
    "baseline.settings": "setting ",
    "baseline.disk": "disk ",
}
CONCLUDED = ("finding.", "hypothesis.")  # ids of what is no measurement
_WORDS = {FindingSeverity.OK: "Better", FindingSeverity.INFO: "Changed", FindingSeverity.WARNING: "Worse"}
_MOST = 200


def name(difference: Difference) -> str:
    """Return what differs, in words."""
    return _KINDS.get(difference.id, "") + difference.what


def measured(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Return what was measured differently than before, in its order."""
    return tuple(difference for difference in differences if not difference.id.startswith(CONCLUDED))


def concluded(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Return what was concluded differently than before: hypotheses, then findings, in their order."""
    conclusions = [difference for difference in differences if difference.id.startswith(CONCLUDED)]
    return tuple(sorted(conclusions, key=lambda difference: difference.id != "hypothesis.rank"))


def change(difference: Difference) -> str:
    """Return how a conclusion changed, in words."""
    if difference.id == "finding.new":
        return "new"
    if difference.id == "finding.gone":
        return "gone" if difference.now is not None else "not seen now"
    return f"{format_value(difference.now, '')}, was {format_value(difference.before, '')}"


def hint(difference: Difference) -> str:
    """Return how the change is to be read, in a word."""
    return _WORDS.get(difference.severity, difference.severity.value.capitalize())


def summary(differences: Sequence[Difference]) -> str:
    """Return in one sentence how much differs; never "the same" for what was not collected."""
    counts = {
        word: sum(difference.severity in severities for difference in differences)
        for word, severities in (
            ("worse", {FindingSeverity.CRITICAL, FindingSeverity.WARNING}),
            ("changed", {FindingSeverity.INFO}),
            ("better or as expected", {FindingSeverity.OK}),
            ("not comparable", {FindingSeverity.UNKNOWN}),
        )
    }
    parts = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    return parts or "Nothing differs in what was compared"


def table(differences: Sequence[Difference], *, most: int = _MOST) -> str:
    """Return the differences as a table, in their order; a cut is marked."""
    rows = "".join(_row(difference) for difference in differences[:most])
    rest = len(differences) - most
    cut = blocks.note(f"{rest} more not shown.") if rest > 0 else ""
    words = (
        ("change",)
        if all(difference.id.startswith(CONCLUDED) for difference in differences)
        else ("before", "now")
    )
    head = "".join(f'<th scope="col">{word}</th>' for word in ("severity", "target", "what", *words))
    shown = (
        f'<table class="iw-table iw-diff"><caption>Differences</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )
    return blocks.scroll(shown, "Differences") + cut


def sections(differences: Sequence[Difference], *, most: int = _MOST) -> str:
    """Return what is worse or changed as a table; what is better and what is unknown is folded."""
    seen = [
        difference
        for difference in differences
        if difference.severity not in {FindingSeverity.OK, FindingSeverity.UNKNOWN}
    ]
    better = [difference for difference in differences if difference.severity is FindingSeverity.OK]
    unknown = [difference for difference in differences if difference.severity is FindingSeverity.UNKNOWN]
    first = (
        table(seen, most=most) if seen else blocks.note("Nothing is worse in what was compared.", kind="ok")
    )
    return (
        first
        + _folded(unknown, "could not be compared: one side has no data")
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
            summary=summary(comparison.differences),
            measured=Markup(sections(measured(comparison.differences))),  # noqa: S704 - escaped where it is made
            concluded=Markup(sections(concluded(comparison.differences))),  # noqa: S704 - the same
        )
    )


def _folded(differences: Sequence[Difference], label: str) -> str:
    if not differences:
        return ""
    return f"<details><summary>{len(differences)} {escape(label)}</summary>{table(differences)}</details>"


def _row(difference: Difference) -> str:
    refs = ", ".join(dict.fromkeys((*difference.evidence_before, *difference.evidence_now)))
    if difference.id.startswith(CONCLUDED):
        values = f'<td class="iw-change">{escape(change(difference))}</td>'
    else:
        values = "".join(
            f"<td>{escape(format_value(value, difference.unit))}</td>"
            for value in (difference.before, difference.now)
        )
    return (
        f'<tr class="iw-{difference.severity.lower()}" title="{escape(refs)}">'
        f'<td><span class="iw-severity">{escape(hint(difference))}</span></td>'
        f'<th scope="row">{escape(difference.target)}</th><td>{escape(name(difference))}</td>{values}</tr>'
    )
