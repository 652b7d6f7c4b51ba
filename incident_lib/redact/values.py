"""What stands under a secret's name -> whether it is a secret, or evidently none."""

import base64
import re
from itertools import pairwise

from incident_lib.expressions import expression
from incident_lib.redact.names import Strength
from incident_lib.redact.words import words

_ORDINARY = words("ordinary")  # what stands where a secret could
_FUNCTION_WORDS = words("function")
_PLACEHOLDER = expression(
    r"""\$\d+|\?|%s|%\(\w{0,60}\)s|%[sdv@]|:[A-Za-z_]\w{0,60}|\$\{[^}]{0,200}\}?|\$\([^)]{0,200}\)?|\$[A-Za-z_]\w{0,60}
    |<[^<>]{0,100}>|\{\{.{0,200}\}?\}?|\{[\w.!:]{0,60}\}|\*+|[xX]{3,}|\.{2,}|…|\#+|-+|_+|%[A-Z_]{1,60}%
    |(?:env|file|vault|ssm|op|secretsmanager|sm|gcpsm|keyring|cmd)://?[\w./@-]+|(?:env|file):[\w./-]+
    |@[\w./-]*|!\w+(?:\ .*)?|\[\w[\w\ -]{0,30}\]
    |(?i:your|insert|enter|put|add|replace|the)(?:[-_][a-z]+){1,5}
    |\((?:hidden|masked|redacted|none|empty|set)\)|&[\w-]+|''|""|\\[nrt]""",
    re.VERBOSE,
)
_PLACE_IN_CODE = expression(r"\(?[\w@./\\:~+-]{1,200}\.\w{1,8}:\d{1,6}(?::\d{1,6})?\)?")
_GENERATED = expression(  # by Kubernetes for an object: its end is of these alone
    r"[a-z][a-z\d]*(?:-[a-z][a-z\d]*){0,8}-(?:token|secret|dockercfg|key|cookie)-[bcdfghjklmnpqrstvwxz2-9]{5}"
)
_PATH = expression(
    r"(?:[a-z][\w.-]{0,60}:(?=/[\w.-]+/)|~|\.{1,2})?(?:/[\w.@+~-]{1,60})+/?"
    r"|[A-Za-z]:(?:\\{1,2}[\w. -]{1,60})+|(?:\.{0,2}/)"
)
_REFERENCE = expression(
    r"(?:self|cls|settings?|config|conf|cfg|os|env|environ|request|req|args?|opts?|options|params?|data|this|process"
    r"|ctx|context|user|body|form|kwargs|secrets|vars?|local|module|credentials|payload|obj|row|item|session)"
    r"(?:\.\w{1,60}|\[[^\]]{0,80}\])+(?:\(.*)?"
)
_CALL = expression(r"[A-Za-z_][\w.:]{0,80}\(([^)]*)")
_LITERAL = expression(r"['\"]([^'\"]*)['\"]")
_NUMBER = expression(r"[+-]?\d[\d_,]*(?:\.\d+)?\w{0,2}")
_TIME = expression(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?|\d\d:\d\d(?::\d\d.*)?")
_WORD = expression(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_HOST = expression(
    r"(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?|[a-z][a-z-]*\d{0,3}(?:\.[a-z][a-z-]*\d{0,3})+(?::\d{1,5})?|[a-z][a-z-]*\d{0,3}:\d{1,5}|[a-z]+(?:-[a-z]+)*"
)
MARK = expression(r"\[secret(?::[0-9A-Fa-f]{8})?\]")
_TRIM = " \t\r\n\"'`,;"
_SEPARATED = expression(r"[:.]|_.*_|^[a-z]{3,}-[a-z\d.]+-|^[a-z\d_-]+(?:/[a-z\d_-]+)+$")
_MIXED = 5  # letters and digits together from this length on look like a secret
_CONSONANTS = expression(r"[bcdfghjklmnpqrstvwxz]{5,}")  # that no word has in a row
_SHORT_FORMS = expression(r"https?|html|xml|css|sql|tls|ssl|dns|mqtt|grpc|xhr|jwt|ssh|json|lgth|ngths?")
_INNER_CAPITAL = expression(r"[a-z][A-Z]|[A-Z]{2}[a-z]")
_UNSPOKEN, _SPOKEN, _FEW_VOWELS = 10, 16, 0.22
_ALNUM, _HEX, _VOWELS = (
    expression(r"[^\W_]"),
    expression(r"[\da-fA-F]+", re.ASCII),
    expression(r"[aeiouy]"),
)
_RARE = frozenset((row[0], letter) for row in words("rare_pairs") for letter in row[1:])
_TELLING = 64  # letters of a value are enough
_MANY_RARE = 0.33  # of all pairs of letters: of words a twentieth, of drawn letters a half
_LONGEST_HUMP = 9  # letters of a word in AWordLikeThis, on average
_LONG = 20
# A capital begins a word: with the small letters behind it, it is one run.
_RUNS = expression(r"d+|u+l*|l+")
_SHORTEST_NUMBER = 6  # digits that may be a secret under a weak name


def is_secret(value: str, strength: Strength, *, plural: bool = False) -> bool:
    """Return whether what stands under a name of this strength is to be hidden."""
    bare = (MARK.sub("", value) if "[secret" in value else value).strip(_TRIM)
    if not _ALNUM.search(bare):
        return False
    if strength in {Strength.HEADER, Strength.COOKIE}:
        return _is_header_secret(bare, strength)
    if is_ordinary(bare):
        return False
    if strength is Strength.FAINT:
        return len(bare) >= _LONG and looks_random(bare) and not _SEPARATED.search(bare)
    if (bare[0].isdigit() or bare[0] in "+-") and _NUMBER.fullmatch(bare):
        digits = sum(letter.isdigit() for letter in bare)
        return not plural and digits >= (3 if strength is Strength.STRONG else _SHORTEST_NUMBER)
    return strength is Strength.STRONG or looks_secret(bare)


def is_ordinary(value: str) -> bool:
    """Return whether a value is evidently no secret: a word of a sentence, a placeholder, a path, code."""
    if value.lower().rstrip(".!:,)") in _ORDINARY:
        return True
    if value.isalnum() and value[0] not in "xX":
        return False  # none of the signs that all others have
    if _PLACEHOLDER.fullmatch(value):
        inner = value.strip("<>{}$%:()[]@!&")
        return not (looks_random(inner) and any(map(str.isdigit, inner)))
    if "-" in value and _GENERATED.fullmatch(value):
        return True
    is_path = ("/" in value or "\\" in value) and _PATH.fullmatch(value)
    if is_path and not any(looks_random(part) for part in re.split(r"[/\\]", value)):
        return True
    return _is_code_or_time(value) or (is_prose(value) and not _CALL.match(value))


def _is_code_or_time(value: str) -> bool:
    if (":" in value and _PLACE_IN_CODE.fullmatch(value)) or _REFERENCE.fullmatch(value):
        return True
    if value[:1].isdigit() and _TIME.fullmatch(value):
        return True
    call = _CALL.match(value) if "(" in value else None
    return call is not None and not any(map(looks_random, _LITERAL.findall(value[call.start(1) :])))


def is_prose(value: str) -> bool:
    """Return whether a text is a sentence about a secret, not one.

    >>> is_prose("This field is required."), is_prose("correct horse battery staple")
    (True, False)
    """
    parts = value.split()
    if len(parts) < 2:
        return False
    known = 0
    for word in parts:
        letters = word.strip(".,;:!?()[]\"'-\u2013\u2014")
        if not letters:
            continue
        if not _WORD.fullmatch(letters) and not (letters.isdigit() and len(letters) < 4):
            return False
        if len(letters) >= _UNSPOKEN and _INNER_CAPITAL.search(letters):
            return False
        known += letters.lower() in _FUNCTION_WORDS
    return known > 0


def looks_secret(value: str) -> bool:
    """Return whether a value looks like a secret, where its name says little."""
    if _HOST.fullmatch(value) or _TIME.fullmatch(value):
        return False
    letters = any(letter.isalpha() for letter in value)
    digits = any(letter.isdigit() for letter in value)
    if letters and digits:
        return len(value) >= _MIXED
    if not letters:
        return len(value) >= _SHORTEST_NUMBER and not _TIME.match(value)
    if looks_random(value):
        return True
    humps = sum(map(str.isupper, value[1:])) + 1
    return humps > 1 and value.isalpha() and len(value) >= _SPOKEN and len(value) / humps > _LONGEST_HUMP


def looks_random(value: str) -> bool:
    """Return whether letters were drawn: an identifier, a word or a version has long runs of one kind.

    >>> looks_random("kJ8s0vQz2LpX"), looks_random("orders-worker-2"), looks_random("AccessExclusiveLock")
    (True, False, False)
    """
    body = value.strip("=")
    if len(body) < 8 or (body[0].isdigit() and _TIME.match(body)) or _HOST.fullmatch(body):
        return False
    kinds = body.translate(_KIND_OF_ASCII) if body.isascii() else "".join(map(_kind, body))
    runs, has_digit = len(_RUNS.findall(kinds)), "d" in kinds
    if runs >= 4 and len(body) / runs < 4.0 and (has_digit or len(body) / runs < 2.5):
        return True
    if _INNER_CAPITAL.search(body) and _has_rare_pairs(body):
        return True
    is_mixed = has_digit or (body.lower() != body and body.upper() != body)
    if is_mixed and len(body) >= _UNSPOKEN and _is_unspeakable(_SHORT_FORMS.sub("", body.lower())):
        return True
    return len(body) >= _LONG and has_digit and not body.isdigit() and _HEX.fullmatch(body) is not None


def _kind(letter: str) -> str:
    return "d" if letter.isdigit() else "u" if letter.isupper() else "l" if letter.isalpha() else ""


_KIND_OF_ASCII = {number: _kind(chr(number)) for number in range(128)}


def _is_unspeakable(value: str) -> bool:
    """Return whether small letters make up no words: many consonants in a row, or few vowels in all."""
    is_long = len(value) >= _SPOKEN and value.isalnum()
    is_poor = is_long and len(_VOWELS.findall(value)) / len(value) < _FEW_VOWELS
    return is_poor or _CONSONANTS.search(value) is not None


def _has_rare_pairs(value: str) -> bool:
    """Return whether letters follow each other as in no words."""
    folded = _SHORT_FORMS.sub("", value[:_TELLING].lower())
    if len(folded) < _UNSPOKEN:
        return False
    pairs = [pair for pair in pairwise(folded) if pair[0].isalpha() and pair[1].isalpha()]
    return sum(pair in _RARE for pair in pairs) > _MANY_RARE * len(pairs)


def _is_header_secret(value: str, strength: Strength) -> bool:
    if strength is Strength.COOKIE:
        return "=" in value and not is_prose(value)
    parts = value.split()
    if len(parts) == 1:
        return not is_ordinary(value) and (looks_secret(value) or len(value) >= _LONG)
    is_schemed = parts[0].lower() in _SCHEMES and not is_ordinary(parts[1])
    if is_schemed and (len(parts) == 2 or looks_random(parts[1]) or _is_login(parts[1])):
        return True
    return not is_prose(value) and any(
        not is_ordinary(word) and len(word) >= 4 and not _WORD.fullmatch(word) for word in parts[1:]
    )


def _is_login(value: str) -> bool:
    """Return whether base64 holds a name and a password."""
    try:
        return b":" in base64.b64decode(value, validate=True)
    except ValueError:
        return False


_SCHEMES = frozenset({"basic", "bearer", "digest", "token", "negotiate", "apikey", "api-key", "key"})
