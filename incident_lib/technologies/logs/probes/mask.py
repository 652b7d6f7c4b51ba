"""Text -> the same text with what varies masked: the lines of one statement of code become one template."""

import re

from incident_lib.expressions import expression

MARK = "<*>"
_LONGEST = 1_000  # characters of a message; what follows does not help to find the statement that wrote it
_WORDS, _WIDEST = 48, 400  # of a template: cut by words, so that long and short values give the same
_LONGEST_LIST = 120  # words
_CACHE_SIZE = 20_000

# In this order: quoted text, addresses and paths, the value of a key, then every word with a digit in it with
# its unit (numbers, times, ids, hex, addresses, versions): programs rarely vary their words by a digit.
_NAMED = (
    r"\"(?![A-Z]{3,7} /)[^\"\\]{0,400}+(?:\\.[^\"\\]{0,400}+){0,40}+\"|(?<![\w'])'[^']{0,400}'(?!\w)"
    r"|(?<![\w<])[~.]{0,2}(?:/[\w.@%+=:$~-]+){2,}/?"
    r"|(?<=[\w\]]=)(?:(?:\[[^\s\[\]]{1,80}\])+"
    r"|[^\s,;|&)\]}{\"']+(?:\{[^\s{}]{0,80}\}|(?<=\d) (?:[KMGTP]i?)?B\b)?)"
    r"|(?<!\w)[+-]?"
)
_NUMBER = (
    r"[A-Za-z_\u00aa-\uffff.:@$#%-]*+\d[\w.:@$#%-]*(?<![:.,-])"
    r"(?: (?:[KMGTP]i?B|B|[mun\u00b5]?s|secs?|min)\b)?"
)
_VARYING = expression(_NAMED + _NUMBER)
# Of `uid:1000` the word stays, and so does the name of a protocol that ends in a digit.
_VARYING_BEHIND_WORD = expression(
    rf"{_NAMED}(?!(?:[A-Za-z_]{{2,40}}(?::(?!:)|\.{{3}})|IP[Vv][46]\b|MD5\b|UTF-\d|SHA-?\d)){_NUMBER}"
)
_PROTOCOLS = ("IP", "MD5", "UTF", "SHA")
_PROTOCOLS_AS_ZEROS = ("IPv0", "IPV0", "MD0", "UTF-0", "SHA0", "SHA-0")
_ZEROS = str.maketrans("123456789", "000000000")
_KEEPING = expression(r"[A-Za-z_]:(?=[^\s:])|\.{3}|IP[Vv][46]|MD5|UTF-|SHA")
_BOOLEAN = expression(r"\b(?:true|false|True|False)\b")
_NOTHING = expression(r"(?:(?<=\w:)|(?<=\w[:=] )|(?<=\w[:=]  ))(?:null|None)\b")
_USER = expression(r"(?:(?<=for user )|(?<=by user )|(?<=of user )|(?<=invalid user ))[^\s,;:()\[\]]+")
_KINDS = ("service", "socket", "scope", "slice", "timer", "target", "mount")  # of units of systemd
_UNIT = expression(rf"(?<![\w.@\\-])[\w@\\-][\w.@:\\-]*\.(?:{'|'.join(_KINDS)})\b")
# What varies too, masked before the rest and searched only where a text has these characters.
_RARE = (
    ("://", expression(r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,15}://[^\s\"'<>,;)\]]+")),
    (" =", expression(r"(?:(?<= = )|(?<= =  )|(?<= =)(?=\w))[^\s,;|&)\]}\"']+")),
    (" HTTP/", expression(r"(?<=[A-Z] )/\S{0,400} HTTP/[\d.]+\"?")),
    (":\\", expression(r"\b[A-Z]:\\[^\s,;\"']*")),
    (" user ", _USER),
    (" from ", expression(r"(?<= for )[\w.@+-]+(?= from \d)")),
    ("|", expression(r"(?<![^\s:=])[^\s|:=]*(?:\|[^\s|]*){2,}\d")),
    (" : TTY=", expression(r"^[\w.-]+(?= : TTY=)")),  # who ran sudo
    *((f".{kind}", _UNIT) for kind in _KINDS),
    ("ffff", expression(r"\b[a-f]{4,16}\b")),
    (" <", expression(r"(?<=\s)<\d[\d.]*(?: ?(?:[mun\u00b5]?s|secs?|min)\b)?(?![\w>.])")),
    (
        "/",  # a path of one part, and one that begins with a name and ends in a file
        expression(
            r"(?<=[\s:(])/\w[\w.-]*(?:/\*)?(?=[\s,;:)]|$)"
            r"|(?<![\w/.\\-])[\w-][\w.-]*+/(?:[\w.-]+/)*[\w.-]*\w\.[a-z]\w{0,4}(?![\w/.])"
        ),
    ),
    ("/.", expression(r"\b[A-Za-z]\w*(?:\.\w+)+/[\w./$-]+")),
    ("rue", _BOOLEAN),
    ("alse", _BOOLEAN),
    ("null", _NOTHING),
    ("None", _NOTHING),
    (
        ":",
        expression(r"[A-Z][a-z]{2} (?:[A-Z][a-z]{2} )? ?\d{1,2} \d\d:\d\d(?::\d\d)?(?:\.\d+)?(?: \d{4}\b)?"),
    ),
)
# A line of a key, a certificate or a file in base64: whole, since what stands between its digits is secret.
_ENCODED = expression(r"(?<![\w+/=-])(?:[A-Za-z0-9+/_-]{40,}={0,2}|[A-Za-z0-9+/_-]{12,}={1,2})(?![\w+/=-])")
_DIGIT_OR_PLUS = expression(r"[\d+]")
_REPEATED_SIZE = expression(r"(?<=bytes) \([\d.,]{1,9} ?[KMGTP]i?B(?:, [\d.,]{1,9} ?[KMGTP]i?B)?\)")
_HEX_PAIRS = expression(r"\b(?:[0-9a-fA-F]{1,4}:){5,7}[0-9a-fA-F]{1,4}\b")  # of a network card, of IPv6
_RUNS = expression(r"<\*>(?:[\s,:x/.-]{0,2}<\*>)+")
_REPEATED = expression(r"(?<!\S)((?:\S+ ){0,2}?\S*<\*>\S*(?: \S+)??)(?: \1){2,}(?!\S)")  # a list
_DIGIT_OR_HINT = expression(rf"[\d\"'/=:]|\.(?:{'|'.join(_KINDS)})\b")

_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_ID_SEGMENT = expression(
    rf"(?:{_UUID}|\d+|[\w.-]*\d{{3}}[\w.-]*|(?=[a-f-]*\d)[0-9a-f-]{{8,}}|(?=\D*\d)[\w.~=-]{{16,}}"
    rf"|[\w-]{{32,}}|.*[@%:,].*)",
    re.IGNORECASE,
)
_PATHS: dict[str, str] = {}
_TEMPLATES: dict[str, str] = {}


def mask(message: str) -> str:
    """Return the template of `message`.

    >>> mask("payment 4711 of 'alice' failed after 12.3ms for 10.0.0.7:5432")
    'payment <*> of <*> failed after <*> for <*>'
    """
    message = text = _with_zeros(message[:_LONGEST])
    known = _TEMPLATES.get(message)
    if known is not None:
        return known
    if _DIGIT_OR_HINT.search(text) or "user " in text or "true" in text or "false" in text:
        text = _ENCODED.sub(_encoded, text)
        for hint, varying in _RARE:
            if hint in text:
                text = varying.sub(MARK, text)
        if "bytes (" in text:
            text = _REPEATED_SIZE.sub("", text)
        if text.count(":") > 4:
            text = _HEX_PAIRS.sub(MARK, text)
        keeping = (
            ":" in text or "..." in text or any(map(text.__contains__, _PROTOCOLS))
        ) and _KEEPING.search(text)
        varying = _VARYING_BEHIND_WORD if keeping else _VARYING
        text = joined(varying.sub(MARK, text))
    text = _tidied(text)
    if len(_TEMPLATES) >= _CACHE_SIZE:
        _TEMPLATES.clear()
    _TEMPLATES[message] = text
    return text


def _encoded(word: re.Match[str]) -> str:
    """Return a mark for a word in base64, and any other word as it is.

    >>> mask("sent QapNsiYuZjQgSBbHvhlegeubdANQQSn/0abcdeFGHIJ12 twice")
    'sent <*> twice'
    """
    return MARK if is_encoded(word[0]) else word[0]


def is_encoded(word: str) -> bool:
    """Return whether a word is a line in base64: of a key, as likely as not.

    >>> is_encoded("QapNsiYuZjQgSBbHvhlegeubdANQQSn/0abcdeFGHIJ12"), is_encoded("QapNsiYuZjQg9w==")
    (True, True)
    >>> is_encoded("com/example/checkout/OrderServiceImplementationFactory")
    False
    """
    is_mixed = not word.islower() and not word.isupper()
    return bool(is_mixed and _DIGIT_OR_PLUS.search(word) and _ENCODED.fullmatch(word))


def _with_zeros(message: str) -> str:
    """Return the message with every digit as 0, which gives the same template: so most are known ones.

    >>> _with_zeros("took 12.3ms of 450"), _with_zeros("5 by IPv4")
    ('took 00.0ms of 000', '5 by IPv4')
    """
    zeros = message.translate(_ZEROS)
    return message if any(map(zeros.__contains__, _PROTOCOLS_AS_ZEROS)) else zeros


def _tidied(text: str) -> str:
    """Return the masked text with single spaces, lists as their first element, and not too long.

    >>> _tidied("[  <*>] nodes  <*> <ok> <*> <ok> <*> <ok> differ")
    '[<*>] nodes <*> <ok> differ'
    """
    words = text.split(None, _LONGEST_LIST)[:_LONGEST_LIST]
    text = " ".join(words).replace("[ <*>", "[<*>")
    if len(words) - len(set(words)) > 1 and text.count(MARK) > 2:
        text = _REPEATED.sub(r"\1", text)
    if len(words) > _WORDS or len(text) > _WIDEST:
        text = " ".join(text.split(" ", _WORDS)[:_WORDS])[:_WIDEST]
    return text


def joined(text: str) -> str:
    """Return the text with each run of marks as a single mark.

    >>> joined("try <*> <*>, <*> again")
    'try <*> again'
    """
    return _RUNS.sub(MARK, text)


def mask_path(path: str) -> str:
    """Return the path of a request without query, with ids masked.

    >>> mask_path("/api/v1/orders/4711?b=c"), mask_path("https://shop.example/u/3f2504e04f8911d39a")
    ('/api/v1/orders/{id}', '/u/{id}')
    """
    path = plain = path.split("?", 1)[0].split("#", 1)[0][:300]
    known = _PATHS.get(path)
    if known is not None:
        return known
    if "://" in plain[:12]:
        plain = "/" + plain.split("://", 1)[1].partition("/")[2]
    segments = plain.split("/")
    masked = "/".join("{id}" if _ID_SEGMENT.fullmatch(part) else part for part in segments)
    if len(_PATHS) >= _CACHE_SIZE:
        _PATHS.clear()
    _PATHS[path] = masked
    return masked
