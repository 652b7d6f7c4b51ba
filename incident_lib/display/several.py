"""What several probes of one technology saw, in one answer."""

from html import escape

from incident_lib.display.block import Block
from incident_lib.display.tables import table
from incident_lib.investigation.case import Case
from incident_lib.reports import blocks
from incident_lib.units import format_count


def several(case: Case, *probes: str, most: int = 20) -> Block:
    """Return what each of the probes saw, one below the other; a probe that nobody asked is left out."""
    asked = [probe for probe in probes if case.of(probe)]
    if not asked:
        return Block(blocks.note(f"No target was asked for {', '.join(probes)}."), "nothing to ask")
    parts = [f"<h4>{escape(probe)}</h4>{table(case, probe, most=most).html}" for probe in asked]
    return Block("".join(parts), format_count(len(asked), "probe"))
