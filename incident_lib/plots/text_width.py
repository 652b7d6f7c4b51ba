"""How much room a text takes, without asking for a font: readers have different ones."""

FONT_SIZE = 11.5  # of a page's stylesheet (blocks.css)
_NARROW, _WIDE = frozenset("ijlIt.,:;'|!()[]f/ "), frozenset("mwMW@%")


def text_width(words: str, size: float = FONT_SIZE) -> float:
    """Return about how wide a text is in a sans-serif font, rather more than less.

    >>> text_width("14:36", 10) < text_width("WWWWW", 10)
    True
    """
    return size * sum(map(_share, words))


def _share(letter: str) -> float:
    if letter in _NARROW:
        return 0.32
    if letter in _WIDE:
        return 0.92
    return 0.8 if not letter.isascii() else 0.7 if letter.isupper() else 0.58
