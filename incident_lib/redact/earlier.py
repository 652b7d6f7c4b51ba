"""What earlier lines say of later ones: headers of tables and lists, heads of blocks, statements.

A log is redacted in pieces, so what a piece leaves open goes along with the next.
"""

from collections.abc import Iterator

from incident_lib.redact.blocks import open_blocks, secrets_of_blocks
from incident_lib.redact.bound import is_open, secrets_of_bound, statements
from incident_lib.redact.lists import announced, secrets_of_lists
from incident_lib.redact.manifests import open_manifests, secrets_of_manifests
from incident_lib.redact.spans import Span
from incident_lib.redact.tables import secrets_of_tables, tables


def secrets_by_earlier_lines(before: str, text: str, folded: str) -> Iterator[Span]:
    """Yield the spans of secrets that a line further up gives away; it may stand in `before`."""
    both, all_folded = (before + text, before.lower() + folded) if before else (text, folded)
    spans = (
        *secrets_of_tables(both, all_folded),
        *secrets_of_bound(both, all_folded),
        *secrets_of_manifests(both),
        *secrets_of_lists(both, all_folded),
        *secrets_of_blocks(both),
    )
    for span in spans:
        if span.start >= len(before):
            yield span._replace(start=span.start - len(before), end=span.end - len(before))


def left_open(before: str, text: str) -> str:
    """Return the lines, of what came before and of the text, that the lines behind it need."""
    both = before + text
    folded = both.lower()
    if len(folded) != len(both):
        return ""
    kept = [
        (table.begin, both[table.begin : table.first])
        for table in tables(both, folded)
        if table.end >= len(both)
    ]
    kept += [
        (each.begin, both[each.begin : each.first])
        for each in announced(both, folded)
        if each.end >= len(both)
    ]
    kept += open_manifests(both)
    kept += open_blocks(both)
    for statement in statements(both, folded):
        if is_open(both, statement):
            line_end = both.find("\n", statement.end)
            kept.append((statement.begin, both[statement.begin : line_end + 1 or len(both)]))
    return "".join(lines for _, lines in sorted(kept)[-2:])
