"""How severe an incident is, as far as measurements tell. A person confirms it; in doubt the worse one."""

import re
from html import escape

from incident_lib.display.block import Block
from incident_lib.investigation.case import Case
from incident_lib.investigation.severity import propose_severity
from incident_lib.units import format_duration


def severity(case: Case) -> Block:
    """Return the severity that the measurements suggest, with the reason, beside the declared one."""
    suggested, reason = propose_severity(case.analysis, case.topology)
    said = f"{suggested.value} is proposed: {reason}"
    declared = case.incident.severity if case.incident else None
    within, every = (
        re.sub(r" 0[hms]$", "", format_duration(one.total_seconds()))
        for one in (suggested.respond_within, suggested.update_every)
    )
    note = f"{suggested.impact}; respond within {within}, update every {every}."
    differs = declared is not None and declared is not suggested
    beside = f" Declared is {declared.value}; a person decides." if declared and differs else ""
    html = f'<p class="iw-verdict">{escape(said)}</p><p class="iw-why">{escape(note + beside)}</p>'
    return Block(html, said)
