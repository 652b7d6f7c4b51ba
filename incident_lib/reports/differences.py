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

# What stands before the name of what differs, where the name alone does not tell what it is.
_KINDS = {
    "baseline.exceptions": "new error: ",
    "baseline.templates": "new in the log: ",
    "baseline.settings": "setting ",
    "baseline.disk": "disk ",
}
CONCLUDED = ("finding.", "hypothesis.")  # ids of what is no measurement
_WORDS = {FindingSeverity.OK: "Better", FindingSeverity.INFO: "Changed", FindingSeverity.WARNING: "Worse"}
_MOST = 200


def name(one: Difference) -> str:
    """Return what differs, in words."""
    return _KINDS.get(one.id, "") + one.what


def measured(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Return what was measured otherwise than before, in its order."""
    return tuple(one for one in differences if not one.id.startswith(CONCLUDED))


def concluded(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Return what was concluded otherwise than before: hypotheses, then findings, in their order."""
    found = [one for one in differences if one.id.startswith(CONCLUDED)]
    return tuple(sorted(found, key=lambda one: one.id != "hypothesis.rank"))


def change(one: Difference) -> str:
    """Return how a conclusion changed, in words."""
    if one.id == "finding.new":
        return "new"
    if one.id == "finding.gone":
        return "gone" if one.now is not None else "not seen now"
    return f"{format_value(one.now, '')}, was {format_value(one.before, '')}"


def hint(one: Difference) -> str:
    """Return how the change is to be taken, in a word."""
    return _WORDS.get(one.severity, one.severity.value.capitalize())


def summary(differences: Sequence[Difference]) -> str:
    """Return in one sentence how much differs; never "the same" for what was not seen."""
    counts = {
        word: sum(one.severity in severities for one in differences)
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
    rows = "".join(_row(one) for one in differences[:most])
    rest = len(differences) - most
    cut = blocks.note(f"{rest} more are not shown here.") if rest > 0 else ""
    words = ("change",) if all(one.id.startswith(CONCLUDED) for one in differences) else ("before", "now")
    head = "".join(f"<th>{word}</th>" for word in ("", "target", "what", *words))
    return (
        '<div class="iw-scroll"><table class="iw-table iw-diff"><thead><tr>'
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
            summary=summary(comparison.differences),
            measured=Markup(sections(measured(comparison.differences))),  # noqa: S704 - escaped where it is made
            concluded=Markup(sections(concluded(comparison.differences))),  # noqa: S704 - the same
        )
    )


def _folded(differences: Sequence[Difference], label: str) -> str:
    if not differences:
        return ""
    return f"<details><summary>{len(differences)} {escape(label)}</summary>{table(differences)}</details>"


def _row(one: Difference) -> str:
    refs = ", ".join(dict.fromkeys((*one.evidence_before, *one.evidence_now)))
    if one.id.startswith(CONCLUDED):
        values = f'<td class="iw-change">{escape(change(one))}</td>'
    else:
        values = "".join(
            f"<td>{escape(format_value(value, one.unit))}</td>" for value in (one.before, one.now)
        )
    return (
        f'<tr class="iw-{one.severity.lower()}" title="{escape(refs)}">'
        f'<td><span class="iw-severity">{escape(hint(one))}</span></td>'
        f'<th scope="row">{escape(one.target)}</th><td>{escape(name(one))}</td>{values}</tr>'
    )
