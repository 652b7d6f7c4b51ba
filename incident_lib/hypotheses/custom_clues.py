"""The probes of a team as clues of the causes that they name: pure."""

from collections.abc import Iterable

import msgspec

from incident_lib.config import OwnProbe
from incident_lib.hypotheses.patterns import Pattern

# The probe may look at what is to blame, at what needs it, or at what it needs.
_SEEN_FROM = ("", "users:", "needs:")


def with_custom_clues(patterns: tuple[Pattern, ...], probes: Iterable[OwnProbe]) -> tuple[Pattern, ...]:
    """Return `patterns` in which a probe past its limit speaks for, or against, the causes it names.

    It adds to a cause that other clues hold; it never makes one by itself.

    >>> with_custom_clues((), ())
    ()
    """
    known = tuple(probes)
    return tuple(_with(pattern, known) for pattern in patterns)


def _with(pattern: Pattern, probes: tuple[OwnProbe, ...]) -> Pattern:
    support = [clue for probe in probes if pattern.id in probe.supports for clue in _clues(probe)]
    against = [clue for probe in probes if pattern.id in probe.refutes for clue in _clues(probe)]
    if not support and not against:
        return pattern
    return msgspec.structs.replace(
        pattern, support=(*pattern.support, *support), against=(*pattern.against, *against)
    )


def _clues(probe: OwnProbe) -> list[str]:
    what = "high" if probe.bad == "above" else "low"
    return [f"{relation}{probe.name}.{what}" for relation in _SEEN_FROM]
