"""The colours of charts by name: those of the pages, which give each a light and a dark value."""

from collections.abc import Mapping

INK, SOFT, LINE, FAINT = "#1b1f24", "#566069", "#e2e5e9", "#8a939c"
BAD, MARK, LIMIT = "#b3261e", "#8f4e00", "#6244b5"
SERIES = ("#2f6fb5", "#c4621b", "#2a8a5c", "#8a63c9", "#b0457a", "#6b7580")

# What a page calls each of them (templates/page/blocks.css); any other colour stays as it is in both schemes.
PROPERTIES: Mapping[str, str] = {
    INK: "--ink",
    SOFT: "--soft",
    LINE: "--line",
    FAINT: "--faint",
    BAD: "--critical",
    MARK: "--warning",
    LIMIT: "--unknown",
    "#ffffff": "--paper",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, 1)},
}

_NAMED: Mapping[str, str] = {
    "bad": BAD,
    "rest": FAINT,
    **{f"s{number}": colour for number, colour in enumerate(SERIES, 1)},
}


def colour(name: str) -> str:
    """Return a colour by the short name that bars give it: "s1" to "s6", "bad", "rest"."""
    return _NAMED[name]
