"""Numbers of cards and bank accounts -> where they stand, known by their check digits.

They are looked for apart from the tokens of vendors: a log may hold columns of numbers, and each must cost
little.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from incident_lib.expressions import expression

# What ends with a letter or digit and yet is no part of the word behind it: escapes and colours.
ESCAPE = (
    r"\\[abfnrtv0]|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}|(?:\x1b|\\u001b|\\x1b)\[[0-9;]{0,12}m"
)
_APART = r"[ -]|%20|\+|\xc2\xa0"
_CARD = (
    r"(?:(?P<run>[2-6][0-9]{11,18})(?![0-9A-Za-z_]|\.[0-9])"
    rf"|(?P<groups>[2-68][0-9]{{3}}(?P<between>{_APART})[0-9]{{4}}(?P=between)[0-9]{{4}}(?:(?P=between)[0-9]{{4}}){{0,2000}}"
    rf"(?:(?P=between)[0-9]{{1,3}})?|3[0-9]{{3}}(?P<amex>{_APART})[0-9]{{6}}(?P=amex)[0-9]{{4,5}})(?![0-9A-Za-z]))"
)
_ACCOUNT = r"(?P<account>[A-Z]{2}[0-9]{2}(?:(?:[ -]|\xc2\xa0|%20|\+)?[0-9A-Z]{1,4}){3,9})"
_FRONTS = (r"(?=[A-Z\d])(?<![0-9A-Za-z])", f"(?:{ESCAPE})")
_CARDS = tuple(expression((front + _CARD).encode("latin-1")) for front in _FRONTS)
_ACCOUNTS = tuple(expression((front + _ACCOUNT).encode("latin-1")) for front in _FRONTS)
# What one of them has, for an engine that is quick where there is none.
_BEGUN = (
    rf"[2-6][0-9]{{11}}|[2-68][0-9]{{3}}(?:{_APART})[0-9]{{4}}(?:{_APART})[0-9]{{4}}|3[0-9]{{3}}(?:{_APART})[0-9]{{6}}(?:{_APART})"
    r"|[A-Z]{2}[0-9]{2}(?:[ -]|\xc2\xa0|%20|\+)?[0-9A-Z]{4}(?:[ -]|\xc2\xa0|%20|\+)?[0-9A-Z]{4}"
)
_LONGEST_ESCAPE = 20
_ESCAPING = (b"%", b"\\", b"\x1b")
_NEAR = 80  # characters in front of a number in which its name may stand
_IN_NUMBER = expression(rb"(?:[0-9][.-]|[0-9a-f]{4}-)\Z")
_COUNTER = expression(
    rb"(?:trace|span|parent|stamp|time|ts|epoch|offset|lsn|seq|sequence|nanos?|micros?|duration|bytes|size"
    rb"|version|inode|xid|hash|checksum|total|count)"
    rb"(?:[ _.-]?(?:id|no|number|ns|us|ms))?[\"']{0,2}\s?[:=]?\s?[\"']?\Z",
    re.IGNORECASE,
)
_CARD_NAME = expression(rb"card|visa|maestro|unionpay|(?:\b|_)(?:pan|cc)(?:\b|_)|payment", re.IGNORECASE)
_DOUBLED = bytes.maketrans(b"0123456789", bytes(48 + sum(divmod(2 * digit, 10)) for digit in range(10)))
_LETTERS = {letter: str(number) for number, letter in enumerate(range(ord("A"), ord("Z") + 1), 10)}
_WIDTH = 4  # digits of most groups


class Accounts:
    """Finds the numbers of cards that these issuers make, and of accounts in these countries.

    `cards`: name of an issuer -> "4 51-55 : 16", its beginnings and lengths; `accounts`: length -> countries.
    """

    def __init__(self, cards: dict[str, str], accounts: dict[str, str]) -> None:
        self._issuers: list[tuple[int, int, int, frozenset[int], bool]] = []
        self._made: dict[tuple[bytes, bool], frozenset[int]] = {}
        for name, line in cards.items():
            beginnings, _, lengths = line.partition(" : ")
            for beginning in beginnings.split():
                low, _, high = beginning.partition("-")
                many = frozenset(int(length) for length in lengths.split())
                self._issuers.append((len(low), int(low), int(high or low), many, name.startswith("rare-")))
        self._lengths = {
            country.encode(): int(length) for length, names in accounts.items() for country in names.split()
        }

    def spans(self, data: bytes) -> Iterator[tuple[int, int, str]]:
        """Yield begin, end and family of the numbers, in any order."""
        fronts = 2 if any(sign in data for sign in _ESCAPING) else 1
        place = 0
        while begun := _begun().search(data, place):
            first = max(place, begun.start() - _LONGEST_ESCAPE)
            place = data.find(b"\n", begun.end())
            place = len(data) if place < 0 else place
            for pattern in _CARDS[:fronts]:
                for match in pattern.finditer(data, first, place):
                    yield from self._of_card(data, match)
            for pattern in _ACCOUNTS[:fronts]:
                for match in pattern.finditer(data, first, place):
                    yield from self._of_account(data, match)

    def _of_card(self, data: bytes, match: re.Match[bytes]) -> Iterator[tuple[int, int, str]]:
        if (digits := match["run"]) is not None:
            if not _adds_up(digits):
                return
            begin = match.start("run")
            front = data[max(0, begin - _NEAR) : begin].rpartition(b"\n")[2]
            if _IN_NUMBER.search(front) or _COUNTER.search(front):
                return
            if len(digits) in self._issued(digits[:4], rare=bool(_CARD_NAME.search(front))):
                yield begin, match.end("run"), "card"
        elif not _IN_NUMBER.search(data[max(0, match.start("groups") - 5) : match.start("groups")]):
            yield from self._of_groups(match)

    def _of_groups(self, match: re.Match[bytes]) -> Iterator[tuple[int, int, str]]:
        """Yield the cards in a row of groups of digits, which may begin at any of them."""
        between = match["between"] or match["amex"]
        groups = match["groups"].split(between)
        starts = [match.start("groups")]
        for group in groups:
            starts.append(starts[-1] + len(group) + len(between))
        sums = [_luhn(group) if len(group) == _WIDTH else -1 for group in groups]
        last = len(groups) - 1
        number = 0
        while number < last:
            issued = self._issued(groups[number], rare=True)
            many = 0
            if issued and number + 4 >= last:
                many = self._at_the_end(groups, number)
            elif 16 in issued and sum(sums[number : number + 4]) % 10 == 0:
                many = 4
            elif 12 in issued and sum(sums[number : number + 3]) % 10 == 0:
                many = 3
            if many:
                yield starts[number], starts[number + many] - len(between), "card"
            number += many or 1

    def _at_the_end(self, groups: list[bytes], number: int) -> int:
        """Return how many of the last groups, of any width, make up a card that begins at this one; or 0."""
        for many in range(len(groups) - number, 0, -1):
            digits = b"".join(groups[number : number + many])
            if len(digits) in self._issued(digits[:4], rare=True) and _adds_up(digits):
                return many
        return 0

    def _issued(self, begin: bytes, *, rare: bool) -> frozenset[int]:
        """Return the lengths of the cards that begin with these four digits."""
        key = begin, rare
        if key not in self._made:
            self._made[key] = frozenset(
                length
                for many, low, high, lengths, is_rare in self._issuers
                if low <= int(begin[:many]) <= high and (rare or not is_rare)
                for length in lengths
            )
        return self._made[key]

    def _of_account(self, data: bytes, match: re.Match[bytes]) -> Iterator[tuple[int, int, str]]:
        """Yield an account's number, as long as its country's are, whose check digits are right."""
        written = match["account"]
        length = self._lengths.get(written[:2])
        if not length:
            return
        signs = written.replace(b"%20", b"").translate(None, b" -+\xc2\xa0")[:length]
        if len(signs) < length:
            return
        number = (signs[4:] + signs[:4]).decode("ascii").translate(_LETTERS)
        if int(number) % 97 != 1:
            return
        begin = end = match.start("account")
        rest = length
        while rest:
            if data.startswith(b"%20", end):
                end += 3
                continue
            rest -= data[end : end + 1].isalnum()
            end += 1
        if not data[end : end + 1].isalnum():
            yield begin, end, "iban"


@lru_cache(maxsize=1)
def _begun() -> Any:
    """Return what finds whether there may be a number at all; RE2 has no types."""
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    return re2.compile(_BEGUN.encode("latin-1"), options)


@lru_cache(maxsize=10_000)
def _luhn(digits: bytes) -> int:
    """Return what four digits of a card add to its sum."""
    return sum(digits[1::2]) + sum(digits[::2].translate(_DOUBLED)) - 192


def _adds_up(digits: bytes) -> bool:
    """Return whether the last digit is the right one (Luhn)."""
    return (sum(digits[::-2]) + sum(digits[-2::-2].translate(_DOUBLED)) - 48 * len(digits)) % 10 == 0
