"""How often something costly is tried in a text: a flood of it takes time in proportion to the length."""


class Allowance:
    """So many times in any text, and once more for so many characters of it.

    >>> allowance = Allowance(free=2, characters_each=100)
    >>> [allowance.take(place) for place in (0, 1, 2, 3, 250)]
    [True, True, False, False, True]
    """

    def __init__(self, *, free: int, characters_each: int) -> None:
        self._left, self._free, self._each, self._place = float(free), free, characters_each, 0

    def take(self, place: int) -> bool:
        """Return whether it may be tried once more, at `place`; places come in order."""
        self._left = min(self._left + (place - self._place) / self._each, self._free)
        self._place = place
        if self._left < 1:
            return False
        self._left -= 1
        return True
